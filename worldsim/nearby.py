"""What is within a step of a player, from places that recent frames showed: floors, walls, steps.

A camera that looks ahead does not see what its player stands on. What it saw of it on the way there
is kept here as a handful of places a frame, and counted in cells that turn with the player.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.models.body import CELLS
from worldsim.rays import Places, facing, place_of, turned

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
_NOWHERE = 1e9


def nowhere(shape: tuple[int, ...], visible: int) -> Places:
    """Room for the places (FRAMES, n, 3) of frames (h, w, ...), of which so many rows count."""
    rows, columns = (len(range(_STRIDE // 2, size, _STRIDE)) for size in (visible, shape[1]))
    return np.full((FRAMES, rows * columns, 3), _NOWHERE, np.float32)


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
    """Write some of the places (n, 3) that a frame shows."""
    angles, k = facing(yaw, pitch), 0
    for row in range(_STRIDE // 2, visible, _STRIDE):
        for column in range(_STRIDE // 2, distance.shape[1], _STRIDE):
            far = distance[row, column]
            x, y, z = place_of(row, column, far, distance.shape, tangent, angles)
            out[k, 0], out[k, 1], out[k, 2] = eye[0] + x, eye[1] + y, eye[2] + z
            k += 1


@njit(cache=True, nogil=True, error_model="numpy")
def occupied(points: Places, eye: NDArray[np.float64], yaw: float) -> NDArray[np.float32]:
    """How full the cells around an eye are, (5, 5, 13): from the left, from behind, from below."""
    cells = np.zeros((_ACROSS, _ACROSS, _LEVELS), np.float32)
    angles = facing(yaw, 0.0)
    for frame in range(points.shape[0]):
        for k in range(points.shape[1]):
            x, y, z = (
                points[frame, k, 0] - eye[0],
                points[frame, k, 1] - eye[1],
                points[frame, k, 2] - eye[2],
            )
            if abs(x) > 4 or abs(z) > 4 or abs(y) > 4:
                continue
            right, down, ahead = turned(x, y, z, angles)
            i = int(np.floor(right / _WIDE + 0.5 * _ACROSS))
            j = int(np.floor(ahead / _WIDE + 0.5 * _ACROSS))
            level = _LEVELS - 1 - int(np.floor((down + _TOP) / _HIGH))
            if 0 <= i < _ACROSS and 0 <= j < _ACROSS and 0 <= level < _LEVELS:
                cells[i, j, level] += 1
    full: NDArray[np.float32] = np.minimum(cells / np.float32(_ENOUGH), np.float32(1))
    return full
