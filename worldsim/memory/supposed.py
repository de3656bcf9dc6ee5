"""What was never seen of a view is supposed to look as what was seen does, a turn away.

A transformer of a few million parameters draws a dull mean of all that could come into view, and
goes on from that. The last view, laid beside itself, has edges, textures and a horizon at the right
height: so a dream goes on with it, and draws from there. By how much it is turned is a matter of
luck, so that two dreams of one past part where they see something new. But what is close by, a wall
or the leaves overhead, does not end with what was seen of it: it goes on in its colour, and the
transformer draws the rest.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.interpolation import sample
from worldsim.memory.projection import beheld
from worldsim.memory.rays import Ages, Angles, Pixels, Places, facing, pixel_of
from worldsim.memory.splatted import NOTHING
from worldsim.memory.summed import within
from worldsim.memory.vistas import show

_CLOSE = 3.0  # blocks up to which what ends at the edge of what was seen goes on beyond it
_AROUND = 4  # pixels to each side over which its colour is told
_GAP = 24  # pixels of a row that something near has uncovered at most
_FARTHER = 1.2  # times as far away, from which on something is behind another
_HOLE = 3  # pixels to each side over which a hole is told from what was never seen
_LEAST = 0.7  # share of the width of a view by which it is turned at least
_OVERLAP = 0.02  # radians by which it is turned less than its width at most


@njit(cache=True, nogil=True, error_model="numpy")
def suppose(
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
    walked: int,
    ticks: int,
    luck: float,
    vista: Pixels,
    turned: float,
    away: Places,
) -> None:
    """Colour what was never seen of a picture, given the frame before; see the module.

    Holes in what is known are closed, and what is close by goes on. What the frame shows a turn
    away counts as seen when so many steps were `walked` and `ticks` had passed; the rest takes the
    mean of what is known of its row, and was never seen. luck: in [0, 1). vista: (rows, columns,
    3), which is shown instead of what lies outside of the frame, `turned` by radians; see
    `memory.vistas`; of no rows where there is none. away: (h, w), how far ahead what is known is.
    """
    height, width = visible, frame.shape[1]
    new, step, shape = facing(yaw, pitch), eye - eye_before, (frame.shape[0], frame.shape[1])
    wide = 2 * np.arctan(tangent * width / frame.shape[0]) - _OVERLAP
    turn = wide * (_LEAST + (1 - _LEAST) * luck)
    seen, means = _counted(ages, visible, never), np.zeros(4)
    known = within(seen, 0, height, 0, width)
    if known == height * width:
        return
    there, edges = facing(yaw + turned, pitch), _edges(seen)
    olds = _directions(yaw_before, pitch_before, turn, len(vista) > 0, known > 0)
    for row in range(height):
        _row_mean(means, out, seen, row)
        for column in range(width):
            if within(seen, row, row + 1, column, column + 1) > 0:
                continue
            at = row, column
            found = (
                _closed(out, seen, row, column)
                or _turned(out[at], frame, visible, at, step, new, olds[:1], tangent)
                or _goes_on(out, away, seen, edges, row, column)
                or _turned(out[at], frame, visible, at, step, new, olds[1:], tangent)
            )
            if not found and len(vista) > 0:
                show(out[at], vista, row, column, shape, tangent, there)
                found = True
            if found:
                ages[row, column, 0], ages[row, column, 1] = walked, ticks
            elif means[3] > 0:
                for c in range(3):
                    out[row, column, c] = np.uint8(means[c])


@njit(cache=True, nogil=True, error_model="numpy")
def _directions(
    yaw: float, pitch: float, turn: float, vista: bool, known: bool
) -> NDArray[np.float64]:
    """The angles (n, 4) in which the frame is looked up: its own, and a turn to each side.

    Only its own where a vista tells the rest, and not even that if nothing of it is known.
    """
    olds = np.empty((3, 4))
    olds[0], olds[1] = facing(yaw, pitch), facing(yaw + turn, pitch)
    olds[2] = facing(yaw - turn, pitch)
    return olds[: int(known)] if vista else olds


@njit(cache=True, nogil=True, error_model="numpy")
def uncover(
    out: Pixels, ages: Ages, away: Places, visible: int, never: int, walked: int, ticks: int
) -> None:
    """Let what was never seen between known things go on as the farther of them does in its row.

    away: (h, w), how far ahead what is known of a picture is; `NOTHING` elsewhere, and changed as
    the others are. What is near has moved on and left a gap behind, of which nothing is known but
    that it is as far away as what is beside it: so that is mirrored in its edge.
    """
    width = out.shape[1]
    for row in range(visible):
        first = 0
        while first < width:
            if ages[row, first, 0] != never:
                first += 1
                continue
            end = first
            while end < width and ages[row, end, 0] == never:
                end += 1
            if first > 0 and end < width and end - first <= _GAP:
                for column in range(first, end):
                    like = _behind(ages[row], away[row], first, end, column, never)
                    away[row, column] = away[row, like]
                    for c in range(3):
                        out[row, column, c] = out[row, like, c]
                for column in range(first, end):
                    ages[row, column, 0], ages[row, column, 1] = walked, ticks
            first = end


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _behind(ages: Ages, away: Places, first: int, end: int, column: int, never: int) -> int:
    """The column of a row that one in a gap, from the first to before the end, looks like."""
    before, after = away[first - 1], away[end]
    left = column - first < end - 1 - column
    if max(before, after) > _FARTHER * min(before, after):
        left = before > after
    edge, like = first - 1, 2 * first - 1 - column
    if not left:
        edge, like = end, 2 * end - 1 - column
    if not 0 <= like < len(away) or ages[like, 0] == never:
        return edge
    near, far = min(away[edge], away[like]), max(away[edge], away[like])
    return like if far < _FARTHER * near else edge


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _turned(
    pixel: NDArray[np.uint8],
    frame: Pixels,
    visible: int,
    at: tuple[int, int],
    step: NDArray[np.float64],
    new: Angles,
    olds: NDArray[np.float64],
    tangent: float,
) -> bool:
    """Give a pixel (3,) the colour of the frame in the first of the angles (n, 4) that shows it."""
    shape = frame.shape[0], frame.shape[1]
    for i in range(len(olds)):
        place = beheld(at[0], at[1], NOTHING, shape, tangent, new, step, olds[i])
        if _drawn(pixel, frame, visible, place, tangent):
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _drawn(
    pixel: NDArray[np.uint8],
    frame: Pixels,
    visible: int,
    place: tuple[float, float, float],
    tangent: float,
) -> bool:
    """Give a pixel (3,) the colour that the frame shows at a place, if it does."""
    right, down, ahead = place
    if ahead <= 0:
        return False
    y, x = pixel_of(right, down, ahead, (frame.shape[0], frame.shape[1]), tangent)
    if not (0 <= x <= frame.shape[1] - 1 and 0 <= y <= visible - 1):
        return False
    sample(frame, y, x, visible, pixel)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _counted(ages: Ages, visible: int, never: int) -> NDArray[np.int32]:
    """The summed-area table (rows + 1, columns + 1) of what was seen."""
    width = ages.shape[1]
    counts = np.zeros((visible + 1, width + 1), np.int32)
    for row in range(visible):
        count = np.int32(0)
        for column in range(width):
            count += np.int32(ages[row, column, 0] != never)
            counts[row + 1, column + 1] = counts[row, column + 1] + count
    return counts


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _row_mean(means: NDArray[np.float64], out: Pixels, seen: NDArray[np.int32], row: int) -> None:
    """The mean colour (3) of what was seen of a row, and how many pixels that is."""
    means[:] = 0
    for column in range(out.shape[1]):
        if within(seen, row, row + 1, column, column + 1) > 0:
            means[3] += 1
            for c in range(3):
                means[c] += out[row, column, c]
    for c in range(3):
        means[c] /= max(means[3], 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _edges(seen: NDArray[np.int32]) -> NDArray[np.int64]:
    """The nearest pixel (h, w, 2) of the row or the column of each that was seen; -1 for none."""
    height, width = seen.shape[0] - 1, seen.shape[1] - 1
    out = np.full((height, width, 2), -1)
    best = np.full((height, width), height + width)
    for way in range(4):
        across, along = (height, width) if way < 2 else (width, height)
        for i in range(across):
            last = -1
            for k in range(along):
                j = k if way % 2 == 0 else along - 1 - k
                row, column = (i, j) if way < 2 else (j, i)
                if within(seen, row, row + 1, column, column + 1) > 0:
                    last = j
                elif last >= 0 and abs(j - last) < best[row, column]:
                    best[row, column] = abs(j - last)
                    out[row, column, 0], out[row, column, 1] = (i, last) if way < 2 else (last, i)
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _goes_on(
    out: Pixels,
    away: Places,
    seen: NDArray[np.int32],
    edges: NDArray[np.int64],
    row: int,
    column: int,
) -> bool:
    """Give a pixel the mean colour around the nearest place that was seen, if that is close by."""
    y, x = edges[row, column]
    if y < 0 or not 0 < abs(away[y, x]) < _CLOSE:
        return False
    height, width, count = seen.shape[0] - 1, seen.shape[1] - 1, 0
    red, green, blue = 0, 0, 0
    for v in range(max(y - _AROUND, 0), min(y + _AROUND + 1, height)):
        for u in range(max(x - _AROUND, 0), min(x + _AROUND + 1, width)):
            if within(seen, v, v + 1, u, u + 1) > 0 and 0 < abs(away[v, u]) < _CLOSE:
                count += 1
                red, green, blue = red + out[v, u, 0], green + out[v, u, 1], blue + out[v, u, 2]
    out[row, column, 0] = red // count
    out[row, column, 1] = green // count
    out[row, column, 2] = blue // count
    return True


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _closed(out: Pixels, seen: NDArray[np.int32], row: int, column: int) -> bool:
    """Give a pixel the colour of the nearest one that was seen, if most around it were."""
    height, width = seen.shape[0] - 1, seen.shape[1] - 1
    top, bottom = max(row - _HOLE, 0), min(row + _HOLE + 1, height)
    left, right = max(column - _HOLE, 0), min(column + _HOLE + 1, width)
    if 2 * within(seen, top, bottom, left, right) <= (bottom - top) * (right - left):
        return False
    best = height + width
    for y in range(top, bottom):
        for x in range(left, right):
            apart = (y - row) ** 2 + (x - column) ** 2
            if apart < best and within(seen, y, y + 1, x, x + 1) > 0:
                best = apart
                for c in range(3):
                    out[row, column, c] = out[y, x, c]
    return True
