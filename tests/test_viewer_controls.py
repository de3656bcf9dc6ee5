"""Events -> input -> actions, without a window; and the clock."""

from typing import Any

import gymnasium as gym
import numpy as np
import pygame
import pytest
from playable import Rendered, button, key, motion, wheel

from worldsim import actions
from worldsim.errors import UserError
from worldsim.viewer.bindings import Bindings
from worldsim.viewer.clock import Clock
from worldsim.viewer.controls import PlayerControls, controls, idle
from worldsim.viewer.keys import CARRY_LIMIT, Input, InputState

KEYS = {
    **{"W": "forward", "S": "back", "A": "left", "D": "right", "SPACE": "jump", "Q": "drop"},
    **{"LSHIFT": "sneak", "RSHIFT": "sneak", "LCTRL": "sprint", "RCTRL": "sprint"},
    **{str(slot): f"hotbar.{slot}" for slot in range(1, 10)},
}


@pytest.fixture(autouse=True)
def _display(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    yield
    pygame.display.quit()


def act(state: InputState, *events: Any, info: Any = None) -> dict[str, Any]:
    """What one tick does, as the controls that are not at rest."""
    for event in events:
        state.feed(event)
    action = PlayerControls().action(state.take(), info or {})
    assert action in actions.space()
    vector = actions.to_vector(action)
    return {actions.NAMES[i]: float(vector[i]) for i in np.flatnonzero(vector)}


@pytest.mark.parametrize(("name", "control"), KEYS.items())
def test_each_key_is_one_control_while_it_is_held(name: str, control: str) -> None:
    state = InputState()
    assert act(state, key(name)) == {control: 1}
    assert act(state) == {control: 1}
    assert act(state, key(name, down=False)) == {}


def test_keys_go_by_place_not_by_letter() -> None:
    assert act(InputState(), key("W", letter=pygame.K_z)) == {"forward": 1}  # as on AZERTY
    assert act(InputState(), key("2", letter=ord("é"))) == {"hotbar.2": 1}
    assert act(InputState(), key("Z", letter=pygame.K_w)) == {}


def test_a_tap_between_two_ticks_counts_once() -> None:
    state = InputState(captured=True)
    tap = key("SPACE"), key("SPACE", down=False), button(1), button(1, down=False)
    assert act(state, *tap) == {"jump": 1, "attack": 1}
    assert act(state) == {}


def test_mouse_counts_only_when_captured() -> None:
    free, taken = InputState(), InputState(captured=True)
    events = button(1), button(3), motion(10, 0)
    assert act(free, *events) == {}
    assert act(taken, *events) == {"attack": 1, "use": 1, "camera.yaw": pytest.approx(1.5)}
    assert act(taken, button(1, down=False)) == {"use": 1}


@pytest.mark.parametrize(("invert", "sign"), [(False, 1), (True, -1)])
def test_camera_turns_with_the_mouse(invert: bool, sign: int) -> None:
    state = InputState(sensitivity=0.5, invert_y=invert, captured=True)
    assert act(state, motion(-4, 6), motion(-2, 0)) == {"camera.pitch": 3 * sign, "camera.yaw": -3}


def test_a_flick_beyond_the_limit_goes_on_in_the_next_ticks() -> None:
    state = InputState(sensitivity=1, captured=True)
    turns = [act(state, motion(-50, 0)), act(state), act(state), act(state)]
    assert turns == [{"camera.yaw": -20}, {"camera.yaw": -20}, {"camera.yaw": -10}, {}]


def test_the_carry_is_bounded_and_a_turn_back_cancels_it() -> None:
    state = InputState(sensitivity=1, captured=True)
    act(state, motion(10_000, 0))
    ticks = sum(act(state).get("camera.yaw", 0) for _ in range(20))
    assert ticks == CARRY_LIMIT
    act(state, motion(60, 0))
    assert act(state, motion(-40, 0)) == {}


def test_wheel_steps_move_the_slot_and_none_is_lost() -> None:
    state, player = InputState(), PlayerControls()

    def slot(selected: int | None, *events: Any) -> list[str]:
        for event in events:
            state.feed(event)
        info = {} if selected is None else {"selected": selected}
        action = player.action(state.take(), info)
        return [name for name in actions.HOTBAR if action[name]]

    assert slot(4, wheel(-1)) == ["hotbar.6"]
    assert slot(4, wheel(1)) == ["hotbar.4"]
    assert slot(8, wheel(-1), wheel(-1)) == ["hotbar.2"]
    assert slot(0, wheel(1)) == ["hotbar.9"]
    assert slot(3) == []
    assert slot(None, key("7"), key("7", down=False)) == ["hotbar.7"]  # a world that tells no slot
    assert slot(None, wheel(-1)) == ["hotbar.8"]


def test_the_newest_of_two_digits_wins() -> None:
    assert act(InputState(), key("3"), key("8")) == {"hotbar.8": 1}


def test_arrow_keys_look_around_within_the_limit() -> None:
    state = InputState(sensitivity=1, captured=True)
    assert act(state, key("RIGHT"), key("UP")) == {"camera.yaw": 5, "camera.pitch": -5}
    assert act(state, motion(18, 0)) == {"camera.yaw": 20, "camera.pitch": -5}


def test_releasing_lets_go_of_everything() -> None:
    state = InputState(captured=True)
    for event in (key("W"), button(1), wheel(2), motion(900, 0)):
        state.feed(event)
    state.release()
    assert state.take() == Input()


def test_commands_have_keys_of_their_own() -> None:
    command = Bindings().commands.get
    found = {command(int(getattr(pygame, f"KSCAN_{n}"))) for n in ("F1", "F2", "F3", "F6", "TAB")}
    assert found == {"help", "screenshot", "overlay", "record", "switch"}
    assert command(pygame.KSCAN_W) is None
    assert not any(PlayerControls().claims(int(getattr(pygame, f"KSCAN_{n}")), 0) for n in "RPN")


def drive(space: gym.Space[Any], *keys: str, table: Any = None) -> Any:
    """The action of an environment with that space while the keys are held."""
    state = InputState()
    for name in keys:
        state.feed(key(name))
    action = controls(Rendered(space, table), "Some-v0").action(state.take(), {})
    assert action in space
    return action


def test_key_tables_of_environments_are_used() -> None:
    table = {"w": 1, (ord("a"), ord("w")): 2, pygame.K_LEFT: 3, "sd": 4}
    space = gym.spaces.Discrete(5)
    held = ((), ("W",), ("W", "A"), ("W", "D"), ("LEFT",), ("S", "D"), ("S",))
    assert [drive(space, *keys, table=table) for keys in held] == [0, 1, 2, 1, 3, 4, 0]


def test_discrete_spaces_have_index_keys_and_arrows() -> None:
    assert [drive(gym.spaces.Discrete(2), k) for k in ("LEFT", "RIGHT", "1")] == [0, 1, 1]
    three = gym.spaces.Discrete(3, start=-1)
    assert [drive(three, *k) for k in (("LEFT",), (), ("RIGHT",))] == [-1, 0, 1]
    many = gym.spaces.Discrete(12)
    assert [drive(many, k) for k in ("9", "A", "B", "UP", "LEFT")] == [9, 10, 11, 3, 1]
    claims = controls(Rendered(gym.spaces.Discrete(30)), "Some-v0").claims
    assert claims(0, pygame.K_p)
    assert not claims(0, pygame.K_z)


def test_boxes_and_multidiscrete_have_a_key_pair_a_number() -> None:
    box = gym.spaces.Box(np.float32([-2, 0]), np.float32([2, np.inf]))
    assert drive(box).tolist() == [0, 0]
    assert drive(box, "LEFT", "UP").tolist() == [-2, 1]
    assert drive(box, "LEFT", "RIGHT").tolist() == [0, 0]
    multi = gym.spaces.MultiDiscrete([2, 5])
    assert drive(multi, "RIGHT", "DOWN").tolist() == [1, 1]
    assert drive(multi, "UP").tolist() == [0, 2]


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Discrete(37),
        gym.spaces.Box(-1, 1, (5,)),
        gym.spaces.Dict({"x": gym.spaces.Discrete(2)}),
        gym.spaces.MultiBinary(3),
    ],
)
def test_spaces_that_keys_cannot_drive_are_refused(space: gym.Space[Any]) -> None:
    with pytest.raises(UserError, match=r"Some-v0 .* keys cannot drive.*policy=random"):
        controls(Rendered(space), "Some-v0")


def test_rest_is_nearest_to_zero() -> None:
    assert idle(gym.spaces.Box(1, 2, (2,))).tolist() == [1, 1]
    assert idle(actions.space()) in actions.space()


def test_help_names_every_key() -> None:
    rows = controls(Rendered(gym.spaces.Discrete(2), {"w": 1}), "Some-v0").help()
    assert rows == [("nothing", "0"), ("w", "1")]
    assert len(controls(Rendered(gym.spaces.Box(-1, 1, (3,))), "Some-v0").help()) == 3


class Time:
    """A clock that only sleeping and `spend` move."""

    def __init__(self) -> None:
        self.time, self.slept = 100.0, 0.0

    def now(self) -> float:
        return self.time

    def spend(self, seconds: float) -> None:
        self.time += seconds

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.spend(seconds)


def test_ticks_keep_the_pace_and_small_delays_are_made_up_for() -> None:
    time = Time()
    clock = Clock(20, time.now, time.sleep)
    clock.wait()
    for work in (0.01, 0.07, 0.01, 0.01):
        time.spend(work)
        clock.step()
        clock.wait()
    assert time.time == pytest.approx(100.2)
    assert clock.rate == pytest.approx(3 / 0.15, rel=0.5)


def test_lost_time_stays_lost() -> None:
    time = Time()
    clock = Clock(20, time.now, time.sleep)
    clock.wait()
    time.spend(3)
    clock.wait()
    for _ in range(10):
        clock.wait()
    assert time.time - 103 >= 9 * 0.05 - 1e-9


def test_the_rate_forgets_pauses() -> None:
    time = Time()
    clock = Clock(20, time.now, time.sleep)
    for _ in range(5):
        clock.step()
        time.spend(0.1)
    assert clock.rate == pytest.approx(10)
    clock.pause()
    assert clock.rate == 0
