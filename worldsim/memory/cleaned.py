"""Single pixels of a view that are out of place, given to the surface that is all around them.

Known pixels go each its own way, by how far away it is taken to be; one that is taken wrongly ends
in the midst of others, tick after tick farther from where it belongs.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.rays import Ages, Pixels, Places

_APART = 1.2
"""Times as far away as the median around it, or as near, from which on a pixel is out of place."""
_STEP = 0.04
"""Least difference of one by the distance: what is far away all moves alike."""


@njit(cache=True, nogil=True, error_model="numpy")
def cleaned(out: Pixels, ages: Ages, origins: Places, away: Places, visible: int) -> int:
    """Change what is known (h, w, ...) of a picture where its distance is not that around it.

    And how many pixels that are.

    away: (h, w), how far ahead each pixel is; changed as the others are. visible: rows that count.
    """
    width, before = away.shape[1], away.copy()
    colors, times, starts = out.copy(), ages.copy(), origins.copy()
    around, places = np.empty(9), np.empty(9, np.int64)
    strange, count = np.empty(width, np.int64), 0
    for row in range(visible):
        _apart(before, visible, row, strange)
        for column in range(width):
            if strange[column] < 0:
                continue
            like = _like(before, visible, row, column, around, places)
            if like >= 0:
                y, x = like // width, like % width
                out[row, column], ages[row, column] = colors[y, x], times[y, x]
                away[row, column], origins[row, column] = before[y, x], starts[y, x]
                count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _apart(away: Places, visible: int, row: int, out: NDArray[np.int64]) -> None:
    """By how many (w,) a row's pixels have more neighbours that are elsewhere than others."""
    width = len(out)
    out[:] = 0
    for y in range(max(row - 1, 0), min(row + 2, visible)):
        for shift in (-1, 0, 1):
            for column in range(max(-shift, 0), min(width - shift, width)):
                far, other = away[row, column], away[y, column + shift]
                out[column] += 1 if (other > _APART * far) | (far > _APART * other) else -1


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _like(
    away: Places,
    visible: int,
    row: int,
    column: int,
    around: NDArray[np.float64],
    places: NDArray[np.int64],
) -> int:
    """The number of the pixel beside this one that it should look like; -1 if it is in its place.

    around, places: room for nine of each.
    """
    width, far, count = away.shape[1], away[row, column], 0
    for y in range(max(row - 1, 0), min(row + 2, visible)):
        for x in range(max(column - 1, 0), min(column + 2, width)):
            around[count], places[count] = away[y, x], y * width + x
            count += 1
    middle = np.median(around[:count])
    if abs(1 / far - 1 / middle) < _STEP:
        return -1
    return int(places[np.abs(np.log(around[:count] / middle)).argmin()])
