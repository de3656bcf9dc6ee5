"""Command: moments in which something happens, beside the same moments without it, as latents.

Events are rare in recordings, and what they change is seen together with all else that moves. Here
a policy walks through a world, and every now and then each thing that hands can do is tried: what
the frame shows, and what it had shown had hands done nothing. `train_dynamics part=draft` learns
from such pairs what events look like. Much is tried in the wink of an eye: blocks break at once,
and the world goes on as if nothing had been. What is known beforehand is as a dream knows it:
without the cross, and at times without the outline of what is aimed at, and its cracks. The
environment has to offer `unwrapped.apart(action, at_once, outlined)`: the frame, the same without
what hands did, and the info; `get_state` and `set_state`, `pose`, `place` and `hotbar`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from worldsim import actions, cubes
from worldsim.camera import CHANNELS, CUBE, CameraConfig
from worldsim.data import environments
from worldsim.data.dataset import Entry, split_of
from worldsim.data.encode import Encoder, Store
from worldsim.data.latents import FACTS, POINTS
from worldsim.data.record import Config as RecordConfig
from worldsim.data.record import make_policy
from worldsim.errors import UserError
from worldsim.files import locked
from worldsim.memory import crosshair
from worldsim.memory.panorama import STEPS, TICKS
from worldsim.models.body import MEASURED, NEAR
from worldsim.progress import progress
from worldsim.trained import load_depth, load_tokenizer

_BETWEEN = 6  # ticks of the policy between two moments
_USES = 3  # times that the use key is pressed in a moment
_SWITCHES = 0.3  # share of the moments in which another slot is selected
_CRACKS = 0.3  # share of the new cracks that are kept, and of what cracks before it breaks at once
_DIGS = 0.5  # share of the moments in which a block is dug
_LONGEST = 26  # ticks that it is dug for
_GLANCES = 8  # times that something is tried at once in a moment
_BUILDS = 0.5  # share of them in which a block is placed before one breaks
_OUTLINED = 0.5  # share of what is known beforehand that shows what is aimed at
_SWAY = 4.0  # degrees by which the camera turns meanwhile, in the mean
_LEVEL = 0.5  # share of the glances that go ahead rather than down
_EDGE = 0.04  # of a block's side, where the outline of what is aimed at runs
_BEYOND = 0.015  # blocks, and share of a distance, by which that of a side may be off
_SEEKS = 6  # directions that are tried for one with something in reach

Pair = tuple[actions.Vector, NDArray[np.uint8], NDArray[np.uint8], dict[str, Any]]
"""Action, frame with and frame without what hands did, and the info of that."""


@dataclass
class Config:
    """Settings of the command."""

    env: str = "WorldSim/VoxelPlayground-v0"
    env_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment."""
    policy: str = "builder"
    """Who walks there, as in `worldsim record`."""
    worlds: int = 200
    moments: int = 40
    """Moments in a world at which things are tried."""
    seed: int = 500_000
    """Of the first world."""
    tokenizer: str = "runs/tokenizer/tokenizer.safetensors"
    out: str = "runs/events"
    camera: CameraConfig = field(default_factory=CameraConfig)
    """As in `worldsim encode`."""
    depth: str = ""
    """The depth network of the recordings that this is learnt from together with."""
    device: str = "auto"
    dtype: str = "auto"


def run(config: Config, run_dir: Path) -> None:
    """Encode what the folder does not hold yet; the same command continues.

    Raises:
        UserError: held-out seeds, an environment that cannot do it, or a folder of other latents.
    """
    last = config.seed + config.worlds - 1
    if {split_of(config.seed), split_of(last)} != {"train"}:
        raise UserError(f"seeds {config.seed} to {last} are not all for training; needed such")
    env = environments.make(config.env, **config.env_options)
    if not hasattr(env.unwrapped, "apart"):
        raise UserError(f"{config.env} cannot tell what hands do apart; needed unwrapped.apart()")
    model, meta = load_tokenizer(config.tokenizer)
    depth = load_depth(config.depth)[1]["hash"] if config.depth else ""
    encoder = Encoder(model, config.device, config.dtype)
    folder = Path(config.out)
    with locked(folder, "encode"):
        store = Store(folder, meta["hash"], config.camera, depth)
        names = [f"{config.env}/{config.seed + i}" for i in range(config.worlds)]
        todo = [(i, name) for i, name in enumerate(names) if name not in store.known]
        with progress("trying out", len(todo)) as bar:
            for i, name in todo:
                found = list(tried(env, config, config.seed + i))
                if found:
                    frame = found[0][1]
                    size = frame.shape[0], frame.shape[1]
                    entry = Entry(Path(name), config.seed + i, 2 * len(found) - 1, size, True)
                    store.add(
                        entry, rows(found, encoder, config.camera), sorted(found[0][3]["events"])
                    )
                bar.advance(2 * len(found))
    env.close()
    print(f"{folder}: {len(store.episodes)} worlds, {store.rows // 2} pairs")


def tried(env: environments.Env, config: Config, seed: int) -> Iterator[Pair]:
    """What happened when things were tried in a world, each beside the same without it."""
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    player = make_policy(RecordConfig(policy=config.policy))
    player.reset(seed, env, info)
    for _ in range(config.moments):
        for _ in range(_BETWEEN):
            observation, _, ended, _, info = env.step(player.act(observation, info))
            if ended:
                return
        for action in _tries(env, rng, bool(info.get("target_block", 1))):
            vector = actions.to_vector(action)
            engine: Any = env.unwrapped
            frame, idle, info = engine.apart(action, outlined=rng.random() < _OUTLINED)
            events = info["events"]
            often = {name for name, count in events.items() if count} == {"block_cracked"}
            if idle is not None and not (often and rng.random() > _CRACKS):
                yield vector, frame, idle, _seen(engine, info)
            if events.get("block_broken") and action["attack"]:
                break
        yield from _glances(env, rng)


def _glances(env: environments.Env, rng: np.random.Generator) -> Iterator[Pair]:
    """What happened to things around when they were tried at once; nothing is left of it."""
    engine: Any = env.unwrapped
    state, pose = engine.get_state(), engine.pose()
    for _ in range(_GLANCES):
        _fill(env, rng)
        full = [slot for slot, (_, count) in enumerate(engine.hotbar(), 1) if count]
        held = {"hotbar": int(rng.choice(full))} if full and rng.random() < _BUILDS else {}
        down, spread = (5, 15) if rng.random() < _LEVEL else (35, 20)
        for _ in range(_SEEKS):
            yaw, pitch = pose[3] + rng.normal(0, 90), np.clip(rng.normal(down, spread), -40, 85)
            engine.place(np.array([*pose[:3], yaw, pitch]))
            *_, info = engine.step(actions.make(**held))
            if info["target_block"]:
                break
        if info["target_block"]:
            first = [("use", False)] * bool(held) + [("attack", False)] * (rng.random() < _CRACKS)
            for key, at_once in (*first, ("attack", True)):
                action = actions.make(**{key: 1})
                frame, idle, told = engine.apart(action, at_once, rng.random() < _OUTLINED)
                if idle is not None:
                    yield actions.to_vector(action), frame, idle, _seen(engine, told)
        engine.set_state(state)


def _tries(
    env: gym.Env[Any, Any], rng: np.random.Generator, aimed: bool
) -> Iterator[actions.Action]:
    """A slot that is selected, what is in it used, and, at times, a block dug.

    aimed: whether there is something in reach; else the player looks down first.
    """

    def act(**held: Any) -> actions.Action:
        return actions.make(**held, camera=tuple(rng.laplace(0, _SWAY / 2, 2).clip(-15, 15)))

    _fill(env, rng)
    for _ in range(0 if aimed else 3):
        yield actions.make(camera=(rng.uniform(5, 15), 0.0))
    if rng.random() < _SWITCHES:
        yield act(hotbar=int(rng.integers(1, 10)))
    for _ in range(_USES):
        yield act(use=1)
        yield act()
    if rng.random() < _DIGS:
        for _ in range(_LONGEST):
            yield actions.make(attack=1)


def _fill(env: gym.Env[Any, Any], rng: np.random.Generator) -> None:
    """Put other stacks into the hotbar, where the game lets one."""
    engine: Any = env.unwrapped
    if hasattr(engine, "set_hotbar"):
        kinds = rng.choice(engine.placeable, 9)
        counts = rng.integers(1, 65, 9) * (rng.random(9) < rng.uniform(0.4, 1.0))
        engine.set_hotbar(
            [(int(k), int(n)) if n else (0, 0) for k, n in zip(kinds, counts, strict=True)]
        )


def rows(pairs: list[Pair], encoder: Encoder, camera: CameraConfig) -> dict[str, NDArray[Any]]:
    """The rows of pairs, by file: without what hands did, then with it, in turns."""
    vectors, shown, idle, infos = zip(*pairs, strict=True)
    events, arm = [info["events"] for info in infos], camera.arm(len(shown[0]))
    bare = np.stack([crosshair.without(frame, arm) for frame in idle])
    before, after = encoder(bare), encoder(np.stack(shown))
    count = 2 * len(pairs)
    latents = np.stack([before, after], 1).reshape(count, *before.shape[1:])
    acts = np.zeros((count, actions.SIZE), np.float32)
    acts[::2] = vectors
    priors = np.zeros((count, before.shape[1] + CHANNELS, *before.shape[2:]), np.float16)
    walks = (acts[::2, : actions.INDEX["sneak"]] != 0).any(1).astype(np.float64)
    priors[1::2, :-CHANNELS], priors[1::2, -CHANNELS] = before, 1.0
    priors[1::2, -2] = np.exp(-walks / STEPS)[:, None, None]
    priors[1::2, -1] = np.exp(-1 / TICKS)
    names = sorted(events[0])
    told = np.zeros((count, len(names)), np.uint8)
    told[1::2] = [[min(255, round(happened[name])) for name in names] for happened in events]
    changed = np.zeros((count, CUBE), np.float32)
    changed[1::2] = [info.get("cube", cubes.NONE) for info in infos]
    points = np.zeros((count, *POINTS), np.float16)
    points[1::2] = [colored(pair, camera) for pair in pairs]
    facts = np.full((count, len(FACTS)), np.nan, np.float32)
    facts[:, FACTS.index("event")] = 0
    facts[1::2, FACTS.index("event")] = told[1::2].sum(1)
    return {
        "latents": latents,
        "actions": acts,
        "facts": facts,
        "events": told,
        "priors": priors,
        "motions": np.full((count, MEASURED), np.nan, np.float32),
        "cells": np.zeros((count, NEAR), np.uint8),
        "cubes": changed,
        "points": points,
    }


def colored(pair: Pair, camera: CameraConfig) -> NDArray[np.float32]:
    """Some pixels (p, 8) that show a block which was put down, or the hole of one that broke.

    Where on the block (3,), as `cubes.front`, or after these sides as `cubes.inside`; the colour
    (3,) in [0, 1]; 1; and of a hole whether a block is right beyond. Zeros if there are none.
    """
    _, frame, idle, info = pair
    height, width = frame.shape[:2]
    out = np.zeros(POINTS, np.float32)
    placed, gone = (
        any(info["events"].get(name) for name in names) for names in (cubes.PLACED, cubes.GONE)
    )
    if not placed and not (gone and "away" in info):
        return out
    there = torch.from_numpy(np.asarray(info.get("cube", cubes.NONE), np.float32))[None]
    look = cubes.front if placed else cubes.inside
    shown = look(there, (height, width), camera.tangent)[0].numpy()
    aside = np.abs(np.mgrid[:height, :width] - np.array([[[height // 2]], [[width // 2]]]))
    cross = (aside.min(0) <= 1) & (aside.max(0) <= camera.arm(height) + 1)
    seen = (np.abs(frame.astype(np.int16) - idle).max(-1) > 0) & ~cross & (shown[..., 3] > 0)
    seen &= np.abs(shown[..., 1:3] - 0.5).max(-1) < 0.5 - _EDGE
    seen[camera.visible(height) :] = False
    places = np.argwhere(seen)
    if not len(places):
        return out
    rows, columns = places[np.linspace(0, len(places), len(out), endpoint=False).astype(int)].T
    out[:, :3], out[:, 3:6] = shown[rows, columns, :3], frame[rows, columns] / 255
    out[:, 6] = 1
    if not placed:
        far = shown[rows, columns, 3]
        out[:, 0] += len(cubes.SIDES)
        out[:, 7] = np.abs(info["away"][rows, columns] - far) < _BEYOND * (1 + far)
    return out


def _seen(engine: Any, info: dict[str, Any]) -> dict[str, Any]:
    """The info with how far `away` what the frame shows is, where the game can tell."""
    return {**info, "away": engine.depth()} if hasattr(engine, "depth") else info
