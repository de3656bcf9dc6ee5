"""A gamepad, joined to what the keys say: sticks, triggers, buttons -> controls and commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from worldsim.actions import CAMERA_LIMIT
from worldsim.viewer.controls import HelpRow
from worldsim.viewer.keys import Input

if TYPE_CHECKING:
    from pygame.event import Event

DEAD = 0.2
"""How far a stick may rest from its middle."""
WALK, PULL = 0.5, 0.0
"""How far a stick has to be pushed to walk, a trigger to be pulled; triggers rest at -1."""
SPEED = 12.0
"""Degrees a tick of the right stick pushed all the way; less, by the square, before."""


@dataclass(frozen=True)
class Layout:
    """Which axis and button of a pad is which."""

    sticks: tuple[int, int, int, int]
    """Axes: left right, left down, right right, right down."""
    triggers: Mapping[int, str]
    """Axis -> control of the player."""
    buttons: Mapping[int, str]
    """Button -> what is printed there on an Xbox pad, or the side of the cross."""


XBOX = Layout(
    sticks=(0, 1, 3, 4),
    triggers=MappingProxyType({5: "attack", 2: "use"}),
    buttons=MappingProxyType(
        dict(enumerate(("A", "B", "X", "Y", "LB", "RB", "back", "start", "L", "R")))
    ),
)
"""Pads whose cross is a hat: most on Linux and Windows."""
STANDARD = Layout(
    sticks=(0, 1, 2, 3),
    triggers=MappingProxyType({5: "attack", 4: "use"}),
    buttons=MappingProxyType(
        dict(
            enumerate(
                (
                    *("A", "B", "X", "Y", "back", "", "start", "L", "R", "LB", "RB"),
                    *("up", "down", "left", "right"),
                )
            )
        )
    ),
)
"""Pads whose cross is four buttons: PlayStation, Switch Pro."""

HELD = {"A": "jump", "B": "sneak", "L": "sprint", "X": "drop"}
"""Button -> control of the player, while held."""
WHEEL = {"LB": 1, "RB": -1}
"""Button -> steps of the wheel, towards the previous or the next slot."""
COMMANDS = {
    **{"Y": "switch", "start": "pause", "back": "help", "R": "policy"},
    **{"left": "rewind", "up": "fork", "right": "flip", "down": "anchor"},
}
"""Button -> command of the window; the cross is for time."""

HELP: tuple[HelpRow, ...] = (
    ("sticks", "walk, look"),
    ("triggers", "attack, use"),
    ("A  B  X", "jump, sneak, drop"),
    ("left stick in", "sprint"),
    ("LB  RB", "hotbar slot"),
    ("Y", "next view"),
    ("cross left", "rewind"),
    ("cross up, right", "fork, flip"),
    ("cross down", "re-anchor"),
    ("right stick in", "policy"),
    ("start, back", "pause, help"),
)


@dataclass
class Gamepad:
    """All pads that are plugged in, as one."""

    _pads: dict[int, Any] = field(default_factory=dict)
    _axes: dict[int, float] = field(default_factory=dict)
    _held: set[str] = field(default_factory=set)
    _tapped: set[str] = field(default_factory=set)
    _hat: tuple[int, int] = (0, 0)
    _layout: Layout = XBOX

    @property
    def present(self) -> bool:
        """Whether one is plugged in."""
        return bool(self._pads)

    def feed(self, event: "Event") -> tuple[str | None, bool]:
        """Take in one event; the window's command it presses (True) or lets go of, or None."""
        import pygame

        if event.type == pygame.JOYDEVICEADDED:
            self._plug(event.device_index)
        elif event.type == pygame.JOYDEVICEREMOVED:
            self._pads.pop(event.instance_id, None)
            self.release()
        elif event.type == pygame.JOYAXISMOTION:
            self._axes[event.axis] = float(event.value)
        elif event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
            name = self._layout.buttons.get(event.button, "")
            return self._press(name, event.type == pygame.JOYBUTTONDOWN)
        elif event.type == pygame.JOYHATMOTION:
            return self._cross(event.value)
        return None, False

    def joined(self, pressed: Input) -> Input:
        """The input of a tick together with what the pad says."""
        sticks = [self._axes.get(axis, 0.0) for axis in self._layout.sticks]
        names = [HELD[name] for name in sorted(self._held | self._tapped) if name in HELD]
        names += self._walking(*sticks[:2])
        names += [
            control
            for axis, control in self._layout.triggers.items()
            if self._axes.get(axis, -1.0) > PULL
        ]
        yaw, pitch = (_turned(value) for value in sticks[2:])
        turn = np.add(pressed.turn, (pitch, yaw)).clip(-CAMERA_LIMIT, CAMERA_LIMIT)
        wheel = pressed.wheel + sum(WHEEL.get(name, 0) for name in self._tapped)
        letters = pressed.letters | _arrows(*sticks[:2])
        self._tapped.clear()
        return replace(
            pressed,
            controls=tuple(names),
            turn=(float(turn[0]), float(turn[1])),
            wheel=wheel,
            letters=letters,
        )

    def forget(self) -> None:
        """Drop taps; what is held stays held."""
        self._tapped.clear()

    def release(self) -> None:
        """Let go of everything."""
        self._axes.clear()
        self._held.clear()
        self._tapped.clear()
        self._hat = 0, 0

    def moved(self) -> bool:
        """Whether the pad asks for something of the player."""
        sticks = [abs(self._axes.get(axis, 0.0)) for axis in self._layout.sticks]
        pulled = [self._axes.get(axis, -1.0) > PULL for axis in self._layout.triggers]
        return max(sticks) > WALK or any(pulled) or bool(self._held & {*HELD, *WHEEL})

    def _plug(self, index: int) -> None:
        import pygame

        pad = pygame.joystick.Joystick(index)
        self._pads[pad.get_instance_id()] = pad
        self._layout = layout_of(pad.get_numhats(), pad.get_numbuttons())

    def _press(self, name: str, down: bool) -> tuple[str | None, bool]:
        if down:
            self._held.add(name)
            self._tapped.add(name)
        else:
            self._held.discard(name)
        return COMMANDS.get(name), down

    def _cross(self, value: tuple[int, int]) -> tuple[str | None, bool]:
        """What a hat at (right, up) presses; what it leaves it lets go of."""
        old, self._hat = _side(self._hat), value
        new = _side(value)
        if old and old != new:
            self._held.discard(old)
        if new:
            return self._press(new, True)
        return COMMANDS.get(old), False

    def _walking(self, right: float, down: float) -> list[str]:
        names = {"left": right < -WALK, "right": right > WALK}
        names |= {"forward": down < -WALK, "back": down > WALK}
        return [name for name, held in names.items() if held]


def layout_of(hats: int, buttons: int) -> Layout:
    """The layout of a pad with so many hats and buttons."""
    return STANDARD if hats == 0 and buttons >= 15 else XBOX


def _side(hat: tuple[int, int]) -> str:
    right, up = hat
    if right:
        return "right" if right > 0 else "left"
    return {1: "up", -1: "down"}.get(up, "")


def _turned(value: float) -> float:
    """Degrees a tick of a stick pushed that far."""
    pushed = max(0.0, abs(value) - DEAD) / (1 - DEAD)
    return float(np.sign(value) * SPEED * pushed**2)


def _arrows(right: float, down: float) -> frozenset[int]:
    """The arrow keys that a stick stands for, for worlds with other controls."""
    import pygame

    keys = {pygame.K_LEFT: right < -WALK, pygame.K_RIGHT: right > WALK}
    keys |= {pygame.K_UP: down < -WALK, pygame.K_DOWN: down > WALK}
    return frozenset(key for key, held in keys.items() if held)
