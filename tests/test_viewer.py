"""The window, driven by events on SDL's dummy display."""

import playable
import pygame
import pytest
from playable import button, key, motion
from windows import Launch, arrive, last, press, tap, world

from worldsim.errors import UserError
from worldsim.progress import FIRST_START
from worldsim.viewer import ink
from worldsim.viewer.app import App


def test_the_window_says_loading_before_the_world_is_there(launch: Launch) -> None:
    playable.OPEN.clear()
    try:
        app = launch()
        shown = press(app)
        assert shown.frame is None
        assert shown.card is not None
        assert "loading" in shown.card.title
        assert shown.card.text == "F1 help"
        app.session._job.begun -= 60
        assert press(app).card.text == FIRST_START
        assert tap(app, "F1").help
    finally:
        playable.OPEN.set()
    arrive(app)
    assert world(app).seed == 0


def test_the_world_waits_for_the_click_and_the_click_is_no_attack(launch: Launch) -> None:
    app = launch()
    arrive(app)
    shown = press(app, motion(50, 0))
    assert (shown.card.title, shown.card.text) == ("click to play", "F1 help")
    assert world(app).past == []
    shown = press(app, button(1))
    assert shown.card is None
    assert app.keys.captured
    assert last(app)["attack"] == 0
    press(app, button(1))
    assert last(app)["attack"] == 1


def test_a_key_of_the_game_begins_too(launch: Launch) -> None:
    app = launch()
    arrive(app)
    assert tap(app, "W").status == "click to look around"
    assert last(app)["forward"] == 1


def test_frame_shown_is_the_worlds_enlarged_without_blur(app: App) -> None:
    press(app)
    window = pygame.surfarray.array3d(app.window).transpose(1, 0, 2)
    top = ink.strip_height(len(window))
    picture = window[top:]
    scale = len(picture) // playable.SIZE
    assert picture.shape == (scale * playable.SIZE, scale * playable.SIZE, 3)
    assert (picture[scale // 2 :: scale, scale // 2 :: scale] == world(app).frame).all()
    assert (picture == world(app).frame.repeat(scale, 0).repeat(scale, 1)).all()


@pytest.mark.parametrize(("area", "expected"), [((400, 100), (100, 100)), ((50, 90), (50, 50))])
def test_the_picture_keeps_its_aspect_in_the_middle(
    area: tuple[int, int], expected: tuple[int, int]
) -> None:
    place = ink.fit((16, 16), pygame.Rect(10, 20, *area))
    assert place.size == expected
    assert place.center == pygame.Rect(10, 20, *area).center


@pytest.mark.parametrize("size", [(900, 300), (320, 700), (90, 60)])
def test_every_window_size_can_be_drawn(launch: Launch, size: tuple[int, int]) -> None:
    app = launch(width=size[0], height=size[1])
    arrive(app)
    for name in ("F3", "F1"):
        tap(app, name)
    assert app.window.get_size() == size
    assert tuple(app.window.get_at((2, size[1] - 2)))[:3] != (0, 0, 0)


def test_keys_reach_the_world_and_camera_reaches_it_in_degrees(app: App) -> None:
    press(app, key("W"), key("D"), motion(20, -10))
    assert (last(app)["forward"], last(app)["right"]) == (1, 1)
    assert last(app)["camera"].tolist() == pytest.approx([-1.5, 3])
    press(app, key("W", down=False))
    assert (last(app)["forward"], last(app)["right"]) == (0, 1)


def test_losing_the_keyboard_lets_go_of_keys_and_mouse(app: App) -> None:
    press(app, key("W"))
    press(app, pygame.event.Event(pygame.WINDOWFOCUSLOST))
    assert last(app)["forward"] == 0
    assert not app.keys.captured


def test_escape_leaves_help_then_frees_the_mouse_then_quits(app: App) -> None:
    tap(app, "F1")
    assert not tap(app, "ESCAPE").help
    tap(app, "ESCAPE")
    assert (app.keys.captured, app.running) == (False, True)
    tap(app, "ESCAPE")
    assert not app.running


def test_closing_the_window_quits(app: App) -> None:
    press(app, pygame.event.Event(pygame.QUIT))
    assert not app.running


def test_tab_leads_to_both_worlds_to_the_other_and_back(app: App) -> None:
    press(app)
    first, steps = world(app), len(world(app).past)
    tap(app, "TAB")
    arrive(app)
    shown, twin = app.show(), app.session.twin
    assert (world(app), shown.label) == (first, "PLAYABLE")
    assert twin is not None
    assert twin.frame[0, 0].tolist() == [len(first.past), first.seed, 1]
    press(app, key("W"), key("W", down=False))
    assert twin.past[-1].tolist() == first.past[-1].tolist()
    assert len(twin.past) == len(first.past) > steps
    assert tap(app, "TAB").label == "EXACT"
    steps = len(first.past)
    press(app)
    assert (world(app), len(first.past)) == (twin, steps)
    there = len(twin.past)
    assert tap(app, "TAB").label == "PLAYABLE"
    press(app)
    assert (world(app), len(twin.past), len(first.past)) == (first, there, steps + 2)


def test_tab_without_another_world_says_so(launch: Launch) -> None:
    app = launch(exact=None)
    arrive(app)
    assert "no other world" in tap(app, "TAB").toasts[-1]


def test_another_world_that_fails_to_open_is_a_notice(launch: Launch) -> None:
    app = launch(exact="Playable/Othr-v0")
    arrive(app)
    tap(app, "TAB")
    arrive(app)
    assert "Othr-v0" in app.show().toasts[-1]
    assert world(app).name == "Playable-v0"


def test_a_first_world_that_fails_to_open_ends_the_program(launch: Launch) -> None:
    app = launch(env="Playble-v0")
    with pytest.raises(UserError, match="did you mean Playable-v0"):
        arrive(app)


def test_r_takes_the_next_seed_and_start_context(launch: Launch) -> None:
    app = launch(seed=7, start_index=2)
    arrive(app)
    tap(app, "R")
    arrive(app)
    starts = world(app).env.unwrapped.starts  # type: ignore[attr-defined]
    assert starts == [(7, {"start_index": 2}), (8, {"start_index": 3})]
    assert app.show().title == "seed 8  ·  frame 0"


def test_pause_stops_time_and_n_takes_single_frames(app: App) -> None:
    shown = tap(app, "P")
    steps = len(world(app).past)
    assert [text for text, _ in shown.badges] == ["PAUSED"]
    press(app, key("W"), key("W", down=False))
    assert len(world(app).past) == steps
    tap(app, "N")
    assert (len(world(app).past), last(app)["forward"]) == (steps + 1, 1)
    press(app, key("N"), key("N", down=False), key("N"), key("N", down=False))
    press(app)
    press(app)
    assert len(world(app).past) == steps + 3
    press(app, motion(90, 0))
    tap(app, "P")
    assert last(app)["camera"].tolist() == [0, 0]
    assert len(world(app).past) == steps + 4


def test_help_covers_the_picture_and_the_world_waits(app: App) -> None:
    steps = len(world(app).past)
    shown = tap(app, "F1")
    words = {word for _, rows in shown.help for row in rows for word in row}
    assert {"W A S D", "Tab", "R", "P", "N", "F1", "F2", "F3", "F6", "Esc"} <= words
    press(app, key("W"))
    assert len(world(app).past) == steps
    assert not tap(app, "F1").help
    assert len(world(app).past) == steps + 1


def test_overlay_measures(app: App) -> None:
    press(app)
    rows = dict(tap(app, "F3").overlay)
    assert rows["frame"] == "3"
    assert rows["device"] == "abacus"
    assert rows["position"] == "0.0  1.0  2.0"
    assert rows["yaw, pitch"] == "-170°  5°"
    assert "ms" in rows["step"]
    assert "of 10000" in rows["frames/s"]
    assert tap(app, "F3").overlay == ()


def test_an_episode_that_ends_leads_to_a_new_start(launch: Launch) -> None:
    app = launch(env_options={"end": 3})
    arrive(app)
    press(app, key("W"))
    while not world(app).ended:
        press(app)
    shown = press(app)
    assert len(world(app).past) == 3
    assert "ended" in shown.toasts[-1]
    assert app.play.restart_at is not None
    app.play.restart_at = app.clock.now()
    press(app)
    arrive(app)
    assert (world(app).seed, world(app).ended) == (1, False)


def test_rendered_worlds_play_without_the_mouse(launch: Launch) -> None:
    app = launch(env="Rendered-v0")
    arrive(app)
    shown = press(app, button(1), key("RIGHT"))
    assert last(app) == 2
    assert not app.keys.captured
    assert shown.frame is not None
    assert shown.frame.shape == (6, 9, 3)
    width, height = app.window.get_size()  # fits the frame, in whole pixels
    assert width % 9 == 0
    assert width * 6 == (height - ink.strip_height(height)) * 9


def test_a_number_of_frames_ends_the_window(launch: Launch) -> None:
    app = launch(frames=4)
    while app.running:
        press(app)
    assert len(world(app).past) == 3


def test_closing_closes_the_worlds(app: App) -> None:
    env = world(app).env.unwrapped
    app.close()
    assert env.closed  # type: ignore[attr-defined]
