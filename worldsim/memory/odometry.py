"""How far a camera moved between two pictures, by laying one over the other.

Direct alignment (Irani and Anandan 1999, "About direct methods"): the turn is known, and how far
away the pixels of the second picture are; three numbers are left, and how much brighter it became,
found by Gauss-Newton steps on the differences of brightness.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.camera import CameraConfig
from worldsim.memory.rays import Pixels, Places, facing, pixel_of, place_of, turned, turned_back
from worldsim.models.body import MEASURED

Vector = NDArray[np.float64]
Picture = NDArray[np.float32]

_ROUNDS = 8
_FARTHEST = 60.0
"""Blocks from which on nothing tells of a step."""
_LONGEST = 0.3
"""Blocks that one round may change the step by."""
_FARTHEST_OFF = 0.6
"""Blocks from the guess beyond which nothing is believed."""
_HOPS = np.array([[0.0, 0.0, 0.0], [0.0, 0.4, 0.0], [0.0, -0.4, 0.0]])
"""Blocks right, down and ahead of the guess, or of rest, where it may begin too: jumps, falls."""
_DOUBT = 0.002
"""Brightness by which another beginning has to fit better than the guess."""
_OVERLAP = 0.4
"""Share of the pixels that both pictures have to show."""
_NOTHING_FITS = 1.0
"""Brightness that is said to be left where the pictures share too little."""
_OUTLIER = 0.6
"""Difference of brightness from which on a pixel counts less; brightness goes from 0 to 16."""
_STIFFNESS = 1e-3
"""Share of the mean slope that is added to each: what is not seen stays as it was guessed."""


def walked(
    camera: CameraConfig,
    frames: Pixels,
    actions: NDArray[np.floating],
    pitches: NDArray[np.floating],
    distances: Places,
    guess: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Measurements (t, 7) of the motions between frames (t+1, h, w, 3).

    actions: (t, a). pitches: (t+1,) degrees. distances: (t, h, w) of the later frames. guess:
    (3,), of the first motion, in blocks forward, right and up; none by default. Later ones are
    guessed to be as the one before.
    A measurement is such a motion, as felt at the earlier frame; then, for each of the three, the
    error to be expected; last, the mean difference of brightness that is left.
    """
    rows = camera.visible(frames.shape[1])
    motion = np.zeros(3) if guess is None else np.asarray(guess, np.float64)
    shades = [_brightness(frame) for frame in frames]
    measured = np.zeros((len(actions), MEASURED), np.float32)
    for i, action in enumerate(actions):
        turn = float(np.radians(action[camera.yaw]))
        old, new = np.radians(pitches[i : i + 2])
        angles = (0.0, float(old), turn, float(new))
        step, sure, left = _stepped(
            shades[i], shades[i + 1], distances[i], rows, angles, camera.tangent, _step(motion)
        )
        motion = step[[2, 0, 1]] * (1, 1, -1)
        measured[i] = *motion, *sure[[2, 0, 1]], left
    return measured


def _step(motion: Vector) -> Vector:
    """Blocks right, down and ahead of a motion forward, right and up."""
    forward, right, up = motion
    return np.array([right, -up, forward])


def _stepped(
    old: Picture,
    new: Picture,
    distance: Places,
    visible: int,
    angles: tuple[float, float, float, float],
    tangent: float,
    guess: Vector,
) -> tuple[Vector, Vector, float]:
    """How far (3,) the eye moved from one picture (h, w) to the next, near a guess.

    And the error (3,) to be expected, and the mean difference left.
    distance: (h, w) blocks ahead of the second; visible: rows that show the world; angles: yaw and
    pitch of the first, then of the second.
    """
    given = old, new, distance, visible, *angles, tangent
    starts = [guess, *(origin + hop for origin in (guess, 0.0 * guess) for hop in _HOPS)]
    costs = [
        _equations(*given, start, 0.0, 4)[2] + (start is not guess) * _DOUBT for start in starts
    ]
    guess = starts[int(np.argmin(costs))]
    step, light = guess, 0.0
    best, sure, least = guess, np.ones(3), np.inf
    for _ in range(_ROUNDS):
        slopes, miss, cost = _equations(*given, step, light, 2)
        stiff = np.full(4, _STIFFNESS * np.trace(slopes[:3, :3]) + 1e-9)
        inverse = np.linalg.inv(slopes + np.diag(stiff))
        if cost < least:
            sure = np.sqrt(np.diag(inverse)[:3].clip(0, 1))
            best, least = step, cost
        change = inverse @ (miss - np.append(step - guess, light) * stiff)
        length = float(np.linalg.norm(change[:3]))
        change *= min(1.0, _LONGEST / max(length, 1e-9))
        step, light = step + change[:3], light + float(change[3])
        if length < 1e-3 or np.linalg.norm(step - guess) > _FARTHEST_OFF:
            break
    return best, sure, min(float(least), _NOTHING_FITS)


@njit(cache=True, nogil=True, error_model="numpy")
def _brightness(frame: Pixels) -> Picture:
    """The root of the grey of a frame (h, w, 3), blurred: dark scenes count as bright ones."""
    height, width = frame.shape[:2]
    grey, across = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            color = frame[row, column]
            total = np.float32(color[0]) + np.float32(color[1]) + np.float32(color[2])
            grey[row, column] = np.sqrt(total / np.float32(3))
    for row in range(height):
        for column in range(width):
            a, b = grey[row, max(column - 2, 0)], grey[row, max(column - 1, 0)]
            d, e = grey[row, min(column + 1, width - 1)], grey[row, min(column + 2, width - 1)]
            across[row, column] = (a + e + 4 * (b + d) + 6 * grey[row, column]) / 16
    for row in range(height):
        a, b = across[max(row - 2, 0)], across[max(row - 1, 0)]
        d, e = across[min(row + 1, height - 1)], across[min(row + 2, height - 1)]
        for column in range(width):
            sides = a[column] + e[column] + 4 * (b[column] + d[column])
            grey[row, column] = (sides + 6 * across[row, column]) / 16
    return grey


@njit(cache=True, nogil=True, error_model="numpy")
def _equations(
    old: Picture,
    new: Picture,
    distance: Places,
    visible: int,
    yaw_before: float,
    pitch_before: float,
    yaw: float,
    pitch: float,
    tangent: float,
    step: Vector,
    light: float,
    stride: int,
) -> tuple[NDArray[np.float64], Vector, float]:
    """The normal equations (4, 4) and (4,) of a round on some of the pixels, and the mean error."""
    shape = new.shape
    before, now = facing(yaw_before, pitch_before), facing(yaw, pitch)
    focus = 0.5 * shape[0] / tangent
    slopes, miss, slope = np.zeros((4, 4)), np.zeros(4), np.ones(4)
    total, count, near = 0.0, 0, 0
    for row in range(1, visible - 1, stride):
        for column in range(1, shape[1] - 1, stride):
            far = distance[row, column]
            if far > _FARTHEST:
                continue
            near += 1
            x, y, z = place_of(row, column, far, shape, tangent, now)
            right, down, ahead = turned(x + step[0], y + step[1], z + step[2], before)
            if ahead < 0.1:
                continue
            py, px = pixel_of(right, down, ahead, shape, tangent)
            if py < 0 or px < 0 or py >= visible - 1 or px >= shape[1] - 1:
                continue
            top, left = int(py), int(px)
            b, a = py - top, px - left
            p, q = old[top, left], old[top, left + 1]
            r, s = old[top + 1, left], old[top + 1, left + 1]
            error = (1 - b) * ((1 - a) * p + a * q) + b * ((1 - a) * r + a * s)
            error += light - new[row, column]
            gx = ((1 - b) * (q - p) + b * (s - r)) * focus / ahead
            gy = ((1 - a) * (r - p) + a * (s - q)) * focus / ahead
            gz = -(gx * right + gy * down) / ahead
            slope[0], slope[1], slope[2] = turned_back(gx, gy, gz, before)
            weight = min(1.0, _OUTLIER / max(abs(error), 1e-6))
            total += weight * abs(error)
            count += 1
            for i in range(4):
                miss[i] -= weight * slope[i] * error
                for j in range(4):
                    slopes[i, j] += weight * slope[i] * slope[j]
    cost = total / count if count > _OVERLAP * near else np.inf
    return slopes, miss, cost
