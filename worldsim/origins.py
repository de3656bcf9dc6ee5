"""Where each pixel of a camera's frame was first drawn, so that it is drawn from there, and once.

A known pixel moves as the camera does, every tick a little, and would lose some of its texture each
time it were interpolated. So what a frame keeps of a pixel is not only its colour but its origin:
which of the last frames showed it first, and where in that. Origins are interpolated from tick to
tick, and the colour is taken from the picture in which it was new (as the coordinates of a texture
are carried along by a flow: Neyret, Advected Textures, 2003).
"""

import numpy as np
from numba import njit

from worldsim.rays import Places

FRAMES = 32
"""Past frames that are kept for this; what was first drawn before is drawn anew from the last."""
NONE = np.float32(-1)
"""In the stead of a frame's number for what is not drawn from any."""

_NEAR = 3.0  # pixels of an origin within which neighbours are of one surface


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def traced(
    origins: Places, y: float, x: float, row: int, column: int, rows: int
) -> tuple[int, float, float]:
    """The frame, row and column from which pixel coordinates of a frame are drawn.

    origins: (h, w, 3), of its pixels. row, column: the one next to it that shows the same surface.
    rows: of these count.
    """
    width = origins.shape[1]
    y, x = min(max(y, 0.0), rows - 1.0), min(max(x, 0.0), width - 1.0)
    number, first, left = origins[row, column]
    top, side = min(int(y), max(rows - 2, 0)), min(int(x), max(width - 2, 0))
    v, u = y - top, x - side
    down, across = 0.0, 0.0
    for i in range(2):
        for j in range(2):
            other = origins[min(top + i, rows - 1), min(side + j, width - 1)]
            apart = max(abs(other[1] - first), abs(other[2] - left))
            if other[0] != number or apart > _NEAR:
                return int(number), first + (y - row), left + (x - column)
            weight = (v if i else 1 - v) * (u if j else 1 - u)
            down += weight * other[1]
            across += weight * other[2]
    return int(number), down, across


def rooted(origins: Places | None, number: int, shape: tuple[int, int]) -> Places:
    """The origins (h, w, 3) of a frame's pixels: as told, else the frame itself.

    origins: `NONE` where the frame is the first that shows a pixel, by default everywhere. number:
    of the frame; what comes from an older one of that number comes from the frame from now on.
    """
    own = np.empty((*shape, 3), np.float32)
    own[..., 0] = number
    own[..., 1], own[..., 2] = np.mgrid[: shape[0], : shape[1]]
    if origins is None:
        return own
    stays = (origins[..., 0] != NONE) & (origins[..., 0] != number)
    return np.where(stays[..., None], origins, own)
