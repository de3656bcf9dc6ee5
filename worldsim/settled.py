"""What a dreamed frame shows of known things, put back as it was known.

A frame that is dreamed from the one before has lost a little of its texture, and what is remembered
of it is dreamed from again. So that the loss does not grow, what is kept of a frame is what was
known before it was dreamed, wherever both look alike; what it shows of anything new or changed is
kept as it is.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.projection import Ages
from worldsim.rays import Pixels

_REACH = 2  # pixels to each side over which colours are compared
_ALIKE = 20.0  # mean difference of a colour, of 255, up to which they are alike; at twice this, not


@njit(cache=True, nogil=True, error_model="numpy")
def settled(frame: Pixels, known: Pixels, ages: Ages, visible: int, never: int, arm: int) -> Pixels:
    """A frame (h, w, 3) with what was `known` (h, w, 3) in its stead where they look alike.

    ages: (h, w, 2) of what was known, `never` where nothing was. arm: pixels from the centre to
    the ends of a cross that is drawn over every frame, under which all is as it was known.
    """
    out, width = frame.copy(), frame.shape[1]
    sums = _summed(frame, known, ages, visible, never)
    for row in range(visible):
        top, bottom = max(row - _REACH, 0), min(row + _REACH + 1, visible)
        for column in range(width):
            left, right = max(column - _REACH, 0), min(column + _REACH + 1, width)
            y, x = abs(row - frame.shape[0] // 2), abs(column - width // 2)
            share = 1.0 if arm and min(y, x) <= 1 and max(y, x) <= arm else -1.0
            if share < 0:
                apart = 0.0
                for c in range(3):
                    total = _within(sums[c], top, bottom, left, right)
                    apart = max(apart, abs(total) / ((bottom - top) * (right - left)))
                unknown = _within(sums[3], top, bottom, left, right) > 0
                share = 0.0 if unknown else min(max(2 - apart / _ALIKE, 0.0), 1.0)
            if ages[row, column, 0] == never or share == 0:
                continue
            for c in range(3):
                new, old = float(frame[row, column, c]), float(known[row, column, c])
                out[row, column, c] = np.uint8(new + share * (old - new) + 0.5)
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _within(sums: NDArray[np.int32], top: int, bottom: int, left: int, right: int) -> int:
    """The sum over rows and columns, from `_summed`."""
    upper = sums[top, right] - sums[top, left]
    return int(sums[bottom, right] - sums[bottom, left] - upper)


@njit(cache=True, nogil=True, error_model="numpy")
def _summed(
    frame: Pixels, known: Pixels, ages: Ages, visible: int, never: int
) -> NDArray[np.int32]:
    """Summed-area tables (4, rows + 1, columns + 1): differences of three colours; unknown pixels.

    Crow, Summed-area tables for texture mapping (1984).
    """
    width = frame.shape[1]
    sums = np.zeros((4, visible + 1, width + 1), np.int32)
    for row in range(visible):
        line = np.zeros(4, np.int32)
        for column in range(width):
            for c in range(3):
                line[c] += np.int32(known[row, column, c]) - np.int32(frame[row, column, c])
            line[3] += ages[row, column, 0] == never
            for c in range(4):
                sums[c, row + 1, column + 1] = sums[c, row, column + 1] + line[c]
    return sums
