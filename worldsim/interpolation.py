"""Colours between the pixels of a picture, for the loops of `worldsim.projection`."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.rays import Pixels

_KEEN = -0.65
"""Of cubic convolution; at -0.5, Catmull-Rom's, what is drawn again and again goes dull."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def sample(picture: Pixels, y: float, x: float, rows: int, out: Pixels) -> None:
    """The bilinear colour at pixel coordinates, of the first `rows` rows."""
    y, x = min(max(y, 0.0), rows - 1.0), min(max(x, 0.0), picture.shape[1] - 1.0)
    top, left = int(y), int(x)
    down, right = min(top + 1, rows - 1), min(left + 1, picture.shape[1] - 1)
    v, u = y - top, x - left
    for c in range(3):
        upper = (1 - u) * picture[top, left, c] + u * picture[top, right, c]
        lower = (1 - u) * picture[down, left, c] + u * picture[down, right, c]
        out[c] = np.uint8((1 - v) * upper + v * lower + 0.5)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _cubic(u: float, out: NDArray[np.float64]) -> None:
    """Weights of four pixels around a point a share `u` past the second (Keys 1981)."""
    out[0] = ((_KEEN * u - 2 * _KEEN) * u + _KEEN) * u
    out[1] = ((_KEEN + 2) * u - (_KEEN + 3)) * u * u + 1
    out[2] = ((-(_KEEN + 2) * u + (2 * _KEEN + 3)) * u - _KEEN) * u
    out[3] = (-_KEEN * u + _KEEN) * u * u


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def sharp(
    picture: Pixels,
    y: float,
    x: float,
    rows: int,
    weights: NDArray[np.float64],
    out: Pixels,
) -> None:
    """As `sample`, by cubic convolution, which blurs far less when it is done again and again."""
    y, x = min(max(y, 0.0), rows - 1.0), min(max(x, 0.0), picture.shape[1] - 1.0)
    top, left = int(y), int(x)
    _cubic(y - top, weights[0])
    _cubic(x - left, weights[1])
    for c in range(3):
        total = 0.5
        for i in range(4):
            row = min(max(top - 1 + i, 0), rows - 1)
            line = 0.0
            for j in range(4):
                column = min(max(left - 1 + j, 0), picture.shape[1] - 1)
                line += weights[1, j] * picture[row, column, c]
            total += weights[0, i] * line
        out[c] = np.uint8(min(max(total, 0.0), 255.0))
