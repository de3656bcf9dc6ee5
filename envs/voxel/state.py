"""A game as bytes and back, bit for bit, and its hash.

The bytes are a JSON header and the raw arrays, so nothing is ever unpickled.
"""

import hashlib
import json

import numpy as np

from envs.voxel.game import EVENTS, Game
from envs.voxel.world import World

_MAGIC = b"voxel-state-2\n"


def pack(game: Game) -> bytes:
    """Everything that decides how the game goes on and looks."""
    header = {
        "seed": game.world.seed,
        "clock": game.clock,
        "tick": game.tick,
        "selected": game.selected,
        "health": game.health,
        "digging": game.digging,
        "dug": game.dug,
        "place_pause": game.place_pause,
        "hurt": game.hurt,
        "unstable": game.unstable,
        "events": [game.events[name] for name in EVENTS],
        "blocks": game.blocks.tolist(),
        "counts": game.counts.tolist(),
    }
    edits = sorted((*position, kind) for position, kind in game.world.edits.items())
    table = np.array(edits, "<i8").reshape(-1, 4).tobytes()
    text = json.dumps(header, sort_keys=True).encode()
    return b"".join(
        [_MAGIC, len(text).to_bytes(8, "little"), text, game.body.astype("<f8").tobytes(), table]
    )


def unpack(data: bytes, world: World | None = None) -> Game:
    """The game of packed bytes; chunks of `world` are used again where seed and edits allow.

    Raises:
        ValueError: not a packed game.
    """
    if not data.startswith(_MAGIC):
        raise ValueError(f"a state begins with {_MAGIC!r}; got {data[:16]!r} (use get_state())")
    start = len(_MAGIC) + 8
    size = int.from_bytes(data[len(_MAGIC) : start], "little")
    header = json.loads(data[start : start + size])
    start += size
    fields = 13 * 8
    body = np.frombuffer(data[start : start + fields], "<f8").astype(np.float64)
    table = np.frombuffer(data[start + fields :], "<i8").reshape(-1, 4).tolist()
    edits = {(x, y, z): kind for x, y, z, kind in table}
    if world is None or world.seed != header["seed"]:
        world = World(header["seed"], edits)
    else:
        world = world.with_edits(edits)
    world.load_around(body[0], body[2])
    return Game(
        world=world,
        body=body,
        clock=header["clock"],
        blocks=np.array(header["blocks"], np.int64),
        counts=np.array(header["counts"], np.int64),
        selected=header["selected"],
        health=header["health"],
        tick=header["tick"],
        digging=tuple(header["digging"]),
        dug=header["dug"],
        place_pause=header["place_pause"],
        hurt=header["hurt"],
        unstable=tuple(tuple(cell) for cell in header["unstable"]),
        events=dict(zip(EVENTS, header["events"], strict=True)),
    )


def state_hash(game: Game) -> str:
    """A SHA-256 of the packed game, in hex."""
    return hashlib.sha256(pack(game)).hexdigest()
