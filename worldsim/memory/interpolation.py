"""Colours between the pixels of a picture, for the loops of `memory.projection`."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.rays import Pixels

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
    width = picture.shape[1]
    y, x = min(max(y, 0.0), rows - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    if y == top and x == left:
        out[:] = picture[top, left]
        return
    _cubic(y - top, weights[0])
    _cubic(x - left, weights[1])
    w0, w1, w2, w3 = weights[1]
    a, b = max(left - 1, 0), left
    c, d = min(left + 1, width - 1), min(left + 2, width - 1)
    red = green = blue = 0.5
    for i in range(4):
        line, weight = picture[min(max(top - 1 + i, 0), rows - 1)], weights[0, i]
        red += weight * (w0 * line[a, 0] + w1 * line[b, 0] + w2 * line[c, 0] + w3 * line[d, 0])
        green += weight * (w0 * line[a, 1] + w1 * line[b, 1] + w2 * line[c, 1] + w3 * line[d, 1])
        blue += weight * (w0 * line[a, 2] + w1 * line[b, 2] + w2 * line[c, 2] + w3 * line[d, 2])
    out[0] = np.uint8(min(max(red, 0.0), 255.0))
    out[1] = np.uint8(min(max(green, 0.0), 255.0))
    out[2] = np.uint8(min(max(blue, 0.0), 255.0))
