"""Where one thing ends and another begins in a view, for distances that end there as well.

A network's distances are soft: between a pillar and what is behind it lie a few pixels that count
as neither here nor there. Whoever walks on from them leaves these behind, each at its own distance,
and drags a smear after everything that is near. So what lies between two surfaces is given to one
of them; and where what is near uncovers what is behind it, the pixels beside it, which show a bit
of both, are not believed.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.rays import Pixels, Places

_REACH = 2
"""Pixels to each side within which both surfaces are looked for, and both colours may be found."""
_STEP, _RATIO = 0.06, 1.4
"""Least difference of one by the distance, and ratio of distances, of two surfaces."""
_SURE = 1.15
"""Times the distance up to which a place is of a surface."""
_PLAIN, _COLORED = 0.3, 30.0
"""Share of two surfaces' difference in colour, itself at least so much, that tells which it is."""
_LEAVES = 0.5
"""Pixels by which what is near moves away from what it uncovers."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _ends(near: float, far: float) -> bool:
    """Whether these distances are of two surfaces, of which one moves past the other."""
    return bool(far > _RATIO * near and 1 / near - 1 / far > _STEP)


@njit(cache=True, nogil=True, error_model="numpy")
def edged(distance: Places, frame: Pixels, visible: int) -> Places:
    """Distances (h, w), less than 0 of liquids, of a picture (h, w, 3) with surfaces that end.

    What lies between two surfaces goes to that whose colours it has, or else to the nearer in
    distance. visible: rows above what is laid over the view; the others stay as they are.
    """
    out, width = distance.copy(), distance.shape[1]
    nearest, farthest = _around(np.abs(distance), visible)
    for row in range(visible):
        top, bottom = max(row - _REACH, 0), min(row + _REACH + 1, visible)
        for column in range(width):
            near, away = float(nearest[row, column]), float(farthest[row, column])
            far = abs(distance[row, column])
            if not _ends(near, away) or far < _SURE * near or far * _SURE > away:
                continue
            left, right = max(column - _REACH, 0), min(column + _REACH + 1, width)
            apart = _unlike(distance, frame, row, column, (top, bottom, left, right), near, away)
            nearer = apart < 0 if apart != 0 else far * far < near * away
            out[row, column] = np.copysign(near if nearer else away, distance[row, column])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _around(distance: Places, visible: int) -> tuple[Places, Places]:
    """The least and the largest distance (visible, w) in reach of each pixel."""
    width = distance.shape[1]
    least, most = distance[:visible].copy(), distance[:visible].copy()
    for row in range(visible):
        for shift in range(-_REACH, _REACH + 1):
            for column in range(max(-shift, 0), min(width - shift, width)):
                other = distance[row, column + shift]
                least[row, column] = min(least[row, column], other)
                most[row, column] = max(most[row, column], other)
    nearest, farthest = least.copy(), most.copy()
    for row in range(visible):
        for y in range(max(row - _REACH, 0), min(row + _REACH + 1, visible)):
            for column in range(width):
                nearest[row, column] = min(nearest[row, column], least[y, column])
                farthest[row, column] = max(farthest[row, column], most[y, column])
    return nearest, farthest


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _unlike(
    distance: Places,
    frame: Pixels,
    row: int,
    column: int,
    window: tuple[int, int, int, int],
    near: float,
    away: float,
) -> float:
    """How much less a pixel's colour is like that of what is near than of what is away.

    0 where colours do not tell. window: rows, then columns, of what is around it.
    """
    top, bottom, left, right = window
    sums = np.zeros((2, 4))
    for y in range(top, bottom):
        for x in range(left, right):
            other = abs(distance[y, x])
            if other < _SURE * near or other * _SURE > away:
                side = 0 if other < _SURE * near else 1
                sums[side, 3] += 1
                for c in range(3):
                    sums[side, c] += frame[y, x, c]
    apart, both = 0.0, 0.0
    for c in range(3):
        one, two = sums[0, c] / sums[0, 3], sums[1, c] / sums[1, 3]
        apart += (frame[row, column, c] - one) ** 2 - (frame[row, column, c] - two) ** 2
        both += (one - two) ** 2
    return apart if both > _COLORED**2 and abs(apart) > _PLAIN * both else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def beside(distance: Places, visible: int) -> NDArray[np.bool_]:
    """Where (h, w) a view is so close to something nearer that it may show a bit of that."""
    return uncovered(distance, visible, np.zeros((3, 0, 0)))


@njit(cache=True, nogil=True, error_model="numpy")
def uncovered(distance: Places, visible: int, at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The same, only where what is nearer moves away from there.

    at: (3, visible, w), row and column that each pixel goes to, as `splatted.cover` takes them; of
    no rows, wherever it goes.
    """
    out, width = np.zeros(distance.shape, np.bool_), distance.shape[1]
    anywhere = at.shape[1] == 0
    for row in range(visible):
        for column in range(width):
            far = distance[row, column]
            for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                for i in range(1, _REACH + 1):
                    y, x = row + i * down, column + i * across
                    if not (0 <= y < visible and 0 <= x < width) or not _ends(distance[y, x], far):
                        continue
                    leaves = anywhere
                    if not anywhere:
                        gap = (at[0, y, x] - at[0, row, column]) * down
                        gap += (at[1, y, x] - at[1, row, column]) * across
                        leaves = gap > i + _LEAVES
                    out[row, column] |= leaves
    return out
