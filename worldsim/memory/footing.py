"""What holds a player up in a dream: no one sinks into the ground, or falls without a reason.

A network that foretells motions gives their mean. Of one who may stand or may fall that is to sink
slowly into the ground, which nobody does, and after which nothing looks as it should.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.camera import EYE
from worldsim.memory.nearby import EVEN, NOWHERE
from worldsim.memory.rays import Places

_WITHIN, _SOME = 0.25, 3
"""Blocks to each side of a player within which what is below is the ground, if so many say so."""
_FASTER, _SLOW = 0.02, 0.15
"""Blocks a tick by which who falls gets faster every tick, at least; slowly is not falling."""
_CLOSE = 1.0
"""Blocks to each side within which the ground is as it was where an eye was last at rest."""
_GATHERS = 0.06
"""Blocks a tick that a fall gains every tick, at least, for as long as its end is in sight."""
_AROUND, _HIGHER = 4.0, 0.1
"""Blocks to each side within which all but that share of what was seen below is below indeed."""
_SUNK = 0.4
"""Blocks that an eye may be too low to be held at all."""
_SURFACE = -2.0, EYE + 0.3
"""Blocks below an eye (less than 0: above) at which a liquid is where a player is or steps into."""


@njit(cache=True, nogil=True, error_model="numpy")
def _below(
    points: Places, columns: int, eye: NDArray[np.float64], within: float
) -> NDArray[np.float64]:
    """How low (down is positive) eyes would be that stood on what frames showed below one.

    Faces of walls do not count: what is shown below a place there is hardly nearer; nor do
    liquids. within: blocks to each side.
    """
    n = points.shape[1]
    lows, count = np.empty(points.shape[0] * n), 0
    for frame in range(points.shape[0]):
        for k in range(n):
            place = points[frame, k]
            down = place[1] - eye[1]
            if (
                place[3] != 1
                and abs(place[0] - eye[0]) < within
                and abs(place[2] - eye[2]) < within
                and down > EYE - _SUNK
            ):
                other = points[frame, k + columns if k + columns < n else k - columns]
                aside = max(abs(other[0] - place[0]), abs(other[2] - place[2]))
                if abs(other[1] - place[1]) <= aside:
                    lows[count] = place[1] - EYE
                    count += 1
    return lows[:count]


@njit(cache=True, nogil=True, error_model="numpy")
def afloat(points: Places, eye: NDArray[np.float64]) -> bool:
    """Whether an eye (3,) is that of one who is in a liquid, or about to sink into it."""
    count = 0
    for frame in range(points.shape[0]):
        for k in range(points.shape[1]):
            place = points[frame, k]
            if (
                place[3] == 1
                and abs(place[0] - eye[0]) < _WITHIN
                and abs(place[2] - eye[2]) < _WITHIN
                and _SURFACE[0] < place[1] - eye[1] < _SURFACE[1]
            ):
                count += 1
    return count >= _SOME


def landed(
    points: Places,
    columns: int,
    rests: Places,
    eye: NDArray[np.float64],
    before: NDArray[np.float64],
    fell: float,
    held: bool,
) -> float:
    """How low (down is positive) an eye (3,) is that was at `before` (3,) a tick ago.

    It does not sink into the ground; what it is far below is not the ground. It does not hang in
    the air, and a fall gets faster until it comes to what was seen below. Where nothing was seen to
    be empty below it, so that it may be `held`, it is no lower than where it was last at rest, and
    lower still only by a fall that is fast or gets faster. In a liquid only the ground counts.

    points: (frames, n, 4), places seen; columns: of these in a row. rests: (n, 3), newest first.
    fell: blocks that it fell in the tick before.
    """
    was, rest = float(before[1]), float(rests[0, 1])
    lows = _below(points, columns, eye, _WITHIN)
    ground = float(np.median(lows)) if len(lows) >= _SOME else NOWHERE
    low = float(eye[1])
    if afloat(points, eye):
        return min(low, max(ground, was))
    if fell > EVEN:
        low = max(low, min(was + fell + _GATHERS, _seen_below(points, columns, before)))
    elif fell > -EVEN and low - was > -EVEN:
        near = max(abs(rests[0, 0] - before[0]), abs(rests[0, 2] - before[2])) < _CLOSE
        if ground < NOWHERE or near:  # no one hangs in the air
            low = max(low, min(was + _GATHERS, min(ground, rest)))
    if was <= ground + _SUNK:
        low = min(low, max(ground, was))
    if held:
        slow = fell > EVEN and low - was < min(fell + _FASTER, _SLOW)
        if was <= rest + EVEN or slow:
            low = min(low, max(rest, was))
    return low


def _seen_below(points: Places, columns: int, eye: NDArray[np.float64]) -> float:
    """How low an eye falls at least: to the highest of what was seen below around it."""
    lows = _below(points, columns, eye, _AROUND)
    if len(lows) < _SOME:
        return -NOWHERE
    k = int(_HIGHER * len(lows))
    return float(np.partition(lows, k)[k])
