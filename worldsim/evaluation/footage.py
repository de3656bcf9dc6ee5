"""Stretches of long footage, boiled down: how the picture turned, how sharp it was, its colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worldsim.evaluation.motion import Compass, balanced, sides
from worldsim.evaluation.stage import Frame, Mask

WINDOW = 32
"""Steps of a stretch."""

_LEVELS = 4  # of each colour in a palette
_EVERY = 8  # frames between those that are looked at for sharpness and colours

Palette = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """A stretch of footage.

    shown: the side that the picture turned to at each tick that is judged, -1, 0 or 1. wanted: the
    side that the keys say. sharpness: as `sharpness`. palette: as `palette`.
    """

    shown: NDArray[np.int64]
    wanted: NDArray[np.int64]
    sharpness: float
    palette: Palette

    @property
    def accuracy(self) -> float:
        """How often the picture moved the way the keys say, balanced over left, none, right."""
        return balanced(self.shown, self.wanted)


@dataclass(frozen=True)
class Reader:
    """Boils down stretches of frames of one camera."""

    compass: Compass
    bare: Mask

    def read(
        self, frames: Frame, yaws: NDArray[np.floating], judged: Mask, pitches: NDArray[np.float64]
    ) -> Window:
        """A stretch of frames (n+1, h, w, 3), led by turns (n,), of which some are judged (n,).

        yaws and pitches (n,) are in degrees: commanded at each tick, and the camera's before it.
        """
        turned = [
            self.compass.along(frames[part.start : part.stop + 1], pitches[part])[:, 0]
            for part in runs(judged)
        ]
        shown = sides(np.concatenate([np.zeros(0), *turned]))
        wanted, few = sides(yaws[judged].astype(np.float64)), frames[1::_EVERY]
        return Window(shown, wanted, sharpness(few, self.bare), palette(few, self.bare))


def runs(chosen: Mask) -> list[slice]:
    """The stretches of consecutive True in (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(int)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def sharpness(frames: Frame, bare: Mask) -> float:
    """How much fine detail frames (n, h, w, 3) have, as a share of their brightness.

    The mean absolute difference of brightness from its mean over squares of 3 pixels, over the mean
    brightness, so that night does not count as blur.
    """
    gray = frames.astype(np.float64).mean(-1)
    kept = _squares(bare[None].astype(np.float64), 1)[0] > 0.999
    detail = np.abs(gray - _squares(gray, 1))[:, kept].mean()
    return float(detail / max(gray[:, kept].mean(), 1.0))


def palette(frames: Frame, bare: Mask) -> Palette:
    """The share (64,) of pixels of frames (n, h, w, 3) in each of 4 x 4 x 4 cells of colour."""
    levels = (frames[:, bare] // (256 // _LEVELS)).astype(np.int64)
    cells = (levels * (_LEVELS**2, _LEVELS, 1)).sum(-1)
    counts = np.bincount(cells.ravel(), minlength=_LEVELS**3)
    return np.asarray(counts / counts.sum(), np.float64)


def apart(a: Palette, b: Palette) -> NDArray[np.float64]:
    """The Jensen-Shannon distance of palettes (..., 64), 0 for equal to 1 for disjoint."""
    middle = (a + b) / 2
    divergence = (_entropy(middle) - (_entropy(a) + _entropy(b)) / 2).clip(0, 1)
    return np.asarray(np.sqrt(divergence))


def nearest(palette: Palette, others: Sequence[Palette]) -> float:
    """The distance of a palette from the most similar of others."""
    return float(apart(palette, np.stack(others)).min())


def _entropy(p: Palette) -> NDArray[np.float64]:
    """In bits."""
    return np.asarray(-(p * np.log2(np.where(p > 0, p, 1.0))).sum(-1))


def _squares(images: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Images (n, h, w) averaged over squares of 2 * reach + 1 pixels, edges repeated."""
    size = 2 * reach + 1
    padded = np.pad(images, ((0, 0), (reach + 1, reach), (reach + 1, reach)), "edge")
    total = padded.cumsum(1).cumsum(2)
    both = total[:, size:, size:] - total[:, :-size, size:] - total[:, size:, :-size]
    return np.asarray((both + total[:, :-size, :-size]) / size**2)
