"""The cross that a game draws over the middle of every frame: taken off what is kept, put back on.

What is remembered turns with the world, the cross does not.
"""

import numpy as np
from numpy.typing import NDArray

from worldsim.memory.rays import Pixels, Places

_THICK = 0  # pixels to each side of an arm's middle that belong to it
_ASIDE = _THICK + 1  # pixels from an arm's middle to what is beside it

_CLEARER = 10.0
"""Mean difference of a colour, of 255, by which a cross has to stand out more to be preferred."""

_CORE = 2  # pixels to each side of the middle that tell how far away what is there is


def core(away: Places) -> Places:
    """The blocks (..., p) ahead to what is under the cross, of those to all pixels (..., h, w)."""
    row, column = away.shape[-2] // 2, away.shape[-1] // 2
    square = away[..., row - _CORE : row + _CORE + 1, column - _CORE : column + _CORE + 1]
    return square.reshape(*away.shape[:-2], -1)


def aimed(away: Places) -> NDArray[np.float32]:
    """Blocks (...) ahead to what the middle of frames shows, of those to all pixels (..., h, w)."""
    middle: NDArray[np.float32] = np.median(core(away), -1).astype(np.float32)
    return middle


def cut(frame: Pixels, arm: int) -> Pixels:
    """The square around the middle of a frame (h, w, 3) that holds a cross with such arms."""
    row, column = frame.shape[0] // 2, frame.shape[1] // 2
    return frame[row - arm : row + arm + 1, column - arm : column + arm + 1].copy()


def without(frame: Pixels, arm: int) -> Pixels:
    """The frame with what is beside the arms of its cross in their stead."""
    if not arm:
        return frame
    row, column = frame.shape[0] // 2, frame.shape[1] // 2
    aside = np.arange(-arm, arm + 1)
    rows = row + np.where(abs(aside) <= _THICK, -_ASIDE, aside)  # of the level arm, those above
    square = frame[rows[:, None], column + aside]
    square[:, arm - _THICK : arm + _THICK + 1] = frame[rows, column + _ASIDE][:, None]
    return put(frame, square)


def kept(before: Pixels, now: Pixels) -> Pixels:
    """The cross of the square before, unless that of the one now stands out more.

    Games draw a cross of whichever tone is seen best; dreams also draw it as a smear of both.
    """
    mask = _mask(len(now) // 2)
    if mask.all():
        return before
    around = now[~mask].mean(0)
    clear, clearer = (np.abs(square[mask].mean(0) - around).mean() for square in (before, now))
    return now if clearer > clear + _CLEARER else before


def put(frame: Pixels, square: Pixels) -> Pixels:
    """The frame with the cross of a square that was `cut`."""
    arm = len(square) // 2
    if not arm:
        return frame
    row, column = frame.shape[0] // 2, frame.shape[1] // 2
    shown = frame.copy()
    part = shown[row - arm : row + arm + 1, column - arm : column + arm + 1]
    part[_mask(arm)] = square[_mask(arm)]
    return shown


def _mask(arm: int) -> NDArray[np.bool_]:
    y, x = np.abs(np.mgrid[-arm : arm + 1, -arm : arm + 1])
    mask: NDArray[np.bool_] = np.minimum(y, x) <= _THICK
    return mask
