"""How the player's body moves: Minecraft's speeds, gravity, drag and collisions, a tick at a time.

The body is a float64 array; its fields are the constants below. Distances are blocks, speeds blocks
a tick. Constants follow the Minecraft wiki's pages "Player", "Transportation" and "Entity".
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel.blocks import WATER
from envs.voxel.world import Cells, block

X, Y, Z, VX, VY, VZ, YAW, PITCH, GROUND, FALLEN, IN_WATER, SNEAKING, BUMPED = range(13)
FIELDS = 13

HALF_WIDTH, TALL = 0.3, 1.8
EYE, EYE_SNEAKING = 1.62, 1.54
_GRAVITY, _DRAG, _JUMP = 0.08, 0.98, 0.42
_GROUND_SLIP, _AIR_SLIP = 0.546, 0.91
_WALK, _FLY, _SWIM, _SPRINT, _SNEAK = 0.1, 0.02, 0.02, 1.3, 0.3034
_FRICTION = 0.98
_WATER_DRAG, _SINK, _FLOAT, _CLIMB_OUT = 0.8, 0.02, 0.04, 0.3
_REST = 0.003  # slower than this is at rest
_GAP = 1e-7

Body = NDArray[np.float64]

_WATER = WATER


@njit(cache=True, inline="always")
def _solid(cells: Cells, x: int, y: int, z: int) -> bool:
    kind = block(cells, x, y, z)
    return kind != 0 and kind != _WATER


@njit(cache=True)
def _hits(cells: Cells, x: float, y: float, z: float) -> bool:
    """Whether a body with its feet at a position overlaps a solid block."""
    for i in range(int(np.floor(x - HALF_WIDTH + _GAP)), int(np.floor(x + HALF_WIDTH - _GAP)) + 1):
        for j in range(int(np.floor(y + _GAP)), int(np.floor(y + TALL - _GAP)) + 1):
            for k in range(
                int(np.floor(z - HALF_WIDTH + _GAP)), int(np.floor(z + HALF_WIDTH - _GAP)) + 1
            ):
                if _solid(cells, i, j, k):
                    return True
    return False


@njit(cache=True)
def _slide(cells: Cells, body: Body, axis: int, step: float) -> bool:
    """Move along one axis up to the first solid block; whether one was hit."""
    if step == 0.0:
        return False
    low, high = (0.0, TALL) if axis == Y else (-HALF_WIDTH, HALF_WIDTH)
    start = body[axis]
    lead = start + (high if step > 0 else low)
    first = int(np.floor(lead - _GAP if step > 0 else lead + _GAP))
    last = int(np.floor(lead + step - _GAP if step > 0 else lead + step + _GAP))
    way = 1 if step > 0 else -1
    cell = first
    while cell != last:
        cell += way
        body[axis] = cell - high + 0.5 if step > 0 else cell - low + 0.5
        if _hits(cells, body[X], body[Y], body[Z]):
            body[axis] = cell - high if step > 0 else cell + 1 - low
            return True
    body[axis] = start + step
    return False


@njit(cache=True)
def _supported(cells: Cells, x: float, y: float, z: float) -> bool:
    return _hits(cells, x, y - 0.6, z)


@njit(cache=True)
def _hold_edge(cells: Cells, body: Body) -> None:
    """Shorten a sneaking player's step until there is ground under it."""
    vx, vz = body[VX], body[VZ]
    x, y, z = body[X], body[Y], body[Z]
    for _ in range(40):
        if vx == 0.0 or _supported(cells, x + vx, y, z):
            break
        vx = 0.0 if abs(vx) <= 0.05 else vx - 0.05 * np.sign(vx)
    for _ in range(40):
        if vz == 0.0 or _supported(cells, x, y, z + vz):
            break
        vz = 0.0 if abs(vz) <= 0.05 else vz - 0.05 * np.sign(vz)
    for _ in range(40):
        if (vx == 0.0 and vz == 0.0) or _supported(cells, x + vx, y, z + vz):
            break
        vx = 0.0 if abs(vx) <= 0.05 else vx - 0.05 * np.sign(vx)
        vz = 0.0 if abs(vz) <= 0.05 else vz - 0.05 * np.sign(vz)
    body[VX], body[VZ] = vx, vz


@njit(cache=True)
def _push(body: Body, ahead: float, right: float, speed: float, sin: float, cos: float) -> None:
    """Accelerate by the movement keys in the direction faced."""
    ahead, right = ahead * _FRICTION, right * _FRICTION
    length = np.sqrt(ahead * ahead + right * right)
    scale = speed / max(1.0, length)
    body[VX] += (-sin * ahead - cos * right) * scale
    body[VZ] += (cos * ahead - sin * right) * scale


@njit(cache=True)
def _displace(cells: Cells, body: Body) -> bool:
    """Move by the velocity with collisions per axis, y first; whether a side was bumped."""
    vy = body[VY]
    down = _slide(cells, body, Y, vy)
    body[GROUND] = 1.0 if down and vy < 0 else 0.0
    if down:
        body[VY] = 0.0
    bumped = False
    if _slide(cells, body, X, body[VX]):
        body[VX] = 0.0
        bumped = True
    if _slide(cells, body, Z, body[VZ]):
        body[VZ] = 0.0
        bumped = True
    return bumped


@njit(cache=True)
def _in_water(cells: Cells, body: Body) -> bool:
    x, z = int(np.floor(body[X])), int(np.floor(body[Z]))
    return block(cells, x, int(np.floor(body[Y] + 0.4)), z) == _WATER


@njit(cache=True)
def _swim(cells: Cells, body: Body, bumped: bool, jump: bool) -> None:
    body[VX] *= _WATER_DRAG
    body[VY] = body[VY] * _WATER_DRAG - _SINK
    body[VZ] *= _WATER_DRAG
    if bumped and jump and not _hits(cells, body[X] + body[VX], body[Y] + 0.6, body[Z] + body[VZ]):
        body[VY] = _CLIMB_OUT


@njit(cache=True)
def _propel(
    body: Body,
    ahead: float,
    right: float,
    jump: bool,
    sneak: bool,
    sprint: bool,
    sin: float,
    cos: float,
    on_ground: bool,
    wet: bool,
) -> None:
    """Change the velocity by the keys: jump or paddle up, then walk, run, sneak, fly or swim."""
    running = sprint and ahead > 0 and not sneak
    if wet:
        if jump:
            body[VY] += _FLOAT
        _push(body, ahead, right, _SWIM, sin, cos)
        return
    if jump and on_ground:
        body[VY] = _JUMP
        if running:
            body[VX] -= sin * 0.2
            body[VZ] += cos * 0.2
    boost = _SPRINT if running else _SNEAK if sneak else 1.0
    _push(body, ahead, right, (_WALK if on_ground else _FLY) * boost, sin, cos)


@njit(cache=True)
def move(
    cells: Cells,
    body: Body,
    ahead: float,
    right: float,
    jump: bool,
    sneak: bool,
    sprint: bool,
    sin: float,
    cos: float,
) -> float:
    """Advance the body one tick in place; the blocks fallen if it landed on ground, else 0.

    `ahead` and `right` are -1, 0 or 1; `sin` and `cos` are of the yaw.
    """
    for axis in (VX, VY, VZ):
        if abs(body[axis]) < _REST:
            body[axis] = 0.0
    on_ground, wet = body[GROUND] > 0, _in_water(cells, body)
    _propel(body, ahead, right, jump, sneak, sprint, sin, cos, on_ground, wet)
    body[SNEAKING] = 1.0 if sneak else 0.0
    if sneak and on_ground and not wet and body[VY] <= 0:
        _hold_edge(cells, body)
    height = body[Y]
    bumped = _displace(cells, body)
    body[BUMPED] = 1.0 if bumped else 0.0
    body[FALLEN] += max(0.0, height - body[Y])
    wet = wet or _in_water(cells, body)
    body[IN_WATER] = 1.0 if wet else 0.0
    if wet:
        body[FALLEN] = 0.0
        _swim(cells, body, bumped, jump)
        return 0.0
    slip = _GROUND_SLIP if on_ground else _AIR_SLIP
    body[VX] *= slip
    body[VZ] *= slip
    body[VY] = (body[VY] - _GRAVITY) * _DRAG
    if body[GROUND] > 0:
        landed = body[FALLEN]
        body[FALLEN] = 0.0
        return landed
    if body[VY] > 0:
        body[FALLEN] = 0.0
    return 0.0


@njit(cache=True)
def overlaps(body: Body, x: int, y: int, z: int) -> bool:
    """Whether the body reaches into the cell."""
    return (
        body[X] - HALF_WIDTH < x + 1
        and body[X] + HALF_WIDTH > x
        and body[Y] < y + 1
        and body[Y] + TALL > y
        and body[Z] - HALF_WIDTH < z + 1
        and body[Z] + HALF_WIDTH > z
    )


@njit(cache=True)
def aim(
    cells: Cells, ex: float, ey: float, ez: float, dx: float, dy: float, dz: float, reach: float
) -> tuple[int, int, int, int, float]:
    """The first solid block along a unit ray within reach, found by walking the grid.

    Returns x, y, z, the face it was entered by (0 +x, 1 -x, 2 +y, 3 -y, 4 +z, 5 -z; -1 for none)
    and the distance (Amanatides and Woo 1987, "A fast voxel traversal algorithm").
    """
    x, y, z = int(np.floor(ex)), int(np.floor(ey)), int(np.floor(ez))
    sx, sy, sz = 1 if dx > 0 else -1, 1 if dy > 0 else -1, 1 if dz > 0 else -1
    ix = 1e30 if dx == 0 else abs(1 / dx)
    iy = 1e30 if dy == 0 else abs(1 / dy)
    iz = 1e30 if dz == 0 else abs(1 / dz)
    tx = ix * ((x + 1 - ex) if dx > 0 else (ex - x))
    ty = iy * ((y + 1 - ey) if dy > 0 else (ey - y))
    tz = iz * ((z + 1 - ez) if dz > 0 else (ez - z))
    while True:
        if tx <= ty and tx <= tz:
            t, face = tx, 1 if sx > 0 else 0
            x += sx
            tx += ix
        elif ty <= tz:
            t, face = ty, 3 if sy > 0 else 2
            y += sy
            ty += iy
        else:
            t, face = tz, 5 if sz > 0 else 4
            z += sz
            tz += iz
        if t > reach:
            return 0, 0, 0, -1, reach
        if _solid(cells, x, y, z):
            return x, y, z, face, t
