"""Where the grid lies that a world's blocks are set in, and which block a player is aimed at.

`models.grid` reads from each frame how the camera stands in that grid; what many frames say, each
as surely as it can, is one lattice for all of a dream. A face of a block lies in one of its planes,
so that what a depth network only guesses becomes exact.

Places and directions are right, down and ahead of where the game began; angles in degrees.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worldsim import cubes
from worldsim.memory import crosshair
from worldsim.memory.rays import Places

_SURE, _LIKELY = 0.35, 0.2
"""Mean length of what frames say of an angle, of 1, from which on it counts: of where a grid's
planes stand upright, which blocks tell by their sides else, and of its turn and its heights."""
_FRAMES, _STILL, _WAY = 2.0, 16.0, 0.2
"""Frames before the last one after which what they say counts for 1/e; of who stands still; and
blocks walked since, if that is later."""

_AROUND = 6
"""Pixels to each side of the middle by which the face aimed at is told."""

_FARTHEST = 6.0
"""Blocks beyond which nothing is aimed at."""

_OFF = 0.25
"""Logarithm of the ratio by which distances may be wrong where a face is told by them."""

_MOST = 1.0
"""The same of a block that is there for sure."""

_ON = 0.15
"""The same for what still shows that face."""

Lattice = NDArray[np.float64]
"""A grid (5,): turn places right by so many degrees, add three numbers, and blocks end at whole
ones. The last is 1 where it is known, and `LEVELS` where only the turn and the heights are."""

LEVELS = 0.5

UNKNOWN: Lattice = np.zeros(5)


def laid(
    read: NDArray[np.floating], yaws: NDArray[np.floating], eyes: NDArray[np.floating]
) -> Lattice:
    """The grid that frames tell of, so far as they do; or `UNKNOWN`.

    read: (t, 4, 2), cosine and sine of each angle of `READ`, the shorter the less sure. yaws: (t,)
    of the camera, and eyes (t, 3), places of the eye. The last frames count most: how an eye came
    to where it is is known less well than what it sees there. Who stands still has seen more there.
    """
    told = read[..., 0] + 1j * read[..., 1]
    way = np.linalg.norm(np.diff(eyes, axis=0), axis=1)[::-1].cumsum()[::-1]
    ago = np.arange(len(yaws))[::-1]
    share = np.exp(-np.minimum(ago / _FRAMES, np.append(way, 0.0) / _WAY + ago / _STILL))
    share /= share.sum()
    turn = share @ (told[:, 0] * np.exp(-4j * np.radians(yaws)))
    yaw = float(np.degrees(np.angle(turn)) / 4)
    quarters = np.round((yaws + yaw) / 90).astype(int) % 4
    places = np.stack([inside(np.array([yaw, 0.0, 0.0, 0.0, 1.0]), eye) for eye in eyes])
    angle = quarters * (np.pi / 2)
    ahead = places[:, 0] * np.sin(angle) + places[:, 2] * np.cos(angle)
    right = places[:, 0] * np.cos(angle) - places[:, 2] * np.sin(angle)
    own = told[:, 1:] * np.exp(-2j * np.pi * np.stack([ahead, right, places[:, 1]], 1))
    ahead, right, down = np.where(_against(quarters), own.conj(), own).T
    level = np.stack([np.where(quarters % 2, ahead, right), np.where(quarters % 2, right, ahead)])
    means = np.array([level[0] @ share, down @ share, level[1] @ share])
    right, down, ahead = np.angle(means) / (2 * np.pi)
    if min(abs(turn), abs(means[1])) < _LIKELY:
        return UNKNOWN
    if min(abs(turn), *np.abs(means)) < _SURE:
        return np.array([yaw, 0.0, down, 0.0, LEVELS])
    return np.array([yaw, right, down, ahead, 1.0])


def _against(quarters: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether ahead, right and down (t, 3) go against an axis, after so many right angles (t,)."""
    ahead, right = quarters >= 2, (quarters == 1) | (quarters == 2)
    return np.stack([ahead, right, np.zeros_like(ahead)], 1)


def inside(lattice: Lattice, place: NDArray[np.floating]) -> NDArray[np.float64]:
    """A place (3, ...) in the grid."""
    (x, y, z), angle = place, np.radians(lattice[0])
    cos, sin = np.cos(angle), np.sin(angle)
    there = np.array([x * cos + z * sin, y, z * cos - x * sin])
    return there + lattice[1:4].reshape(3, *[1] * (there.ndim - 1))


class Side(NamedTuple):
    """The side of a block in the middle of a frame: in a `plane` of an `axis` of the grid.

    away: blocks to it along the view axis. origin: the eye (3,) and ray: where it looks (3,), in
    the grid. known: whether the plane follows from the grid; else from distances alone.
    """

    axis: int
    plane: float
    away: float
    origin: NDArray[np.float64]
    ray: NDArray[np.float64]
    known: bool


def side(
    lattice: Lattice,
    away: Places,
    eye: NDArray[np.floating],
    angles: tuple[float, float],
    tangent: float,
    sure: bool = False,
) -> Side | None:
    """The side of a block in the middle of a frame; None where there is none near.

    away: (h, w) blocks along the view axis to what is seen, 0 where it is not known. eye: (3,).
    angles: yaw and pitch of the camera. tangent: of half the vertical field of view. sure: there is
    one, even where distances tell badly where.
    """
    if not lattice[-1]:
        return None
    rays, far = _around(away, angles[0] + lattice[0], angles[1], tangent)
    middle = len(far) // 2
    beside = crosshair.core(away).astype(np.float64)
    seen = beside[beside > 0]
    if not seen.size or np.median(seen) > _FARTHEST:
        return None
    near, rest = float(np.median(seen)), lattice[-1] < 1
    origin, ray, best = inside(lattice, eye), rays[middle], (np.inf, 0, 0.0)
    for axis in range(3):
        met = origin[axis] + ray[axis] * near
        for plane in [met] if rest and axis != 1 else [np.floor(met), np.floor(met) + 1]:
            with np.errstate(divide="ignore", invalid="ignore"):
                times = (plane - origin[axis]) / rays[:, axis]
                off = np.abs(np.log(np.where((times > 0) & (far > 0), times / far, np.nan)))
            wrong = float(np.nanmedian(np.where(np.isnan(off) & (far > 0), np.inf, off)))
            if times[middle] > 0:
                best = min(best, (wrong, axis, float(plane)))
    wrong, axis, plane = best
    if wrong > (_MOST if sure else _OFF):
        return None
    time = float((plane - origin[axis]) / ray[axis])
    return Side(axis, plane, time, origin, ray, not rest or axis == 1)


def aimed(
    lattice: Lattice,
    away: Places,
    eye: NDArray[np.floating],
    angles: tuple[float, float],
    tangent: float,
    before: bool,
    sure: bool = False,
) -> NDArray[np.float32]:
    """The block in the middle of a frame, as `worldsim.cubes` has it; all 0 if there is none near.

    before: the cell in front of that block instead, where one would be placed; the rest as of
    `side`.
    """
    met = side(lattice, away, eye, angles, tangent, sure)
    if met is None:
        return np.array(cubes.NONE, np.float32)
    yaw, pitch = angles[0] + lattice[0], angles[1]
    point = met.origin + met.ray * met.away
    cell = np.floor(point)
    if lattice[-1] < 1:
        edges = _begins(met, away, (yaw, pitch), tangent)
        cell[::2] = point[::2] - np.where(np.isnan(edges), 0.5, (point[::2] - edges) % 1)
    cell[met.axis] = met.plane - 1 if (met.ray[met.axis] > 0) == before else met.plane
    return np.array([*(cell - met.origin), yaw, pitch, 1.0], np.float32)


def _begins(
    met: Side, away: Places, angles: tuple[float, float], tangent: float
) -> NDArray[np.float64]:
    """Where a block aimed at ends along the level axes (2,), by where its side does; NaN if unseen.

    In the middle row of a frame; the angles are those of the camera in the grid.
    """
    found = np.full(2, np.nan)
    if met.axis == 1:
        return found
    height, width = away.shape
    across = 2 - met.axis
    rays = _rays(np.zeros(width) + height // 2, np.arange(width), away.shape, angles, tangent)
    with np.errstate(divide="ignore", invalid="ignore"):
        times = (met.plane - met.origin[met.axis]) / rays[:, met.axis]
        on = (times > 0) & (np.abs(np.log(away[height // 2] / times)) < _ON)
    there, middle = met.origin[across] + rays[:, across] * times, width // 2
    off = np.flatnonzero(~on)
    ends = [*off[off < middle][-1:] + 1, *off[off > middle][:1] - 1]
    if ends:  # the nearer one is told best
        found[across // 2] = min((there[end] for end in ends), key=lambda e: abs(e - there[middle]))
    return found


def _around(
    away: Places, yaw: float, pitch: float, tangent: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rays (n, 3) in the grid around a frame's middle, and how far (n,) they go."""
    height, width = away.shape
    rows, columns = np.mgrid[-_AROUND : _AROUND + 1, -_AROUND : _AROUND + 1].reshape(2, -1)
    rows, columns = height // 2 + rows, width // 2 + columns
    rays = _rays(rows, columns, away.shape, (yaw, pitch), tangent)
    return rays, away[rows, columns].astype(np.float64)


def _rays(
    rows: NDArray[Any],
    columns: NDArray[Any],
    size: tuple[int, ...],
    angles: tuple[float, float],
    tangent: float,
) -> NDArray[np.float64]:
    """The rays (n, 3) of pixels of a frame of that size (h, w), a block long ahead."""
    height, width = size
    v, u = ((2 * tangent / height) * part for part in (rows - height // 2, columns - width // 2))
    yaw, pitch = np.radians(angles)
    down, level = v * np.cos(pitch) + np.sin(pitch), np.cos(pitch) - v * np.sin(pitch)
    right, ahead = u * np.cos(yaw) + level * np.sin(yaw), level * np.cos(yaw) - u * np.sin(yaw)
    return np.stack([right, down, ahead], 1)
