"""Pixels from a camera's picture to places of the world and back: the loops of `memory.panorama`.

Places are blocks right, down and ahead of where a game began, as it looked then; angles are in
radians. Row and column of a picture of all directions run with pitch and yaw (an equirectangular
projection).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.displaced import ONE_SURFACE, displace, elsewhere, make_room, strayed
from worldsim.memory.edged import beside, uncovered
from worldsim.memory.interpolation import sample, sharp
from worldsim.memory.origins import traced
from worldsim.memory.rays import Ages, Angles, Pixels, Places, facing, pixel_of, place_of, turned
from worldsim.memory.splatted import NOTHING, cover

_GAPE = 3
"""Pixels of a gap that is closed where nothing is known."""
_ELSE = 100.0
"""Squared pixels that a share of a distance counts for which something is too near or too far."""


@njit(cache=True, nogil=True, error_model="numpy")
def paint(
    colors: Pixels,
    places: Places,
    when: Ages,
    frame: Pixels,
    distance: Places,
    visible: int,
    eye: NDArray[np.float64],
    yaw: float,
    pitch: float,
    tangent: float,
    walked: int,
    ticks: int,
    never: int,
) -> None:
    """Put what a frame shows, and where that is, in the directions in which it was seen.

    Kept are (2, rows, columns, ...): what was seen last, and behind it what that hides.
    """
    rows, columns = colors.shape[1:3]
    height, width = frame.shape[:2]
    aspect = width / height
    angles = facing(yaw, pitch)
    reach = np.arctan(tangent * np.sqrt(1 + aspect * aspect))  # from the centre to a corner
    first = max(0, int((0.5 + (pitch - reach) / np.pi) * rows))
    last = min(rows, int((0.5 + (pitch + reach) / np.pi) * rows) + 2)
    sine = np.sin(reach) / max(1e-6, angles[2])
    half = np.pi if sine >= 1 or abs(pitch) + reach >= np.pi / 2 else np.arcsin(sine)
    across = min(columns, int(half / np.pi * columns) + 2)
    middle = int(yaw / (2 * np.pi) * columns)
    turns = (np.arange(columns) + 0.5) / columns * 2 * np.pi
    doubtful = beside(distance, visible)
    around, at = (middle - across // 2 + np.arange(across)) % columns, np.empty((3, across))
    sines, cosines = np.sin(turns)[around], np.cos(turns)[around]
    for row in range(first, last):
        tilt = ((row + 0.5) / rows - 0.5) * np.pi
        y, level = np.sin(tilt), np.cos(tilt)
        for k in range(across):  # apart from what follows, so that it is done for many at once
            right, down, ahead = turned(level * sines[k], y, level * cosines[k], angles)
            scale = ahead * tangent
            at[0, k], at[1, k], at[2, k] = down / scale, right / (scale * aspect), ahead
        for k in range(across):
            v, u, ahead = at[0, k], at[1, k], at[2, k]
            if ahead <= 0 or abs(u) > 1 or abs(v) > 1:
                continue
            py, px = (v + 1) * 0.5 * height - 0.5, (u + 1) * 0.5 * width - 0.5
            down, aside = int(max(py, 0.0) + 0.5), min(int(max(px, 0.0) + 0.5), width - 1)
            if py > visible - 1 or doubtful[down, aside]:
                continue
            column, away = around[k], distance[down, aside] / ahead
            x, z = level * sines[k], level * cosines[k]
            if when[0, row, column, 0] != never and strayed(eye, places[0, row, column], x, y, z):
                if elsewhere(places[0, row, column], distance, visible, eye, angles, tangent):
                    displace(
                        colors, places, when, (row, column), distance, visible, eye, angles,
                        tangent, never,
                    )  # fmt: skip
            else:
                make_room(colors, places, when, row, column, eye, away, never)
            sample(frame, py, px, visible, colors[0, row, column])
            places[0, row, column, 0] = eye[0] + x * away
            places[0, row, column, 1] = eye[1] + y * away
            places[0, row, column, 2] = eye[2] + z * away
            when[0, row, column, 0], when[0, row, column, 1] = walked, ticks


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def beheld(
    row: int,
    column: int,
    far: float,
    shape: tuple[int, int],
    tangent: float,
    own: Angles,
    step: NDArray[np.float64],
    other: Angles,
) -> tuple[float, float, float]:
    """What a pixel shows `far` blocks ahead: right, down and ahead of another camera.

    own, other: the angles of both. step: (3,), from the other's eye to its own.
    """
    x, y, z = place_of(row, column, far, shape, tangent, own)
    return turned(x + step[0], y + step[1], z + step[2], other)


@njit(cache=True, nogil=True, error_model="numpy")
def moved(
    distance: Places,
    visible: int,
    eye: NDArray[np.float64],
    yaw: float,
    pitch: float,
    eye_before: NDArray[np.float64],
    yaw_before: float,
    pitch_before: float,
    tangent: float,
    dreamt: bool,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How far away (h, w) is what each pixel shows of the frame before, seen from here.

    And where (h, w) of that frame it is not believed: of dreams, beside what uncovers something.
    """
    shape = distance.shape
    nearest, off = np.full(shape, NOTHING), np.empty(shape)
    at = np.zeros((3, visible, shape[1]))
    old, new = facing(yaw_before, pitch_before), facing(yaw, pitch)
    step = eye_before - eye
    for row in range(visible):
        for column in range(shape[1]):
            far = distance[row, column]
            right, down, ahead = beheld(row, column, far, shape, tangent, old, step, new)
            if ahead > 0.05:
                py, px = pixel_of(right, down, ahead, shape, tangent)
                at[0, row, column], at[1, row, column], at[2, row, column] = py, px, 1 / ahead
    doubtful = uncovered(distance, visible, at) if dreamt else np.zeros(shape, np.bool_)
    for row in range(visible):
        for column in range(shape[1]):
            if doubtful[row, column]:
                at[2, row, column] = 0
    cover(nearest, off, at, distance)
    return _mended(nearest, visible), doubtful


@njit(cache=True, nogil=True, error_model="numpy")
def _mended(nearest: NDArray[np.float64], visible: int) -> NDArray[np.float64]:
    """With small gaps between pixels of one surface closed, which come of going nearer to it."""
    out, width = nearest.copy(), nearest.shape[1]
    for row in range(visible):
        for column in range(width):
            if nearest[row, column] < NOTHING:
                continue
            for down, across in ((0, 1), (1, 0)):
                ends = np.full(2, NOTHING)
                for end in range(2):
                    for i in range(1, _GAPE + 1):
                        step = i if end else -i
                        y, x = row + step * down, column + step * across
                        if 0 <= y < visible and 0 <= x < width and nearest[y, x] < NOTHING:
                            ends[end] = nearest[y, x]
                            break
                near, far = min(ends[0], ends[1]), max(ends[0], ends[1])
                if far < ONE_SURFACE * near:
                    out[row, column] = min(out[row, column], 0.5 * (near + far))
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _miss(far: float, ahead: float) -> float:
    """Blocks by which something so far ahead is not where a pixel shows it; 0 or less: it is."""
    return max(0.85 * far - 0.15 - ahead, ahead - 1.15 * far - 0.15)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _shows(distance: Places, py: float, px: float, visible: int, ahead: float) -> tuple[int, int]:
    """The pixel next to pixel coordinates at which a picture shows something that far ahead.

    -1 where there is none.
    """
    width = distance.shape[1]
    row, column, best = -1, -1, NOTHING
    if py < -0.5 or px < -0.5 or py > visible - 0.5 or px > width - 0.5:
        return row, column
    top, left = max(int(py), 0), max(int(px), 0)
    bottom, right = min(top + 1, visible - 1), min(left + 1, width - 1)
    at, aside = bottom if py - top > 0.5 else top, right if px - left > 0.5 else left
    if _miss(distance[at, aside], ahead) <= 0:
        return at, aside  # no other is nearer
    near, away = NOTHING, 0.0
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            far = distance[y, x]
            near, away = min(near, far), max(away, far)
            miss = max(_miss(far, ahead), 0.0) / ahead
            apart = _ELSE * miss + (y - py) ** 2 + (x - px) ** 2
            if apart < best:
                row, column, best = y, x, apart
    return (row, column) if 0.85 * near - 0.15 <= ahead <= 1.15 * away + 0.15 else (-1, -1)


@njit(cache=True, nogil=True, error_model="numpy")
def look(
    out: Pixels,
    ages: Ages,
    origins: Places,
    frame: Pixels,
    past: tuple[Pixels, ...],
    origins_before: Places,
    distance: Places,
    nearest: NDArray[np.float64],
    visible: int,
    eye: NDArray[np.float64],
    yaw: float,
    pitch: float,
    eye_before: NDArray[np.float64],
    yaw_before: float,
    pitch_before: float,
    tangent: float,
    walked: int,
    ticks: int,
) -> None:
    """Draw what the frame before shows of a picture whose pixels are as near as `moved` says.

    Pixels of which it shows nothing are left as they are. past, origins: see `memory.origins`.
    """
    shape = frame.shape[0], frame.shape[1]
    old, new = facing(yaw_before, pitch_before), facing(yaw, pitch)
    step = eye - eye_before
    weights = np.empty((2, 4))
    for row in range(shape[0]):
        for column in range(shape[1]):
            if row >= visible:
                for c in range(3):
                    out[row, column, c] = frame[row, column, c]
                ages[row, column, 0], ages[row, column, 1] = walked, ticks
                continue
            if nearest[row, column] == NOTHING:
                continue
            far = nearest[row, column]
            right, down, ahead = beheld(row, column, far, shape, tangent, new, step, old)
            if ahead <= 0:
                continue
            py, px = pixel_of(right, down, ahead, shape, tangent)
            at, aside = _shows(distance, py, px, visible, ahead)
            if at >= 0:
                number, y, x = traced(origins_before, py, px, at, aside, visible)
                sharp(past[number], y, x, visible, weights, out[row, column])
                origins[row, column, 0] = number
                origins[row, column, 1], origins[row, column, 2] = y, x
                ages[row, column, 0], ages[row, column, 1] = walked, ticks


@njit(cache=True, nogil=True, error_model="numpy")
def guess(
    out: Pixels,
    ages: Ages,
    frame: Pixels,
    visible: int,
    eye: NDArray[np.float64],
    yaw: float,
    pitch: float,
    eye_before: NDArray[np.float64],
    yaw_before: float,
    pitch_before: float,
    tangent: float,
    never: int,
) -> None:
    """Colour what was never seen as if all were far away and the edges of the frame went on.

    So that what is known ends in no hard edge.
    """
    shape = frame.shape[0], frame.shape[1]
    old, new = facing(yaw_before, pitch_before), facing(yaw, pitch)
    step = eye - eye_before
    for row in range(visible):
        for column in range(shape[1]):
            if ages[row, column, 0] != never:
                continue
            right, down, ahead = beheld(row, column, NOTHING, shape, tangent, new, step, old)
            if ahead > 0:
                py, px = pixel_of(right, down, ahead, shape, tangent)
                sample(frame, py, px, visible, out[row, column])
