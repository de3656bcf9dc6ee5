"""The kinds of block: name, look, hardness, what falls out when broken."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Block:
    """One kind of block.

    `hardness` is the ticks of held attack that break it (20 a second), 0 for what cannot be broken;
    `drops` names the block that goes to the hotbar; faces name textures.
    """

    name: str
    top: str
    side: str
    bottom: str
    hardness: int
    drops: str
    falls: bool = False


def _cube(name: str, hardness: int, drops: str = "", falls: bool = False) -> Block:
    return Block(name, name, name, name, hardness, drops or name, falls)


def _log(name: str) -> Block:
    return Block(name, f"{name}_top", name, f"{name}_top", 10, name)


BLOCKS = (
    Block("air", "air", "air", "air", 0, "air"),
    Block("grass", "grass", "grass_side", "dirt", 7, "dirt"),
    _cube("dirt", 6),
    _cube("stone", 16, "cobblestone"),
    _cube("sand", 6, falls=True),
    _cube("water", 0),
    _log("oak_log"),
    _cube("oak_leaves", 3),
    Block("snow", "snow", "snow_side", "dirt", 7, "dirt"),
    _log("spruce_log"),
    _cube("spruce_leaves", 3),
    _log("birch_log"),
    _cube("birch_leaves", 3),
    Block("cactus", "cactus_top", "cactus", "cactus_top", 5, "cactus"),
    Block("sandstone", "sandstone_top", "sandstone", "sandstone_top", 12, "sandstone"),
    _cube("gravel", 7, falls=True),
    _cube("clay", 7),
    _cube("ice", 6),
    _cube("coal_ore", 20),
    _cube("iron_ore", 22),
    _cube("gold_ore", 24),
    _cube("bedrock", 0),
    _cube("cobblestone", 14),
    _cube("planks", 8),
    _cube("bricks", 14),
    Block("pumpkin", "pumpkin_top", "pumpkin", "pumpkin_top", 6, "pumpkin"),
    _cube("beacon", 0),
)

ID = {block.name: i for i, block in enumerate(BLOCKS)}
AIR, WATER, BEACON = ID["air"], ID["water"], ID["beacon"]
LOGS = tuple(ID[name] for name in ("oak_log", "spruce_log", "birch_log"))
LEAVES = tuple(ID[name] for name in ("oak_leaves", "spruce_leaves", "birch_leaves"))
PLACEABLE = tuple(ID[b.name] for b in BLOCKS if b.hardness and b.drops == b.name)

HARDNESS = np.array([block.hardness for block in BLOCKS], np.int64)
DROPS = np.array([ID[block.drops] for block in BLOCKS], np.int64)
FALLS = np.array([block.falls for block in BLOCKS])
SOLID = np.array([block.name not in ("air", "water") for block in BLOCKS])
LEAFY = np.array([i in LEAVES for i in range(len(BLOCKS))])

TEXTURES = tuple(dict.fromkeys(t for b in BLOCKS for t in (b.top, b.side, b.bottom)))
FACES = np.array([[TEXTURES.index(t) for t in (b.top, b.bottom, b.side)] for b in BLOCKS], np.int64)
"""Texture index of (kind, face); faces are 0 top, 1 bottom, 2 any side."""
