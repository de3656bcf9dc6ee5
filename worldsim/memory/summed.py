"""Sums over rectangles of a picture, from a table of sums that is made once.

Crow, Summed-area tables for texture mapping (1984).
"""

from typing import Any

from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def within(sums: NDArray[Any], top: int, bottom: int, left: int, right: int) -> float:
    """The sum over rows and columns, of a table (rows + 1, columns + 1) with zeros first."""
    upper = sums[top, right] - sums[top, left]
    return float(sums[bottom, right] - sums[bottom, left] - upper)
