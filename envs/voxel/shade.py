"""The colour of what a ray met: texture, light and corners, cracks, outline, sky.

Colours are (red, green, blue) floats, 0..1.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel.blocks import WATER
from envs.voxel.textures import LEVEL_START, LEVELS, atlas
from envs.voxel.world import Cells, Tops

CLOUD_HEIGHT, CLOUD_CELL, CLOUD_SPAN, _CLOUD_SIGHT = 78.0, 9.0, 64, 420.0
_WATER = WATER
_ATLAS = atlas() * (1 / 255)
_LEVEL_START = np.array(LEVEL_START)
_LEVEL_SHARE = 0.5 ** np.arange(LEVELS)
_DARKEST, _CORNER = 0.24, 0.16
FACES_KEPT = 1024
_SMOOTH, _FLAT = 16.0, 22.0  # corners fade out between these distances

Color = tuple[float, float, float]
Params = NDArray[np.float64]


@njit(cache=True, inline="always")
def mix(a: Color, b: Color, t: float) -> Color:
    """The colour a share t of the way from a to b."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t


@njit(cache=True, error_model="numpy", inline="always")
def texel(texture: int, u: float, v: float, texels: float) -> Color:
    """The texture at (u, v) in 0..1, blended between the two mip levels that fit the footprint."""
    level = (texels >= 2.0) + (texels >= 4.0) + (texels >= 8.0) + (texels >= 16.0)
    i, j = min(15, max(0, int(v * 16))), min(15, max(0, int(u * 16)))
    at = _LEVEL_START[level] + ((i >> level) << (4 - level)) + (j >> level)
    red, green, blue = _ATLAS[texture, at, 0], _ATLAS[texture, at, 1], _ATLAS[texture, at, 2]
    if texels <= 1.0 or level == 4:
        return red, green, blue
    part = texels * _LEVEL_SHARE[level] - 1.0
    level += 1
    at = _LEVEL_START[level] + ((i >> level) << (4 - level)) + (j >> level)
    return (
        red + (_ATLAS[texture, at, 0] - red) * part,
        green + (_ATLAS[texture, at, 1] - green) * part,
        blue + (_ATLAS[texture, at, 2] - blue) * part,
    )


@njit(cache=True, error_model="numpy")
def cell_light(cells: Cells, tops: Tops, x: int, y: int, z: int) -> float:
    """How bright an open cell is by its depth under ground and leaves; -1 for an opaque cell."""
    column = ((x & 127) << 7) | (z & 127)
    if 0 <= y < 64:
        kind = cells[(column << 6) | y]
        if kind != 0 and kind != _WATER:
            return -1.0
    depth = tops[0, column] - y
    light = 1.0 if depth <= 0 else max(_DARKEST, 0.70 - 0.05 * depth)
    return light * 0.8 if tops[1, column] > y else light


@njit(cache=True)
def _beside(cells: Cells, tops: Tops, x: int, y: int, z: int, axis: int, du: int, dv: int) -> float:
    """Light of the cell `du`, `dv` along the two axes that lie in the face."""
    if axis == 0:
        return cell_light(cells, tops, x, y + du, z + dv)
    if axis == 1:
        return cell_light(cells, tops, x + du, y, z + dv)
    return cell_light(cells, tops, x + du, y + dv, z)


@njit(cache=True, error_model="numpy")
def _corner(a: float, b: float, c: float, centre: float) -> float:
    """Light at a corner from the cells around it: the mean of the open, darker for each opaque."""
    total, count, shade = centre, 1.0, 1.0
    for value in (a, b, -1.0 if a < 0 and b < 0 else c):
        if value < 0:
            shade -= _CORNER
        else:
            total += value
            count += 1.0
    return total / count * shade


@njit(cache=True)
def corners(
    cells: Cells, tops: Tops, x: int, y: int, z: int, axis: int, centre: float, out: Params
) -> None:
    """Write the light at a face's corners (4,), `du` `dv` = -- +- -+ ++ (Minecraft's smooth light).

    `(x, y, z)` is the cell in front of the face, `centre` its light.
    """
    west = _beside(cells, tops, x, y, z, axis, -1, 0)
    east = _beside(cells, tops, x, y, z, axis, 1, 0)
    south = _beside(cells, tops, x, y, z, axis, 0, -1)
    north = _beside(cells, tops, x, y, z, axis, 0, 1)
    out[0] = _corner(west, south, _beside(cells, tops, x, y, z, axis, -1, -1), centre)
    out[1] = _corner(east, south, _beside(cells, tops, x, y, z, axis, 1, -1), centre)
    out[2] = _corner(west, north, _beside(cells, tops, x, y, z, axis, -1, 1), centre)
    out[3] = _corner(east, north, _beside(cells, tops, x, y, z, axis, 1, 1), centre)


@njit(cache=True, error_model="numpy", inline="always")
def lighting(
    cells: Cells,
    tops: Tops,
    x: int,
    y: int,
    z: int,
    axis: int,
    du: float,
    dv: float,
    away: float,
    faces: NDArray[np.int64],
    lights: Params,
) -> float:
    """Light at a point (du, dv) of the face before the cell (x, y, z).

    Rays of a picture mostly meet faces met before: `lights` (FACES_KEPT, 5) holds the light of the
    four corners and the middle of the faces that `faces` (FACES_KEPT,) names, at first none (-1).
    """
    smooth = away < _FLAT
    face = ((x & 127) << 16 | (z & 127) << 9 | (y + 1) << 2 | axis) << 1 | smooth
    slot = (face * 0x9E3779B1 >> 20) & (FACES_KEPT - 1)
    corner = lights[slot]
    if faces[slot] != face:
        faces[slot] = face
        corner[4] = max(_DARKEST, cell_light(cells, tops, x, y, z))
        if smooth:
            corners(cells, tops, x, y, z, axis, corner[4], corner)
    if not smooth:
        return corner[4]
    low = corner[0] + (corner[1] - corner[0]) * du
    high = corner[2] + (corner[3] - corner[2]) * du
    soft = low + (high - low) * dv
    return soft + (corner[4] - soft) * max(0.0, (away - _SMOOTH) / (_FLAT - _SMOOTH))


@njit(cache=True, error_model="numpy", inline="always")
def sky(
    dx: float,
    dy: float,
    dz: float,
    eye: Params,
    zenith: Color,
    horizon: Color,
    light: Color,
    sun_x: float,
    sun_y: float,
    clouds: NDArray[np.uint8],
    drift: float,
) -> Color:
    """The sky along a unit direction: gradient, square sun and moon, flat clouds."""
    t = min(1.0, max(0.0, dy * 1.6))
    color = mix(horizon, zenith, t * (2 - t))
    aside, along = abs(dz), abs(dx * sun_y - dy * sun_x)
    if aside < 0.075 and along < 0.075:
        if dx * sun_x + dy * sun_y > 0:
            color = (1.0, 0.95, 0.72)
        elif aside < 0.055 and along < 0.055:
            color = (0.82, 0.86, 0.92)
    if dy > 0.02:
        far = (CLOUD_HEIGHT - eye[1]) / dy
        if 0 < far < _CLOUD_SIGHT:
            i = int(np.floor((eye[0] + dx * far + drift) / CLOUD_CELL)) & (CLOUD_SPAN - 1)
            j = int(np.floor((eye[2] + dz * far) / CLOUD_CELL)) & (CLOUD_SPAN - 1)
            if clouds[i, j]:
                white = (
                    min(1.0, 0.25 + 0.72 * light[0]),
                    min(1.0, 0.25 + 0.72 * light[1]),
                    min(1.0, 0.25 + 0.72 * light[2]),
                )
                color = mix(color, white, 0.75 * min(1.0, (_CLOUD_SIGHT - far) / 260))
    return color
