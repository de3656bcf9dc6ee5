"""The panoramas of several games at once, and of recorded episodes; see `memory.panorama`."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import FAR, CameraConfig
from worldsim.memory import crosshair, tinted
from worldsim.memory.edged import edged
from worldsim.memory.expected import Expected
from worldsim.memory.lattice import UNKNOWN, laid
from worldsim.memory.nearby import nowhere, restless, unseen
from worldsim.memory.origins import FRAMES, rooted
from worldsim.memory.panorama import NEVER, Panorama
from worldsim.memory.rays import Pixels, Places
from worldsim.memory.vistas import Vistas
from worldsim.models.grid import READ

T = TypeVar("T")

Motions = NDArray[np.floating]
"""Blocks forward, right and up (..., 3) between frames, as felt at the earlier one."""


def expected(
    panoramas: Sequence[Panorama],
    actions: NDArray[np.floating],
    motions: Motions,
    lucks: NDArray[np.floating],
    vistas: Vistas | None = None,
) -> list[Expected]:
    """What is known of the dreamed frames that actions (b, a) lead to by motions (b, 3).

    lucks: (b,), vistas: see `Panorama.known`.
    """
    return each(partial(Expected.of, vistas=vistas), panoramas, actions, motions, lucks)


def dreamed(
    before: Sequence[Expected],
    frames: Pixels,
    distances: Places,
    fresh: NDArray[np.bool_],
    spend: bool = False,
) -> tuple[Panorama, ...]:
    """The panoramas after frames (b, h, w, 3) were dreamed, with distances (b, h, w).

    fresh: (b, y, x), where events have changed what was known. spend: the panoramas before, each
    of its own game, are not used again.
    """
    after = partial(Expected.dreamed, spend=spend)
    return tuple(each(after, before, frames, distances, fresh))


def begun(
    camera: CameraConfig,
    actions: NDArray[np.floating],
    motions: Motions,
    frames: Pixels,
    distances: Places,
    pitches: Sequence[float],
    read: NDArray[np.floating] | None = None,
) -> tuple[Panorama, ...]:
    """The panoramas of games that have seen frames (b, t+1, h, w, 3), led by actions (b, t, a).

    motions: (b, t, 3). distances: (b, t+1, h, w), as `Panorama.seen` takes them. pitches: (b,)
    degrees down in the first frames. read: (b, t+1, 4, 2), what frames tell of the grid of blocks;
    nothing by default.
    """
    told = np.zeros((*frames.shape[:2], READ, 2)) if read is None else read

    def after(pitch: float, *rows: NDArray[Any]) -> Panorama:
        acts, moves, pictures, away, grid = rows
        visible = camera.visible(frames.shape[2])
        first = edged(away[0], pictures[0], visible)
        game = blank(camera, frames.shape[2:], pitch).painted(pictures[0], first)
        yaws, eyes = [game.yaw], [game.lens]
        for step in zip(acts, moves, pictures[1:], away[1:], strict=True):
            action, motion, picture, distance = step
            view = Expected.of(game, action, motion)
            game = view.panorama.painted(picture, view.confirmed(picture, distance))
            yaws.append(game.yaw)
            eyes.append(game.lens)
        return replace(game, lattice=laid(grid, np.array(yaws), np.stack(eyes)))

    return tuple(each(after, pitches, actions, motions, frames, distances, told))


def blank(camera: CameraConfig, shape: tuple[int, ...], pitch: float) -> Panorama:
    """The panorama of a game that has seen nothing, whose frames have that shape (h, w, 3)."""
    rows = round(180 * camera.resolution)
    grey = np.full(shape, 128, np.uint8)
    return Panorama(
        camera=camera,
        frame=grey,
        distance=np.full(shape[:2], FAR, np.float32),
        cross=crosshair.cut(grey, camera.arm(shape[0])),
        past=(grey,) * FRAMES,
        origins=rooted(None, 0, (shape[0], shape[1])),
        colors=np.full((2, rows, 2 * rows, 3), 128, np.uint8),
        places=np.zeros((2, rows, 2 * rows, 3), np.float32),
        when=np.full((2, rows, 2 * rows, 2), NEVER, np.int32),
        points=nowhere(shape, camera.visible(shape[0])),
        stood=unseen(),
        rests=restless(),
        eye=np.zeros(3),
        yaw=0.0,
        pitch=pitch,
        lattice=UNKNOWN,
    )


def each(function: Callable[..., T], *rows: Sequence[Any] | NDArray[Any]) -> list[T]:
    """The function's result for each game; the loops inside run side by side."""
    if len(rows[0]) < 2:
        return list(map(function, *rows))
    return list(_threads().map(function, *rows))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "panorama")


def as_arrays(panoramas: Sequence[Panorama]) -> dict[str, NDArray[Any]]:
    """The panoramas as arrays with a row a game; `from_arrays` takes them."""
    return {name: np.stack([getattr(p, name) for p in panoramas]) for name in _PARTS}


def from_arrays(camera: CameraConfig, arrays: Mapping[str, NDArray[Any]]) -> tuple[Panorama, ...]:
    """The panoramas that `as_arrays` was taken of; also before blocks fell, and of no liquids."""
    kept = [name for name in _PARTS if name in arrays or name not in _LATER]
    liquid = np.zeros((*arrays["points"].shape[:-1], 4 - arrays["points"].shape[-1]), np.float32)
    arrays = {**arrays, "points": np.concatenate([arrays["points"], liquid], -1)}
    rows = zip(*(arrays[name] for name in kept), strict=True)
    games = (dict(zip(kept, map(_value, row), strict=True)) for row in rows)
    return tuple(Panorama(camera, **{**game, "past": tuple(game["past"])}) for game in games)


def _value(array: NDArray[Any]) -> Any:
    return array if array.ndim else array.item()


_PARTS = [part.name for part in fields(Panorama)][1:]


def recorded(
    camera: CameraConfig,
    frames: Pixels,
    actions: NDArray[np.floating],
    poses: NDArray[np.floating],
    distances: Places,
) -> tuple[Pixels, NDArray[np.float32], NDArray[np.uint8]]:
    """What `Panorama.ahead` says before each frame (t+1, h, w, 3) of an episode.

    And, in 255ths, what `Panorama.nearby` says after it, (t+1, 975).

    actions: (t, a). poses: (t+1, 5) x, y (up), z, yaw, pitch. distances: (t+1, h, w).
    """
    panorama = replace(blank(camera, frames.shape[1:], 0.0), **_standing(poses[0]))
    pictures, recents = np.empty_like(frames), np.zeros(frames.shape, np.float32)
    visible = camera.visible(frames.shape[1])
    pictures[0] = panorama.frame
    panorama = panorama.painted(frames[0], distances[0])
    nearby = [panorama.nearby()]
    for i, action in enumerate(actions, 1):
        after = panorama.turned(action).standing(_standing(poses[i])["eye"])
        pictures[i], recents[i] = after.ahead(panorama)
        plain, _ = tinted.apart(frames[i], pictures[i], recents[i, ..., 0] > 0, visible)
        panorama = after.painted(plain, distances[i])
        nearby.append(panorama.nearby())
    cells = (255 * np.stack(nearby)).round().astype(np.uint8)
    return pictures, recents, cells.reshape(len(frames), -1)


def _standing(pose: NDArray[np.floating]) -> dict[str, Any]:
    """Where a panorama's camera is at a pose (5,) x, y (up), z, yaw (90 towards -x), pitch."""
    x, y, z, yaw, pitch = map(float, pose)
    return {"eye": np.array([-x, -y, z]), "yaw": yaw, "pitch": pitch}


def pooled(recents: NDArray[np.float32], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Means (..., 3, y, x) of what `Panorama.ahead` says (..., h, w, 3) over a grid (y, x)."""
    *lead, height, width, channels = recents.shape
    y, x = grid
    cells = recents.reshape(*lead, y, height // y, x, width // x, channels).sum(-4).sum(-2)
    return np.moveaxis(cells / np.float32(height // y * (width // x)), -1, -3)


_LATER = ("loose", "coat", "holes", "vista", "litter", "hours", "light")
