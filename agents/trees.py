"""What a chopper knows of the exact world: the nearest tree, the nearest in sight, and pits."""

import numpy as np
from numpy.typing import NDArray

from agents.skills import LOGS, Senses
from worldsim.camera import EYE

Cell = tuple[int, int]
"""The column (x, z) of a trunk."""

_FAR = 24  # blocks within which trees are looked for
_SEEN = 16  # blocks from which a trunk is more than a few pixels wide
_ASIDE, _ABOVE, _BELOW = 33.0, 33.0, 20.0
"""Degrees from the middle of the picture to where it, or the hotbar over it, ends."""
_TRUNK = range(-2, 7)  # cells above the feet in which a trunk is looked for
_WALK = 0.2  # blocks between two points of a line of sight
_TURNING = 0.03  # blocks of way that turning by a degree is worth
_AHEAD = (0.8, 1.6, 2.4)  # blocks of way, a move and what it takes to stop
_DEEP = 4  # blocks down to the ground from which on it is a pit


def eye(s: Senses) -> NDArray[np.float64]:
    """Where the eye is, in blocks (x, y, z)."""
    here: NDArray[np.float64] = s.info["position"] + np.array([0.0, EYE, 0.0])
    return here


def way_to(s: Senses, cell: Cell) -> float:
    """Blocks over the ground to the middle of a column."""
    x, _, z = s.info["position"]
    return float(np.hypot(cell[0] + 0.5 - x, cell[1] + 0.5 - z))


def turn_to(s: Senses, point: NDArray[np.float64]) -> tuple[float, float]:
    """Degrees of pitch and yaw still to turn until a point is looked at."""
    dx, dy, dz = point - eye(s)
    yaw = np.degrees(np.arctan2(-dx, dz)) - s.info["yaw"]
    pitch = -np.degrees(np.arctan2(dy, np.hypot(dx, dz))) - s.info["pitch"]
    return float(pitch), float((yaw + 180) % 360 - 180)


def pit_ahead(s: Senses, aside: float = 0.0) -> bool:
    """Whether who walks on, so many degrees to the right, falls into a pit."""
    assert s.world is not None
    way = np.radians(float(s.info["yaw"]) + aside)
    x, y, z = s.info["position"]
    feet = int(np.floor(y + 0.01))
    for far in _AHEAD:
        a, b = (int(np.floor(v)) for v in (x - far * np.sin(way), z + far * np.cos(way)))
        column = [s.world.block_at(a, feet - down, b) for down in range(-1, _DEEP + 1)]
        if any(column[:2]):
            return False  # a wall, or a step
        if not any(column):
            return True
    return False


def nearest_trunk(s: Senses, left: set[Cell]) -> Cell | None:
    """The nearest tree that is not among those left, wherever it stands."""
    for ring in range(_FAR + 1):
        found = [cell for cell in _ring(s, ring) if cell not in left and _is_trunk(s, cell)]
        if found:
            return min(found, key=lambda cell: way_to(s, cell))
    return None


def seen_trunk(s: Senses, left: set[Cell]) -> Cell | None:
    """The tree in the picture, not among those left, that asks for least way and turning."""
    best: tuple[float, Cell] | None = None
    for ring in range(_SEEN + 1):
        if best is not None and ring > best[0]:
            break
        for cell in _ring(s, ring):
            middle = np.array([cell[0] + 0.5, eye(s)[1], cell[1] + 0.5])
            aside = abs(turn_to(s, middle)[1])
            costs = way_to(s, cell) + _TURNING * aside
            worse = best is not None and costs >= best[0]
            if aside > _ASIDE or worse or cell in left or not _is_seen(s, cell):
                continue
            best = costs, cell
    return None if best is None else best[1]


def _ring(s: Senses, ring: int) -> list[Cell]:
    """The columns so many blocks away to a side, in order."""
    x, _, z = (int(v) for v in np.floor(s.info["position"]))
    edge = range(-ring, ring + 1)
    cells = {(x + a, z + b) for b in (-ring, ring) for a in edge}
    return sorted(cells | {(x + a, z + b) for a in (-ring, ring) for b in edge})


def _is_trunk(s: Senses, cell: Cell) -> bool:
    assert s.world is not None
    y = int(np.floor(s.height))
    return any(s.world.block_at(cell[0], y + up, cell[1]) in LOGS for up in (1, -2, 4))


def _is_seen(s: Senses, cell: Cell) -> bool:
    """Whether a log of the column is in the picture with nothing before it."""
    assert s.world is not None
    feet = int(np.floor(s.height))
    for y in (feet + up for up in _TRUNK):
        if s.world.block_at(cell[0], y, cell[1]) not in LOGS:
            continue
        middle = np.array([cell[0], y, cell[1]]) + 0.5
        pitch, yaw = turn_to(s, middle)
        if abs(yaw) < _ASIDE and -_ABOVE < pitch < _BELOW and _clear_to(s, middle):
            return True
    return False


def _clear_to(s: Senses, point: NDArray[np.float64]) -> bool:
    """Whether the first block on the way from the eye to a point is a log."""
    assert s.world is not None
    start = eye(s)
    count = max(int(np.linalg.norm(point - start) / _WALK), 1)
    steps = start + np.linspace(0, 1, count + 1)[:, None] * (point - start)
    for x, y, z in dict.fromkeys(map(tuple, np.floor(steps).astype(int).tolist())):
        kind = s.world.block_at(x, y, z)
        if kind:
            return kind in LOGS
    return False
