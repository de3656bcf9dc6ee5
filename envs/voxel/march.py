"""One ray through the block grid.

`glance` finds the first block of any kind: it walks from column to column, tests each column's
cells with one bit mask, and crosses squares of 8 x 8 columns that it passes above in one stride.
`march` walks cell by cell (Amanatides and Woo 1987, "A fast voxel traversal algorithm") and sees
through water. Both are one loop whose variables stay in registers, hence their length.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel.blocks import WATER
from envs.voxel.world import Cells

_WATER = WATER

Hit = tuple[int, int, int, int, int, float, float, float, int]


@njit(cache=True, error_model="numpy")
def march(  # noqa: C901, PLR0915
    cells: Cells,
    ex: float,
    ey: float,
    ez: float,
    dx: float,
    dy: float,
    dz: float,
    limit: float,
    wet: bool,
) -> Hit:
    """What a ray from (ex, ey, ez) along (dx, dy, dz), of any length, meets first.

    Returns:
        kind of the solid block met (0: none within `limit` lengths), its cell x, y, z, the axis of
        the face entered, the ray's length there, the length under water, the length at which the
        water's surface was met (0: never) and that surface's axis.
    """
    x, y, z = int(np.floor(ex)), int(np.floor(ey)), int(np.floor(ez))
    sx, sy, sz = 1 if dx > 0 else -1, 1 if dy > 0 else -1, 1 if dz > 0 else -1
    px, py, pz = 1 if dx > 0 else 0, 1 if dy > 0 else 0, 1 if dz > 0 else 0
    ix = 1e30 if dx == 0 else 1 / dx
    iy = 1e30 if dy == 0 else 1 / dy
    iz = 1e30 if dz == 0 else 1 / dz
    ax, ay, az = abs(ix), abs(iy), abs(iz)
    tx = 1e30 if dx == 0 else (x + px - ex) * ix
    ty = 1e30 if dy == 0 else (y + py - ey) * iy
    tz = 1e30 if dz == 0 else (z + pz - ez) * iz
    t, axis = 0.0, 1
    wet_from, wet_length, surface, surface_axis, kind = 0.0, 0.0, 0.0, -1, 0
    while True:
        if tx <= ty and tx <= tz:
            t, axis = tx, 0
            x += sx
            tx += ax
        elif ty <= tz:
            t, axis = ty, 1
            y += sy
            ty += ay
        else:
            t, axis = tz, 2
            z += sz
            tz += az
        if t > limit or (y >= 64 and sy > 0):
            kind = 0
            t = min(t, limit)
            break
        kind = cells[((x & 127) << 13) | ((z & 127) << 6) | y] if y < 64 else 0
        if kind == 0:
            if wet:
                wet = False
                wet_length += t - wet_from
        elif kind == _WATER:
            if not wet:
                wet, wet_from = True, t
                if surface_axis < 0:
                    surface, surface_axis = t, axis
        else:
            break
    if wet:
        wet_length += t - wet_from
    return kind, x, y, z, axis, t, wet_length, surface, surface_axis


@njit(cache=True, error_model="numpy", inline="always")
def glance(  # noqa: C901, PLR0915
    cells: Cells,
    masks: NDArray[np.uint64],
    peaks: NDArray[np.int16],
    ex: float,
    ey: float,
    ez: float,
    dx: float,
    dy: float,
    dz: float,
    limit: float,
) -> tuple[int, int, int, int, int, float]:
    """The first block that is not air on a ray whose start is in the air.

    Returns:
        kind (0: none within `limit`), cell x, y, z, axis of the face, the ray's length there.
    """
    x, z = int(np.floor(ex)), int(np.floor(ez))
    sx, sz = 1 if dx > 0 else -1, 1 if dz > 0 else -1
    px, pz = 1 if dx > 0 else 0, 1 if dz > 0 else 0
    ix = 1e30 if dx == 0 else 1 / dx
    iz = 1e30 if dz == 0 else 1 / dz
    ax, az = abs(ix), abs(iz)
    tx = 1e30 if dx == 0 else (x + px - ex) * ix
    tz = 1e30 if dz == 0 else (z + pz - ez) * iz
    t, axis, y, square = 0.0, 1, int(np.floor(ey)), -1
    while t <= limit:
        here = (((x & 127) >> 3) << 4) | ((z & 127) >> 3)
        if here != square:
            square = here
            peak = peaks[here]
            if y > peak:
                if dy >= 0 and y >= 64:
                    break
                qx = 1e30 if dx == 0 else ((((x >> 3) + px) << 3) - ex) * ix
                qz = 1e30 if dz == 0 else ((((z >> 3) + pz) << 3) - ez) * iz
                q = min(qx, qz)
                last = int(np.floor(ey + dy * min(q, limit)))
                if last > peak:
                    if q >= limit:
                        break
                    t, y = q, last
                    if qx < qz:
                        axis, low = 0, (z >> 3) << 3
                        x = (((x >> 3) + px) << 3) - 1 + px
                        z = min(low + 7, max(low, int(np.floor(ez + dz * q))))
                    else:
                        axis, low = 2, (x >> 3) << 3
                        z = (((z >> 3) + pz) << 3) - 1 + pz
                        x = min(low + 7, max(low, int(np.floor(ex + dx * q))))
                    tx = 1e30 if dx == 0 else (x + px - ex) * ix
                    tz = 1e30 if dz == 0 else (z + pz - ez) * iz
                    continue
        leave = min(min(tx, tz), limit)
        last = int(np.floor(ey + dy * leave))
        low, high = max(0, min(y, last)), min(63, max(y, last))
        if low <= high:
            column = ((x & 127) << 7) | (z & 127)
            mask = masks[column] >> np.uint64(low)
            if mask & ((np.uint64(2) << np.uint64(high - low)) - np.uint64(1)):
                top, way = (high, -1) if dy < 0 else (low, 1)
                at = top
                while not (masks[column] >> np.uint64(at)) & np.uint64(1):
                    at += way
                if at != y:
                    axis = 1
                    t = (at + (1 if dy < 0 else 0) - ey) / dy
                return cells[(column << 6) | at], x, at, z, axis, t
        y = last
        if tx < tz:
            t, axis = tx, 0
            x += sx
            tx += ax
        else:
            t, axis = tz, 2
            z += sz
            tz += az
    return 0, 0, 0, 0, 1, limit
