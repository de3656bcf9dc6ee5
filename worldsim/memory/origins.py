"""Where each pixel of a camera's frame was first drawn, so that it is drawn from there, and once.

A known pixel moves as the camera does, every tick a little, and would lose some of its texture each
time it were interpolated. So what a frame keeps of a pixel is not only its colour but its origin:
which of the last frames showed it first, and where in that. Origins are interpolated from tick to
tick, and the colour is taken from the picture in which it was new (as the coordinates of a texture
are carried along by a flow: Neyret, Advected Textures, 2003).
"""

import numpy as np
from numba import njit

from worldsim.memory.rays import Places

FRAMES = 32
"""Past frames that are kept for this; what was first drawn before is drawn anew from the last."""
NONE = np.float32(-1)
"""In the stead of a frame's number for what is not drawn from any."""

_APART = 3.0  # pixels of an origin within which neighbours are of one surface


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
    top, left = min(int(y), max(rows - 2, 0)), min(int(x), max(width - 2, 0))
    bottom, right = min(top + 1, rows - 1), min(left + 1, width - 1)
    own, a, b = origins[row, column], origins[top, left], origins[top, right]
    c, d = origins[bottom, left], origins[bottom, right]
    if not (_near(own, a) and _near(own, b) and _near(own, c) and _near(own, d)):
        return int(own[0]), own[1] + (y - row), own[2] + (x - column)
    v, u = y - top, x - left
    one, two, three, four = (1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u
    down = one * a[1] + two * b[1] + three * c[1] + four * d[1]
    across = one * a[2] + two * b[2] + three * c[2] + four * d[2]
    return int(own[0]), down, across


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _near(one: Places, other: Places) -> bool:
    """Whether two origins (3,) are of one surface."""
    apart = max(abs(other[1] - one[1]), abs(other[2] - one[2]))
    return bool(other[0] == one[0] and apart <= _APART)


def rooted(origins: Places | None, number: int, shape: tuple[int, int]) -> Places:
    """The origins (h, w, 3) of a frame's pixels: as told, else the frame itself.

    origins: `NONE` where the frame is the first that shows a pixel, by default everywhere. number:
    of the frame; what comes from an older one of that number comes from the frame from now on.
    """
    out = np.full((*shape, 3), NONE, np.float32) if origins is None else origins.copy()
    _root(out, number)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _root(origins: Places, number: int) -> None:
    for row in range(origins.shape[0]):
        for column in range(origins.shape[1]):
            if origins[row, column, 0] == NONE or origins[row, column, 0] == number:
                origins[row, column, 0] = number
                origins[row, column, 1], origins[row, column, 2] = row, column
