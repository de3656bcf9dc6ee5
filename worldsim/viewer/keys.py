"""Window events -> what was pressed, wheeled and turned in one tick. Knows no environment."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from worldsim.actions import CAMERA_LIMIT

if TYPE_CHECKING:
    from pygame.event import Event

Press: TypeAlias = tuple[Literal["key", "mouse"], int]
"""A physical control: the place of a key on the keyboard (scancode), or a mouse button."""

CARRY_LIMIT = 90.0
"""Degrees of mouse travel, beyond one tick's share, that are kept for the ticks after it."""


@dataclass(frozen=True)
class Input:
    """What a person did in one tick."""

    places: tuple[int, ...] = ()
    """Scancodes held or tapped, oldest press first: where the keys are, on any layout."""
    letters: frozenset[int] = frozenset()
    """Key codes held or tapped: what is printed on the keys."""
    buttons: frozenset[int] = frozenset()
    """Mouse buttons held or tapped, 1 left, 3 right."""
    wheel: int = 0
    """Wheel steps, away from the person positive."""
    turn: tuple[float, float] = (0.0, 0.0)
    """Camera pitch and yaw in degrees, within the limit of one tick."""
    controls: tuple[str, ...] = ()
    """Controls of the player held on a gamepad, by name."""


@dataclass
class InputState:
    """Collects events between ticks; `take` gives one tick's input.

    A key tapped, or a wheel turned, between two ticks counts in the next one. Mouse travel beyond
    the camera's limit waits for the ticks after, up to `CARRY_LIMIT` degrees an axis.
    """

    sensitivity: float = 0.15
    invert_y: bool = False
    captured: bool = False
    """The mouse belongs to the game: only then its travel and buttons count."""
    _held: dict[Press, int] = field(default_factory=dict)
    _tapped: dict[Press, int] = field(default_factory=dict)
    _wheel: int = 0
    _turn: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def feed(self, event: "Event") -> None:
        """Take in one pygame event; events of other kinds change nothing."""
        import pygame

        if event.type == pygame.KEYDOWN:
            self._press(("key", event.scancode), event.key)
        elif event.type == pygame.KEYUP:
            self._held.pop(("key", event.scancode), None)
        elif event.type == pygame.MOUSEBUTTONUP:
            self._held.pop(("mouse", event.button), None)
        elif event.type == pygame.MOUSEWHEEL:
            self._wheel += event.y
        elif event.type == pygame.MOUSEBUTTONDOWN and self.captured and event.button <= 3:
            self._press(("mouse", event.button), 0)
        elif event.type == pygame.MOUSEMOTION and self.captured:
            right, down = event.rel
            travel = np.array([-down if self.invert_y else down, right], np.float64)
            self._turn += travel * self.sensitivity

    def take(self) -> Input:
        """The input since the last call; what is still held stays, the rest is used up."""
        pressed = self._held | self._tapped
        turn = self._turn.clip(-CAMERA_LIMIT, CAMERA_LIMIT)
        rest = (self._turn - turn).clip(-CARRY_LIMIT, CARRY_LIMIT)
        wheel = self._wheel
        self.forget()
        self._turn = rest
        return Input(
            places=tuple(code for device, code in pressed if device == "key"),
            letters=frozenset(key for (device, _), key in pressed.items() if device == "key"),
            buttons=frozenset(code for device, code in pressed if device == "mouse"),
            wheel=wheel,
            turn=(float(turn[0]), float(turn[1])),
        )

    def forget(self) -> None:
        """Drop taps, wheel steps and mouse travel; what is held stays held."""
        self._tapped.clear()
        self._wheel = 0
        self._turn = np.zeros(2)

    def release(self) -> None:
        """Let go of everything: after the window lost the keyboard, no key-up will come."""
        self.forget()
        self._held.clear()

    def _press(self, press: Press, key: int) -> None:
        self._held[press] = self._tapped[press] = key
