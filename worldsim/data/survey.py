"""Places of recordings in which somebody stood still and looked all around, as vistas."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import CameraConfig
from worldsim.data.dataset import Dataset
from worldsim.data.episode import Episode, read
from worldsim.errors import UserError
from worldsim.memory.panorama import NEVER
from worldsim.memory.panoramas import blank
from worldsim.memory.rays import Pixels
from worldsim.memory.vistas import Vistas

_FRAMES = 16
"""Frames of a place by which it is told how open it is."""
_LEVEL, _SEEN = 30.0, 0.98
"""Degrees above and below level within which such a share of all directions has to be seen."""
_RANK = 2, 3
"""Which share of what frames show of a direction is darker than what is taken of it."""


@dataclass(frozen=True)
class Place:
    """A picture (rows, 2 * rows, 3) of all directions, and a few frames (n, h, w, 3) from there.

    pitches: (n,), degrees down, of these.
    """

    picture: Pixels
    frames: Pixels
    pitches: NDArray[np.float64]


Open = Callable[[Pixels, NDArray[np.float64]], float]
"""How open a place is, by frames (n, h, w, 3) and pitches (n,)."""


def surveyed(
    data: Dataset, camera: CameraConfig, count: int, openness: Open | None = None
) -> Vistas:
    """At most so many vistas of a data set's places: the most open ones, or spread over all.

    Raises:
        UserError: nobody has looked all around.
    """
    found = [place for entry in data.entries for place in looked_around(read(entry.path), camera)]
    if not found:
        raise UserError(
            f"in {data.folders[0]} nobody stands still and looks all around (record some with "
            "policy=surveyor)"
        )
    if openness is None:
        best = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    else:
        scores = [openness(place.frames, place.pitches) for place in found]
        best = np.sort(np.argsort(scores, kind="stable")[-count:])
    return Vistas.of(np.stack([found[i].picture for i in best]))


def looked_around(episode: Episode, camera: CameraConfig) -> Iterator[Place]:
    """The places of an episode in which somebody looked all around.

    Raises:
        UserError: the recording does not say where the camera looks.
    """
    if not {"yaw", "pitch"} <= set(episode.info):
        raise UserError("vistas need recordings whose info tells `yaw` and `pitch`")
    for first, last in _stays(episode.actions, camera):
        picture = _around(episode, camera, first, last)
        if picture is not None:
            some = np.linspace(first, last, _FRAMES).round().astype(int)
            yield Place(picture, episode.frames[some], episode.info["pitch"][some])


def _stays(actions: NDArray[np.float32], camera: CameraConfig) -> Iterator[tuple[int, int]]:
    """The first and the last frame of stretches that nobody walks in, but turns all around."""
    walks = (actions[:, camera.walking] != 0).any(1)
    ends = [*walks.nonzero()[0].tolist(), len(actions)]
    for first, last in zip([0, *(end + 1 for end in ends)], ends, strict=False):
        if np.abs(actions[first:last, camera.yaw]).sum() >= 360:
            yield first, last


def _around(episode: Episode, camera: CameraConfig, first: int, last: int) -> Pixels | None:
    """What frames show of all directions; None where that is not enough.

    Of what several of them show one of the lighter ones: a cross, or the outline of what is aimed
    at, is dark and in few.
    """
    views, counts = [], np.zeros((1, 1, 1), np.int64)
    for i in range(first, last + 1):
        yaw, pitch = float(episode.info["yaw"][i]) % 360, float(episode.info["pitch"][i])
        game = blank(camera, episode.frames.shape[1:], 0.0)
        game = replace(game, yaw=yaw, pitch=pitch, ticks=1).painted(episode.frames[i], None)
        seen = game.when[0, :, :, :1] != NEVER
        counts = counts + seen
        views.append(np.where(seen, game.colors[0], np.uint8(255)))  # the last in any order
    ordered = np.stack(views)
    ordered.sort(0)
    rank = np.maximum(counts - 1, 0) * _RANK[0] // _RANK[1]
    picture = np.take_along_axis(ordered, rank[None], 0)[0]
    seen = counts[..., 0] > 0
    rows = len(seen)
    level = round(rows * _LEVEL / 180)
    if seen[rows // 2 - level : rows // 2 + level].mean() < _SEEN:
        return None
    return _filled(picture, seen)


def _filled(picture: Pixels, seen: NDArray[np.bool_]) -> Pixels:
    """A picture whose unseen pixels look as the nearest seen one of their column does."""
    rows = np.arange(len(seen))[:, None]
    above = np.maximum.accumulate(np.where(seen, rows, -1), 0)
    below = np.minimum.accumulate(np.where(seen, rows, 2 * len(seen))[::-1], 0)[::-1]
    nearest = np.where((above >= 0) & (rows - above <= below - rows), above, below)
    columns = np.arange(seen.shape[1])
    return picture[np.where(nearest < len(seen), nearest, rows), columns]
