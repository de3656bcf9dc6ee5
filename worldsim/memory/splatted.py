"""Places drawn as a camera sees them, each over the four pixels around it.

Splatting (Westover, Footprint evaluation for volume rendering, 1990), without blending: of places
that meet in a pixel the nearest is drawn, of equally near ones that which is best centred.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.displaced import CLOSED, ONE_SURFACE, closed
from worldsim.memory.origins import NONE
from worldsim.memory.rays import Ages, Angles, Pixels, Places, facing, pixel_of, turned

NOTHING = 1e9
"""Distance of a pixel that shows nothing known."""

_DISTANT = 24.0
"""Blocks ahead from which on things all move alike."""

_WIDEST = 4.0
"""Pixels to a side that one pixel covers at most."""


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def spread(
    nearest: NDArray[np.float64],
    off: NDArray[np.float64],
    shown: NDArray[np.int64],
    number: int,
    py: float,
    px: float,
    ahead: float,
    visible: int,
) -> None:
    """Let a place cover the four pixels around it: where nothing is nearer or better centred."""
    width = nearest.shape[1]
    if py <= -1 or px <= -1 or py >= visible or px >= width:
        return
    top, left = int(np.floor(py)), int(np.floor(px))
    for row in range(max(top, 0), min(top + 2, visible)):
        for column in range(max(left, 0), min(left + 2, width)):
            before, apart = nearest[row, column], (row - py) ** 2 + (column - px) ** 2
            if ahead < 0.9 * before or (ahead < 1.1 * before and apart < off[row, column]):
                nearest[row, column], off[row, column] = ahead, apart
                shown[row, column] = number


@njit(cache=True, nogil=True, error_model="numpy")
def cover(
    nearest: NDArray[np.float64], off: NDArray[np.float64], at: NDArray[np.float64], before: Places
) -> None:
    """Let the pixels of a picture cover what they show of another: each up to its neighbours.

    nearest: (h, w), how far ahead is what the other shows, changed where this is nearer; off: (h,
    w), how well that is centred. at: (3, visible, w), row and column where the other shows each
    pixel, and one by how far ahead; 0 where it does not. before: (h, w), how far ahead each was:
    neighbours of one surface are drawn as a plane, and where a surface ends it does not grow.
    """
    _, visible, width = at.shape
    below, sinks = _gaps(at, before, 1, 0)
    beside, leans = _gaps(at, before, 0, 1)
    for row in range(visible):
        for column in range(width):
            py, px, near = at[0, row, column], at[1, row, column], at[2, row, column]
            if near == 0 or not (-2 < py < visible + 1 and -2 < px < width + 1):
                continue
            over = row - 1 if row else visible - 1
            prior = column - 1 if column else width - 1
            up, down, sloped = _reach(
                below[over, column], below[row, column], sinks[over, column], sinks[row, column]
            )
            left, right, leant = _reach(
                beside[row, prior], beside[row, column], leans[row, prior], leans[row, column]
            )
            top, bottom = max(int(np.ceil(py - up)), 0), min(int(py + down), visible - 1)
            first, last = max(int(np.ceil(px - left)), 0), min(int(px + right), width - 1)
            for y in range(top, bottom + 1):
                for x in range(first, last + 1):
                    tilted = near + sloped * (y - py) + leant * (x - px)
                    ahead = 1 / max(tilted, 0.5 * near)
                    was, apart = nearest[y, x], (y - py) ** 2 + (x - px) ** 2
                    if ahead < 0.9 * was or (ahead < 1.1 * was and apart < off[y, x]):
                        nearest[y, x], off[y, x] = ahead, apart


@njit(cache=True, nogil=True, error_model="numpy")
def _gaps(
    at: NDArray[np.float64], before: Places, down: int, across: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (visible, w) to the next pixel below or beside, and what one by its distance rises.

    0 where that is not of the same surface.
    """
    _, visible, width = at.shape
    axis = 0 if down else 1
    gaps, rises = np.zeros((visible, width)), np.zeros((visible, width))
    for row in range(visible - down):
        for column in range(width - across):
            y, x = row + down, column + across
            far, other = before[row, column], before[y, x]
            near, then = at[2, row, column], at[2, y, x]
            gap = at[axis, y, x] - at[axis, row, column]
            same = max(far, other) < ONE_SURFACE * min(far, other)
            same = same & (near != 0) & (then != 0) & (gap > 0)  # branches would cost more
            gaps[row, column] = gap if same else 0.0
            rises[row, column] = then - near if same else 0.0
    return gaps, rises


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _reach(before: float, after: float, rise: float, rises: float) -> tuple[float, float, float]:
    """How far a pixel reaches along an axis, before and after it, and one by its distance rises.

    From the gaps to its neighbours and what it rises from the one and to the other.
    """
    first, last = min(0.5 * before, _WIDEST), min(0.5 * after, _WIDEST)
    both, run = max(first, last), before + after
    alone = min(both, 0.5) if both > 0 else 0.5
    slope = (rise + rises) / run if run > 0 else 0.0
    return first if first > 0 else alone, last if last > 0 else alone, slope


@njit(cache=True, nogil=True, error_model="numpy")
def remembered(
    out: Pixels,
    ages: Ages,
    origins: Places,
    colors: Pixels,
    places: Places,
    when: Ages,
    visible: int,
    eye: NDArray[np.float64],
    yaw: float,
    pitch: float,
    distance: Places,
    doubtful: NDArray[np.bool_],
    hidden: float,
    eye_before: NDArray[np.float64],
    yaw_before: float,
    pitch_before: float,
    tangent: float,
    never: int,
) -> NDArray[np.float64]:
    """Draw the kept places that a camera sees where `look` has drawn nothing.

    And how far ahead (h, w) they are, `NOTHING` elsewhere. Grey, and of age `never`, where there
    are none. distance: (h, w), how far ahead was what the frame before showed: what is nearer than
    `hidden` times that, it has shown if it is there, and is not drawn; but for where it is
    `doubtful` (h, w).
    """
    flat_colors, flat_places = colors.reshape(-1, 3), places.reshape(-1, 3)
    flat_when = when.reshape(-1, 2)
    height, width = out.shape[:2]
    nearest, off = np.full((height, width), NOTHING), np.empty((height, width))
    shown = np.empty((height, width), np.int64)
    angles, asked = facing(yaw, pitch), _asked(origins, visible)
    old = facing(yaw_before, pitch_before)
    if not asked.any():
        return nearest
    # Nobody sees what is farther aside than this for each block ahead: that costs no division.
    high, wide = tangent * (1 + 2 / height), tangent * (width + 2) / height
    for cell in range(len(flat_when)):
        if flat_when[cell, 0] == never:
            continue
        right, down, ahead = turned(
            flat_places[cell, 0] - eye[0],
            flat_places[cell, 1] - eye[1],
            flat_places[cell, 2] - eye[2],
            angles,
        )
        if ahead > 0.05 and abs(down) < high * ahead and abs(right) < wide * ahead:
            py, px = pixel_of(right, down, ahead, (height, width), tangent)
            if _counts(asked, py, px) and not _was_shown(
                flat_places[cell], distance, doubtful, hidden, visible, eye_before, old, tangent
            ):
                spread(nearest, off, shown, cell, py, px, ahead, visible)
    nearest, shown = closed(nearest, shown, visible)
    for row in range(visible):
        for column in range(width):
            if origins[row, column, 0] != NONE:
                continue
            if nearest[row, column] < NOTHING:
                cell = shown[row, column]
                out[row, column], ages[row, column] = flat_colors[cell], flat_when[cell]
            else:
                out[row, column], ages[row, column] = 128, never
    return nearest


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _was_shown(
    place: Places,
    distance: Places,
    doubtful: NDArray[np.bool_],
    hidden: float,
    visible: int,
    eye: NDArray[np.float64],
    angles: Angles,
    tangent: float,
) -> bool:
    """Whether a picture must show a place (3,), if that is there."""
    x, y, z = turned(place[0] - eye[0], place[1] - eye[1], place[2] - eye[2], angles)
    if not 0.05 < z < _DISTANT:
        return False
    py, px = pixel_of(x, y, z, (distance.shape[0], distance.shape[1]), tangent)
    if not (0 <= py <= visible - 1 and 0 <= px <= distance.shape[1] - 1):
        return False
    row, column = int(py + 0.5), int(px + 0.5)
    return bool(z < hidden * distance[row, column] and not doubtful[row, column])


@njit(cache=True, nogil=True, error_model="numpy")
def _asked(origins: Places, visible: int) -> NDArray[np.bool_]:
    """Where (visible + 1, w + 1) the first of four pixels is, of which one counts; see `_counts`.

    Those of no known origin count, and what `closed` looks at around them.
    """
    width = origins.shape[1]
    asked = np.zeros((visible + 1, width + 1), np.bool_)
    for row in range(visible):
        for column in range(width):
            if origins[row, column, 0] == NONE:
                top, left = max(row - CLOSED, 0), max(column - CLOSED, 0)
                asked[top : row + CLOSED + 2, left : column + CLOSED + 2] = True
    return asked


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _counts(asked: NDArray[np.bool_], py: float, px: float) -> bool:
    """Whether any of the four pixels around pixel coordinates counts."""
    inside = -1 < py < asked.shape[0] - 1 and -1 < px < asked.shape[1] - 1
    return inside and bool(asked[int(np.floor(py)) + 1, int(np.floor(px)) + 1])
