"""Places drawn as a camera sees them, each over the four pixels around it.

Splatting (Westover, Footprint evaluation for volume rendering, 1990), without blending: of places
that meet in a pixel the nearest is drawn, of equally near ones that which is best centred.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.displaced import CLOSED, closed
from worldsim.origins import NONE
from worldsim.rays import Ages, Pixels, Places, facing, pixel_of, turned

NOTHING = 1e9
"""Distance of a pixel that shows nothing known."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def spread(
    nearest: NDArray[np.float64],
    off: NDArray[np.float64],
    shown: NDArray[np.int64],
    number: int,
    py: float,
    px: float,
    ahead: float,
    visible: int,
) -> None:
    """Let a place cover the four pixels around it: where nothing is nearer or better centred."""
    width = nearest.shape[1]
    if py <= -1 or px <= -1 or py >= visible or px >= width:
        return
    top, left = int(np.floor(py)), int(np.floor(px))
    for row in range(max(top, 0), min(top + 2, visible)):
        for column in range(max(left, 0), min(left + 2, width)):
            before, apart = nearest[row, column], (row - py) ** 2 + (column - px) ** 2
            if ahead < 0.9 * before or (ahead < 1.1 * before and apart < off[row, column]):
                nearest[row, column], off[row, column] = ahead, apart
                shown[row, column] = number


@njit(cache=True, nogil=True, error_model="numpy")
def remembered(
    out: Pixels,
    ages: Ages,
    origins: Places,
    colors: Pixels,
    places: Places,
    when: Ages,
    visible: int,
    eye: NDArray[np.float64],
    yaw: float,
    pitch: float,
    tangent: float,
    never: int,
) -> None:
    """Draw the kept places that a camera sees where `look` has drawn nothing.

    Grey, and of age `never`, where there are none.
    """
    flat_colors, flat_places = colors.reshape(-1, 3), places.reshape(-1, 3)
    flat_when = when.reshape(-1, 2)
    height, width = out.shape[:2]
    nearest, off = np.full((height, width), NOTHING), np.empty((height, width))
    shown = np.empty((height, width), np.int64)
    angles, asked = facing(yaw, pitch), _asked(origins, visible)
    if not asked.any():
        return
    # Nobody sees what is farther aside than this for each block ahead: that costs no division.
    high, wide = tangent * (1 + 2 / height), tangent * (width + 2) / height
    for cell in range(len(flat_when)):
        if flat_when[cell, 0] == never:
            continue
        right, down, ahead = turned(
            flat_places[cell, 0] - eye[0],
            flat_places[cell, 1] - eye[1],
            flat_places[cell, 2] - eye[2],
            angles,
        )
        if ahead > 0.05 and abs(down) < high * ahead and abs(right) < wide * ahead:
            py, px = pixel_of(right, down, ahead, (height, width), tangent)
            if _counts(asked, py, px):
                spread(nearest, off, shown, cell, py, px, ahead, visible)
    nearest, shown = closed(nearest, shown, visible)
    for row in range(visible):
        for column in range(width):
            if origins[row, column, 0] != NONE:
                continue
            if nearest[row, column] < NOTHING:
                cell = shown[row, column]
                out[row, column], ages[row, column] = flat_colors[cell], flat_when[cell]
            else:
                out[row, column], ages[row, column] = 128, never


@njit(cache=True, nogil=True, error_model="numpy")
def _asked(origins: Places, visible: int) -> NDArray[np.bool_]:
    """Where (visible + 1, w + 1) the first of four pixels is, of which one counts; see `_counts`.

    Those of no known origin count, and what `closed` looks at around them.
    """
    width = origins.shape[1]
    asked = np.zeros((visible + 1, width + 1), np.bool_)
    for row in range(visible):
        for column in range(width):
            if origins[row, column, 0] == NONE:
                top, left = max(row - CLOSED, 0), max(column - CLOSED, 0)
                asked[top : row + CLOSED + 2, left : column + CLOSED + 2] = True
    return asked


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _counts(asked: NDArray[np.bool_], py: float, px: float) -> bool:
    """Whether any of the four pixels around pixel coordinates counts."""
    inside = -1 < py < asked.shape[0] - 1 and -1 < px < asked.shape[1] - 1
    return inside and bool(asked[int(np.floor(py)) + 1, int(np.floor(px)) + 1])
