"""Block textures drawn by code: 16 texels a face, patterns with structure, and their mipmaps.

A texture is a 16x16 map of tones (small integers) painted with a palette. Everything is integer
arithmetic on a fixed hash, so that the picture is the same on every machine.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from envs.voxel.blocks import TEXTURES

SIZE = 16
LEVELS = 5

Tones = NDArray[np.int64]
Color = tuple[int, int, int]

_V, _U = np.mgrid[0:SIZE, 0:SIZE]


def _hash(a: NDArray[np.int64] | int, b: NDArray[np.int64] | int, salt: int) -> Tones:
    """A number 0..255 for every pair of lattice coordinates."""
    h = (np.asarray(a) * 374761393 + np.asarray(b) * 668265263 + salt * 362437) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return (h ^ (h >> 16)) & 255


def _blobs(salt: int, cell: int, *cuts: int) -> Tones:
    """Tones 0..len(cuts): tileable smooth noise of period 16, cut at the levels given (0..255)."""
    count = SIZE // cell
    u, v = _U // cell, _V // cell
    fu, fv = _U % cell, _V % cell
    corner = [_hash((u + i) % count, (v + j) % count, salt) for j in (0, 1) for i in (0, 1)]
    top = corner[0] * (cell - fu) + corner[1] * fu
    bottom = corner[2] * (cell - fu) + corner[3] * fu
    smooth = (top * (cell - fv) + bottom * fv) // (cell * cell)
    return np.digitize(smooth, cuts)


def _paint(tones: Tones, *palette: Color) -> NDArray[np.uint8]:
    return np.array(palette, np.uint8)[tones]


def _dots(base: NDArray[np.uint8], color: Color, shade: Color) -> NDArray[np.uint8]:
    """Five two-texel lumps of ore with a shaded underside."""
    out = base.copy()
    for u, v in ((3, 2), (10, 3), (6, 7), (12, 10), (3, 12)):
        out[v : v + 2, u : u + 3] = color
        out[v + 2, u : u + 2] = shade
    return out


def _grass() -> NDArray[np.uint8]:
    return _paint(_blobs(1, 4, 105, 160), (92, 153, 56), (104, 168, 64), (117, 182, 74))


def _dirt() -> NDArray[np.uint8]:
    return _paint(_blobs(2, 4, 95, 165), (112, 78, 52), (130, 92, 63), (146, 106, 75))


def _stone() -> NDArray[np.uint8]:
    tones = _blobs(3, 4, 110, 175)
    tones[(_V * 2 + _U) % 16 == 3] = 0
    return _paint(tones, (112, 113, 117), (126, 127, 131), (137, 138, 142))


def _edge(base: NDArray[np.uint8], cap: NDArray[np.uint8], salt: int) -> NDArray[np.uint8]:
    """A side face whose upper rim, three to five texels deep, is of the cap's material."""
    depth = 3 + _hash(_U // 2, 0, salt) % 3
    return np.where((depth > _V)[..., None], cap, base).astype(np.uint8)


def _leaves(salt: int, *palette: Color) -> NDArray[np.uint8]:
    tones = _blobs(salt, 4, 90, 150)
    tones[(_U // 2 + _V // 2 + salt) % 4 == 0] += 1
    return _paint(tones, *palette)


def _bark(salt: int, *palette: Color) -> NDArray[np.uint8]:
    tones = (_hash(_U // 2, _V // 8, salt) % 3) // 1
    tones[_U % 4 == 3] = 0
    return _paint(tones, *palette)


def _rings(bark: Color, *palette: Color) -> NDArray[np.uint8]:
    ring = np.maximum(np.abs(2 * _U - 15), np.abs(2 * _V - 15)) // 2
    out = _paint((ring // 2) % 2, *palette)
    out[ring == 7] = bark
    return out


def _birch() -> NDArray[np.uint8]:
    out = _paint(_blobs(8, 4, 150), (222, 220, 208), (206, 203, 190))
    for u, v in ((1, 2), (9, 4), (4, 8), (12, 10), (2, 13), (8, 14)):
        out[v, u : u + 4] = (62, 58, 52)
    return out


def _cactus() -> NDArray[np.uint8]:
    tones = np.where(_U % 5 == 2, 2, np.where(_U % 5 == 0, 0, 1))
    out = _paint(tones, (58, 112, 48), (76, 136, 58), (108, 164, 80))
    out[(_U % 5 == 2) & (_V % 4 == 1)] = (226, 226, 180)
    return out


def _sandstone() -> NDArray[np.uint8]:
    band = np.array([2, 2, 1, 1, 1, 0, 2, 1, 1, 2, 2, 0, 1, 1, 1, 0])[_V]
    return _paint(band, (191, 172, 118), (212, 195, 142), (224, 209, 160))


def _cobblestone() -> NDArray[np.uint8]:
    row = _V // 4
    shift = np.array([0, 3, 1, 5])[row]
    column = (_U + shift) // 6
    tones = 1 + _hash(column % 3, row, 11) % 3
    tones[(_V % 4 == 3) | ((_U + shift) % 6 == 5)] = 0
    return _paint(tones, (84, 84, 88), (116, 116, 120), (132, 132, 136), (148, 148, 152))


def _planks() -> NDArray[np.uint8]:
    tones = 1 + _hash(_V // 4, _U // 8, 12) % 2
    tones[_V % 4 == 3] = 0
    tones[(np.array([4, 12, 7, 15])[_V // 4] == _U) & (_V % 4 != 3)] = 0
    return _paint(tones, (124, 96, 56), (166, 134, 82), (180, 147, 92))


def _bricks() -> NDArray[np.uint8]:
    tones = 1 + _hash((_U + 4 * (_V // 4 % 2)) // 8 % 2, _V // 4, 13) % 2
    tones[(_V % 4 == 3) | ((_U + 4 * (_V // 4 % 2)) % 8 == 7)] = 0
    return _paint(tones, (186, 176, 166), (156, 76, 58), (170, 88, 68))


def _pumpkin(top: bool) -> NDArray[np.uint8]:
    tones = np.where(_U % 4 == 3, 0, 1 + (_U // 4) % 2)
    out = _paint(tones, (176, 98, 20), (222, 136, 34), (232, 150, 48))
    if top:
        out[6:10, 6:10] = (106, 126, 52)
    else:
        for rows, columns in (((5, 8), (3, 6)), ((5, 8), (10, 13)), ((10, 13), (4, 12))):
            out[slice(*rows), slice(*columns)] = (72, 40, 10)
    return out


def _bedrock() -> NDArray[np.uint8]:
    return _paint(_blobs(14, 2, 90, 170), (36, 36, 40), (66, 66, 70), (98, 98, 102))


def _beacon() -> NDArray[np.uint8]:
    ring = np.maximum(np.abs(2 * _U - 15), np.abs(2 * _V - 15)) // 2
    return _paint(
        np.array([0, 0, 1, 1, 2, 2, 2, 3])[ring],
        (255, 255, 255),
        (255, 120, 240),
        (230, 40, 210),
        (120, 10, 120),
    )


def _water() -> NDArray[np.uint8]:
    return _paint(
        ((_V + 2 * (_hash(_U // 4, 0, 15) % 3)) // 2) % 4 // 2, (52, 96, 186), (62, 110, 200)
    )


def _snow() -> NDArray[np.uint8]:
    return _paint(_blobs(16, 4, 140), (226, 234, 242), (240, 245, 250))


def _sand() -> NDArray[np.uint8]:
    tones = ((_V + _hash(_U // 4, 3, 17) % 2 * 2) // 2) % 4
    return _paint(np.array([1, 1, 2, 0])[tones], (206, 190, 136), (216, 201, 149), (225, 211, 161))


def _gravel() -> NDArray[np.uint8]:
    return _paint(
        _blobs(18, 2, 85, 135, 185),
        (104, 98, 96),
        (124, 118, 116),
        (142, 136, 132),
        (158, 152, 148),
    )


_PAINTERS: dict[str, Callable[[], NDArray[np.uint8]]] = {
    "air": lambda: np.zeros((SIZE, SIZE, 3), np.uint8),
    "grass": _grass,
    "grass_side": lambda: _edge(_dirt(), _grass(), 19),
    "dirt": _dirt,
    "stone": _stone,
    "sand": _sand,
    "water": _water,
    "oak_log": lambda: _bark(4, (74, 56, 34), (98, 76, 46), (110, 87, 54)),
    "oak_log_top": lambda: _rings((86, 66, 40), (150, 122, 76), (172, 142, 92)),
    "oak_leaves": lambda: _leaves(5, (38, 82, 28), (48, 98, 34), (58, 112, 40), (70, 126, 48)),
    "snow": _snow,
    "snow_side": lambda: _edge(_dirt(), _snow(), 20),
    "spruce_log": lambda: _bark(6, (42, 29, 16), (58, 41, 24), (68, 49, 29)),
    "spruce_log_top": lambda: _rings((50, 35, 20), (112, 86, 54), (130, 102, 66)),
    "spruce_leaves": lambda: _leaves(7, (28, 58, 42), (36, 70, 50), (44, 82, 58), (54, 94, 66)),
    "birch_log": _birch,
    "birch_log_top": lambda: _rings((206, 203, 190), (176, 158, 112), (194, 176, 130)),
    "birch_leaves": lambda: _leaves(
        9, (82, 112, 46), (94, 126, 54), (106, 140, 62), (120, 154, 72)
    ),
    "cactus": _cactus,
    "cactus_top": lambda: _rings((58, 112, 48), (86, 146, 66), (98, 158, 74)),
    "sandstone": _sandstone,
    "sandstone_top": lambda: _paint(_blobs(10, 4, 130), (212, 196, 144), (222, 207, 157)),
    "gravel": _gravel,
    "clay": lambda: _paint(_blobs(21, 4, 120), (152, 158, 170), (162, 168, 180)),
    "ice": lambda: _paint(
        ((_U + _V) // 3 % 4 == 0).astype(np.int64), (146, 186, 240), (174, 206, 250)
    ),
    "coal_ore": lambda: _dots(_stone(), (40, 40, 42), (66, 66, 70)),
    "iron_ore": lambda: _dots(_stone(), (216, 175, 147), (170, 132, 108)),
    "gold_ore": lambda: _dots(_stone(), (248, 214, 66), (190, 152, 30)),
    "bedrock": _bedrock,
    "cobblestone": _cobblestone,
    "planks": _planks,
    "bricks": _bricks,
    "pumpkin": lambda: _pumpkin(top=False),
    "pumpkin_top": lambda: _pumpkin(top=True),
    "beacon": _beacon,
}


LEVEL_START = tuple(sum((SIZE >> k) ** 2 for k in range(level)) for level in range(LEVELS + 1))


def atlas() -> NDArray[np.uint8]:
    """Every texture at every mip level: (textures, LEVEL_START[-1], 3) uint8.

    Level l begins at `LEVEL_START[l]` and holds (16 >> l) rows of as many texels, each the mean of
    the four above it.
    """
    out = np.zeros((len(TEXTURES), LEVEL_START[-1], 3), np.uint8)
    for i, name in enumerate(TEXTURES):
        image = _PAINTERS[name]().astype(np.float64)
        for level in range(LEVELS):
            side = SIZE >> level
            flat = np.floor(image + 0.5).astype(np.uint8).reshape(side * side, 3)
            out[i, LEVEL_START[level] : LEVEL_START[level + 1]] = flat
            if side > 1:
                image = image.reshape(side // 2, 2, side // 2, 2, 3).mean((1, 3))
    return out


STAGES = 5


def cracks() -> NDArray[np.bool_]:
    """Which texels are cracked at each of the stages: (STAGES, 16, 16), each within the next."""
    lines = (
        ((7, 8), (9, 6)),
        ((8, 8), (12, 11)),
        ((8, 7), (4, 3)),
        ((7, 9), (3, 12)),
        ((9, 6), (13, 2)),
        ((12, 11), (15, 15)),
        ((4, 3), (0, 1)),
        ((3, 12), (1, 15)),
        ((12, 11), (10, 15)),
        ((13, 2), (15, 5)),
        ((4, 3), (6, 0)),
        ((3, 12), (0, 9)),
        ((5, 5), (1, 6)),
        ((10, 9), (14, 8)),
        ((8, 8), (8, 13)),
        ((2, 9), (5, 14)),
    )
    out = np.zeros((STAGES, SIZE, SIZE), bool)
    for stage, count in enumerate((2, 4, 8, 12, 16)):
        for (u0, v0), (u1, v1) in lines[:count]:
            steps = max(abs(u1 - u0), abs(v1 - v0))
            for k in range(steps + 1):
                u, v = u0 + (u1 - u0) * k // steps, v0 + (v1 - v0) * k // steps
                out[stage, v, u : u + 2] = True
                out[stage, v : v + 2, u] = True
    return out
