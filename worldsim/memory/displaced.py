"""Where what was kept in a direction goes once it lies in another, as the player has moved.

What leaves the view at its edge while one walks does so in one direction after the other's place:
each would take the place of the one before, and nothing be kept of a wall but what was seen last.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.memory.rays import Ages, Angles, Pixels, Places, far_from, pixel_of, turned

_NEARER, _GAP = 0.75, 0.25
"""Share of how far something is, and blocks less, within which what is seen instead hides it."""

ONE_SURFACE = 1.3
"""Times the distance up to which two places are of one surface."""

CLOSED = 2
"""Most pixels to a side at which `closed` looks."""

_NONE, _FREE, _HIDES, _BEHIND, _GIVES_WAY = range(5)

_HANDED_ON = 24  # times that one gives way to another, which gives way to a third
_STRAYED = np.cos(np.radians(0.5))  # cosine of the angle from which on it is another direction


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def strayed(eye: NDArray[np.float64], place: Places, x: float, y: float, z: float) -> bool:
    """Whether a place (3,) is no longer in the direction x, y, z, of length 1, of the eye (3,)."""
    right, down, ahead = place[0] - eye[0], place[1] - eye[1], place[2] - eye[2]
    along = right * x + down * y + ahead * z
    length = np.sqrt(right * right + down * down + ahead * ahead)
    return bool(along < _STRAYED * length)


@njit(cache=True, nogil=True, error_model="numpy")
def displace(
    colors: Pixels,
    places: Places,
    when: Ages,
    cell: tuple[int, int],
    distance: Places,
    visible: int,
    eye: NDArray[np.float64],
    angles: Angles,
    tangent: float,
    never: int,
) -> None:
    """Hand what is kept first in a cell on to the cell that it is in now, seen from the eye (3,).

    colors, places, when: (2, rows, columns, ...), as `projection.paint` keeps them. distance:
    (h, w), how far ahead is what a frame shows, of which rows are `visible`; what it shows is
    not kept twice, what it hides behind that.
    """
    row, column = cell
    red, green, blue = colors[0, row, column]
    x, y, z = places[0, row, column]
    walked, ticks = when[0, row, column]
    for _ in range(_HANDED_ON):
        right, down, ahead = x - eye[0], y - eye[1], z - eye[2]
        covered = _hidden(right, down, ahead, distance, visible, angles, tangent)
        if covered < 0:
            return
        row, column = _cell(right, down, ahead, when.shape[1:3])
        room = _BEHIND if covered else _FREE
        if not covered and when[0, row, column, 0] != never:
            far = np.sqrt(right * right + down * down + ahead * ahead)
            room = _room(places[0, row, column], when[0, row, column], (row, column),
                         when.shape[1:3], far, ticks, eye)  # fmt: skip
            if room == _HIDES:
                _hide(colors, places, when, row, column)
        layer = 1 if room == _BEHIND else 0
        newer = layer and when[1, row, column, 0] != never and when[1, row, column, 1] > ticks
        if newer or room == _NONE:
            return
        color, place = colors[layer, row, column], places[layer, row, column]
        age = when[layer, row, column]
        color[0], red = red, color[0]
        color[1], green = green, color[1]
        color[2], blue = blue, color[2]
        place[0], x = x, place[0]
        place[1], y = y, place[1]
        place[2], z = z, place[2]
        age[0], walked = walked, age[0]
        age[1], ticks = ticks, age[1]
        if room != _GIVES_WAY:
            return


@njit(cache=True, nogil=True, error_model="numpy")
def _room(
    place: Places,
    age: Ages,
    cell: tuple[int, int],
    shape: tuple[int, int],
    far: float,
    ticks: int,
    eye: NDArray[np.float64],
) -> int:
    """What room a cell with a place (3,) of that age (2,) has for one that far away, seen then."""
    right, down, ahead = place[0] - eye[0], place[1] - eye[1], place[2] - eye[2]
    if _cell(right, down, ahead, shape) != cell:
        return _GIVES_WAY
    other = far_from(eye, place)
    if far < _NEARER * other - _GAP:
        return _HIDES
    if other < _NEARER * far - _GAP:
        return _BEHIND
    return _NONE if age[1] > ticks else _FREE


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _hide(colors: Pixels, places: Places, when: Ages, row: int, column: int) -> None:
    """Let what was seen last in a direction be behind what will be."""
    colors[1, row, column] = colors[0, row, column]
    places[1, row, column] = places[0, row, column]
    when[1, row, column] = when[0, row, column]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def make_room(
    colors: Pixels,
    places: Places,
    when: Ages,
    row: int,
    column: int,
    eye: NDArray[np.float64],
    away: float,
    never: int,
) -> None:
    """Make room in a direction for what is seen that far away from the eye (3,)."""
    before, behind = when[0, row, column, 0], when[1, row, column, 0]
    if before != never and away < _NEARER * far_from(eye, places[0, row, column]) - _GAP:
        _hide(colors, places, when, row, column)
    elif behind != never and _NEARER * away - _GAP > far_from(eye, places[1, row, column]):
        when[1, row, column] = never  # it would hide what is seen


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def elsewhere(
    place: Places,
    distance: Places,
    visible: int,
    eye: NDArray[np.float64],
    angles: Angles,
    tangent: float,
) -> bool:
    """Whether a frame does not show a place (3,)."""
    right, down, ahead = place[0] - eye[0], place[1] - eye[1], place[2] - eye[2]
    return _hidden(right, down, ahead, distance, visible, angles, tangent) >= 0


@njit(cache=True, nogil=True, error_model="numpy")
def closed(
    nearest: NDArray[np.float64], shown: NDArray[np.int64], visible: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How far (h, w) pixels are and what they show, with what is near made whole again.

    A surface that was seen from elsewhere may have gaps of a pixel or two through which what is
    behind it shines.
    """
    whole, drawn, width = nearest.copy(), shown.copy(), nearest.shape[1]
    for row in range(visible):
        for column in range(width):
            for down, across in ((0, 1), (1, 0)):
                for before, after in ((1, 1), (1, CLOSED), (CLOSED, 1)):
                    top, left = row - before * down, column - before * across
                    bottom, right = row + after * down, column + after * across
                    if top < 0 or left < 0 or bottom >= visible or right >= width:
                        continue
                    one, other = nearest[top, left], nearest[bottom, right]
                    far = max(one, other)
                    if (
                        far < ONE_SURFACE * min(one, other)
                        and far * ONE_SURFACE < whole[row, column]
                    ):
                        whole[row, column] = far
                        drawn[row, column] = shown[top, left]
    return whole, drawn


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _hidden(
    right: float,
    down: float,
    ahead: float,
    distance: Places,
    visible: int,
    angles: Angles,
    tangent: float,
) -> int:
    """0 for what a frame does not reach, 1 for what it hides, -1 for what it shows."""
    x, y, z = turned(right, down, ahead, angles)
    if z <= 0:
        return 0
    py, px = pixel_of(x, y, z, distance.shape, tangent)
    if py < -0.5 or px < -0.5 or py >= visible - 0.5 or px >= distance.shape[1] - 0.5:
        return 0
    return 1 if _NEARER * z - _GAP > distance[int(py + 0.5), int(px + 0.5)] else -1


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _cell(right: float, down: float, ahead: float, shape: tuple[int, int]) -> tuple[int, int]:
    """Row and column of the direction in a picture of all directions (rows, columns)."""
    rows, columns = shape
    tilt = np.arctan2(down, np.sqrt(right * right + ahead * ahead))
    row = min(int((tilt / np.pi + 0.5) * rows), rows - 1)
    return row, int(np.floor(np.arctan2(right, ahead) / (2 * np.pi) * columns)) % columns
