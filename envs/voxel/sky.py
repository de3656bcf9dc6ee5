"""The light of an hour: sun, sky colours, clouds, and the camera's axes."""

import math

import numpy as np
from numpy.typing import NDArray

from envs.voxel.generate import noise2
from envs.voxel.render import Scene
from envs.voxel.shade import CLOUD_SPAN, Color, Params

DAY = 6000
"""Ticks from sunrise to sunrise: five minutes."""

_CLOUD_SPEED = 0.03  # blocks a tick

_DAY_ZENITH, _DAY_HORIZON = np.array([0.36, 0.58, 0.94]), np.array([0.70, 0.82, 0.96])
_DUSK_ZENITH, _DUSK_HORIZON = np.array([0.28, 0.34, 0.62]), np.array([0.93, 0.56, 0.32])
_NIGHT_ZENITH, _NIGHT_HORIZON = np.array([0.03, 0.04, 0.13]), np.array([0.10, 0.13, 0.25])
_DAY_LIGHT = np.array([1.0, 1.0, 1.0])
_DUSK_LIGHT = np.array([0.86, 0.68, 0.58])
_NIGHT_LIGHT = np.array([0.34, 0.38, 0.54])


def _grid(value: float) -> float:
    """The value on a grid coarser than any mathematics library's last-digit difference."""
    return round(value, 9)


def axes(yaw: float, pitch: float) -> tuple[Params, Params, Params]:
    """Forward, right and up unit vectors of a camera; yaw 0 looks along +z, 90 along -x."""
    a, b = math.radians(yaw), math.radians(pitch)
    sa, ca, sb, cb = (_grid(v) for v in (math.sin(a), math.cos(a), math.sin(b), math.cos(b)))
    forward = np.array([-sa * cb, -sb, ca * cb])
    right = np.array([-ca, 0.0, -sa])
    up = np.array([-sa * sb, cb, ca * sb])
    return forward, right, up


def clouds(seed: int) -> NDArray[np.uint8]:
    """A seed's cloud cover: (CLOUD_SPAN, CLOUD_SPAN) uint8 of 0 and 1, repeating in both axes."""
    half = CLOUD_SPAN // 2
    cover = np.zeros((CLOUD_SPAN, CLOUD_SPAN), np.uint8)
    for i in range(CLOUD_SPAN):
        for j in range(CLOUD_SPAN):
            x, z = abs(i - half), abs(j - half)  # mirrored, so that the edges meet
            cover[i, j] = noise2(seed + 50, (x + 0.37) / 4.1, (z + 0.53) / 4.1) > 0.26
    return cover


def _color(values: Params) -> Color:
    return float(values[0]), float(values[1]), float(values[2])


def _blend(height: float) -> tuple[Params, Params, Params]:
    """Zenith, horizon and light colours for the sine of the sun's elevation."""
    day = min(1.0, max(0.0, (height - 0.02) / 0.3))
    night = min(1.0, max(0.0, (-height - 0.02) / 0.24))
    colors = []
    for noon, dusk, dark in (
        (_DAY_ZENITH, _DUSK_ZENITH, _NIGHT_ZENITH),
        (_DAY_HORIZON, _DUSK_HORIZON, _NIGHT_HORIZON),
        (_DAY_LIGHT, _DUSK_LIGHT, _NIGHT_LIGHT),
    ):
        color = dusk + (noon - dusk) * day
        colors.append(color + (dark - color) * night)
    return colors[0], colors[1], colors[2]


def scene(
    eye: Params,
    yaw: float,
    pitch: float,
    clock: int,
    cover: NDArray[np.uint8],
    target: tuple[int, int, int, int],
    under_water: bool,
) -> Scene:
    """Everything `render.draw` needs besides the blocks; `clock` counts ticks since a sunrise."""
    angle = 2 * math.pi * (clock % DAY) / DAY
    sun = _grid(math.cos(angle)), _grid(math.sin(angle))
    zenith, horizon, light = _blend(sun[1])
    if under_water:
        zenith = horizon = np.array([0.10, 0.22, 0.50]) * light
    return Scene(
        eye, np.stack(axes(yaw, pitch)), _color(zenith), _color(horizon), _color(light), sun,
        cover, clock * _CLOUD_SPEED, target, under_water,
    )  # fmt: skip
