"""Who plays when nobody sits at the keys: a demonstration, recorded actions, a policy, nobody."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle, repeat
from pathlib import Path
from typing import Any

import numpy as np

from worldsim import actions
from worldsim.actions import Vector
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.viewer.config import Config
from worldsim.viewer.controls import idle
from worldsim.viewer.worlds import World

DEMO: tuple[tuple[int, Mapping[str, Any]], ...] = (
    (4, {}),
    (12, {"camera": (0.0, -4.0)}),  # look to the left and back
    (12, {"camera": (0.0, 4.0)}),
    (12, {"camera": (0.0, 4.0)}),  # and to the right
    (12, {"camera": (0.0, -4.0)}),
    (24, {"forward": 1}),
    (16, {"forward": 1, "jump": 1}),
    (8, {"camera": (5.0, 0.0)}),
    (24, {"attack": 1}),  # dig into the ground ahead
    (2, {"hotbar": 1}),
    (4, {"camera": (-2.0, 0.0)}),
    (2, {"use": 1}),  # place a block there
    (10, {}),
)
"""The fixed demonstration: ticks, and the controls held for that long."""


@dataclass(frozen=True)
class Script:
    """What will be played."""

    actions: Callable[[World], Iterator[Any]]
    """The actions in a started world; each is drawn on seeing what the one before it led to."""
    length: int | None = None
    """How many there are; None: no end."""
    unseen: int = 0
    """Actions at the beginning that only lead to where the video starts."""
    seed: int = 0
    start_index: int | None = None


def load(config: Config) -> Script:
    """The script or policy that the options name; a recording brings its own seed.

    Raises:
        UserError: no such script, or a damaged file.
    """
    if config.policy is not None or config.script == "still":
        return Script(_still if config.policy is None else _policy(config))
    if config.script == "demo":
        return Script(_demo, sum(ticks for ticks, _ in DEMO))
    held, entry = _read(config.script)
    table = _table(held, entry, config.script)
    before = held.get("before") if not entry else None
    if before is not None:
        table = np.concatenate([before, table]).astype(np.float32)
    index = int(held.get("start_index", -1))
    return Script(
        partial(_replay, table, config.script),
        len(table),
        unseen=0 if before is None else len(before),
        seed=int(held.get("seed", 0)),
        start_index=None if index < 0 else index,
    )


def _still(world: World) -> Iterator[Any]:
    return repeat(idle(world.env.action_space))


def _demo(world: World) -> Iterator[Any]:
    if world.env.action_space != actions.space():
        raise UserError(
            f"script=demo plays the worldsim controller; {world.name} has action space "
            f"{world.env.action_space} (take policy=random)"
        )
    return cycle(actions.make(**controls) for ticks, controls in DEMO for _ in range(ticks))


def _replay(table: Vector, name: str, world: World) -> Iterator[Any]:
    space = world.env.action_space
    needed = len(environments.action_columns(space))
    if table.shape[1] != needed:
        raise UserError(
            f"{name} holds actions of {table.shape[1]} columns; {world.name} takes {needed} "
            "(choose the env= they were recorded in)"
        )
    return (environments.from_vector(space, vector) for vector in table)


def _policy(config: Config) -> Callable[[World], Iterator[Any]]:
    """Play by a policy of `worldsim record`, told of every new start."""
    from worldsim.data import record

    player = record.make_policy(
        record.Config(policy=str(config.policy), policy_options=config.policy_options)
    )

    def act(world: World) -> Iterator[Any]:
        while True:
            if not world.past:
                player.reset(world.seed, world.env, world.info)
            yield player.act(world.observation, world.info)

    return act


def _read(name: str) -> tuple[dict[str, Any], str]:
    """The arrays of `file.npz` or `file.npz:entry`, and the entry ("" for none)."""
    file, _, entry = name.partition(".npz:")
    path = Path(f"{file}.npz") if entry else Path(name)
    if path.suffix != ".npz":
        raise UserError(f"script is {name}; needed demo, still or a file.npz of actions")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}, entry
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"script {path} cannot be read: {error}") from error


def _table(held: Mapping[str, Any], entry: str, name: str) -> Vector:
    """The action vectors (t, a); a table beside `names` has columns named as in VPT."""
    table = held.get(entry or "actions")
    if table is None or table.ndim != 2 or table.dtype.kind not in "biuf":
        raise UserError(
            f"script {name} has no table of actions at {entry or 'actions'!r}; it holds "
            f"{', '.join(held)} (name one as in script=file.npz:actions)"
        )
    if "names" in held:
        return actions.from_columns([str(column) for column in held["names"]], table)
    return np.asarray(table, np.float32)
