"""Cells whose block was dug away: whatever is seen through one is no nearer than where it ends.

A network reads distances from pictures alone, and a hole in the dark looks as the block did: by
that alone, who goes on digging would dig the same block for ever.
"""

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.lattice import inside
from worldsim.memory.nearby import NOWHERE
from worldsim.memory.panorama import Panorama
from worldsim.memory.rays import Angles, Places, crossed, place_of
from worldsim.memory.rays import facing as facing_of

_NEAR = 12.0
"""Blocks to a hole up to which it counts."""

_BEFORE, _BEYOND = 0.9, 0.97
"""Times the distances at which a ray enters and leaves a hole between which nothing is seen."""


def dug(game: Panorama, cube: NDArray[np.floating]) -> Panorama:
    """With a cube (6,), as seen from here, as the hole that was dug last; see `Panorama`."""
    return replace(game, holes=np.concatenate([game.corner(cube)[None], game.holes[:-1]]))


def filled(game: Panorama, cube: NDArray[np.floating]) -> Panorama:
    """Without any hole where a cube (6,), as seen from here, is put."""
    there = np.abs(game.holes - game.corner(cube)).max(-1) < 0.5
    return replace(game, holes=np.where(there[:, None], NOWHERE, game.holes))


def beyond(game: Panorama, away: Places, visible: int) -> Places:
    """Distances (h, w) of what is seen, less than 0 of liquids, none of them in a hole."""
    eye = inside(game.lattice, game.lens)
    holes = game.holes - eye
    holes = holes[np.abs(holes + 0.5).max(-1) < _NEAR]
    if not len(holes):
        return away
    angles = facing_of(*np.radians([game.yaw + game.lattice[0], game.pitch]))
    return _beyond(away, holes, angles, game.camera.tangent, visible)


@njit(cache=True, nogil=True, error_model="numpy")
def _beyond(
    away: Places, holes: NDArray[np.float64], angles: Angles, tangent: float, visible: int
) -> Places:
    """As `beyond`, of holes' corners (n, 3) from the eye, all in the grid."""
    out = away.copy()
    for row in range(visible):
        for column in range(away.shape[1]):
            x, y, z = place_of(row, column, 1.0, away.shape, tangent, angles)
            far, moved = abs(away[row, column]), True
            while moved:
                moved = False
                for k in range(len(holes)):
                    enters, leaves, _ = crossed(x, y, z, holes[k], 0.0)
                    if enters < leaves and _BEFORE * enters < far < _BEYOND * leaves:
                        far, moved = leaves, True
            out[row, column] = np.copysign(far, away[row, column])
    return out
