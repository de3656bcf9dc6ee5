"""The land of a seed, made chunk by chunk: height, biomes, caves, ores, trees.

Every value is a pure function of (seed, coordinates), so chunks may be made in any order. Noise is
gradient noise on an integer lattice (Perlin 1985, "An image synthesizer") with a fixed hash.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel.blocks import ID

CHUNK = 16
HEIGHT = 64
SEA = 24

PLAINS, FOREST, DESERT, SNOW, HILLS = range(5)
BIOMES = ("plains", "forest", "desert", "snow", "hills")

_GRASS, _DIRT, _STONE, _SAND, _WATER = (ID[n] for n in ("grass", "dirt", "stone", "sand", "water"))
_SNOW, _SANDSTONE, _GRAVEL, _CLAY, _ICE = (
    ID[n] for n in ("snow", "sandstone", "gravel", "clay", "ice")
)
_COAL, _IRON, _GOLD, _BEDROCK = (ID[n] for n in ("coal_ore", "iron_ore", "gold_ore", "bedrock"))
_OAK, _OAK_LEAVES, _SPRUCE, _SPRUCE_LEAVES = (
    ID[n] for n in ("oak_log", "oak_leaves", "spruce_log", "spruce_leaves")
)
_BIRCH, _BIRCH_LEAVES, _CACTUS, _PUMPKIN = (
    ID[n] for n in ("birch_log", "birch_leaves", "cactus", "pumpkin")
)

_MARGIN = 2  # trees reach this far into a neighbour
_CELL = 5  # at most one tree in each square of this side


@njit(cache=True, inline="always")
def lattice(seed: int, x: int, y: int, z: int) -> int:
    """A hash 0..2**32-1 of a lattice point."""
    h = (x * 374761393 + y * 2246822519 + z * 668265263 + seed * 144269504) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1103515245) & 0xFFFFFFFF
    return h ^ (h >> 16)


@njit(cache=True, inline="always")
def _slope(h: int, x: float, z: float) -> float:
    """The dot product of (x, z) with one of eight directions."""
    k = h & 7
    if k == 0:
        return x + z
    if k == 1:
        return x - z
    if k == 2:
        return z - x
    if k == 3:
        return -x - z
    if k == 4:
        return 1.4 * x
    if k == 5:
        return -1.4 * x
    if k == 6:
        return 1.4 * z
    return -1.4 * z


@njit(cache=True)
def noise2(seed: int, x: float, z: float) -> float:
    """Gradient noise in the plane, about -1..1."""
    x0, z0 = int(np.floor(x)), int(np.floor(z))
    u, v = x - x0, z - z0
    a = _slope(lattice(seed, x0, 7, z0), u, v)
    b = _slope(lattice(seed, x0 + 1, 7, z0), u - 1, v)
    c = _slope(lattice(seed, x0, 7, z0 + 1), u, v - 1)
    d = _slope(lattice(seed, x0 + 1, 7, z0 + 1), u - 1, v - 1)
    fu = u * u * u * (u * (u * 6 - 15) + 10)
    fv = v * v * v * (v * (v * 6 - 15) + 10)
    return (a + (b - a) * fu) * (1 - fv) + (c + (d - c) * fu) * fv


@njit(cache=True)
def noise3(seed: int, x: float, y: float, z: float) -> float:
    """Smooth value noise in space, -1..1."""
    x0, y0, z0 = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    u, v, w = x - x0, y - y0, z - z0
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for i in range(2):
        fx = u if i else 1 - u
        for j in range(2):
            fy = v if j else 1 - v
            for k in range(2):
                fz = w if k else 1 - w
                total += fx * fy * fz * lattice(seed, x0 + i, y0 + j, z0 + k)
    return total / 2147483648.0 - 1.0


@njit(cache=True)
def column(seed: int, x: int, z: int) -> tuple[int, int]:
    """The height of the topmost ground block and the biome of one column."""
    land = noise2(seed + 1, x / 110.0, z / 110.0) + 0.45 * noise2(seed + 2, x / 48.0, z / 48.0)
    rough = noise2(seed + 3, x / 130.0, z / 130.0) + 0.3 * noise2(seed + 4, x / 40.0, z / 40.0)
    detail = noise2(seed + 5, x / 22.0, z / 22.0)
    ridge = 1 - abs(noise2(seed + 6, x / 55.0, z / 55.0)) * 1.6
    high = min(1.0, max(0.0, (rough - 0.12) * 2.4))
    height = 27.5 + 7.0 * land + 1.8 * detail + high * (3 + 15 * max(0.0, ridge))
    step = noise2(seed + 7, x / 75.0, z / 75.0)
    if step > 0.12 and height > SEA + 2:  # cliffs: flat terraces with steep sides
        part = height / 5.0 - np.floor(height / 5.0)
        sharp = min(1.0, max(0.0, (part - 0.42) * 6))
        height += min(1.0, (step - 0.12) * 5) * ((np.floor(height / 5.0) + sharp) * 5.0 - height)
    ground = int(min(HEIGHT - 12, max(6, np.floor(height))))
    warm = noise2(seed + 8, x / 120.0, z / 120.0) + 0.08 * detail
    wet = noise2(seed + 9, x / 95.0, z / 95.0) + 0.08 * detail
    if warm < -0.27:
        return ground, SNOW
    if warm > 0.2 and wet < 0.12:
        return ground, DESERT
    if high > 0.45:
        return ground, HILLS
    return ground, FOREST if wet > 0.08 else PLAINS


@njit(cache=True)
def _cave(seed: int, x: int, y: int, z: int) -> bool:
    a = noise3(seed + 20, x / 15.0, y / 10.0, z / 15.0)
    if abs(a) > 0.11:
        return False
    return abs(noise3(seed + 21, x / 17.0, y / 12.0, z / 17.0)) < 0.16


@njit(cache=True)
def _rock(seed: int, x: int, y: int, z: int) -> int:
    """Stone, or an ore that comes in lumps of up to eight."""
    h = lattice(seed + 30, x >> 1, y >> 1, z >> 1)
    if h % 100 >= 6 or lattice(seed + 31, x, y, z) % 3 == 0:
        return _STONE
    kind = (h >> 8) % 10
    if kind < 5:
        return _COAL
    if kind < 8:
        return _IRON
    return _GOLD if y < 24 else _STONE


@njit(cache=True)
def _surface(ground: int, biome: int, depth: int, patch: float) -> int:
    """The block `depth` below the ground's top, or 0 for rock."""
    if ground < SEA:
        if depth > 2:
            return 0
        return _GRAVEL if patch < -0.35 else _CLAY if patch > 0.45 else _SAND
    if biome == DESERT:
        return _SAND if depth < 3 else _SANDSTONE if depth < 6 else 0
    if ground <= SEA + 1 and biome != SNOW:
        return _SAND if depth < 3 else 0
    if ground > 46:
        return (_SNOW if ground > 49 else 0) if depth == 0 else 0
    if biome == HILLS and (patch > 0.3 or ground > 41):
        return 0
    if depth == 0:
        return _SNOW if biome == SNOW else _GRASS
    return _DIRT if depth < 4 else 0


@njit(cache=True)
def _put(cells: NDArray[np.uint8], x: int, y: int, z: int, kind: int, over_leaves: bool) -> None:
    if 0 <= x < CHUNK and 0 <= z < CHUNK and 0 < y < HEIGHT:
        old = cells[x, z, y]
        if old == 0 or (over_leaves and old in (_OAK_LEAVES, _SPRUCE_LEAVES, _BIRCH_LEAVES)):
            cells[x, z, y] = kind


@njit(cache=True)
def _tree(cells: NDArray[np.uint8], x: int, y: int, z: int, kind: int, h: int) -> None:
    """One tree whose trunk begins at (x, y, z), in chunk coordinates."""
    tall = 4 + h % 2 if kind != _SPRUCE else 6 + h % 2
    leaf = _OAK_LEAVES if kind == _OAK else _BIRCH_LEAVES if kind == _BIRCH else _SPRUCE_LEAVES
    for dy in range(2 if kind == _SPRUCE else tall - 2, tall + 2):
        if kind == _SPRUCE:
            reach = 2 if dy < tall - 1 and (tall - dy) % 2 == 1 else 1
            reach = 0 if dy == tall + 1 else reach
        else:
            reach = 2 if dy < tall else 1
        for dx in range(-reach, reach + 1):
            for dz in range(-reach, reach + 1):
                corner = abs(dx) == reach and abs(dz) == reach and reach > 0
                if corner and (kind == _SPRUCE or dy >= tall or (h >> (dx + 2 * dz + 8)) & 1):
                    continue
                _put(cells, x + dx, y + dy, z + dz, leaf, False)
    for dy in range(tall):
        _put(cells, x, y + dy, z, kind, True)


@njit(cache=True)
def _plant(cells: NDArray[np.uint8], seed: int, x: int, z: int, x0: int, z0: int) -> None:
    """What grows in the tree square of the world column (x, z), if it grows exactly there."""
    h = lattice(seed + 40, x // _CELL, 0, z // _CELL)
    if (h & 15) % _CELL != x % _CELL or ((h >> 4) & 15) % _CELL != z % _CELL:
        return
    ground, biome = column(seed, x, z)
    if ground <= SEA + 1 or ground > 46:
        return
    chance = (h >> 8) % 100
    cx, cz, size = x - x0, z - z0, h >> 16
    if biome == FOREST and chance < 55:
        _tree(cells, cx, ground + 1, cz, _BIRCH if (h >> 15) % 4 == 0 else _OAK, size)
    elif biome == SNOW and chance < 28:
        _tree(cells, cx, ground + 1, cz, _SPRUCE, size)
    elif biome in (PLAINS, HILLS) and chance < 7:
        _tree(cells, cx, ground + 1, cz, _OAK, size)
    elif biome == DESERT and chance < 12:
        for dy in range(1 + size % 3):
            _put(cells, cx, ground + 1 + dy, cz, _CACTUS, False)
    elif biome == PLAINS and chance < 10:
        _put(cells, cx, ground + 1, cz, _PUMPKIN, False)


@njit(cache=True)
def _fill(cells: NDArray[np.uint8], seed: int, x: int, z: int, cx: int, cz: int) -> None:
    """One column of ground, water and caves."""
    ground, biome = column(seed, x, z)
    patch = noise2(seed + 10, x / 9.0, z / 9.0)
    wet = ground <= SEA + 1
    for y in range(1, ground + 1):
        roof = ground - 6 if wet else ground + 1  # caves may open in dry land, never under water
        if 3 < y < roof and _cave(seed, x, y, z):
            continue
        kind = _surface(ground, biome, ground - y, patch)
        cells[cx, cz, y] = kind if kind else _rock(seed, x, y, z)
    for y in range(ground + 1, SEA + 1):
        cells[cx, cz, y] = _ICE if biome == SNOW and y == SEA else _WATER
    cells[cx, cz, 0] = _BEDROCK


@njit(cache=True)
def chunk(seed: int, x0: int, z0: int) -> NDArray[np.uint8]:
    """The chunk whose lowest corner is the world column (x0, z0): kinds (x, z, y) uint8."""
    cells = np.zeros((CHUNK, CHUNK, HEIGHT), np.uint8)
    for cx in range(CHUNK):
        for cz in range(CHUNK):
            _fill(cells, seed, x0 + cx, z0 + cz, cx, cz)
    for x in range(x0 - _MARGIN, x0 + CHUNK + _MARGIN):
        for z in range(z0 - _MARGIN, z0 + CHUNK + _MARGIN):
            _plant(cells, seed, x, z, x0, z0)
    return cells
