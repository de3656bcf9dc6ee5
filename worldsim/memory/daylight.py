"""Days that pass in dreams: the sky's colours and the land's light at each hour.

A transformer that sees a second of the past cannot see the light change, and what was seen and is
kept would stay as bright as it was. So a world knows how its days go, from recordings in which
somebody stood still (`worldsim.data.hours`); a dream tells by its context's sky how late it is, and
from then on time passes. What it remembers stays in the light it began in; what it shows, and what
its networks see, is in the light of the hour.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.camera import FAR, CameraConfig
from worldsim.memory.rays import Pixels, Places

Light = NDArray[np.float64]
"""(k + 1, 3): the sky's colours, of 255, from level to high up; last, which share of the colours
that it has at its brightest the land has."""

NO_LIGHT = np.zeros((3, 0, 3))
NO_HOURS = np.full(2, -1.0)
"""Those of a game that has no days, or does not tell how late it is."""

Sky = NDArray[np.float64]
"""(m, 6), parts of the sky in frames: ticks before the last one (-1 is the one before it), a number
of the part, its height in `HEIGHTS`, and its colour."""

HEIGHTS = 9
"""Heights in the sky that its colours are told at, as many as `k`."""
_HIGH = 0.7
"""Sine of the angle above level of the highest."""
_SKY = FAR / 2
"""Blocks from which on what is seen is the sky; a step changes its distance, too."""
_FEW, _WIDE = 8, 8.0
"""Pixels of a part of the sky that tell its colour, and degrees that it is wide."""
_FINE = 4
"""Hours that are tried between two of the table's."""
_CLOUD, _CLEAR, _PARTS = 12.0, 0.25, 24
"""Difference of a colour, of 255, from which on it is not of the sky; share of what counts as sky,
and how many parts of it, of which that must not be true, for its hour to be told."""
_TREND, _SPAN = 10.0, 60.0
"""Ticks of a wrong trend that count as much as a wrong colour; and the squares of ticks from their
mean, in each part of the sky, summed, from which on there is one."""
_ELSE, _SURE, _ALONE = 0.05, 1.5, 3.75
"""Days beyond which hours are others, and by how much, of 255, these have to look less like it,
where there is a trend and where there is none: else it may be morning or evening."""
_ALIKE = 0.6
"""Difference of a colour, of 255, within which hours cannot be told apart."""
_SAME, _SAME_DAY = (0.75, 0.004), (8.0, 0.06)
"""Differences of the sky's colours, and of the logarithm of the land's light, that are none: of a
game's hours, and of its first hour from day."""
_DISTANT, _LIKE = 24.0, 40.0
"""Blocks from which on, and difference of a colour, of 255, up to which what is above level may be
sky as well; so may what is of unknown distance."""


@dataclass(frozen=True)
class Daylight:
    """How the light of a world changes.

    table: (n, k + 1, 3), the `Light` of n hours, evenly over a day. pace: days a tick.
    """

    table: Light
    pace: float

    def __post_init__(self) -> None:
        shape, table = (HEIGHTS + 1, 3), self.table
        if table.ndim != 3 or table.shape[1:] != shape or not 0 <= self.pace < 1:
            raise ValueError(
                f"light is {table.shape}, {self.pace} days a tick; needed (n, *{shape})"
            )
        if not np.isfinite(table).all() or (table[:, -1] <= 0).any():
            raise ValueError("light is not finite, or none")

    def light(self, hours: float | NDArray[np.floating]) -> Light:
        """The light (..., k + 1, 3) of hours (...) in [0, 1), shares of a day."""
        low, high, share = between(np.asarray(hours), len(self.table))
        early, late = self.table[low], self.table[high]
        return np.asarray(early + share[..., None, None] * (late - early))

    def began(self, skies: Sky) -> tuple[NDArray[np.float64], Light]:
        """`hours` and `light` of a game of whose frames these are the skies.

        Hours are `NO_HOURS` where they do not tell how late it is. The light (3, k + 1, 3): as it
        began, now, and as vistas have it, by day.
        """
        hour = self.hour(skies)
        hours = NO_HOURS.copy() if np.isnan(hour) else np.array([hour, hour])
        return hours, self._lights(*hours)

    def later(self, hours: NDArray[np.float64]) -> tuple[NDArray[np.float64], Light]:
        """The same a tick later, of a game that has such hours (2,): as it began, and now."""
        if hours[0] < 0:
            return hours, self._lights(*hours)
        now = np.array([hours[0], (hours[1] + self.pace) % 1.0])
        return now, self._lights(*now)

    def _lights(self, began: float, now: float) -> Light:
        day = self.table[self.table[:, -1].mean(-1).argmax()]
        if began < 0:
            return np.stack([day] * 3)
        own, light = self.light(began), self.light(now)
        light = own if _same(own, light, *_SAME) else light
        return np.stack([own, light, own if _same(own, day, *_SAME_DAY) else day])

    def hour(self, skies: Sky) -> float:
        """The hour of the last of frames that follow each other, by their skies.

        Of hours that look the same, the middle one; NaN where there is no sky, a strange one, or
        one that other hours have too. That it grows lighter or darker tells mornings from evenings.
        """
        if len(skies) < _PARTS:
            return np.nan
        n, height = _FINE * len(self.table), skies[:, 2].astype(int)
        hours = np.arange(n)[:, None] / n + skies[:, 0] * self.pace
        low, high, share = between(hours, len(self.table))
        early, late = self.table[low, height], self.table[high, height]
        miss = early + share[..., None] * (late - early) - skies[:, 3:]
        most = np.abs(miss).max(-1)
        clear = most < _CLOUD
        alone, trend = np.minimum(most, _CLOUD).mean(1), _trend(miss, clear, skies)
        both = alone + _TREND * np.nan_to_num(trend)
        apart, sure = (alone, _ALONE) if np.isnan(trend[both.argmin()]) else (both, _SURE)
        best = int(apart.argmin())
        before, after, other = _around(apart, best)
        if clear[best].sum() < max(_CLEAR * len(skies), _PARTS) or other < apart[best] + sure:
            return np.nan
        return float((best + (after - before) / 2) / n % 1.0)


def between(
    hours: NDArray[np.floating], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Which two of a day's n hours lie around hours (...), in days, and the share of the later."""
    at = hours % 1.0 * n
    low = np.floor(at).astype(np.int64)
    return low % n, (low + 1) % n, at - low


def _around(apart: NDArray[np.float64], best: int) -> tuple[int, int, float]:
    """Hours before and after the best one that look the same, and how far apart others are."""
    n, alike = len(apart), np.roll(apart <= apart[best] + _ALIKE, -best)
    if alike.all():
        return 0, n - 1, np.inf
    before, after = int((~alike[::-1]).argmax()), int((~alike).argmax()) - 1
    since = (np.arange(n) - best + n // 2) % n - n // 2
    others = (since > after + _ELSE * n) | (since < -before - _ELSE * n)
    return before, after, float(apart[others].min(initial=np.inf))


def _same(one: Light, other: Light, sky: float, land: float) -> bool:
    near = np.abs(one[:-1] - other[:-1]).max() < sky
    return bool(near and np.abs(np.log(one[-1] / other[-1])).max() < land)


def _trend(miss: NDArray[np.float64], clear: NDArray[np.bool_], skies: Sky) -> NDArray[np.float64]:
    """How fast (n,) what n hours miss (n, m, 3) changes in a tick; NaN if too little is clear.

    Each part of the sky against itself: others have other clouds, and hills behind the fog.
    """
    part = np.unique(skies[:, 1], return_inverse=True)[1]
    of, share = np.eye(part.max() + 1)[part], clear.astype(np.float64)
    means = (share * skies[:, 0]) @ of / np.maximum(share @ of, 1.0)
    since = share * (skies[:, 0] - means[:, part])
    span = (since * since).sum(1)
    slopes = (since[..., None] * miss).sum(1) / np.maximum(span, _SPAN)[:, None]
    return np.where(span > _SPAN, np.abs(slopes).mean(-1), np.nan)


def skies_of(
    frames: Pixels,
    away: Places,
    pitches: NDArray[np.floating],
    yaws: NDArray[np.floating],
    camera: CameraConfig,
    wide: float = _WIDE,
) -> Sky:
    """The sky in frames (t, h, w, 3) that follow each other.

    away: (t, h, w) blocks to what they show. pitches, yaws: (t,) degrees down and to the right.
    wide: degrees of a part. The median of each: neither the sun nor a little cloud.
    """
    parts, visible = [], camera.visible(frames.shape[1])
    for i, (frame, far, pitch, yaw) in enumerate(zip(frames, away, pitches, yaws, strict=True)):
        up, aside = _directions(far.shape, float(np.radians(pitch)), camera.tangent)[:, :visible]
        sky = (far[:visible] >= _SKY) & (up >= 0)
        if not sky.any():
            continue
        sector = np.floor((yaw + aside[sky]) / wide)
        number = sector.astype(int) * HEIGHTS + np.round(up[sky]).astype(int)
        order = np.argsort(number, kind="stable")
        some, starts = np.unique(number[order], return_index=True)
        for part, seen in zip(some, np.split(frame[:visible][sky][order], starts[1:]), strict=True):
            if len(seen) >= _FEW:
                parts.append([i - len(frames) + 1, part, part % HEIGHTS, *np.median(seen, 0)])
    return np.array(parts, np.float64).reshape(-1, 6)


def relit(
    frame: Pixels, away: Places, camera: CameraConfig, pitch: float, change: NDArray[np.float64]
) -> Pixels:
    """A frame (h, w, 3) in another light: what is in the first, as it is in the second.

    away: (h, w) blocks to what it shows, 0 where that is not known. pitch: degrees down. change:
    (2, k + 1, 3), of no heights where light does not change. What is laid over the view stays.
    """
    before, after = change
    if np.array_equal(before, after):
        return frame
    out, (visible, tilt) = frame.copy(), (camera.visible(len(frame)), float(np.radians(pitch)))
    _relight(out, np.abs(away), visible, tilt, camera.tangent, before, after)
    return out


def relit_around(picture: Pixels, change: NDArray[np.float64]) -> Pixels:
    """A picture (rows, columns, 3) of all directions in another light, as `relit`.

    How far away things are is not known.
    """
    if np.array_equal(*change):
        return picture
    out = picture.copy()
    _relight_around(out, *change)
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _height(row: int, column: int, shape: tuple[int, int], pitch: float, tangent: float) -> float:
    """How high up a pixel of a picture (h, w) looks, in `HEIGHTS`; less than 0 below level."""
    v = ((row + 0.5) / shape[0] * 2 - 1) * tangent
    u = ((column + 0.5) / shape[1] * 2 - 1) * tangent * (shape[1] / shape[0])
    up = -(v * np.cos(pitch) + np.sin(pitch)) / np.sqrt(1 + u * u + v * v)
    return float(min(up / _HIGH, 1.0) * (HEIGHTS - 1))


@njit(cache=True, nogil=True, error_model="numpy")
def _directions(shape: tuple[int, int], pitch: float, tangent: float) -> NDArray[np.float64]:
    """How high up, in `HEIGHTS`, and how many degrees to the right each pixel looks: (2, h, w)."""
    out = np.empty((2, *shape))
    for row in range(shape[0]):
        v = ((row + 0.5) / shape[0] * 2 - 1) * tangent
        level = np.cos(pitch) - v * np.sin(pitch)
        for column in range(shape[1]):
            u = ((column + 0.5) / shape[1] * 2 - 1) * tangent * (shape[1] / shape[0])
            out[0, row, column] = _height(row, column, shape, pitch, tangent)
            out[1, row, column] = np.degrees(np.arctan2(u, level))
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _recolor(
    pixel: NDArray[np.uint8], height: float, far: float, source: Light, target: Light
) -> None:
    """Give a pixel (3,) that looks so high, at what is so far away, the colour of another light."""
    land = len(source) - 1
    low = min(max(int(height), 0), land - 2)
    part, sky = max(height, 0.0) - low, far >= _SKY
    if height > 0 and not sky and (far == 0 or far > _DISTANT):
        sky = True
        for c in range(3):
            was = source[low, c] + part * (source[low + 1, c] - source[low, c])
            sky &= abs(pixel[c] - was) < _LIKE
    for c in range(3):
        value = pixel[c] * (target[land, c] / source[land, c])
        if sky:
            was = source[low, c] + part * (source[low + 1, c] - source[low, c])
            now = target[low, c] + part * (target[low + 1, c] - target[low, c])
            value += now - was * (target[land, c] / source[land, c])
        pixel[c] = np.uint8(min(max(value + 0.5, 0.0), 255.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _relight(
    frame: Pixels,
    away: Places,
    visible: int,
    pitch: float,
    tangent: float,
    source: Light,
    target: Light,
) -> None:
    shape = away.shape[0], away.shape[1]
    for row in range(visible):
        for column in range(shape[1]):
            height = _height(row, column, shape, pitch, tangent)
            _recolor(frame[row, column], height, away[row, column], source, target)


@njit(cache=True, nogil=True, error_model="numpy")
def _relight_around(picture: Pixels, source: Light, target: Light) -> None:
    for row in range(len(picture)):
        up = np.cos((row + 0.5) / len(picture) * np.pi)
        height = min(up / _HIGH, 1.0) * (HEIGHTS - 1)
        for column in range(picture.shape[1]):
            _recolor(picture[row, column], height, 0.0, source, target)
