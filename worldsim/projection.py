"""Pixels from a camera's picture to all directions and back: the loops of `worldsim.panorama`.

Yaw and pitch are in radians here. Row and column of a picture of all directions run with pitch and
yaw (an equirectangular projection).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Ages = NDArray[np.int32]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _sample(picture: Pixels, y: float, x: float, rows: int, out: Pixels) -> None:
    """The bilinear colour at pixel coordinates, of the first `rows` rows."""
    y, x = min(max(y, 0.0), rows - 1.0), min(max(x, 0.0), picture.shape[1] - 1.0)
    top, left = int(y), int(x)
    down, right = min(top + 1, rows - 1), min(left + 1, picture.shape[1] - 1)
    v, u = y - top, x - left
    for c in range(3):
        upper = (1 - u) * picture[top, left, c] + u * picture[top, right, c]
        lower = (1 - u) * picture[down, left, c] + u * picture[down, right, c]
        out[c] = np.uint8((1 - v) * upper + v * lower + 0.5)


@njit(cache=True, nogil=True, error_model="numpy")
def paint(
    colors: Pixels,
    when: Ages,
    frame: Pixels,
    visible: int,
    yaw: float,
    pitch: float,
    tangent: float,
    walked: int,
    ticks: int,
) -> None:
    """Put what a frame shows where it was seen."""
    rows, columns = colors.shape[:2]
    height, width = frame.shape[:2]
    aspect = width / height
    sin_pitch, cos_pitch = np.sin(pitch), np.cos(pitch)
    reach = np.arctan(tangent * np.sqrt(1 + aspect * aspect))  # from the centre to a corner
    first = max(0, int((0.5 + (pitch - reach) / np.pi) * rows))
    last = min(rows, int((0.5 + (pitch + reach) / np.pi) * rows) + 2)
    sine = np.sin(reach) / max(1e-6, cos_pitch)
    half = np.pi if sine >= 1 or abs(pitch) + reach >= np.pi / 2 else np.arcsin(sine)
    across = min(columns, int(half / np.pi * columns) + 2)
    middle = int(yaw / (2 * np.pi) * columns)
    for row in range(first, last):
        tilt = ((row + 0.5) / rows - 0.5) * np.pi
        sin_tilt, cos_tilt = np.sin(tilt), np.cos(tilt)
        for k in range(across):
            column = (middle - across // 2 + k) % columns
            turn = (column + 0.5) / columns * 2 * np.pi - yaw
            x, z = cos_tilt * np.sin(turn), cos_tilt * np.cos(turn)
            depth = sin_tilt * sin_pitch + z * cos_pitch
            down = sin_tilt * cos_pitch - z * sin_pitch
            if depth <= 0:
                continue
            u = x / (depth * tangent * aspect)
            v = down / (depth * tangent)
            if abs(u) > 1 or abs(v) > 1:
                continue
            py = (v + 1) * 0.5 * height - 0.5
            if py > visible - 1:
                continue
            _sample(frame, py, (u + 1) * 0.5 * width - 0.5, visible, colors[row, column])
            when[row, column, 0] = walked
            when[row, column, 1] = ticks


@njit(cache=True, nogil=True, error_model="numpy")
def look(
    out: Pixels,
    ages: Ages,
    frame: Pixels,
    visible: int,
    colors: Pixels,
    when: Ages,
    yaw: float,
    pitch: float,
    yaw_before: float,
    pitch_before: float,
    tangent: float,
    walked: int,
    ticks: int,
) -> None:
    """Draw what is known in view: of the last frame where that shows it, else of the panorama."""
    rows, columns = colors.shape[:2]
    height, width = frame.shape[:2]
    aspect = width / height
    sin_pitch, cos_pitch = np.sin(pitch), np.cos(pitch)
    sin_before, cos_before = np.sin(pitch_before), np.cos(pitch_before)
    turn = yaw - yaw_before
    sin_turn, cos_turn = np.sin(turn), np.cos(turn)
    for row in range(height):
        v = ((row + 0.5) / height * 2 - 1) * tangent
        for column in range(width):
            if row >= visible:
                for c in range(3):
                    out[row, column, c] = frame[row, column, c]
                ages[row, column, 0], ages[row, column, 1] = walked, ticks
                continue
            u = ((column + 0.5) / width * 2 - 1) * tangent * aspect
            # as seen by a level camera with the new yaw, then with the yaw before
            y, ahead = v * cos_pitch + sin_pitch, cos_pitch - v * sin_pitch
            x, z = u * cos_turn + ahead * sin_turn, ahead * cos_turn - u * sin_turn
            depth = y * sin_before + z * cos_before
            if depth > 0:
                old_u = x / (depth * tangent * aspect)
                old_v = (y * cos_before - z * sin_before) / (depth * tangent)
                py = (old_v + 1) * 0.5 * height - 0.5
                if abs(old_u) <= 1 and abs(old_v) <= 1 and py <= visible - 1:
                    px = (old_u + 1) * 0.5 * width - 0.5
                    _sample(frame, py, px, visible, out[row, column])
                    ages[row, column, 0], ages[row, column, 1] = walked, ticks
                    continue
            at_row = (np.arctan2(y, np.sqrt(x * x + z * z)) / np.pi + 0.5) * rows
            at_column = (yaw_before + np.arctan2(x, z)) / (2 * np.pi) * columns
            i = min(max(int(at_row), 0), rows - 1)
            j = int(np.floor(at_column)) % columns
            for c in range(3):
                out[row, column, c] = colors[i, j, c]
            ages[row, column, 0], ages[row, column, 1] = when[i, j, 0], when[i, j, 1]
