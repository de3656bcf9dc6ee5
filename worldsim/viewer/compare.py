"""Two pictures -> a picture of where they differ."""

from functools import cache

import numpy as np

from worldsim.data.environments import Frame

FULL = 0.5
"""Difference, as a share of the range, that has the brightest colour."""
_STOPS = (
    *((0.0, (11, 13, 18)), (0.15, (58, 38, 112)), (0.4, (180, 50, 100))),
    *((0.7, (251, 150, 36)), (1.0, (255, 250, 220))),
)


def heat(a: Frame, b: Frame) -> Frame:
    """Where two frames (h, w, 3) differ: dark where they are equal, bright where they are not."""
    gap = np.abs(a.astype(np.int16) - b).mean(2)
    index = np.minimum(gap / FULL, 255).astype(np.uint8)
    picture: Frame = _colors()[index]
    return picture


@cache
def _colors() -> Frame:
    """A colour (256, 3) for every difference."""
    places = [255 * place for place, _ in _STOPS]
    channels = [
        np.interp(np.arange(256), places, [color[i] for _, color in _STOPS]) for i in range(3)
    ]
    return np.stack(channels, 1).round().astype(np.uint8)
