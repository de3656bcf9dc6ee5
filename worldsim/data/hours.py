"""How the light of a world changes in a day, from recordings in which somebody stands still."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import FAR, CameraConfig
from worldsim.data.dataset import Dataset
from worldsim.data.episode import Episode, read
from worldsim.data.frames import Pixels
from worldsim.errors import UserError
from worldsim.memory.daylight import HEIGHTS, Daylight, Sky, between, skies_of
from worldsim.memory.rays import Places

_HOURS = 120
"""Hours of a day that light is told at."""
_LEAST, _SEEN = 16, 8
"""Frames in which nothing moves from which on they tell how light changes, and how many at least
are looked at between two of those hours."""
_GAP = 0.1
"""Share of a day of which no recording may be missing."""
_DARK = 6
"""Brightness of a colour, of 255, below which it tells nothing of the light."""
_SMOOTH = 0.3
"""How even light is between hours of which there are recordings, beside a frame that tells it."""
_ROUNDS, _CLOUD = 6, 6.0
"""Rounds in which a sky is fitted, and difference of a colour, of 255, from which on it is less."""
_NEEDS = "position", "yaw", "pitch", "time_of_day"

Away = Callable[[Pixels, NDArray[np.float64]], Places]
"""Blocks (n, h, w) to what frames (n, h, w, 3) at pitches (n,) show."""


class _Watch(NamedTuple):
    """Hours (t,) of frames of one view, their skies, and their land's mean colours (t, 3).

    pace: days a tick.
    """

    hours: NDArray[np.float64]
    skies: Sky
    land: NDArray[np.float64]
    pace: float


def watched(data: Dataset, camera: CameraConfig, away: Away) -> Daylight:
    """How the light of a data set's world changes.

    Raises:
        UserError: its recordings do not tell, or not of every hour.
    """
    found = [watch for entry in data.entries for watch in _watches(read(entry.path), camera, away)]
    where = data.folders[0]
    if not found:
        raise UserError(
            f"in {where} nobody stands still under a sky (record some with policy=watcher)"
        )
    hours = np.sort(np.concatenate([watch.hours for watch in found]) % 1.0)
    gaps = np.diff(np.append(hours, hours[0] + 1))
    if gaps.max() > _GAP:
        start = hours[gaps.argmax()]
        raise UserError(
            f"{where} has no hours from {start:.2f} to {(start + gaps.max()) % 1:.2f} of a day; "
            f"needed all but {_GAP} (record more episodes with policy=watcher)"
        )
    pace = np.median([watch.pace for watch in found])
    table = np.concatenate([_skies(found), _lands(found)[:, None]], 1)
    return Daylight(table, float(pace))


def _watches(episode: Episode, camera: CameraConfig, away: Away) -> Iterator[_Watch]:
    """What an episode tells from where somebody stood still longest.

    Raises:
        UserError: its info does not say where the camera is, or how late it is.
    """
    if not set(_NEEDS) <= set(episode.info):
        raise UserError(f"hours need recordings whose info tells {', '.join(_NEEDS)}")
    poses = np.column_stack([episode.info[name] for name in _NEEDS[:3]])
    moves = np.flatnonzero((np.diff(poses, axis=0) != 0).any(1))
    starts, ends = np.append(0, moves + 1), np.append(moves, len(poses) - 1)
    i = int((ends - starts).argmax())
    if ends[i] - starts[i] < _LEAST:
        return
    hours = np.unwrap(np.asarray(episode.info["time_of_day"], np.float64), period=1.0)
    often = max(1, int(1 / (_HOURS * _SEEN * np.median(np.diff(hours)))))
    part = slice(starts[i], ends[i] + 1, often)
    frames, pitches = episode.frames[part], np.asarray(episode.info["pitch"][part], np.float64)
    far = away(frames[:1], pitches[:1])[0]
    visible = camera.visible(len(far))
    still = np.broadcast_to(far, frames.shape[:3])
    skies = skies_of(frames, still, pitches, np.zeros(len(frames)), camera, 360.0)
    land = frames[:, :visible][:, (np.abs(far) < FAR)[:visible]]
    if not len(skies) or not land.shape[1]:
        return
    yield _Watch(
        hours[part],
        skies,
        land.mean(1, dtype=np.float64),
        (hours[-1] - hours[0]) / (len(hours) - 1),
    )


def _skies(found: list[_Watch]) -> NDArray[np.float64]:
    """The sky's colours (n, k, 3) at n hours: between two of each hour, the same way at all hours.

    So that who saw only its upper half at dawn tells of the rest as well. What differs much is a
    cloud, and counts little.
    """
    skies = np.concatenate([watch.skies for watch in found])
    hours = [w.hours[w.skies[:, 0].astype(int) - 1] for w in found]  # 0 is the last one
    seen, height, rows = skies[:, 3:], skies[:, 2].astype(int), _weights(np.concatenate(hours))
    share, weight = np.linspace(0, 1, HEIGHTS), np.ones(len(skies))
    for _ in range(_ROUNDS):
        up = share[height][:, None]
        ends = _fitted(np.concatenate([rows * (1 - up), rows * up], 1), seen, 2, weight)
        low, high = rows @ ends[:_HOURS], rows @ ends[_HOURS:]
        way, off = high - low, seen - low
        told = np.stack([weight * (way * off).sum(1), weight * (way * way).sum(1)])
        sums = np.stack([np.bincount(height, part, HEIGHTS) for part in told])
        share = (sums[0] / np.maximum(sums[1], 1.0)).clip(0, 1)
        share[0], share[-1] = 0.0, 1.0
        miss = np.abs(low + share[height][:, None] * way - seen).mean(1)
        weight = 1 / np.maximum(1.0, (miss / _CLOUD) ** 2)
    part = share[None, :, None]
    return (1 - part) * ends[:_HOURS, None] + part * ends[_HOURS:, None]


def _lands(found: list[_Watch]) -> NDArray[np.float64]:
    """How bright the land is at n hours, (n, 3): shares of the brightest.

    How bright it is in itself is another number of each view.
    """
    out = np.empty((_HOURS, 3))
    for c in range(3):
        seen = [watch.land[:, c] > _DARK for watch in found]
        hours = np.concatenate([w.hours[s] for w, s in zip(found, seen, strict=True)])
        tones = np.concatenate([w.land[s, c] for w, s in zip(found, seen, strict=True)])
        of = np.repeat(np.arange(len(found)), [s.sum() for s in seen])
        own = np.zeros((len(hours), len(found)))
        own[np.arange(len(hours)), of] = 1
        rows = np.concatenate([_weights(hours), own], 1)
        level = _fitted(rows, np.log(tones)[:, None], 1)[:_HOURS, 0]
        out[:, c] = np.exp(level - level.max())
    return out


def _weights(hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (m, n) of the n hours of a table for what lies between them."""
    low, high, share = between(hours, _HOURS)
    rows, out = np.arange(len(hours)), np.zeros((len(hours), _HOURS))
    out[rows, low] += 1 - share
    out[rows, high] += share
    return out


def _fitted(
    rows: NDArray[np.float64],
    values: NDArray[np.float64],
    sets: int,
    weights: NDArray[np.float64] | float = 1.0,
) -> NDArray[np.float64]:
    """What (p, c) gives values (m, c) by rows (m, p).

    The columns are so many sets of hours, in which it is smooth, and others. weights: (m,).
    """
    bend = np.eye(_HOURS) - (np.roll(np.eye(_HOURS), 1, 1) + np.roll(np.eye(_HOURS), -1, 1)) / 2
    own = rows * np.reshape(weights, (-1, 1))
    normal = own.T @ rows + 1e-6 * np.eye(rows.shape[1])
    for i in range(sets):
        part = slice(i * _HOURS, (i + 1) * _HOURS)
        normal[part, part] += _SMOOTH * bend.T @ bend
    return np.asarray(np.linalg.solve(normal, own.T @ values))
