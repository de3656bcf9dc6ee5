"""How well a world keeps what it does not show: the error of the latest closed turn."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim import actions
from worldsim.actions import Vector
from worldsim.data.environments import Frame

AWAY, BACK = 10.0, 1.0
"""Degrees that count as having looked away, and as being back."""
MEMORY = 400
"""Ticks that a turn may last."""


@dataclass(frozen=True)
class Turn:
    """A turn there and back: its size, and how far the picture is from the one before it."""

    degrees: float
    apart: float
    """Mean absolute difference of pixel values, as a share of their range."""
    decibels: float
    """Peak signal-to-noise ratio; infinite for equal pictures."""

    @property
    def text(self) -> str:
        """The turn in a line, as the measurements show it."""
        if not self.apart:
            return f"{self.degrees:.0f}°: no difference"
        return f"{self.degrees:.0f}°: {100 * self.apart:.1f} % off, {self.decibels:.1f} dB"


class TurnMeter:
    """Watches pictures and angles, and compares when the camera is back where it was.

    Only while nothing but the camera moves: a step, a hand or a jump begins anew.
    """

    def __init__(self) -> None:
        self.last: Turn | None = None
        self._angles: deque[NDArray[np.float64]] = deque(maxlen=MEMORY)
        self._frames: deque[Frame] = deque(maxlen=MEMORY)

    def begin(self, info: Mapping[str, Any], frame: Frame) -> None:
        """Forget what was seen, the latest turn too: the world began or went elsewhere."""
        self.last = None
        self._anew(_told(info), frame)

    def add(self, vector: Vector, info: Mapping[str, Any], frame: Frame) -> None:
        """Take in the action of a tick and the frame it led to."""
        if vector.shape != (actions.SIZE,):
            return  # the angles of other controllers are not known
        told = _told(info)
        angles = told if told is not None else self._angles[-1] + vector[actions.CAMERA]
        if vector[: actions.CAMERA.start].any():
            self._anew(angles, frame)
            return
        self._close(angles, frame)
        self._angles.append(angles)
        self._frames.append(frame)

    def _anew(self, angles: NDArray[np.float64] | None, frame: Frame) -> None:
        self._angles.clear()
        self._frames.clear()
        self._angles.append(np.zeros(2) if angles is None else angles)
        self._frames.append(frame)

    def _close(self, angles: NDArray[np.float64], frame: Frame) -> None:
        """Compare with the latest picture at these angles before the camera was away."""
        away = np.stack(self._angles) - angles
        away[:, 1] = (away[:, 1] + 180) % 360 - 180
        size = np.abs(away).max(1)
        left = np.flatnonzero(size >= AWAY)
        if not len(left):
            return
        before = np.flatnonzero(size[: left[-1]] <= BACK)
        if len(before):
            i = int(before[-1])
            degrees = float(size[i:].max())
            self.last = Turn(degrees, *difference(self._frames[i], frame))


def difference(a: Frame, b: Frame) -> tuple[float, float]:
    """Mean absolute difference as a share of the range, and PSNR in dB, of two frames."""
    gap = (a.astype(np.float32) - b) / 255
    square = float(np.square(gap).mean())
    return float(np.abs(gap).mean()), -10 * np.log10(square) if square else np.inf


def _told(info: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Pitch and yaw in degrees as the environment tells them, or None."""
    if "yaw" in info and "pitch" in info:
        return np.array([info["pitch"], info["yaw"]], np.float64)
    return None
