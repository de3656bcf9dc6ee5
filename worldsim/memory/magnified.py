"""What a dream shows larger than it was first seen counts as seen longer ago.

Whoever walks up to a hill has known every pixel of it a tick ago, and yet nothing of what it shows
now: that was seen from afar, and is drawn larger from tick to tick. A transformer that is told of a
tick copies it; told that it is old, it draws what such a thing shows from near. Old in ticks alone:
what was seen many steps ago it draws altogether anew, and walls no longer come nearer.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.origins import NONE
from worldsim.memory.rays import Ages, Places
from worldsim.memory.summed import within

_REACH = 2
"""Pixels to each side over which a scale is taken."""
_APART = 3.0
"""Pixels of an origin up to which neighbours are of one surface."""
_FEW = 0.1
"""Share of those pixels that have to tell."""
_MOST = 30.0
"""The largest magnification that there is."""


@njit(cache=True, nogil=True, error_model="numpy")
def grow_old(ages: Ages, origins: Places, visible: int, ticks: float) -> None:
    """Let known pixels that are drawn m times as large as their origins count for a mth of it.

    Of what they count for: e**(-age / ticks). ages: (h, w, 2), steps and ticks at which each was
    seen. origins: (h, w, 3); see `memory.origins`.
    """
    across, down = _spaced(origins, visible, 0, 1), _spaced(origins, visible, 1, 0)
    width = origins.shape[1]
    for row in range(visible):
        top, bottom = max(row - _REACH, 0), min(row + _REACH + 1, visible)
        for column in range(width):
            if origins[row, column, 0] == NONE:
                continue
            left, right = max(column - _REACH, 0), min(column + _REACH + 1, width)
            area = _mean(across, top, bottom, left, right) * _mean(down, top, bottom, left, right)
            if area < 1:
                more = min(-0.5 * np.log(max(area, 1e-9)), np.log(_MOST))
                ages[row, column, 1] -= int(ticks * more + 0.5)


@njit(cache=True, nogil=True, error_model="numpy")
def _spaced(origins: Places, visible: int, down: int, across: int) -> NDArray[np.float64]:
    """Summed-area tables (2, visible + 1, w + 1) of how far apart the origins of neighbours are.

    And of how many there are that are of one surface. The neighbour lies so far down and across.
    """
    width = origins.shape[1]
    sums = np.zeros((2, visible + 1, width + 1))
    for row in range(visible):
        far, count = 0.0, 0.0
        for column in range(width):
            below, beside = row + down, column + across
            if below < visible and beside < width and origins[row, column, 0] != NONE:
                one, other = origins[row, column], origins[below, beside]
                apart = abs(other[1] - one[1]) + abs(other[2] - one[2])
                if other[0] == one[0] and apart < _APART:
                    far, count = far + apart, count + 1
            sums[0, row + 1, column + 1] = sums[0, row, column + 1] + far
            sums[1, row + 1, column + 1] = sums[1, row, column + 1] + count
    return sums


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _mean(sums: NDArray[np.float64], top: int, bottom: int, left: int, right: int) -> float:
    """The mean distance of origins of neighbours; 1 where too few tell."""
    count = within(sums[1], top, bottom, left, right)
    if count <= _FEW * (bottom - top) * (right - left):
        return 1.0
    return within(sums[0], top, bottom, left, right) / count
