"""What a dreamed frame shows of known things, put back as it was known.

A frame that is dreamed from the one before has lost a little of its texture, and what is remembered
of it is dreamed from again. So that the loss does not grow, what is kept of a frame is what was
known before it was dreamed, wherever both look alike; what it shows of anything new or changed is
kept as it is. So is what an event has changed, however little that is. Where the dream has clearly
more detail, as of what was first seen from afar, that is kept in the known colours.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.origins import NONE
from worldsim.memory.rays import Ages, Pixels, Places
from worldsim.memory.summed import within

_REACH = 2  # pixels to each side over which colours are compared
_ALIKE = 32.0  # mean difference of a colour, of 255, up to which they are alike; at twice this, not
_BARED = 56.0  # the same of what the last frame did not show: a dream smears that
_LAID_OVER = 10.0  # the same below the view, where what is laid over it stays, and it moves behind


_SHARPER, _SURELY = 1.2, 1.6
"""Times the detail of what was known from which on a dream's is kept, and kept alone."""

_ASIDE = 3  # pixels from the middle of a line of the cross to what is beside it


@njit(cache=True, nogil=True, error_model="numpy")
def settled(
    frame: Pixels,
    known: Pixels,
    ages: Ages,
    origins: Places,
    fresh: NDArray[np.bool_],
    visible: int,
    never: int,
    arm: int,
) -> tuple[Pixels, Places, NDArray[np.bool_]]:
    """A frame (h, w, 3) with what was `known` (h, w, 3) in its stead where they look alike.

    And of the `origins` (h, w, 3) of that, those that the frame still shows; see
    `memory.origins`; and where (h, w) it is as it was known.

    ages: (h, w, 2) of what was known, `never` where nothing was. fresh: (y, x), a grid over the
    frame, where an event has changed it. visible: rows above what is laid over the view. arm:
    pixels from the centre to the ends of a cross that is drawn over every frame, under which all is
    as it was known, or, where that has changed or was not known, as it is beside it.
    """
    out, (height, width) = frame.copy(), frame.shape[:2]
    stay, alike = np.full(origins.shape, NONE), np.zeros((height, width), np.bool_)
    sums = _summed(frame, known, ages, never)
    edges = _edges(frame, known, arm)
    for row in range(height):
        first, last = (0, visible) if row < visible else (visible, height)
        top, bottom = max(row - _REACH, first), min(row + _REACH + 1, last)
        for column in range(width):
            shown = origins[row, column, 0] != NONE
            limit = (_ALIKE if shown else _BARED) if row < visible else _LAID_OVER
            left, right = max(column - _REACH, 0), min(column + _REACH + 1, width)
            y, x = abs(row - height // 2), abs(column - width // 2)
            crossed = arm > 0 and min(y, x) <= 1 and max(y, x) <= arm
            anew = fresh[row * fresh.shape[0] // height, column * fresh.shape[1] // width]
            if anew or ages[row, column, 0] == never:
                if crossed:
                    aside = row if y > 1 else height // 2 + _ASIDE
                    out[row, column] = frame[aside, column if x > 1 else width // 2 + _ASIDE]
                continue
            share = 1.0 if crossed else _alike(sums, top, bottom, left, right, limit)
            if share == 0:
                alike[row, column] = _same(frame[row, column], known[row, column])
                continue
            sharper = 0.0 if crossed else _sharper(edges, top, bottom, left, right)
            if share == 1 and sharper == 0:
                out[row, column], stay[row, column] = known[row, column], origins[row, column]
                alike[row, column] = True
                continue
            area = (bottom - top) * (right - left)
            for c in range(3):
                new, old = float(frame[row, column, c]), float(known[row, column, c])
                if sharper > 0:
                    lit = new + within(sums[c], top, bottom, left, right) / area
                    old += sharper * (min(max(lit, 0.0), 255.0) - old)
                out[row, column, c] = np.uint8(new + share * (old - new) + 0.5)
            alike[row, column] = _same(out[row, column], known[row, column])
    return out, stay, alike


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _same(one: Pixels, other: Pixels) -> bool:
    """Whether two colours (3,) are one."""
    return bool(one[0] == other[0] and one[1] == other[1] and one[2] == other[2])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _sharper(edges: NDArray[np.int32], top: int, bottom: int, left: int, right: int) -> float:
    """How surely the frame has more detail in rows and columns than what was known, 0 to 1."""
    new = within(edges[0], top, bottom, left, right)
    old = max(within(edges[1], top, bottom, left, right), 1)
    return min(max((new / old - _SHARPER) / (_SURELY - _SHARPER), 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _alike(
    sums: NDArray[np.int32], top: int, bottom: int, left: int, right: int, limit: float
) -> float:
    """How alike rows and columns are, 0 to 1; 0 where anything in them was not known."""
    if within(sums[3], top, bottom, left, right) > 0:
        return 0.0
    apart = 0.0
    for c in range(3):
        total = within(sums[c], top, bottom, left, right)
        apart = max(apart, abs(total) / ((bottom - top) * (right - left)))
    return min(max(2 - apart / limit, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _edges(frame: Pixels, known: Pixels, arm: int) -> NDArray[np.int32]:
    """Summed-area tables (2, rows + 1, columns + 1) of differences of neighbours; as `_summed`.

    Those of the cross do not count.
    """
    height, width = frame.shape[:2]
    sums = np.zeros((2, height + 1, width + 1), np.int32)
    for row in range(height):
        new, old = np.int32(0), np.int32(0)
        down = min(row + 1, height - 1)
        for column in range(width):
            aside = min(column + 1, width - 1)
            y, x = abs(row - height // 2), abs(column - width // 2)
            if arm == 0 or min(y, x) > 2 or max(y, x) > arm + 1:
                for c in range(3):
                    new += _step(frame[row, column, c], frame[down, column, c])
                    new += _step(frame[row, column, c], frame[row, aside, c])
                    old += _step(known[row, column, c], known[down, column, c])
                    old += _step(known[row, column, c], known[row, aside, c])
            sums[0, row + 1, column + 1] = sums[0, row, column + 1] + new
            sums[1, row + 1, column + 1] = sums[1, row, column + 1] + old
    return sums


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _step(one: np.uint8, other: np.uint8) -> np.int32:
    return abs(np.int32(one) - np.int32(other))


@njit(cache=True, nogil=True, error_model="numpy")
def _summed(frame: Pixels, known: Pixels, ages: Ages, never: int) -> NDArray[np.int32]:
    """Summed-area tables (4, rows + 1, columns + 1): differences of three colours; unknown pixels.

    Crow, Summed-area tables for texture mapping (1984).
    """
    height, width = frame.shape[:2]
    sums = np.zeros((4, height + 1, width + 1), np.int32)
    for row in range(height):
        line = np.zeros(4, np.int32)
        for column in range(width):
            for c in range(3):
                line[c] += np.int32(known[row, column, c]) - np.int32(frame[row, column, c])
            line[3] += ages[row, column, 0] == never
            for c in range(4):
                sums[c, row + 1, column + 1] = sums[c, row, column + 1] + line[c]
    return sums
