"""What is within a step of a player, from places that recent frames showed: floors, walls, steps.

A camera that looks ahead does not see what its player stands on. What it saw of it on the way there
is kept here as a handful of places a frame, and counted in cells that turn with the player. Which
cells it saw something through is counted as well: an edge is not merely a floor that was not seen.
And which are surfaces of liquids, into which one sinks.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.rays import Angles, Places, facing, pixel_of, place_of, turned, turned_back
from worldsim.models.body import CELLS

FRAMES = 32
"""Frames that are kept."""
_STRIDE = 6
"""Pixels between places that are kept of a frame."""
_ACROSS, _LEVELS = CELLS[0], CELLS[2]
_WIDE, _HIGH = 0.5, 0.25
"""Blocks that a cell is wide, and high."""
_TOP = 0.5
"""Blocks over the eye at which cells end."""
_ENOUGH = 8
"""Places that make a cell count as full."""
NOWHERE = 1e9
_OFTEN = 2
"""Frames in which something has to be seen behind a place for it to count as empty."""
_BEYOND, _CLEAR = 0.9, 0.2
"""Share of how far away that is, and blocks less, within which a cell is seen through."""

RESTS, HOLES = 64, 16
"""Places stood on that are kept; and holes that were dug."""
EVEN, _TICKS = 0.02, 2
"""Blocks of height within which, and ticks for which, an eye has to stay to be at rest."""
_APART = 0.3
"""Blocks between places stood on that are told apart."""
_UNDER = 1.68
"""Blocks below an eye at rest where something holds the player."""
_BENEATH = 1.7, 2.0, 2.4
"""Blocks below an eye at rest that are inside of what holds the player."""
_FOOT = 0.28
"""Blocks from the middle of what holds a player to its edge."""
_HELD = 4
"""What each of nine places under a player counts for; the middle one twice."""


def rested(
    rests: Places, eye: NDArray[np.float64], before: NDArray[np.float64], even: int
) -> tuple[Places, int]:
    """Where eyes were at rest (RESTS, 3), newest first, and for how many ticks this one has been.

    eye, before: (3,), where it is and was a tick ago. even: ticks it had been at rest then.
    """
    even = even + 1 if abs(eye[1] - before[1]) < EVEN else 0
    if even >= _TICKS and np.abs(rests[0] - eye).max() > _APART:
        rests = np.concatenate([eye[None].astype(np.float32), rests[:-1]])
    return rests, even


def restless() -> Places:
    """Room for the places (RESTS, 3) of eyes at rest."""
    return np.full((RESTS, 3), NOWHERE, np.float32)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def across(side: int) -> int:
    """How many places of so many pixels side by side are kept."""
    return (side - _STRIDE // 2 + _STRIDE - 1) // _STRIDE


def undug() -> NDArray[np.float64]:
    """Room for the corners (HOLES, 3) of holes in a grid of blocks, newest first."""
    return np.full((HOLES, 3), NOWHERE)


def nowhere(shape: tuple[int, ...], visible: int) -> Places:
    """Room for the places (FRAMES, n, 4) of frames (h, w, ...), of which so many rows count."""
    return np.full((FRAMES, across(visible) * across(shape[1]), 4), NOWHERE, np.float32)


def unseen() -> NDArray[np.float64]:
    """Room for how cameras stood (FRAMES, 7) at those: the eye's place, then as `rays.facing`."""
    return np.full((FRAMES, 7), NOWHERE)


@njit(cache=True, nogil=True, error_model="numpy")
def scan(
    out: Places,
    distance: Places,
    visible: int,
    eye: NDArray[np.float64],
    yaw: float,
    pitch: float,
    tangent: float,
) -> None:
    """Write some of the places (n, 4) that a frame shows, and 1 where it is a liquid, else 0.

    distance: (h, w) blocks ahead, times -1 where that is a liquid.
    """
    angles, k = facing(yaw, pitch), 0
    for row in range(_STRIDE // 2, visible, _STRIDE):
        for column in range(_STRIDE // 2, distance.shape[1], _STRIDE):
            far = distance[row, column]
            x, y, z = place_of(row, column, abs(far), distance.shape, tangent, angles)
            out[k, 0], out[k, 1], out[k, 2] = eye[0] + x, eye[1] + y, eye[2] + z
            out[k, 3] = 1 if far < 0 else 0
            k += 1


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _count(
    cells: NDArray[np.float32],
    x: float,
    y: float,
    z: float,
    angles: Angles,
    weight: int,
) -> None:
    """Count a place, as seen from the eye, in its cell, if it has one."""
    if abs(x) > 4 or abs(z) > 4 or abs(y) > 4:
        return
    right, down, ahead = turned(x, y, z, angles)
    i = int(np.floor(right / _WIDE + 0.5 * _ACROSS))
    j = int(np.floor(ahead / _WIDE + 0.5 * _ACROSS))
    level = _LEVELS - 1 - int(np.floor((down + _TOP) / _HIGH))
    if 0 <= i < _ACROSS and 0 <= j < _ACROSS and 0 <= level < _LEVELS:
        cells[i, j, level] += weight


@njit(cache=True, nogil=True, error_model="numpy")
def occupied(
    points: Places,
    rests: Places,
    empty: NDArray[np.float32],
    eye: NDArray[np.float64],
    yaw: float,
) -> NDArray[np.float32]:
    """How full the cells around an eye are, (2, 5, 5, 13): of what is solid, and of liquids.

    From the left, from behind, from below. points: (frames, n, 4), places seen. rests: (n, 3),
    where the eye was at rest, which something must have held, but nothing in a cell that is `empty`
    for sure (5, 5, 13).
    """
    cells = np.zeros((2, _ACROSS, _ACROSS, _LEVELS), np.float32)
    held = np.zeros_like(cells[0])
    angles = facing(yaw, 0.0)
    for frame in range(points.shape[0]):
        for k in range(points.shape[1]):
            place = points[frame, k]
            x, y, z = place[0] - eye[0], place[1] - eye[1], place[2] - eye[2]
            _count(cells[1 if place[3] == 1 else 0], x, y, z, angles, 1)
    for k in range(rests.shape[0]):
        x, y, z = rests[k, 0] - eye[0], rests[k, 1] - eye[1] + _UNDER, rests[k, 2] - eye[2]
        if abs(x) < 4 and abs(z) < 4:
            for i in (-1, 0, 1):
                for j in (-1, 0, 1):
                    weight = 2 * _HELD if i == j == 0 else _HELD
                    _count(held, x + i * _FOOT, y, z + j * _FOOT, angles, weight)
    cells[0] += np.where(empty < 1, held, np.float32(0))
    full: NDArray[np.float32] = np.minimum(cells / np.float32(_ENOUGH), np.float32(1))
    return full


@njit(cache=True, nogil=True, error_model="numpy")
def _sights(
    points: Places,
    stood: NDArray[np.float64],
    shape: tuple[int, int],
    tangent: float,
    place: NDArray[np.float64],
) -> int:
    """In how many frames something was seen behind a place (3,): 0, 1, or 2 for more.

    points, stood: (frames, n, 4) and (frames, 7), what frames (h, w) of that shape showed, and how
    their cameras stood.
    """
    columns, count = across(shape[1]), 0
    for frame in range(points.shape[0]):
        eye, angles = stood[frame, :3], stood[frame, 3:]
        if eye[0] == NOWHERE:
            continue
        right, down, ahead = turned(place[0] - eye[0], place[1] - eye[1], place[2] - eye[2], angles)
        if ahead < _CLEAR:
            continue
        py, px = pixel_of(right, down, ahead, shape, tangent)
        k = int(py) // _STRIDE * columns + int(px) // _STRIDE
        if py < 0 or px < 0 or px >= columns * _STRIDE or k >= points.shape[1]:
            continue
        x, y, z = points[frame, k, 0] - eye[0], points[frame, k, 1] - eye[1], points[frame, k, 2]
        if ahead < _BEYOND * turned(x, y, z - eye[2], angles)[2] - _CLEAR:
            count += 1
            if count == _OFTEN:
                break
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def seen_through(
    points: Places,
    stood: NDArray[np.float64],
    shape: tuple[int, int],
    tangent: float,
    eye: NDArray[np.float64],
    yaw: float,
) -> NDArray[np.float32]:
    """How surely the cells of `occupied` are empty: something was seen behind them."""
    cells = np.zeros((_ACROSS, _ACROSS, _LEVELS), np.float32)
    own, place = facing(yaw, 0.0), np.empty(3)
    for i in range(_ACROSS):
        for j in range(_ACROSS):
            for level in range(_LEVELS):
                x, y, z = turned_back(
                    (i + 0.5 - 0.5 * _ACROSS) * _WIDE,
                    (_LEVELS - level - 0.5) * _HIGH - _TOP,
                    (j + 0.5 - 0.5 * _ACROSS) * _WIDE,
                    own,
                )
                place[0], place[1], place[2] = eye[0] + x, eye[1] + y, eye[2] + z
                cells[i, j, level] = _sights(points, stood, shape, tangent, place) / _OFTEN
    return cells


def holds(
    points: Places,
    stood: NDArray[np.float64],
    shape: tuple[int, int],
    tangent: float,
    eye: NDArray[np.float64],
) -> bool:
    """Whether an eye (3,) can be at rest where it is: nothing was seen through what is below it."""
    return all(
        _sights(points, stood, shape, tangent, np.add(eye, (0.0, below, 0.0))) < _OFTEN
        for below in _BENEATH
    )
