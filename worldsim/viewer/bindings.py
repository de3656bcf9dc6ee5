"""Which key does what: the defaults, and a person's own choice, checked.

A key is named as in pygame's `KSCAN_` constants (R, 5, SPACE, LSHIFT, BACKSPACE, F5, LEFT) and
means a place on the keyboard, wherever the layout prints that letter; mouse buttons are
MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT. Several keys of one thing are separated by spaces.
"""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from worldsim.actions import HOTBAR
from worldsim.errors import UserError
from worldsim.suggest import did_you_mean

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "switch": "TAB",
        "restart": "R",
        "pause": "P",
        "advance": "N",
        "rewind": "BACKSPACE",
        "fork": "F",
        "flip": "G",
        "anchor": "T",
        "policy": "M",
        "save": "F5",
        "load": "F9",
        "help": "F1",
        "screenshot": "F2",
        "overlay": "F3",
        "record": "F6",
        "escape": "ESCAPE",
    }
)
"""Command of the window -> its keys."""

GAME: Mapping[str, str] = MappingProxyType(
    {
        "forward": "W",
        "back": "S",
        "left": "A",
        "right": "D",
        "jump": "SPACE",
        "sneak": "LSHIFT RSHIFT",
        "sprint": "LCTRL RCTRL",
        "drop": "Q",
        "attack": "MOUSE_LEFT",
        "use": "MOUSE_RIGHT",
        **{name: str(slot) for slot, name in enumerate(HOTBAR, 1)},
        "look_up": "UP",
        "look_down": "DOWN",
        "look_left": "LEFT",
        "look_right": "RIGHT",
    }
)
"""Control of the player -> its keys; the arrows turn the camera."""

MOUSE = {"MOUSE_LEFT": 1, "MOUSE_MIDDLE": 2, "MOUSE_RIGHT": 3}

NICE = {
    **{"ESCAPE": "Esc", "LSHIFT": "Shift", "LCTRL": "Ctrl", "RETURN": "Enter"},
    **{"LEFTBRACKET": "[", "RIGHTBRACKET": "]", "PAGEUP": "Page up", "PAGEDOWN": "Page down"},
    **{"MOUSE_LEFT": "left button", "MOUSE_RIGHT": "right button"},
}


class Bindings:
    """The keys of every command and control.

    Args:
        own: command or control -> keys, in place of the default ones.

    Raises:
        UserError: no such command or key, or a key that would do two things.
    """

    def __init__(self, own: Mapping[str, Any] | None = None) -> None:
        defaults = {**COMMANDS, **GAME}
        chosen = _flat(own or {})
        for name in chosen:
            if name not in defaults:
                raise UserError(f"bind.{name}: nothing is called so{did_you_mean(name, defaults)}")
        self.keys = {name: _names(name, chosen.get(name, keys)) for name, keys in defaults.items()}
        _check_once(self.keys)

    @cached_property
    def commands(self) -> dict[int, str]:
        """Scancode -> command of the window."""
        return self._placed(COMMANDS)

    @cached_property
    def controls(self) -> dict[int, str]:
        """Scancode -> control of the player, `look_up` and the like among them."""
        return self._placed(GAME)

    @cached_property
    def buttons(self) -> dict[int, str]:
        """Mouse button -> control of the player."""
        return {MOUSE[key]: name for name in GAME for key in self.keys[name] if key in MOUSE}

    def shown(self, *names: str) -> str:
        """The first key of each as help pages write it."""
        return " ".join(self._nice(self.keys[name][0]) for name in names if self.keys[name])

    def _nice(self, key: str) -> str:
        return NICE.get(key, key.capitalize())

    def _placed(self, table: Mapping[str, str]) -> dict[int, str]:
        keys = ((key, name) for name in table for key in self.keys[name] if key not in MOUSE)
        return {scancode(key): name for key, name in keys}


def _flat(own: Mapping[Any, Any], before: str = "") -> dict[str, str]:
    """The mapping without nesting: `hotbar: {1: X}` is `hotbar.1: X`."""
    flat: dict[str, str] = {}
    for name, keys in own.items():
        if isinstance(keys, Mapping):
            flat |= _flat(keys, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = "" if keys is None else str(keys)
    return flat


def _names(name: str, keys: str) -> tuple[str, ...]:
    """The names of keys, each of which exists."""
    known = key_names()
    allowed = known if name in COMMANDS else [*known, *MOUSE]
    names = tuple(keys.upper().split())
    for key in names:
        if key not in allowed:
            near = did_you_mean(key, allowed)
            raise UserError(
                f"bind.{name}={keys}: no key is called {key}"
                f"{near if len(near) < 40 else ''} "
                "(names are like R, 5, SPACE, LSHIFT, BACKSPACE, F5, LEFT)"
            )
    return names


def _check_once(keys: Mapping[str, tuple[str, ...]]) -> None:
    taken: dict[str, str] = {}
    for name, own in keys.items():
        for key in own:
            if key in taken:
                raise UserError(
                    f"{key} would be both {taken[key]} and {name}; give one of them another key "
                    f"(for example bind.{taken[key]}=Y)"
                )
            taken[key] = name


def key_names() -> list[str]:
    """The names of all keys."""
    import pygame

    return [key.removeprefix("KSCAN_") for key in dir(pygame) if key.startswith("KSCAN_")]


def scancode(key: str) -> int:
    """The place of a key on the keyboard."""
    import pygame

    return int(getattr(pygame, f"KSCAN_{key}"))
