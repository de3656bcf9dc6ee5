"""What is on screen, kept in a file: written whole or not at all, read by any later process.

A file is NumPy's npz with arrays only, nothing pickled: `about` (JSON: format, and for each world
its id and facts) and, for world i, `i.state` (the bytes of its own kind of save), `i.frame`,
`i.past` (t, a), `i.before` (actions from the exact world's reset to where it began), `i.info.*`.
"""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.data.environments import action_columns, numbers
from worldsim.errors import UserError
from worldsim.files import write_atomic
from worldsim.viewer.session import Session
from worldsim.viewer.worlds import World

FORMAT = "worldsim-save-1"


def previous(path: Path) -> Path:
    """Where the save before the one at a path lies."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def save(session: Session, path: Path) -> None:
    """Write what is on screen; an older save becomes the previous one.

    Raises:
        UserError: a world that cannot be saved, or a folder that cannot be written.
    """
    arrays: dict[str, Any] = {}
    facts = []
    for i, world in enumerate(session.on_screen):
        arrays |= {f"{i}.{name}": value for name, value in _arrays(world).items()}
        facts.append(_facts(world))
    arrays["about"] = np.array(json.dumps({"format": FORMAT, "worlds": facts}))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    if path.exists():
        write_atomic(previous(path), path.read_bytes())
    write_atomic(path, buffer.getvalue())


def load(session: Session, path: Path) -> None:
    """Go to what a file holds; nothing changes when that fails. Slow.

    Raises:
        UserError: no such file, damaged, or of other worlds than these.
    """
    about, arrays = _read(path)
    needed = [facts["name"] for facts in about["worlds"]]
    have = [name for name in (session.config.env, session.config.exact) if name is not None]
    if not set(needed) <= set(have):
        raise UserError(
            f"{path} holds {' and '.join(needed)}; here are {' and '.join(have)} "
            f"(start with env={needed[0]})"
        )
    origin = about["worlds"][0].get("origin") or {}
    worlds = [session.open(name, origin.get("env_options")) for name in needed]
    kept = [world.moment() if world.observation is not None else None for world in worlds]
    try:
        for i, (world, facts) in enumerate(zip(worlds, about["worlds"], strict=True)):
            prefix = f"{i}."
            own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            _put(world, facts, own)
    except BaseException as error:
        for world, moment in zip(worlds, kept, strict=True):
            if moment is not None:
                world.put(moment)
        if isinstance(error, ValueError | KeyError | TypeError | OSError):
            raise _damaged(path, error) from error
        raise
    if len(worlds) > 1:
        worlds[1].mate = worlds[0].start_id
    session.name, session.beside = worlds[0].name, len(worlds) > 1


def _arrays(world: World) -> dict[str, Any]:
    width = len(action_columns(world.env.action_space))
    arrays: dict[str, Any] = {
        "state": np.frombuffer(_state_bytes(world), np.uint8),
        "frame": world.frame,
        "recent": np.stack(world.recent),
        "past": np.array(world.past, np.float32).reshape(-1, width),
        **{f"info.{name}": value for name, value in numbers(world.info).items()},
    }
    if world.origin is not None:
        arrays["before"] = np.asarray(world.origin.before, np.float32)
    return arrays


def _facts(world: World) -> dict[str, Any]:
    origin = world.origin
    return {
        "name": world.name,
        "seed": world.seed,
        "start_index": world.start_index,
        "ended": world.ended,
        "score": world.score,
        "repeatable": world.repeatable,
        "led": world.led,
        "origin": None
        if origin is None
        else {"env_id": origin.env_id, "env_options": origin.env_options, "seed": origin.seed},
    }


def _state_bytes(world: World) -> bytes:
    """What the environment saves of itself: a dream a file, an exact engine bytes."""
    env: Any = world.env.unwrapped
    if hasattr(env, "save") and hasattr(env, "load"):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "dream.safetensors"
            env.save(file)
            return file.read_bytes()
    if hasattr(env, "get_state"):
        return bytes(env.get_state())
    raise UserError(
        f"{world.name} cannot be saved: it has neither save() and load() nor get_state() and "
        "set_state()"
    )


def _put(world: World, facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    env: Any = world.env.unwrapped
    if world.observation is None:
        world.start(int(facts["seed"]))  # wrappers want a reset before the first step
    state = arrays["state"].tobytes()
    if hasattr(env, "save") and hasattr(env, "load"):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "dream.safetensors"
            file.write_bytes(state)
            env.load(file)
    else:
        env.set_state(state)
    info = {k.removeprefix("info."): _plain(v) for k, v in arrays.items() if k.startswith("info.")}
    world.come_back(facts, arrays, info)


def _plain(array: Any) -> Any:
    return array.item() if array.ndim == 0 else array


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a save says of itself, and its arrays."""
    if not path.is_file():
        raise UserError(f"there is no save at {path} yet (F5 writes one)")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        about = json.loads(str(arrays.pop("about")))
        format_found, names = about["format"], [facts["name"] for facts in about["worlds"]]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path, error) from error
    if format_found != FORMAT or not names:
        raise UserError(f"{path} has format {format_found}; this version reads {FORMAT}")
    return about, arrays


def _damaged(path: Path, error: BaseException) -> UserError:
    before = previous(path)
    way_out = f"the save before it is {before}: save={before}" if before.exists() else "F5 anew"
    return UserError(f"{path} is damaged or no save ({error}); {way_out}")
