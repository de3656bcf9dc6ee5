"""One tick's input -> an action of the environment, for every action space that keys can drive."""

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, Protocol, TypeAlias

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from worldsim import actions
from worldsim.data.environments import Env
from worldsim.errors import UserError
from worldsim.viewer.bindings import Bindings
from worldsim.viewer.keys import Input

Array: TypeAlias = NDArray[Any]
HelpRow: TypeAlias = tuple[str, str]
"""Keys, and what they do, as the help page shows them."""

LOOK = {
    "look_up": (-1.0, 0.0),
    "look_down": (1.0, 0.0),
    "look_left": (0.0, -1.0),
    "look_right": (0.0, 1.0),
}
"""Pitch and yaw that the arrow keys turn by."""
ARROWS = "Up Down Left Right"
TURN_SPEED = 5.0
"""Degrees a tick of the arrow keys."""

AXIS_KEYS = (("left", "right"), ("down", "up"), ("a", "d"), ("s", "w"))
INDEX_KEYS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Controls(Protocol):
    """How a person drives one action space."""

    looks: bool
    """The mouse turns a camera."""

    def claims(self, scancode: int, key: int) -> bool:
        """Whether the world uses this key, so that the window may not."""

    def action(self, pressed: Input, info: Mapping[str, Any]) -> Any:
        """The action of one tick; `info` is what came with the frame the person saw."""

    def help(self) -> list[HelpRow]:
        """The rows of the help page."""


class PlayerControls:
    """Mouse and keyboard of the Minecraft-style controller (worldsim.actions)."""

    looks = True

    def __init__(self, bindings: Bindings | None = None) -> None:
        self._bindings = bindings or Bindings()
        self._slot = 0

    def claims(self, scancode: int, key: int) -> bool:
        """Whether the key moves, turns or selects."""
        return scancode in self._bindings.controls

    def action(self, pressed: Input, info: Mapping[str, Any]) -> actions.Action:
        """Buttons by the place of the key; wheel steps as a press of the slot they lead to."""
        keys, buttons = self._bindings.controls, self._bindings.buttons
        names = [keys[place] for place in pressed.places if place in keys]
        names += [buttons[button] for button in pressed.buttons if button in buttons]
        names += pressed.controls
        action = actions.make(camera=_camera(pressed.turn, names))
        action.update(dict.fromkeys((n for n in names if n in actions.BUTTONS), 1))
        action.update(dict.fromkeys(actions.HOTBAR, 0))
        slots = [actions.HOTBAR.index(name) for name in names if name in actions.HOTBAR]
        self._slot = int(info.get("selected", self._slot))
        if slots or pressed.wheel:
            start = slots[-1] if slots else self._slot
            self._slot = (start - pressed.wheel) % len(actions.HOTBAR)
            action[actions.HOTBAR[self._slot]] = 1
        return action

    def help(self) -> list[HelpRow]:
        """Movement, camera, hands and hotbar."""
        shown = self._bindings.shown
        arrows = shown(*LOOK)
        return [
            (shown("forward", "left", "back", "right"), "walk"),
            (f"mouse, {'arrow keys' if arrows == ARROWS else arrows}", "look"),
            (shown("jump"), "jump"),
            (shown("sneak"), "sneak"),
            (shown("sprint"), "sprint"),
            (shown("attack"), "attack"),
            (shown("use"), "use"),
            (_slots(shown(*actions.HOTBAR)), "hotbar slot"),
            (shown("drop"), "drop"),
        ]


class KeyTable:
    """Sets of keys -> actions, as Gymnasium's `get_keys_to_action` gives them."""

    looks = False

    def __init__(self, table: Mapping[frozenset[int], Any], idle: Any) -> None:
        self.table = {frozenset(): idle, **table}

    def claims(self, scancode: int, key: int) -> bool:
        """Whether the key is part of any action."""
        return any(key in keys for keys in self.table)

    def action(self, pressed: Input, info: Mapping[str, Any]) -> Any:
        """The action whose keys are pressed; of several, the one with most keys."""
        return self.table[max((k for k in self.table if k <= pressed.letters), key=len)]

    def help(self) -> list[HelpRow]:
        """A row an action."""
        import pygame

        keys = {" + ".join(sorted(map(pygame.key.name, k))): a for k, a in self.table.items()}
        return [(name or "nothing", str(action)) for name, action in keys.items()]


class AxisKeys:
    """A pair of keys for each number of a small array: low, idle or high."""

    looks = False

    def __init__(self, low: Array, idle: Array, high: Array) -> None:
        self.low, self.idle, self.high = low, idle, high

    def claims(self, scancode: int, key: int) -> bool:
        """Whether the key moves an axis."""
        return any(key in map(_key_code, pair) for pair in AXIS_KEYS[: self.idle.size])

    def action(self, pressed: Input, info: Mapping[str, Any]) -> Any:
        """The array with each column low, idle or high; both keys of a pair rest it."""
        array = self.idle.copy()
        for column, pair in zip(range(array.size), AXIS_KEYS, strict=False):
            down, up = (_key_code(name) in pressed.letters for name in pair)
            if down != up:
                array.flat[column] = (self.high if up else self.low).flat[column]
        return array

    def help(self) -> list[HelpRow]:
        """A row a column."""
        rows = zip(AXIS_KEYS, self.low.flat, self.high.flat, strict=False)
        return [
            (f"{a} / {b}", f"column {i}: {low:g} / {high:g}")
            for i, ((a, b), low, high) in enumerate(rows)
        ]


def controls(env: Env, name: str, bindings: Bindings | None = None) -> Controls:
    """The controls of an environment: its own key table, or the ones that fit its action space.

    Raises:
        UserError: no keys can drive its action space.
    """
    space = env.action_space
    if space == actions.space():
        return PlayerControls(bindings)
    if env.has_wrapper_attr("get_keys_to_action"):
        table = env.get_wrapper_attr("get_keys_to_action")()
        return KeyTable({_keys(keys): action for keys, action in table.items()}, idle(space))
    found = _fitting(space)
    if found is None:
        raise UserError(
            f"{name} has action space {space}, which keys cannot drive; needed the worldsim "
            f"controller, get_keys_to_action(), Discrete up to {len(INDEX_KEYS)} or up to "
            f"{len(AXIS_KEYS)} numbers (try headless=true policy=random)"
        )
    return found


def idle(space: gym.Space[Any]) -> Any:
    """The action of nobody touching a key: rest, zeros, or the nearest to zeros there is.

    Raises:
        UserError: the space has no such action.
    """
    if space == actions.space():
        return actions.make()
    if isinstance(space, gym.spaces.Discrete):
        middle = 1 if space.n == 3 else 0  # three are -1, 0, 1 by custom
        return int(space.start) + middle
    if isinstance(space, gym.spaces.MultiDiscrete):
        return space.start.copy()
    if isinstance(space, gym.spaces.Box):
        return np.zeros(space.shape, space.dtype).clip(space.low, space.high)
    raise UserError(f"action space {space} has no action of rest (try policy=random)")


def _camera(turn: tuple[float, float], names: list[str]) -> NDArray[np.float32]:
    """Pitch and yaw of the mouse and of the keys held, within the limit of one tick."""
    total = np.array(turn, np.float32)
    for name in names:
        total += np.float32(TURN_SPEED) * np.array(LOOK.get(name, (0, 0)), np.float32)
    return total.clip(-actions.CAMERA_LIMIT, actions.CAMERA_LIMIT)


def _slots(keys: str) -> str:
    """The keys of the slots as the help page writes them."""
    return f"{'1-9' if keys == '1 2 3 4 5 6 7 8 9' else keys}, wheel"


def _fitting(space: gym.Space[Any]) -> Controls | None:
    """The generic controls of a space, or None."""
    if isinstance(space, gym.spaces.Discrete) and space.n <= len(INDEX_KEYS):
        return KeyTable(_index_table(int(space.n), int(space.start)), idle(space))
    shape = space.shape or ()
    size = int(np.prod(shape))
    if not (shape and 1 <= size <= len(AXIS_KEYS)):
        return None
    if isinstance(space, gym.spaces.MultiDiscrete):
        low, high = np.minimum(1, space.nvec - 1), np.minimum(2, space.nvec - 1)
        return AxisKeys(space.start + low, space.start, space.start + high)
    if isinstance(space, gym.spaces.Box):
        low, high = (np.nan_to_num(x, posinf=1, neginf=-1) for x in (space.low, space.high))
        return AxisKeys(low, idle(space), high)
    return None


def _index_table(count: int, start: int) -> dict[frozenset[int], Any]:
    """Index keys for every index; left and right for two or three, else arrows from 1 to 4."""
    arrows = dict(zip(("left", "right"), (0, count - 1), strict=True))
    if count > 3:
        arrows = dict(zip(("left", "right", "up", "down"), range(1, count), strict=False))
    keys = {**arrows, **{name: i for i, name in enumerate(INDEX_KEYS[:count])}}
    return {frozenset({_key_code(name)}): start + i for name, i in keys.items()}


def _keys(keys: Hashable) -> frozenset[int]:
    """Key codes of one entry of `get_keys_to_action`: a code, a string, or a tuple of both."""
    parts = (keys,) if isinstance(keys, int) else tuple(keys)  # type: ignore[arg-type]
    return frozenset(ord(part) if isinstance(part, str) else int(part) for part in parts)


@cache
def _key_code(name: str) -> int:
    import pygame

    return int(getattr(pygame, f"K_{name if len(name) == 1 else name.upper()}"))
