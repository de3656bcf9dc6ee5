"""Gamepads, by the events that pygame posts for them."""

from typing import Any

import pygame
import pytest
from playable import key
from windows import Launch, arrive, begun, last, number, press, tap, world

from worldsim.viewer import gamepad
from worldsim.viewer.app import App
from worldsim.viewer.gamepad import STANDARD, XBOX, layout_of

BUTTON = {name: number for number, name in XBOX.buttons.items()}


def axis(number: int, value: float) -> pygame.event.Event:
    return pygame.event.Event(pygame.JOYAXISMOTION, axis=number, value=value, instance_id=0)


def pad(name: str, down: bool = True) -> pygame.event.Event:
    kind = pygame.JOYBUTTONDOWN if down else pygame.JOYBUTTONUP
    return pygame.event.Event(kind, button=BUTTON[name], instance_id=0)


def hat(right: int, up: int) -> pygame.event.Event:
    return pygame.event.Event(pygame.JOYHATMOTION, hat=0, value=(right, up), instance_id=0)


def test_the_left_stick_walks_and_a_stick_at_rest_does_not(app: App) -> None:
    press(app, axis(0, 0.9), axis(1, -1.0))
    action = last(app)
    assert (action["forward"], action["right"], action["back"], action["left"]) == (1, 1, 0, 0)
    press(app, axis(0, 0.1), axis(1, 0.1))
    assert (last(app)["forward"], last(app)["right"], last(app)["back"]) == (0, 0, 0)


def test_the_right_stick_looks_finely_near_its_middle(app: App) -> None:
    press(app, axis(3, 1.0), axis(4, -1.0))
    assert last(app)["camera"].tolist() == pytest.approx([-gamepad.SPEED, gamepad.SPEED])
    press(app, axis(3, 0.6), axis(4, 0.15))
    pitch, yaw = last(app)["camera"].tolist()
    assert pitch == 0
    assert yaw == pytest.approx(gamepad.SPEED / 4)


def test_triggers_and_buttons_are_held(app: App) -> None:
    press(app, axis(5, 1.0), pad("A"), pad("L"))
    press(app)
    action = last(app)
    assert (action["attack"], action["jump"], action["sprint"], action["use"]) == (1, 1, 1, 0)
    press(app, axis(5, -1.0), axis(2, 0.5), pad("A", down=False))
    action = last(app)
    assert (action["attack"], action["use"], action["jump"], action["sprint"]) == (0, 1, 0, 1)


def test_a_button_tapped_between_two_ticks_counts_once(app: App) -> None:
    press(app, pad("X"), pad("X", down=False))
    assert last(app)["drop"] == 1
    press(app)
    assert last(app)["drop"] == 0


def test_shoulders_move_the_slot(launch: Launch) -> None:
    app = begun(launch, env_options={"slots": True})
    press(app, pad("RB"))
    assert last(app)["hotbar.6"] == 1
    press(app)
    assert not any(last(app)[f"hotbar.{slot}"] for slot in range(1, 10))
    press(app, pad("LB"))
    assert last(app)["hotbar.4"] == 1


def test_keys_and_pad_work_together_within_the_camera_limit(app: App) -> None:
    press(app, key("RIGHT"), key("W"), axis(3, 1.0), axis(0, -1.0))
    action = last(app)
    assert (action["forward"], action["left"]) == (1, 1)
    assert action["camera"][1] == pytest.approx(5 + gamepad.SPEED)


def test_the_cross_is_for_time(app: App) -> None:
    for _ in range(6):
        press(app)
    at = number(app)
    shown = press(app, hat(-1, 0))
    assert "REWIND" in shown.badges[0][0]
    press(app)
    app.handle(hat(0, 0))
    assert not app.travel.rewinding
    arrive(app)
    assert number(app) < at
    shown = press(app, hat(0, 1), hat(0, 0))
    assert "BRANCH 2 / 2" in [text for text, _ in shown.badges]
    app.handle(hat(1, 0))
    arrive(app)
    assert app.travel.timeline.current == 0


def test_start_pauses_and_back_shows_help(app: App) -> None:
    assert press(app, pad("start"), pad("start", down=False)).badges[0][0] == "PAUSED"
    assert press(app, pad("back"), pad("back", down=False)).help
    assert not press(app, pad("back")).help


def test_a_pad_begins_to_play_too(launch: Launch) -> None:
    app = launch()
    arrive(app)
    press(app, axis(0, 0.1))
    assert not app.play.started
    press(app, axis(1, -1.0))
    assert last(app)["forward"] == 1


class Pad:
    """A pad with a cross of four buttons."""

    def __init__(self, index: int) -> None:
        self.index = index

    def get_instance_id(self) -> int:
        return 7

    def get_numhats(self) -> int:
        return 0

    def get_numbuttons(self) -> int:
        return 16


def test_plugging_in_shows_in_the_help_and_pulling_out_lets_go(app: App, monkeypatch: Any) -> None:
    assert "Gamepad" not in [title for title, _ in tap(app, "F1").help]
    tap(app, "F1")
    monkeypatch.setattr("pygame.joystick.Joystick", Pad)
    press(app, pygame.event.Event(pygame.JOYDEVICEADDED, device_index=0))
    assert "Gamepad" in [title for title, _ in tap(app, "F1").help]
    tap(app, "F1")
    up = pygame.event.Event(pygame.JOYBUTTONDOWN, button=11, instance_id=7)
    assert press(app, up, axis(1, -1.0)).badges[0][0] == "BRANCH 2 / 2"
    assert last(app)["forward"] == 1
    press(app, pygame.event.Event(pygame.JOYDEVICEREMOVED, instance_id=7))
    assert last(app)["forward"] == 0
    assert not app.pad.present


def test_layouts_go_by_the_cross() -> None:
    assert layout_of(hats=1, buttons=11) is XBOX
    assert layout_of(hats=0, buttons=16) is STANDARD
    for layout in (XBOX, STANDARD):
        names = set(layout.buttons.values())
        assert {*gamepad.HELD, *gamepad.WHEEL, "start", "back", "Y", "R"} <= names


def test_worlds_with_other_controls_take_the_stick_as_arrows(launch: Launch) -> None:
    app = begun(launch, "Rendered-v0")
    press(app, axis(0, 1.0))
    assert last(app) == 2
    assert world(app).past
