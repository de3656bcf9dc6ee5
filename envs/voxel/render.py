"""The picture of the world: one ray a pixel, textured, lit and fogged.

The per-pixel code uses only additions, multiplications, divisions and square roots, which IEEE 754
fixes to the last bit, so the picture of a state is the same on every machine.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel.blocks import BEACON, FACES, WATER
from envs.voxel.march import glance, march
from envs.voxel.shade import FACES_KEPT, Color, Params, lighting, mix, sky, texel
from envs.voxel.textures import cracks
from envs.voxel.world import Cells, Masks, Peaks, Tops, World

FIELD_OF_VIEW = 70.0
SIGHT = 46.0
TANGENT = 0.7002075382097097
"""Of half the vertical field of view."""
_FADE = SIGHT * 0.55  # fog begins

_CRACKS, _FACES = cracks(), FACES
_WATER, _BEACON = WATER, BEACON
_WATER_TEXTURE = int(FACES[WATER, 0])
_DEEP = (0.16, 0.33, 0.72)

Image = NDArray[np.uint8]
Target = tuple[int, int, int, int]


@dataclass
class Scene:
    """What the picture shows besides the blocks.

    Attributes:
        eye: (3,) position.
        camera: (3, 3) forward, right and up unit vectors.
        zenith, horizon, light: colours of the sky's top, its rim and the sunlight.
        sun: x and y of the unit vector towards the sun; the moon stands opposite.
        clouds: cover, (CLOUD_SPAN, CLOUD_SPAN) uint8, repeating; drift: shift along x in blocks.
        target: (x, y, z, stage) block outlined and its crack stage, -1 for none; y -1 for no block.
        under_water: whether the eye is.
    """

    eye: Params
    camera: Params
    zenith: Color
    horizon: Color
    light: Color
    sun: tuple[float, float]
    clouds: NDArray[np.uint8]
    drift: float
    target: Target
    under_water: bool


@njit(cache=True, inline="always")
def _byte(value: float) -> np.uint8:
    return np.uint8(min(255.0, max(0.0, value * 255.0 + 0.5)))


@njit(cache=True, error_model="numpy", inline="always")
def _face(
    cells: Cells,
    tops: Tops,
    light: Color,
    target: Target,
    pixel: float,
    kind: int,
    x: int,
    y: int,
    z: int,
    axis: int,
    back: bool,
    hx: float,
    hy: float,
    hz: float,
    slant: float,
    t: float,
    away: float,
    faces: NDArray[np.int64],
    lights: Params,
) -> Color:
    """The colour of the block face met at (hx, hy, hz) within its block, before water and fog.

    `back`: whether the ray runs along the axis, so that the open cell lies behind the block.
    """
    step = -1 if back else 1
    if axis == 0:
        u, v, side, shade = hz, 1 - hy, 2, 0.66
        bright = lighting(cells, tops, x + step, y, z, axis, hy, hz, away, faces, lights)
    elif axis == 1:
        u, v, side, shade = hx, hz, (1 if back else 0), (0.52 if back else 1.0)
        bright = lighting(cells, tops, x, y + step, z, axis, hx, hz, away, faces, lights)
    else:
        u, v, side, shade = hx, 1 - hy, 2, 0.82
        bright = lighting(cells, tops, x, y, z + step, axis, hx, hy, away, faces, lights)
    texels = 16 * t * pixel / (0.4 + 0.6 * slant)
    color = texel(_FACES[kind, side], u, v, texels)
    if kind == _BEACON:
        return color
    shade *= bright
    if y == target[1] and x == target[0] and z == target[2]:
        if target[3] >= 0 and _CRACKS[target[3], min(15, int(v * 16)), min(15, int(u * 16))]:
            shade *= 0.42
        rim = max(0.03, 0.75 * pixel * t)
        if u < rim or u > 1 - rim or v < rim or v > 1 - rim:
            shade *= 0.3
    return (
        color[0] * shade * light[0],
        color[1] * shade * light[1],
        color[2] * shade * light[2],
    )


@njit(cache=True, error_model="numpy", inline="always")
def _through_water(
    color: Color,
    light: Color,
    length: float,
    axis: int,
    px: float,
    pz: float,
    texels: float,
) -> Color:
    """A colour seen through `length` blocks of water; `axis` of the surface met, -1: none."""
    part, tone = 0.45 * length / (1 + 0.45 * length), 0.8
    if axis >= 0:
        part, tone = min(0.94, 0.34 + 0.66 * part), 0.9
        if axis == 1:
            u, v = px - np.floor(px), pz - np.floor(pz)
            tone = texel(_WATER_TEXTURE, u, v, texels)[2] * 1.32
    deep = (_DEEP[0] * light[0] * tone, _DEEP[1] * light[1] * tone, _DEEP[2] * light[2] * tone)
    return mix(color, deep, part)


@njit(cache=True, error_model="numpy", nogil=True)
def _trace(
    cells: Cells,
    tops: Tops,
    masks: Masks,
    peaks: Peaks,
    eye: Params,
    camera: Params,
    zenith: Color,
    horizon: Color,
    light: Color,
    sun: tuple[float, float],
    clouds: NDArray[np.uint8],
    drift: float,
    target: Target,
    under_water: bool,
    image: Image,
    depth: NDArray[np.float32],
    kinds: Image,
) -> None:
    """Fill image (h, w, 3), depth (h, w) in blocks along the view axis, kinds (h, w)."""
    h, w = depth.shape
    pixel = 2 * TANGENT / h
    faces, lights = np.full(FACES_KEPT, -1), np.empty((FACES_KEPT, 5))
    ex, ey, ez = eye[0], eye[1], eye[2]
    for row in range(h):
        up = TANGENT - (row + 0.5) * pixel
        for col in range(w):
            right = (col + 0.5 - 0.5 * w) * pixel
            dx = camera[0, 0] + camera[1, 0] * right + camera[2, 0] * up
            dy = camera[0, 1] + camera[1, 1] * right + camera[2, 1] * up
            dz = camera[0, 2] + camera[1, 2] * right + camera[2, 2] * up
            stretch = np.sqrt(1.0 + right * right + up * up)
            limit, wet, surface, surface_axis = SIGHT / stretch, 0.0, 0.0, -1
            kind, x, y, z, axis, t = 0, 0, 0, 0, 1, limit
            if not under_water:
                kind, x, y, z, axis, t = glance(cells, masks, peaks, ex, ey, ez, dx, dy, dz, limit)
            if under_water or kind == _WATER:
                kind, x, y, z, axis, t, wet, surface, surface_axis = march(
                    cells, ex, ey, ez, dx, dy, dz, limit, under_water
                )
            seen = surface if surface_axis >= 0 else t
            away = seen * stretch
            color = (0.0, 0.0, 0.0)
            if kind:
                along = dx if axis == 0 else dy if axis == 1 else dz
                color = _face(
                    cells, tops, light, target, pixel, kind, x, y, z, axis,
                    along > 0, ex + dx * t - x, ey + dy * t - y, ez + dz * t - z,
                    abs(along) / stretch, t, t * stretch, faces, lights,
                )  # fmt: skip
            open_sky = kind == 0 and surface_axis < 0
            if away > _FADE or kind == 0:
                blue = sky(
                    dx / stretch, dy / stretch, dz / stretch, eye, zenith, horizon, light,
                    sun[0], sun[1], clouds, drift,
                )  # fmt: skip
                color = blue if kind == 0 else color
            if wet > 0:
                texels = 16 * seen * pixel / max(0.25, abs(dy) / stretch)
                color = _through_water(
                    color, light, wet * stretch, surface_axis,
                    ex + dx * seen, ez + dz * seen, texels,
                )  # fmt: skip
            if away > _FADE and not open_sky:
                fog = min(1.0, (away - _FADE) / (SIGHT - _FADE))
                color = mix(color, blue, fog * fog * (3 - 2 * fog))
            image[row, col, 0] = _byte(color[0])
            image[row, col, 1] = _byte(color[1])
            image[row, col, 2] = _byte(color[2])
            depth[row, col] = seen
            kinds[row, col] = _WATER if surface_axis >= 0 else kind


def draw(
    world: World, scene: Scene, height: int, width: int
) -> tuple[Image, NDArray[np.float32], Image]:
    """The picture (h, w, 3) uint8, depth (h, w) in blocks along the view axis, kinds (h, w)."""
    image = np.empty((height, width, 3), np.uint8)
    depth = np.empty((height, width), np.float32)
    kinds = np.empty((height, width), np.uint8)
    _trace(
        world.cells, world.tops, world.masks, world.peaks, scene.eye, scene.camera, scene.zenith,
        scene.horizon, scene.light, scene.sun, scene.clouds, scene.drift, scene.target,
        scene.under_water, image, depth, kinds,
    )  # fmt: skip
    return image, depth, kinds
