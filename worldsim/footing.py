"""What holds a player up in a dream: no one sinks into the ground, or falls without a reason.

A network that foretells motions gives their mean. Of one who may stand or may fall that is to sink
slowly into the ground, which nobody does, and after which nothing looks as it should.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.nearby import EVEN, NOWHERE
from worldsim.rays import Places

_TALL = 1.62
"""Blocks from what a player stands on to the eye."""
_WITHIN, _SOME = 0.25, 3
"""Blocks to each side of a player within which what is below is the ground, if so many say so."""
_FASTER, _SLOW = 0.02, 0.15
"""Blocks a tick by which who falls gets faster every tick, at least; slowly is not falling."""
_GATHERS = 0.06
"""Blocks a tick that a fall gains every tick, at least, for as long as its end is in sight."""
_AROUND, _HIGHER = 4.0, 0.1
"""Blocks to each side within which all but that share of what was seen below is below indeed."""
_SUNK = 0.4
"""Blocks that an eye may be too low to be held at all."""


@njit(cache=True, nogil=True, error_model="numpy")
def _ground(points: Places, eye: NDArray[np.float64], within: float, share: float) -> float:
    """How low (down is positive) an eye can be above what frames showed of the ground under it.

    within: blocks to each side. share: of what is there that may be higher.
    """
    lows, count = np.empty(points.shape[0] * points.shape[1]), 0
    for frame in range(points.shape[0]):
        for k in range(points.shape[1]):
            place = points[frame, k]
            down = place[1] - eye[1]
            if (
                abs(place[0] - eye[0]) < within
                and abs(place[2] - eye[2]) < within
                and down > _TALL - _SUNK
            ):
                lows[count] = place[1] - _TALL
                count += 1
    return float(np.quantile(lows[:count], share)) if count >= _SOME else NOWHERE


def landed(
    points: Places,
    rests: Places,
    eye: NDArray[np.float64],
    before: NDArray[np.float64],
    fell: float,
    held: bool,
) -> float:
    """How low (down is positive) an eye (3,) is that was at `before` (3,) a tick ago.

    It does not sink into the ground; what it is far below is not the ground. A fall gets faster
    until it comes to what was seen below, if that was seen. Where nothing was
    seen to be empty below it, so that it may be `held`, it is no lower than where it was last at
    rest, and lower still only by a fall that is fast or gets faster. points: (frames, n, 3), places
    seen. rests: (n, 3), newest first. fell: blocks that it fell in the tick before.
    """
    low, rest = float(eye[1]), float(rests[0, 1])
    ground = _ground(points, eye, _WITHIN, 0.5)
    if fell > EVEN:
        around = _ground(points, before, _AROUND, _HIGHER)
        if before[1] < around < NOWHERE:
            low = max(low, min(float(before[1]) + fell + _GATHERS, around))
    if before[1] <= ground + _SUNK:
        low = min(low, max(ground, float(before[1])))
    if held:
        drop = low - float(before[1])
        slow = fell > EVEN and drop < min(fell + _FASTER, _SLOW)
        if before[1] <= rest + EVEN or slow:
            low = min(low, max(rest, float(before[1])))
    return low
