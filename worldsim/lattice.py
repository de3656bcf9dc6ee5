"""Where the grid lies that a world's blocks are set in, and which block a player is aimed at.

`models.grid` reads from each frame how the camera stands in that grid; what many frames say, each
as surely as it can, is one lattice for all of a dream. A face of a block lies in one of its planes,
so that what a depth network only guesses becomes exact.

Places and directions are right, down and ahead of where the game began; angles in degrees.
"""

import numpy as np
from numpy.typing import NDArray

from worldsim import cubes
from worldsim.rays import Places

_SURE = 0.35
"""Mean length of what frames say of an angle, of 1, from which on it counts."""

_AROUND = 6
"""Pixels to each side of the middle by which the face aimed at is told."""

_CORE = slice(_AROUND - 2, _AROUND + 3)
"""Of these, those that say how far away it is."""

_FARTHEST = 6.0
"""Blocks beyond which nothing is aimed at."""

_OFF = 0.25
"""Logarithm of the ratio by which distances may be wrong where a face is told by them."""


Lattice = NDArray[np.float64]
"""A grid (5,): turn places right by so many degrees, add three numbers, and blocks end at whole
ones. The last is 1 where it is known."""

UNKNOWN: Lattice = np.zeros(5)


def laid(
    read: NDArray[np.floating], yaws: NDArray[np.floating], eyes: NDArray[np.floating]
) -> Lattice:
    """The grid that frames tell of, or `UNKNOWN` if they hardly do.

    read: (t, 4, 2), cosine and sine of each angle of `READ`, the shorter the less sure. yaws: (t,)
    of the camera, and eyes (t, 3), places of the eye.
    """
    told = read[..., 0] + 1j * read[..., 1]
    turn = (told[:, 0] * np.exp(-4j * np.radians(yaws))).mean()
    yaw = float(np.degrees(np.angle(turn)) / 4)
    quarters = np.round((yaws + yaw) / 90).astype(int) % 4
    places = np.stack([inside(np.array([yaw, 0.0, 0.0, 0.0, 1.0]), eye) for eye in eyes])
    angle = quarters * (np.pi / 2)
    ahead = places[:, 0] * np.sin(angle) + places[:, 2] * np.cos(angle)
    right = places[:, 0] * np.cos(angle) - places[:, 2] * np.sin(angle)
    own = told[:, 1:] * np.exp(-2j * np.pi * np.stack([ahead, right, places[:, 1]], 1))
    ahead, right, down = np.where(_against(quarters), own.conj(), own).T
    level = np.stack([np.where(quarters % 2, ahead, right), np.where(quarters % 2, right, ahead)])
    means = np.array([level[0].mean(), down.mean(), level[1].mean()])
    if min(abs(turn), *np.abs(means)) < _SURE:
        return UNKNOWN
    return np.array([yaw, *np.angle(means) / (2 * np.pi), 1.0])


def _against(quarters: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether ahead, right and down (t, 3) go against an axis, after so many right angles (t,)."""
    ahead, right = quarters >= 2, (quarters == 1) | (quarters == 2)
    return np.stack([ahead, right, np.zeros_like(ahead)], 1)


def inside(lattice: Lattice, place: NDArray[np.floating]) -> NDArray[np.float64]:
    """A place (3,) in the grid."""
    (x, y, z), angle = place, np.radians(lattice[0])
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([x * cos + z * sin, y, z * cos - x * sin]) + lattice[1:4]


def aimed(
    lattice: Lattice,
    away: Places,
    eye: NDArray[np.floating],
    angles: tuple[float, float],
    tangent: float,
    before: bool,
) -> NDArray[np.float32]:
    """The block in the middle of a frame, as `worldsim.cubes` has it; all 0 if there is none near.

    away: (h, w) blocks along the view axis to what is seen, 0 where it is not known. eye: (3,).
    angles: yaw and pitch of the camera. tangent: of half the vertical field of view. before: the
    cell in front of that block instead, where one would be placed.
    """
    none = np.array(cubes.NONE, np.float32)
    yaw, pitch = angles[0] + lattice[0], angles[1]
    rays, far = _around(away, yaw, pitch, tangent)
    middle = len(far) // 2
    beside = far.reshape(2 * _AROUND + 1, -1)[_CORE, _CORE]
    seen = beside[beside > 0]
    if not lattice[-1] or not seen.size or np.median(seen) > _FARTHEST:
        return none
    origin, ray, best = inside(lattice, eye), rays[middle], (np.inf, 0, 0.0)
    for axis in range(3):
        met = origin[axis] + ray[axis] * float(np.median(seen))
        for plane in (np.floor(met), np.floor(met) + 1):
            with np.errstate(divide="ignore", invalid="ignore"):
                times = (plane - origin[axis]) / rays[:, axis]
                off = np.abs(np.log(np.where((times > 0) & (far > 0), times / far, np.nan)))
            wrong = float(np.nanmedian(np.where(np.isnan(off) & (far > 0), np.inf, off)))
            if times[middle] > 0:
                best = min(best, (wrong, axis, float(plane)))
    wrong, axis, plane = best
    if wrong > _OFF:
        return none
    cell = np.floor(origin + ray * (plane - origin[axis]) / ray[axis])
    cell[axis] = plane - 1 if (ray[axis] > 0) == before else plane
    return np.array([*(cell - origin), yaw, pitch, 1.0], np.float32)


def _around(
    away: Places, yaw: float, pitch: float, tangent: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rays (n, 3) in the grid around a frame's middle, and how far (n,) they go."""
    height, width = away.shape
    rows, columns = np.mgrid[-_AROUND : _AROUND + 1, -_AROUND : _AROUND + 1].reshape(2, -1)
    v, u = (2 * tangent / height * part for part in (rows, columns))
    cos, sin = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    down, level = v * cos + sin, cos - v * sin
    cos, sin = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    rays = np.stack([u * cos + level * sin, down, level * cos - u * sin], 1)
    return rays, away[height // 2 + rows, width // 2 + columns].astype(np.float64)
