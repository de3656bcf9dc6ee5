"""How far away things are, as the frame's shape and what was known before tell together.

A network reads distances from each frame alone. It sees well where one thing ends and another
begins, but how far all of it is it only guesses, anew in every frame; of a dream that guess is
drawn into the next frame, and so a wall that one walks towards comes nearer too slowly. How far
known things are after a motion is certain: so distances are read, and then brought to that level.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.camera import FAR
from worldsim.memory.rays import Places
from worldsim.memory.summed import within

_REACH = 6
"""Pixels to each side over which a level is taken."""
_SHARE = 0.95
"""Share of the difference in level that is made up."""
_MOST = 2.0
"""Logarithm of the largest ratio of distances that is made up for."""
_FEW = 8.0
"""Known pixels in reach with which half of that share is made up."""


@njit(cache=True, nogil=True, error_model="numpy")
def levelled(
    distance: Places,
    known: Places,
    where: NDArray[np.bool_],
    visible: int,
    share: float = _SHARE,
    most: float = _MOST,
) -> Places:
    """Distances (h, w) of a frame, at the level of what was known of them.

    Those of liquids are less than 0, and stay so. known: (h, w), from the frame before and the
    motion since, where (h, w) that is so. visible: rows above what is laid over the view; the
    others stay as they are. share: of the difference in level that is made up. most: logarithm of
    the largest ratio that counts.
    """
    width = distance.shape[1]
    out = distance.copy()
    ratios = np.zeros((visible + 1, width + 1))
    counts = np.zeros((visible + 1, width + 1))
    for row in range(visible):
        ratio, count = 0.0, 0.0
        for column in range(width):
            far, was = abs(distance[row, column]), abs(known[row, column])
            if where[row, column] and was > 0 and was < FAR and far < FAR:
                ratio += min(max(np.log(was / far), -most), most)
                count += 1.0
            ratios[row + 1, column + 1] = ratios[row, column + 1] + ratio
            counts[row + 1, column + 1] = counts[row, column + 1] + count
    for row in range(visible):
        top, bottom = max(row - _REACH, 0), min(row + _REACH + 1, visible)
        for column in range(width):
            left, right = max(column - _REACH, 0), min(column + _REACH + 1, width)
            count = within(counts, top, bottom, left, right)
            if count == 0 or distance[row, column] >= FAR:
                continue
            ratio = within(ratios, top, bottom, left, right)
            out[row, column] *= np.exp(share * ratio / (count + _FEW))
    return out
