"""Going back, branches, saves, anchoring, the policy: keys that move along time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import playable
import pygame
import pytest
from playable import button, key
from windows import (
    Launch,
    arrive,
    begun,
    hold_back,
    let_go,
    number,
    play,
    press,
    settle,
    tap,
    world,
)

from worldsim import actions
from worldsim.viewer import ink
from worldsim.viewer.app import App
from worldsim.viewer.draw import paint
from worldsim.viewer.tiles import tiled


def test_backspace_goes_back_a_frame_a_tick_and_play_goes_on_from_there(app: App) -> None:
    play(app, 9, "W")
    frames = {number(app): world(app).frame}
    for _ in range(3):
        press(app)
        frames[number(app)] = world(app).frame
    assert number(app) == 13
    shown = hold_back(app, 4)
    assert (number(app), shown.title) == (9, "seed 0  ·  frame 9")
    assert "REWIND" in shown.badges[0][0]
    assert shown.left is not None
    let_go(app)
    for step in (10, 11):
        press(app)
        assert (world(app).frame == frames.get(step, world(app).frame)).all()
        assert number(app) == step == len(world(app).past)
    assert app.show().left is None


def test_going_back_stops_at_the_first_frame_remembered(launch: Launch) -> None:
    app = begun(launch, rewind=5 / 10_000)
    play(app, 12)
    assert len(app.travel.timeline.tape) == 6
    hold_back(app, 20)
    assert number(app) == 13 - 5
    let_go(app)
    press(app)
    assert number(app) == 13 - 5 + 1


def test_going_back_gets_faster(app: App) -> None:
    app.travel._held = 0
    app.handle(key("BACKSPACE"))
    app.travel._held = 60
    play_ticks = app.travel.timeline
    for _ in range(10):
        play_ticks.note(app.session)
    before = len(play_ticks.tape)
    app.travel.back()
    assert before - len(play_ticks.tape) == 2


def test_going_back_works_while_paused_and_stays_paused(app: App) -> None:
    play(app, 5)
    tap(app, "P")
    at = number(app)
    hold_back(app, 2)
    let_go(app)
    press(app)
    assert (number(app), app.play.paused) == (at - 2, True)


def test_losing_the_keyboard_ends_going_back(app: App) -> None:
    play(app, 5)
    hold_back(app, 2)
    press(app, pygame.event.Event(pygame.WINDOWFOCUSLOST))
    arrive(app)
    assert not app.travel.rewinding


def test_going_back_reaches_beyond_a_new_start(app: App) -> None:
    play(app, 4)
    at = number(app)
    settle(app, "R")
    assert (world(app).seed, number(app)) == (1, 0)
    hold_back(app, 1)
    let_go(app)
    assert (world(app).seed, number(app)) == (0, at)


def test_a_recording_ends_where_going_back_begins(app: App, tmp_path: Path) -> None:
    tap(app, "F6")
    play(app, 3)
    hold_back(app, 1)
    assert app.captures.recording is None
    assert len(list(tmp_path.glob("*.mp4"))) == 1


def test_a_world_without_states_says_that_it_cannot_go_back(launch: Launch) -> None:
    app = begun(launch, "Rendered-v0")
    play(app, 2)
    for name in ("BACKSPACE", "F", "F5"):
        assert "Rendered-v0 cannot" in tap(app, name).toasts[-1]
    assert not app.travel.rewinding


def test_branches_are_kept_and_g_goes_round(app: App) -> None:
    play(app, 5, "W")
    at = number(app)
    shown = settle(app, "F")
    assert "BRANCH 2 / 2" in [text for text, _ in shown.badges]
    play(app, 3, "D")
    second = number(app), world(app).past[-1]
    shown = settle(app, "G")
    assert (number(app), "BRANCH 1 / 2") == (at, shown.badges[0][0])
    play(app, 7, "A")
    first = number(app)
    settle(app, "G")
    assert number(app) == second[0]
    assert (world(app).past[-1] == second[1]).all()
    settle(app, "G")
    assert number(app) == first
    assert world(app).past[-1][actions.INDEX["left"]] == 1


def test_a_branch_can_go_back_beyond_the_fork_and_the_other_stays(app: App) -> None:
    play(app, 6)
    at = number(app)
    settle(app, "F")
    hold_back(app, 5)
    let_go(app)
    play(app, 2, "S")
    settle(app, "G")
    assert number(app) == at
    assert world(app).past[-1][actions.INDEX["back"]] == 0


def test_branches_are_bounded_and_one_alone_has_no_other(app: App) -> None:
    assert "one branch only" in tap(app, "G").toasts[-1]
    for _ in range(4):
        shown = tap(app, "F")
    assert "4 branches are the most" in shown.toasts[-1]


def test_side_by_side_measures_the_difference(launch: Launch) -> None:
    app = begun(launch, "Dreamlike-v0")
    settle(app, "TAB")
    play(app, 3)
    shown = press(app)
    assert shown.beside is not None
    assert shown.beside.heat is not None
    twin = app.session.twin
    assert twin is not None
    gap = np.abs(world(app).frame.astype(float) - twin.frame).mean() / 255
    assert shown.beside.apart[-1] == pytest.approx(gap, rel=1e-4)
    assert len(shown.beside.apart) == 5  # the first when both came on screen


def test_measurements_leave_both_worlds_free_side_by_side(launch: Launch) -> None:
    app = begun(launch, "Dreamlike-v0")
    settle(app, "TAB")
    view = press(app)
    pictures = []
    for shown in (view, replace(view, overlay=tap(app, "F3").overlay)):
        window = pygame.Surface((1280, 720))
        paint(window, shown, 0.0)
        pictures.append(pygame.surfarray.array3d(window))
    assert view.frame is not None
    columns, rows = np.nonzero((pictures[0] != pictures[1]).any(-1))
    top = ink.strip_height(720)
    area, size = pygame.Rect(0, top, 1280, 720 - top), ink.text_size(720)
    places = tiled((view.frame.shape[0], view.frame.shape[1]), area, size)
    assert len(rows)
    changed = pygame.Rect(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert changed.collidelist(places[:2]) == -1


def test_t_lets_the_dream_go_on_from_the_exact_worlds_pictures(launch: Launch) -> None:
    app = begun(launch, "Dreamlike-v0")
    play(app, 3, "W")
    steps = len(world(app).past)
    shown = settle(app, "T")
    env: Any = world(app).env.unwrapped
    assert "exact world's picture" in shown.toasts[-1]
    assert env.given[-1][0, 0].tolist() == [steps + 2, 100, 1]  # two led to the origin
    assert len(env.given) == len(env.led) + 1
    assert env.led[-1].tolist() == world(app).past[-1].tolist()
    assert (world(app).frame == env.given[-1]).all()
    assert len(world(app).past) == steps
    settle(app, "TAB")
    assert app.session.twin is not None  # which is still in step


def test_t_without_a_twin_takes_the_last_clean_pictures(launch: Launch) -> None:
    app = begun(launch, "Dreamlike-v0", exact=None, env_options={"melts": True})
    play(app, 7)
    shown = settle(app, "T")
    env: Any = world(app).env.unwrapped
    assert "last clean picture, frame 0" in shown.toasts[-1]
    assert env.given[-1][0, 0].tolist() == [0, 0, 0]
    assert world(app).past == []
    assert not world(app).repeatable


def test_t_in_an_exact_world_says_that_it_is_no_dream(app: App) -> None:
    assert "only a dream" in tap(app, "T").toasts[-1]


def test_m_hands_over_to_a_policy_and_back(launch: Launch) -> None:
    app = begun(launch, policy="random")
    shown = tap(app, "M")
    assert "RANDOM" in [text for text, _ in shown.badges]
    press(app, key("W"), button(3))
    taken = [action["forward"] for action in world(app).env.unwrapped.taken[-1:]]  # type: ignore[attr-defined]
    for _ in range(12):
        press(app)
        taken.append(world(app).env.unwrapped.taken[-1]["forward"])  # type: ignore[attr-defined]
    assert {0, 1} <= set(taken)  # W is held all the time
    tap(app, "M")
    press(app)
    assert world(app).env.unwrapped.taken[-1]["forward"] == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [("nobody", "no policy is called"), ("test_viewer_travel:Broken", "ValueError: no idea")],
)
def test_a_policy_that_fails_gives_the_controller_back(
    launch: Launch, policy: str, complaint: str
) -> None:
    app = begun(launch, policy=policy)
    tap(app, "M")
    assert any(complaint in toast for toast in press(app).toasts)
    assert app.play.pilot is None
    steps = len(world(app).past)
    press(app)
    assert len(world(app).past) == steps + 1


class Broken:
    """A policy that cannot play."""

    def reset(self, *_: Any) -> None:
        pass

    def act(self, *_: Any) -> Any:
        raise ValueError("no idea")


def test_the_stand_in_shows_its_step() -> None:
    env = playable.Dreamlike()
    frame, _ = env.reset(seed=5)
    assert frame[0, 0].tolist() == [0, 5, 0]
