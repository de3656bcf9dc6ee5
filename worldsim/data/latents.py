"""Folders of latents, which `worldsim encode` makes, and clips of them to train on.

A folder holds flat files with one row a frame, to be memory-mapped, and `index.json`:

    latents.f16   (rows, z, y, x)
    actions.f32   (rows, a), taken on seeing the row's frame; zeros in an episode's last row
    intended.f32  (rows, a), what the player meant to do then, which lapses of skill are not;
                  likewise
    facts.f32     (rows, FACTS), of the row's frame; reward and terminated of the row's action
    priors.f16    (rows, z + 3, y, x), what `memory.panorama` knows of the row's frame before it
                  is seen: latents, then how far and how recent; only of games with a camera
    motions.f32   (rows, 7), what `memory.odometry` measured between the frame before and the
                  row's; NaN in an episode's first row; only where depth is known
    cells.u8      (rows, 975), what `memory.nearby` knows after the row's frame, in 255ths;
                  likewise
    events.u8     (rows, k), how often each of `events`, which the index names, happened in the tick
                  that led to the row's frame; only of games that say so
    tried.u8      (rows, s, k), whether each would have happened in the tick after the row's frame,
                  had one of the action columns `keys`, which the index names, been held too; zeros
                  in an episode's last row; only where that was asked for
    aims.f32      (rows,), blocks ahead to what the middle of the row's frame shows; only where
                  depth is known
    cubes.f32     (rows, 6), the block that hands changed in the tick that led to the row's frame,
                  as `worldsim.cubes` has it; only of what `worldsim encode_events` made
    points.f16    (rows, 64, 8), some of the places where the row's frame shows a block that was
                  placed, or the hole of one that broke; as `encode_events.colored`; likewise
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import CUBE, CameraConfig
from worldsim.data.dataset import split_of
from worldsim.errors import UserError

FORMAT = "worldsim-latents-2"
FACTS = ("reward", "terminated", "on_ground", "x", "y", "z", "yaw", "pitch", "event")
"""Columns of facts.f32; `event` counts what happened in the tick that led to the frame."""

POINTS = 64, 8
"""Shape of a row of points."""

INDEX = "index.json"
FILES = {
    "latents": np.float16,
    "actions": np.float32,
    "intended": np.float32,
    "facts": np.float32,
    "priors": np.float16,
    "motions": np.float32,
    "cells": np.uint8,
    "events": np.uint8,
    "tried": np.uint8,
    "aims": np.float32,
    "cubes": np.float32,
    "points": np.float16,
}


def read_index(folder: Path) -> dict[str, Any]:
    """What index.json says of a folder of latents.

    Raises:
        UserError: there is none, or it is of another format.
    """
    path = folder / INDEX
    if not path.exists():
        raise UserError(
            f"{folder} holds no latents ({INDEX} is missing); make them with `worldsim encode`"
        )
    index: dict[str, Any] = json.loads(path.read_text())
    if index.get("format") != FORMAT:
        raise UserError(f"{path} is not of format {FORMAT}; encode into another folder")
    return index


@dataclass(frozen=True)
class Clips:
    """`b` windows of t frames: latents (b, t, z, y, x), actions (b, t-1, a), facts (b, t, f).

    priors: (b, t, z + 3, y, x), of games with a camera; motions: (b, t, 7) and cells (b, t, 975),
    where depth is known; events: (b, t, k), of games that say so; tried: (b, t-1, s, k), what each
    of the action columns `keys` would have led to, where that is known; aims: (b, t), blocks to
    what frames show in the middle, cubes: (b, t, 6), what hands changed, and points: (b, t,
    *POINTS), where frames show that, likewise. intended: (b, t-1, a), what was meant; of folders
    that an earlier version made None.
    """

    latents: NDArray[np.float32]
    actions: NDArray[np.float32]
    facts: NDArray[np.float32]
    priors: NDArray[np.float32] | None = None
    motions: NDArray[np.float32] | None = None
    cells: NDArray[np.uint8] | None = None
    events: NDArray[np.uint8] | None = None
    tried: NDArray[np.uint8] | None = None
    keys: tuple[int, ...] = ()
    aims: NDArray[np.float32] | None = None
    cubes: NDArray[np.float32] | None = None
    points: NDArray[np.float32] | None = None
    intended: NDArray[np.float32] | None = None


class LatentDataset:
    """The clips of one or several folders of latents, memory-mapped; threads may share it."""

    def __init__(self, folders: list[str]) -> None:
        """Open the folders.

        Raises:
            UserError: none given, one is no folder of latents, or tokenizers differ.
        """
        if not folders:
            raise UserError("no latents were given; make some with `worldsim encode`")
        indices = [read_index(Path(folder)) for folder in folders]
        self.tokenizer: str = indices[0]["tokenizer"]
        for folder, index in zip(folders, indices, strict=True):
            if index["tokenizer"] != self.tokenizer:
                raise UserError(f"{folder} and {folders[0]} are latents of different tokenizers")
            if _camera(index) != _camera(indices[0]):
                raise UserError(f"{folder} and {folders[0]} were encoded with different cameras")
            if index.get("depth", "") != indices[0].get("depth", ""):
                raise UserError(
                    f"{folder} and {folders[0]} were encoded with different depth networks"
                )
            events, others = (one.get("events", []) for one in (index, indices[0]))
            if events != others:
                raise UserError(
                    f"{folder} tells of {named(events)}; {folders[0]} of {named(others)}"
                    " (encode both by one version, of one game)"
                )
        self.camera = _camera(indices[0])
        """The camera that priors follow; a field of view of 0: there are none."""
        self.depth: str = indices[0].get("depth", "")
        """Hash of the depth network that priors were made with, "" without one."""
        self.events: list[str] = indices[0].get("events", [])
        """What can happen in a tick."""
        self.keys = keys_of(folders, indices)
        """Action columns of which some folders say what they would have led to."""
        self._arrays = [_mapped(Path(f), i) for f, i in zip(folders, indices, strict=True)]
        self.episodes = [
            (number, episode["start"], episode["frames"], episode["seed"])
            for number, index in enumerate(indices)
            for episode in index["episodes"]
        ]
        self.seeds = np.array([seed for *_, seed in self.episodes])
        self.frames = sum(frames for _, _, frames, _ in self.episodes)
        self.notice(())

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape (z, y, x) of one frame's latents."""
        return tuple(self._arrays[0]["latents"].shape[1:])

    @property
    def action_size(self) -> int:
        """Columns of an action."""
        return int(self._arrays[0]["actions"].shape[1])

    def tells(self, name: str) -> bool:
        """Whether all folders hold rows of that name."""
        return all(name in arrays for arrays in self._arrays)

    def notice(self, switches: Sequence[int]) -> None:
        """Find when something happens: an event, or a press of one of the action columns."""
        found: dict[int, list[NDArray[np.int64]]] = {}
        for i, (number, first, frames, _) in enumerate(self.episodes):
            arrays, rows = self._arrays[number], slice(first, first + frames)
            facts = arrays["facts"][rows, FACTS.index("event")]
            told = arrays["events"][rows] if "events" in arrays else facts[:, None]
            pressed = (arrays["actions"][rows][:, list(switches)] != 0).any(axis=1, keepdims=True)
            happened = np.hstack([told > 0, np.roll(pressed, 1, 0)])  # the last row has no action
            for kind, column in enumerate(happened.T):
                at = np.flatnonzero(column)
                found.setdefault(kind, []).append(np.column_stack([np.full(len(at), i), at]))
        self._moments = [np.concatenate(parts) for parts in found.values()]

    def clips(self, places: list[tuple[int, int]], t: int) -> Clips:
        """The windows of t frames that begin at (episode, frame) places."""
        parts = [self._rows(episode, start, t) for episode, start in places]
        names = set.intersection(*map(set, parts))
        if any("cubes" in part for part in parts):
            nothing = np.zeros((t, CUBE), np.float32)
            parts = [{"cubes": nothing, **part} for part in parts]
            names.add("cubes")
        rows = {name: np.stack([part[name] for part in parts]) for name in names}
        return Clips(
            rows["latents"].astype(np.float32),
            rows["actions"][:, :-1],
            rows["facts"],
            priors=rows["priors"].astype(np.float32) if "priors" in rows else None,
            motions=rows.get("motions"),
            cells=rows.get("cells"),
            events=rows.get("events"),
            tried=rows["tried"][:, :-1] if "tried" in rows else None,
            keys=self.keys,
            aims=rows.get("aims"),
            cubes=rows.get("cubes"),
            points=rows["points"].astype(np.float32) if "points" in rows else None,
            intended=rows["intended"][:, :-1] if "intended" in rows else None,
        )

    def actions(self, episode: int, t: int) -> NDArray[np.float32]:
        """The first t actions (t, a) of an episode."""
        return np.array(self._rows(episode, 0, t)["actions"])

    def draw(self, rng: np.random.Generator, b: int, t: int, eventful: float = 0.0) -> Clips:
        """`b` random windows; a share `eventful` is chosen to have an event in the later half.

        Of which kind is drawn first, by the roots of their numbers, so that rare ones are seen.

        Raises:
            UserError: no episode is long enough.
        """
        room = np.array([max(0, frames - t + 1) for _, _, frames, _ in self.episodes], float)
        if not room.any():
            raise UserError(
                f"no episode has {t} frames; record longer ones or train on shorter clips"
            )
        moments = [found[room[found[:, 0]] > 0] for found in self._moments]
        shares = np.sqrt([len(found) for found in moments])
        places = []
        for _ in range(b):
            if rng.random() < eventful and shares.any():
                i, frame = rng.choice(moments[rng.choice(len(moments), p=shares / shares.sum())])
                start = max(0, int(frame) - int(rng.integers(t // 2, t)))
                places.append((int(i), min(int(room[i]) - 1, start)))
            else:
                i = rng.choice(len(room), p=room / room.sum())
                places.append((int(i), int(rng.integers(room[i]))))
        return self.clips(places, t)

    def spread(self, count: int, t: int) -> list[tuple[int, int]]:
        """`count` fixed places of windows of t frames, spread evenly over the episodes."""
        long = [i for i, (_, _, frames, _) in enumerate(self.episodes) if frames >= t]
        picks = [long[k * len(long) // count] for k in range(count)] if long else []
        rng = np.random.default_rng(len(picks))
        return [(i, int(rng.integers(self.episodes[i][2] - t + 1))) for i in picks]

    def _rows(self, index: int, start: int, t: int) -> dict[str, NDArray[Any]]:
        number, first, _, _ = self.episodes[index]
        rows = slice(first + start, first + start + t)
        return {name: array[rows] for name, array in self._arrays[number].items()}


def refuse_held_out(
    data: LatentDataset, purpose: str, allowed: Collection[str] = ("train",)
) -> None:
    """Raise UserError when a seed belongs to a split that the purpose may not see."""
    for seed in data.seeds.tolist():
        if split_of(seed) not in allowed:
            raise UserError(
                f"the latents hold seed {seed}, of the {split_of(seed)} split; {purpose} uses "
                f"{' and '.join(allowed)} seeds (encode other recordings)"
            )


def named(events: list[str]) -> str:
    """Names of events as messages show them."""
    return ", ".join(events) or "no events"


def keys_of(folders: list[str], told: Sequence[dict[str, Any]]) -> tuple[int, ...]:
    """The action columns of which folders, by what is told of each, say what they would lead to.

    Raises:
        UserError: they say it of different ones.
    """
    keys = {tuple(one["keys"]) for one in told if one.get("keys")}
    if len(keys) > 1:
        raise UserError(f"{' and '.join(folders)} tell what different keys would have led to")
    return max(keys, default=())


def file_of(folder: Path, name: str) -> Path:
    """The file in a folder of latents that holds those rows."""
    kind = np.dtype(FILES[name])
    return folder / f"{name}.{kind.kind}{8 * kind.itemsize}"


def _camera(index: dict[str, Any]) -> CameraConfig:
    return CameraConfig(**index.get("camera", {}))


def _mapped(folder: Path, index: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {
        name: np.memmap(file_of(folder, name), FILES[name], "r", shape=(index["rows"], *shape))
        for name, shape in index["shapes"].items()
    }
