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
from worldsim.rays import Pixels, Places

Light = NDArray[np.float64]
"""(k + 1, 3): the sky's colours, of 255, from level to high up; last, which share of the colours
that it has at its brightest the land has."""

NO_LIGHT = np.zeros((3, 0, 3))
NO_HOURS = np.full(2, -1.0)
"""Those of a game that has no days, or does not tell how late it is."""

HEIGHTS = 9
"""Heights in the sky that its colours are told at, as many as `k`."""
_HIGH = 0.7
"""Sine of the angle above level of the highest."""
_SKY = FAR / 2
"""Blocks from which on what is seen is the sky; a step changes its distance, too."""
_FEW = 24
"""Pixels of sky at a height from which on a frame tells its colour."""
_FINE = 4
"""Hours that are tried between two of the table's."""
_CLOUD, _CLEAR = 12.0, 0.25
"""Difference of a colour, of 255, from which on it is not of the sky; and share of what counts as
sky of which that must not be true, for its hour to be told."""
_TREND, _SPAN = 5.0, 60.0
"""Ticks of a wrong trend that count as much as a wrong colour; and the sum of the squares of ticks
from their mean from which on a height tells one."""
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

    def light(self, hours: float | NDArray[np.floating]) -> Light:
        """The light (..., k + 1, 3) of hours (...) in [0, 1), shares of a day."""
        at = np.asarray(hours) * len(self.table)
        low = np.floor(at).astype(int)
        early, late = (self.table[(low + i) % len(self.table)] for i in (0, 1))
        return np.asarray(early + (at - low)[..., None, None] * (late - early))

    def began(self, skies: NDArray[np.floating]) -> tuple[NDArray[np.float64], Light]:
        """`hours` and `light` of a game of whose last frames (t, k, 3) these are the skies.

        What `skies_of` tells; hours are `NO_HOURS` where they do not tell how late it is. The light
        (3, k + 1, 3) as it began, now, and as vistas have it: by day.
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

    def hour(self, skies: NDArray[np.floating]) -> float:
        """The hour of the last of frames that follow each other, by their skies (t, k, 3).

        Of hours that look the same, the middle one; NaN where there is no sky, or a strange one.
        That it grows lighter or darker tells mornings from evenings.
        """
        if np.isnan(skies).all():
            return np.nan
        n = _FINE * len(self.table)
        ago = np.arange(len(skies)) - (len(skies) - 1)
        hours = (np.arange(n)[:, None] / n + ago * self.pace) % 1.0
        miss = self.light(hours)[..., :-1, :] - skies
        most = np.abs(miss).max(-1)
        apart = np.nanmean(np.minimum(most, _CLOUD), (1, 2)) + _TREND * _trend(miss, most < _CLOUD)
        best = int(apart.argmin())
        if (most[best] < _CLOUD).sum() < _CLEAR * (~np.isnan(skies[..., 0])).sum():
            return np.nan
        alike = np.roll(apart <= apart[best] + _ALIKE, -best)
        after = n - 1 if alike.all() else int((~alike).argmax()) - 1
        before = 0 if alike.all() else int((~alike[::-1]).argmax())
        return float((best + (after - before) / 2) / n % 1.0)


def _same(one: Light, other: Light, sky: float, land: float) -> bool:
    near = np.abs(one[:-1] - other[:-1]).max() < sky
    return bool(near and np.abs(np.log(one[-1] / other[-1])).max() < land)


def _trend(miss: NDArray[np.float64], clear: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How fast (n,) what is missed (n, t, k, 3) by n hours changes in a tick, where it is clear."""
    share = clear[..., None].astype(np.float64)
    count = np.maximum(share.sum(1, keepdims=True), 1.0)
    ticks = np.arange(miss.shape[1])[:, None, None]
    since = share * (ticks - (share * ticks).sum(1, keepdims=True) / count)
    span = (since * since).sum(1)
    slopes = (since * np.nan_to_num(miss)).sum(1) / np.maximum(span, _SPAN)
    told = span[..., 0] > _SPAN
    return np.asarray((np.abs(slopes).mean(-1) * told).sum(1) / np.maximum(told.sum(1), 1))


def skies_of(
    frames: Pixels,
    away: Places,
    pitches: NDArray[np.floating],
    camera: CameraConfig,
) -> NDArray[np.float64]:
    """The colours of the sky (t, k, 3) in frames (t, h, w, 3) at k heights; NaN where it is hidden.

    away: (t, h, w) blocks to what they show. pitches: (t,) degrees down. The median at each height:
    neither clouds nor the sun.
    """
    out, visible = np.full((len(frames), HEIGHTS, 3), np.nan), camera.visible(frames.shape[1])
    for i, (frame, far, pitch) in enumerate(zip(frames, away, pitches, strict=True)):
        heights = _heights(far.shape, float(np.radians(pitch)), camera.tangent)[:visible]
        sky = (far[:visible] >= _SKY) & (heights >= 0)
        at = np.round(heights[sky]).astype(int)
        seen = frame[:visible][sky]
        for height in range(HEIGHTS):
            some = seen[at == height]
            if len(some) >= _FEW:
                out[i, height] = np.median(some, 0)
    return out


def relit(
    frame: Pixels,
    away: Places,
    camera: CameraConfig,
    pitch: float,
    change: NDArray[np.float64],
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
def _heights(shape: tuple[int, int], pitch: float, tangent: float) -> NDArray[np.float64]:
    out = np.empty(shape)
    for row in range(shape[0]):
        for column in range(shape[1]):
            out[row, column] = _height(row, column, shape, pitch, tangent)
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
