"""How far the camera turned between two pictures, by matching them: no network, no pose.

A turn of a camera on the spot moves every pixel to a place that depends on the turn alone, not on
what is seen. Of a grid of turns the one is taken that carries the earlier picture nearest to the
later one, by the mean absolute difference, cut off, of locally normalised brightness; what the
player's own steps do to things near by is cut off with the rest that does not fit.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from worldsim.evaluation.stage import Frame, Mask

Table = NDArray[np.float64]
Image = NDArray[np.float32]
Index = NDArray[np.int64]

STILL = 1.5
"""Degrees below which a picture counts as not turned."""

_FARTHEST = 22.0  # degrees of yaw that are searched, to both sides
_COARSE, _FINE = 2.0, 0.5  # degrees between turns that are tried
_POINTS = 4  # pixels between points that are compared
_SOFT, _AROUND = 2, 12  # pixels on every side: of the blur, of the neighbourhood
_SHOWN = 0.6  # share of a blurred pixel that has to show a place
_FLOOR = 3.0  # of 255: contrast below which nothing is amplified
_CUT = 1.2  # in local standard deviations
_LEAST = 0.3  # share of the points that a turn has to keep in the picture
_LAZY = 1e-4  # cost of a degree, so that pictures without texture count as still


class Compass:
    """Measures turns between frames of one camera.

    Args:
        bare: pixels (h, w) that show places, not what is drawn over them.
        tangent: of half the vertical field of view.
        tilts: degrees of pitch that are searched around; (0.0,) where only yaw is asked for.
    """

    def __init__(
        self, bare: Mask, tangent: float, tilts: tuple[float, ...] = (-4.0, -2.0, 0.0, 2.0, 4.0)
    ) -> None:
        self._bare, self._tangent = bare, tangent
        self._kept = _mean(bare.astype(np.float32)[None], _SOFT)[0]
        self._usable = self._kept > _SHOWN
        self._share = np.maximum(_mean(self._usable.astype(np.float32)[None], _AROUND)[0], 1e-3)
        (h, w), pixel = bare.shape, 2 * tangent / bare.shape[0]
        rows, columns = np.mgrid[_POINTS // 2 : h : _POINTS, _POINTS // 2 : w : _POINTS]
        inside = self._usable[rows, columns]
        rows, columns = rows[inside], columns[inside]
        self._points = rows * w + columns
        right, up = (columns + 0.5 - 0.5 * w) * pixel, tangent - (rows + 0.5) * pixel
        self._rays = np.stack([np.ones(len(rows)), right, up], -1)
        yaws = np.arange(-_FARTHEST, _FARTHEST + 1, _COARSE)
        self._coarse = np.stack(np.meshgrid(yaws, tilts, indexing="ij"), -1).reshape(-1, 2)
        self._source = lru_cache(8192)(self._carried)

    def along(self, frames: Frame, pitch: float | Table = 0.0) -> Table:
        """The turns (n, 2), degrees of yaw (right) and pitch (down), between consecutive frames.

        frames: (n+1, h, w, 3). pitch: of the camera at all but the last frame, in degrees (n,) or
        one for all; roughly, except where it looks straight up or down.
        """
        pictures = self._normalised(frames)
        pitches = np.broadcast_to(np.round(np.asarray(pitch) / 2) * 2, len(frames) - 1)
        pairs = zip(pictures[:-1], pictures[1:, self._points], pitches, strict=True)
        out = [self._turn(old, new, float(level)) for old, new, level in pairs]
        return np.array(out).reshape(-1, 2)

    def _turn(self, old: Image, new: Image, pitch: float) -> Table:
        steps = np.arange(-_COARSE / 2, _COARSE / 2 + _FINE / 2, _FINE)
        around = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
        rough = self._best(old, new, self._coarse, pitch)
        return self._best(old, new, rough + around, pitch)

    def _best(self, old: Image, new: Image, turns: Table, pitch: float) -> Table:
        """The turn (2,) that explains a pair best."""
        index = np.stack([self._source(float(yaw), float(tilt), pitch) for yaw, tilt in turns])
        valid = index >= 0
        counts = valid.sum(1)
        apart = np.minimum(np.abs(old[index] - new), _CUT)
        cost = (apart * valid).sum(1) / np.maximum(counts, 1) + _LAZY * np.abs(turns).sum(1)
        cost[counts < _LEAST * len(self._points)] = np.inf
        best: Table = turns[int(cost.argmin())]
        return best

    def _carried(self, yaw: float, tilt: float, pitch: float) -> Index:
        """Which pixels of the earlier picture a turn carries to the points; -1 for none."""
        h, w = self._bare.shape
        rays = self._rays @ _axes(yaw, pitch + tilt) @ _axes(0.0, pitch).T
        pixel, ahead = 2 * self._tangent / h, np.maximum(rays[:, 0], 1e-6)
        column = np.floor(rays[:, 1] / ahead / pixel + 0.5 * w).astype(np.int64)
        row = np.floor((self._tangent - rays[:, 2] / ahead) / pixel).astype(np.int64)
        inside = (rays[:, 0] > 1e-6) & (row >= 0) & (row < h) & (column >= 0) & (column < w)
        row, column = row.clip(0, h - 1), column.clip(0, w - 1)
        return np.where(inside & self._usable[row, column], row * w + column, -1)

    def _normalised(self, frames: Frame) -> Image:
        """Brightness (n, h * w), blurred, less its local mean, in local standard deviations."""
        gray = frames.astype(np.float32).mean(-1) * self._bare
        soft = _mean(gray, _SOFT) / np.maximum(self._kept, 1e-3) * self._usable
        mean = _mean(soft, _AROUND) / self._share
        spread = _mean(soft * soft, _AROUND) / self._share - mean * mean
        out: Image = (soft - mean) / (np.sqrt(np.maximum(spread, 0)) + _FLOOR)
        return out.reshape(len(frames), -1)


def sides(yaws: Table) -> NDArray[np.int64]:
    """-1 for a turn to the left, 1 to the right, 0 for none, of degrees of yaw."""
    return np.where(np.abs(yaws) < STILL, 0, np.sign(yaws)).astype(np.int64)


def balanced(shown: NDArray[np.int64], wanted: NDArray[np.int64]) -> float:
    """The mean over left, none and right of the share shown right; NaN where one is not wanted."""
    shares = [(shown[wanted == k] == k).mean() for k in (-1, 0, 1) if (wanted == k).any()]
    return float(np.mean(shares)) if len(shares) == 3 else float("nan")


def _mean(images: Image, reach: int) -> Image:
    """Images (n, h, w) averaged over squares of 2 * reach + 1 pixels; zero beyond the edge."""
    size = 2 * reach + 1
    for axis in (1, 2):
        pad = [(0, 0)] * 3
        pad[axis] = (reach + 1, reach)
        total = np.cumsum(np.pad(images, pad), axis, dtype=np.float64)
        n = images.shape[axis]
        ahead, behind = total.take(range(size, size + n), axis), total.take(range(n), axis)
        images = ((ahead - behind) / size).astype(np.float32)
    return images


def _axes(yaw: float, pitch: float) -> Table:
    """Axes (3, 3), forward right up, of a camera at angles in degrees; yaw 0 towards +z."""
    a, b = np.radians(yaw), np.radians(pitch)
    sa, ca, sb, cb = np.sin(a), np.cos(a), np.sin(b), np.cos(b)
    return np.array([[-sa * cb, -sb, ca * cb], [-ca, 0.0, -sa], [-sa * sb, cb, ca * sb]])
