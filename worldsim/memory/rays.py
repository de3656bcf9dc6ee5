"""The ray of a pixel, in one camera and from another: arithmetic inside the loops that need it.

Places and directions are right, down and ahead of a camera, or of where a game began, as it
looked then. Angles are in radians; a tangent is that of half the vertical field of view.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Places = NDArray[np.float32]
Angles = NDArray[np.float64]
Ages = NDArray[np.int32]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def facing(yaw: float, pitch: float) -> Angles:
    """Cosine and sine of yaw, then of pitch."""
    return np.array([np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def turned(x: float, y: float, z: float, angles: Angles) -> tuple[float, float, float]:
    """A direction right, down and ahead of the start, as right, down and ahead of a camera."""
    cos_yaw, sin_yaw, cos_pitch, sin_pitch = angles
    right, level = x * cos_yaw - z * sin_yaw, x * sin_yaw + z * cos_yaw
    return right, y * cos_pitch - level * sin_pitch, y * sin_pitch + level * cos_pitch


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def turned_back(
    right: float, down: float, ahead: float, angles: Angles
) -> tuple[float, float, float]:
    """Undoes `turned`."""
    cos_yaw, sin_yaw, cos_pitch, sin_pitch = angles
    y, level = down * cos_pitch + ahead * sin_pitch, ahead * cos_pitch - down * sin_pitch
    return right * cos_yaw + level * sin_yaw, y, level * cos_yaw - right * sin_yaw


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def place_of(
    row: int, column: int, far: float, shape: tuple[int, int], tangent: float, angles: Angles
) -> tuple[float, float, float]:
    """What a pixel of a picture (h, w) shows `far` blocks ahead: right, down, ahead of the start.

    Counted from the camera's eye.
    """
    height, width = shape
    v = ((row + 0.5) / height * 2 - 1) * tangent
    u = ((column + 0.5) / width * 2 - 1) * tangent * (width / height)
    return turned_back(u * far, v * far, far, angles)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def pixel_of(
    right: float, down: float, ahead: float, shape: tuple[int, int], tangent: float
) -> tuple[float, float]:
    """Row and column at which a picture (h, w) shows what is there, seen from its camera."""
    height, width = shape
    row = (down / (ahead * tangent) + 1) * 0.5 * height - 0.5
    column = (right / (ahead * tangent * (width / height)) + 1) * 0.5 * width - 0.5
    return row, column


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def far_from(eye: NDArray[np.float64], place: Places) -> float:
    """How far a place (3,) is from the eye (3,)."""
    x, y, z = place[0] - eye[0], place[1] - eye[1], place[2] - eye[2]
    return float(np.sqrt(x * x + y * y + z * z))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def crossed(x: float, y: float, z: float, corner: Angles, grown: float) -> tuple[float, float, int]:
    """When a ray x, y, z enters and leaves a cell, grown by so much; and by which axis."""
    enters, leaves, by = -1e9, 1e9, 0
    for axis in range(3):
        ray = x if axis == 0 else (y if axis == 1 else z)
        step = ray if abs(ray) > 1e-6 else 1e-6
        first, last = (corner[axis] - grown) / step, (corner[axis] + 1 + grown) / step
        if min(first, last) > enters:
            enters, by = min(first, last), axis
        leaves = min(leaves, max(first, last))
    return enters, leaves, by
