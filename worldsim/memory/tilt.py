"""How far down a camera points, by what turns do to its pictures.

A camera that turns to the side about an upright axis moves what it sees along arcs, which are the
more bent the more it looks down (the homography of a pure rotation: Hartley and Zisserman 2004,
"Multiple View Geometry", 8.4.2). So two pictures between which nothing but a known turn lies tell
the pitch, whatever they show, where one frame tells it only to a network that has seen the like.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.camera import CameraConfig
from worldsim.memory.interpolation import sample
from worldsim.memory.rays import Pixels, facing, pixel_of, place_of, turned

_TURNS, _PAIRS = (4.0, 40.0), 16
"""Degrees between two frames that are compared, and how many pairs are, soonest after each other
first."""
_REST = 8
"""Ticks in which who walked, jumped or fell comes to rest."""
_MOST, _EVERY, _LEAST = 10.0, 4, 100
"""Difference of a colour, of 255, that counts as none of it; of how many rows and columns one is
compared; pixels that have to be seen in both frames."""
_TRIED = (88.0, 4.0), (4.0, 1.0), (1.0, 0.25)
"""Degrees around the best pitch so far within which others are tried, and between two of them."""
_SURE, _DOUBT, _WRONG = 100.0, 0.5, 4.0
"""What a difference of 1 of 255 counts, beside an error of what single frames tell that is as large
as is to be expected; degrees that are to be expected at least; and most that counts."""


def tilted(
    camera: CameraConfig,
    frames: Pixels,
    led: NDArray[np.floating],
    told: NDArray[np.float64],
    doubt: NDArray[np.float64],
) -> float:
    """How many degrees down the camera points in the last of frames (t, h, w, 3).

    led: (t-1, a), the actions between them. told: (t,), what each frame by itself says of the last
    one's pitch, and doubt (t,), the mean error to be expected of that; alone, where nobody turns.
    """
    yaws, since = (
        np.concatenate([[0.0], np.cumsum(led[:, column])]) for column in (camera.yaw, camera.pitch)
    )
    pairs = _pairs(yaws, (led[:, camera.walking] != 0).any(1))
    if not len(pairs):
        return surest(told, doubt)
    soft, since = _softened(frames), since - since[-1]
    view, best = (camera.visible(frames.shape[1]), camera.tangent), 0.0
    for around, step in _TRIED:
        tried = best + np.arange(-around, around + step / 2, step)
        off = np.abs(tried[:, None] - told) / np.maximum(doubt, _DOUBT)
        apart = _apart(soft, pairs, np.radians(yaws), np.radians(since), np.radians(tried), *view)
        best = float(tried[(_SURE * apart + np.minimum(off, _WRONG).mean(1)).argmin()])
    return best


def surest(values: NDArray[np.float64], doubt: NDArray[np.float64]) -> float:
    """The median of values (n,), each weighted by how little doubt (n,) there is about it."""
    order = np.argsort(values)
    shares = np.cumsum(1 / doubt[order])
    return float(values[order][np.searchsorted(shares, shares[-1] / 2)])


def _pairs(yaws: NDArray[np.float64], walks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pairs (n, 2) of frames with nothing but a turn between them.

    yaws: (t,), in degrees. walks: (t-1,), ticks in which the player is told to move.
    """
    one, other = np.triu_indices(len(yaws), 1)
    least, most = _TURNS
    turn, walked = np.abs(yaws[other] - yaws[one]), np.concatenate([[0], np.cumsum(walks)])
    still = walked[other] == walked[np.maximum(one - _REST, 0)]
    some = np.flatnonzero((turn >= least) & (turn <= most) & still)
    order = some[np.argsort((other - one)[some], kind="stable")][:_PAIRS]
    return np.stack([one[order], other[order]], 1)


def _softened(frames: Pixels) -> Pixels:
    """Means over 3 x 3 pixels: what lies between two pixels is no softer than these."""
    sums = np.zeros(frames.shape, np.uint16)
    wide = np.pad(frames, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
    height, width = frames.shape[1:3]
    for row in range(3):
        for column in range(3):
            sums += wide[:, row : row + height, column : column + width]
    return ((sums + 4) // 9).astype(np.uint8)


@njit(cache=True, nogil=True, error_model="numpy")
def _apart(
    frames: Pixels,
    pairs: NDArray[np.int64],
    yaws: NDArray[np.float64],
    since: NDArray[np.float64],
    pitches: NDArray[np.float64],
    visible: int,
    tangent: float,
) -> NDArray[np.float64]:
    """The mean difference (n,) of frames from others, turned, if the last one's pitch is such (n,).

    yaws, since: (t,), turns to the right since the first frame, and down before the last.
    """
    out = np.full(len(pitches), _MOST)
    shape, color = (frames.shape[1], frames.shape[2]), np.empty(3, np.uint8)
    for k in range(len(pitches)):
        total, count = 0.0, 0
        for one, other in pairs:
            here = facing(yaws[other] - yaws[one], pitches[k] + since[other])
            there = facing(0.0, pitches[k] + since[one])
            for row in range(_EVERY // 2, visible, _EVERY):
                for column in range(_EVERY // 2, shape[1], _EVERY):
                    x, y, z = place_of(row, column, 1.0, shape, tangent, here)
                    right, down, ahead = turned(x, y, z, there)
                    if ahead <= 0.0:
                        continue
                    y, x = pixel_of(right, down, ahead, shape, tangent)
                    if not (0 <= y <= visible - 1 and 0 <= x <= shape[1] - 1):
                        continue
                    sample(frames[one], y, x, visible, color)
                    miss = 0.0
                    for c in range(3):
                        miss += abs(float(color[c]) - float(frames[other, row, column, c]))
                    total += min(miss / 3, _MOST)
                    count += 1
        if count >= _LEAST:
            out[k] = total / count
    return out
