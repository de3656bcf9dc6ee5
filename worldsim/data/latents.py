"""Command: encode the frames of recorded data sets once; the latents are what dynamics trains on.

A folder holds flat files with one row a frame, to be memory-mapped, and `index.json`:

    latents.f16   (rows, z, y, x)
    actions.f32   (rows, a), taken on seeing the row's frame; zeros in an episode's last row
    facts.f32     (rows, FACTS), of the row's frame; reward and terminated of the row's action
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldsim.data.dataset import SPLITS, Dataset, Entry, split_of
from worldsim.data.episode import Episode, read
from worldsim.data.frames import to_float
from worldsim.device import autocast, pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.files import locked, write_atomic
from worldsim.models.tokenizer import Tokenizer
from worldsim.progress import progress
from worldsim.trained import load_tokenizer

FORMAT = "worldsim-latents-1"
FACTS = ("reward", "terminated", "on_ground", "x", "y", "z", "yaw", "pitch", "event")
"""Columns of facts.f32; `event` counts what happened in the tick that led to the frame."""

INDEX = "index.json"
_FILES = {"latents": np.float16, "actions": np.float32, "facts": np.float32}


@dataclass
class Config:
    """Settings of the command."""

    data: list[str] = field(default_factory=list)
    """Folders of recorded data sets."""
    tokenizer: str = "runs/tokenizer/tokenizer.safetensors"
    out: str = "runs/latents"
    batch: int = 64
    device: str = "auto"
    dtype: str = "auto"


def run(config: Config, run_dir: Path) -> None:
    """Encode what the folder does not hold yet; the same command continues.

    Raises:
        UserError: no data, reserved seeds in it, or a folder made with another tokenizer.
    """
    data = Dataset(config.data)
    for entry in data.entries:
        if split_of(entry.seed) == "reserved":
            raise UserError(
                f"{entry.path} has seed {entry.seed}; seeds from {SPLITS[-1][1]} up are reserved"
            )
    model, meta = load_tokenizer(config.tokenizer)
    folder = Path(config.out)
    with locked(folder, "encode"):
        store = _Store(folder, meta["hash"])
        todo = [entry for entry in data.entries if str(entry.path) not in store.known]
        encoder = Encoder(model, config.batch, config.device, config.dtype)
        with progress("encoding", len(todo)) as bar:
            for entry in todo:
                episode = read(entry.path)
                store.add(entry, encoder(episode.frames), episode)
                bar.advance(entry.length + 1)
    print(f"{folder}: {len(store.episodes)} episodes, {store.rows} frames")


class Encoder:
    """Frames to latents in batches, on the device and in the precision named."""

    def __init__(
        self, model: Tokenizer, batch: int = 64, device: str = "auto", dtype: str = "auto"
    ) -> None:
        self._device = pick_device(device)
        self._dtype = pick_dtype(self._device, dtype)
        self._model, self._batch = model.to(self._device), batch

    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float16]:
        """The latents (t, z, y, x) of frames (t, h, w, 3)."""
        parts = []
        with torch.inference_mode(), autocast(self._device, self._dtype):
            for i in range(0, len(frames), self._batch):
                given = to_float(frames[i : i + self._batch]).to(self._device)
                parts.append(self._model.encode(given).to("cpu", torch.float16).numpy())
        return np.concatenate(parts)


class _Store:
    """A folder of latents that grows an episode at a time; its index says what counts."""

    def __init__(self, folder: Path, tokenizer: str) -> None:
        self._folder, self._tokenizer = folder, tokenizer
        self.episodes: list[dict[str, Any]] = []
        self.rows, self._shapes = 0, {}
        path = folder / INDEX
        if path.exists():
            index = read_index(folder)
            if index["tokenizer"] != tokenizer:
                raise UserError(
                    f"{folder} holds latents of tokenizer {index['tokenizer'][:12]}; this one is "
                    f"{tokenizer[:12]} (encode into another folder)"
                )
            self.episodes, self.rows = index["episodes"], index["rows"]
            self._shapes = index["shapes"]
            self._drop_unfinished()
        self.known = {episode["source"] for episode in self.episodes}

    def add(self, entry: Entry, latents: NDArray[np.float16], episode: Episode) -> None:
        """Append an episode; until the index is written it does not exist."""
        rows: dict[str, NDArray[Any]] = {
            "latents": latents,
            "actions": _padded(episode.actions),
            "facts": facts(episode),
        }
        for name, array in rows.items():
            with self._path(name).open("ab") as file:
                file.write(np.ascontiguousarray(array, _FILES[name]).tobytes())
            self._shapes[name] = list(array.shape[1:])
        row = {"source": str(entry.path), "seed": entry.seed, "start": self.rows}
        self.episodes.append({**row, "frames": len(latents)})
        self.rows += len(latents)
        index = {
            "format": FORMAT,
            "tokenizer": self._tokenizer,
            "rows": self.rows,
            "shapes": self._shapes,
            "facts": FACTS,
            "episodes": self.episodes,
        }
        write_atomic(self._folder / INDEX, json.dumps(index).encode())

    def _path(self, name: str) -> Path:
        return _file(self._folder, name)

    def _drop_unfinished(self) -> None:
        """Cut off rows that were written after the last index."""
        for name, dtype in _FILES.items():
            size = self.rows * int(np.prod(self._shapes[name])) * np.dtype(dtype).itemsize
            with self._path(name).open("r+b") as file:
                file.truncate(size)


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


def facts(episode: Episode) -> NDArray[np.float32]:
    """The columns `FACTS` (t+1, f) of an episode; NaN where its environment does not say."""
    rows = len(episode.actions) + 1
    info = episode.info
    position = info.get("position", np.full((rows, 3), np.nan))
    unknown = np.full(rows, np.nan)
    events = [info[k] for k in info if k.startswith("events.")]
    columns = [
        np.append(episode.rewards, 0),
        np.append(episode.terminated, 0),
        info.get("on_ground", unknown),
        *position.T,
        info.get("yaw", unknown),
        info.get("pitch", unknown),
        np.sum(events, axis=0) if events else np.zeros(rows),
    ]
    return np.stack(columns, 1).astype(np.float32)


def _padded(actions: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([actions, np.zeros((1, actions.shape[1]), np.float32)])


@dataclass(frozen=True)
class Clips:
    """`b` windows of t frames: latents (b, t, z, y, x), actions (b, t-1, a), facts (b, t, f)."""

    latents: NDArray[np.float32]
    actions: NDArray[np.float32]
    facts: NDArray[np.float32]


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
        self._arrays = [_mapped(Path(f), i) for f, i in zip(folders, indices, strict=True)]
        self.episodes = [
            (number, episode["start"], episode["frames"], episode["seed"])
            for number, index in enumerate(indices)
            for episode in index["episodes"]
        ]
        self.seeds = np.array([seed for *_, seed in self.episodes])
        self.frames = sum(frames for _, _, frames, _ in self.episodes)
        self._events = [self._eventful(i) for i in range(len(self.episodes))]

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape (z, y, x) of one frame's latents."""
        return tuple(self._arrays[0]["latents"].shape[1:])

    @property
    def action_size(self) -> int:
        """Columns of an action."""
        return int(self._arrays[0]["actions"].shape[1])

    def clips(self, places: list[tuple[int, int]], t: int) -> Clips:
        """The windows of t frames that begin at (episode, frame) places."""
        parts = [self._rows(episode, start, t) for episode, start in places]
        latents, actions, facts = (np.stack(arrays) for arrays in zip(*parts, strict=True))
        return Clips(latents.astype(np.float32), actions[:, :-1], facts)

    def draw(self, rng: np.random.Generator, b: int, t: int, eventful: float = 0.0) -> Clips:
        """`b` random windows; a share `eventful` is chosen to have an event in the later half.

        Raises:
            UserError: no episode is long enough.
        """
        room = np.array([max(0, frames - t + 1) for _, _, frames, _ in self.episodes], float)
        if not room.any():
            raise UserError(
                f"no episode has {t} frames; record longer ones or train on shorter clips"
            )
        with_events = room * [len(events) > 0 for events in self._events]
        places = []
        for _ in range(b):
            wanted = rng.random() < eventful and with_events.any()
            odds = with_events if wanted else room
            i = int(rng.choice(len(odds), p=odds / odds.sum()))
            last = int(room[i]) - 1
            start = int(rng.integers(last + 1))
            if wanted:
                event = int(rng.choice(self._events[i]))
                start = min(last, max(0, event - int(rng.integers(t // 2, t))))
            places.append((i, start))
        return self.clips(places, t)

    def spread(self, count: int, t: int) -> list[tuple[int, int]]:
        """`count` fixed places of windows of t frames, spread evenly over the episodes."""
        long = [i for i, (_, _, frames, _) in enumerate(self.episodes) if frames >= t]
        picks = [long[k * len(long) // count] for k in range(count)] if long else []
        rng = np.random.default_rng(len(picks))
        return [(i, int(rng.integers(self.episodes[i][2] - t + 1))) for i in picks]

    def _rows(self, index: int, start: int, t: int) -> Iterator[NDArray[Any]]:
        number, first, _, _ = self.episodes[index]
        rows = slice(first + start, first + start + t)
        return (self._arrays[number][name][rows] for name in _FILES)

    def _eventful(self, index: int) -> NDArray[np.int64]:
        number, first, frames, _ = self.episodes[index]
        column = self._arrays[number]["facts"][first : first + frames, FACTS.index("event")]
        return np.flatnonzero(column > 0)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.{'f16' if name == 'latents' else 'f32'}"


def _mapped(folder: Path, index: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {
        name: np.memmap(
            _file(folder, name),
            dtype,
            "r",
            shape=(index["rows"], *index["shapes"][name]),
        )
        for name, dtype in _FILES.items()
    }
