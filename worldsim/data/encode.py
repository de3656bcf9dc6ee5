"""Command: encode the frames of recorded data sets once; the dynamics trains on the latents."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldsim.camera import CameraConfig
from worldsim.coding import depths
from worldsim.coding import encoded as encode
from worldsim.data.dataset import SPLITS, Dataset, Entry, split_of
from worldsim.data.episode import INTENDED, Episode, read
from worldsim.data.latents import FACTS, FILES, FORMAT, INDEX, file_of, named, read_index
from worldsim.data.replay import played_again
from worldsim.device import pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.files import locked, write_atomic
from worldsim.memory import crosshair
from worldsim.memory.odometry import walked
from worldsim.memory.panoramas import pooled, recorded
from worldsim.models.depth import Depth
from worldsim.models.tokenizer import Tokenizer
from worldsim.progress import progress
from worldsim.trained import load_depth, load_tokenizer, short

_EVENTS = "events."
"""Before the names of events in what a recording's `info` holds."""


@dataclass
class Config:
    """Settings of the command."""

    data: list[str] = field(default_factory=list)
    """Folders of recorded data sets."""
    tokenizer: str = "runs/tokenizer/tokenizer.safetensors"
    out: str = "runs/latents"
    camera: CameraConfig = field(default_factory=CameraConfig)
    """How the camera moves, so that turns need not be learnt; field_of_view=0: not at all."""
    depth: str = ""
    """A network of `worldsim train_depth`, so that walking need not be learnt either."""
    tried: bool = False
    """Also play each episode again, in an environment with `unwrapped.would(action)`, and note what
    would have happened in every tick had the keys of the hands been held: hands learn sooner."""
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
        depth, told = load_depth(config.depth) if config.depth else (None, {"hash": ""})
        view = config.camera.field_of_view
        if depth is not None and depth.config.field_of_view != view:
            raise UserError(
                f"camera.field_of_view is {view:g}; {config.depth} was trained for "
                f"{depth.config.field_of_view:g} (the game's own, for both)"
            )
        store = Store(folder, meta["hash"], config.camera, told["hash"])
        todo = [entry for entry in data.entries if str(entry.path) not in store.known]
        encoder = Encoder(model, config.device, config.dtype)
        with progress("encoding", len(todo)) as bar:
            for entry in todo:
                episode = read(entry.path)
                rows, events = encoded(encoder, episode, config.camera, depth), events_of(episode)
                if config.tried:
                    rows["tried"], store.keys = tried(entry.path, events)
                store.add(entry, rows, events)
                bar.advance(entry.length + 1)
    print(f"{folder}: {len(store.episodes)} episodes, {store.rows} frames")


def encoded(
    encoder: "Encoder", episode: Episode, camera: CameraConfig, depth: Depth | None = None
) -> dict[str, NDArray[Any]]:
    """The rows of an episode, by file.

    Raises:
        UserError: the camera is to be followed, and the episode does not say where it looks.
    """
    latents = encoder(episode.frames)
    rows: dict[str, NDArray[Any]] = {
        "latents": latents,
        "actions": _padded(episode.actions),
        INTENDED: _padded(episode.meant),
        "facts": facts(episode),
    }
    if names := events_of(episode):
        counts = np.column_stack([episode.info[f"{_EVENTS}{name}"] for name in names])
        rows["events"] = counts.clip(0, 255).astype(np.uint8)
    if camera.field_of_view:
        poses = _poses(episode, depth is not None)
        size = episode.frames.shape[1], episode.frames.shape[2]
        seen = torch.from_numpy(latents).float()
        away = depths(depth, seen, poses[:, 4], size, encoder.dtype)
        played = camera, episode.frames, episode.actions
        pictures, recents, cells = recorded(*played, poses, away)
        known = pooled(recents, latents.shape[-2:]).astype(np.float16)
        rows["priors"] = np.concatenate([encoder(pictures), known], 1)
        if depth is not None:
            far = np.abs(away)
            motions = walked(*played, poses[:, 4], far[1:])
            rows["motions"] = np.pad(motions, ((1, 0), (0, 0)), constant_values=np.nan)
            rows["cells"] = cells
            rows["aims"] = crosshair.aimed(far)
    return rows


def events_of(episode: Episode) -> list[str]:
    """What can happen in a tick, as far as an episode tells."""
    return sorted(name.removeprefix(_EVENTS) for name in episode.info if name.startswith(_EVENTS))


def tried(path: Path, events: list[str]) -> tuple[NDArray[np.uint8], list[int]]:
    """What would have happened, (t+1, s, k), had a key been held in the tick after each frame.

    Whether each of k events; zeros after the last frame. And the s columns of these keys.

    Raises:
        UserError: the episode's environment cannot tell, or has other rules than it had.
    """
    rows: list[list[list[bool]]] = []
    keys: list[int] = []
    for engine, action in played_again(path):
        if not hasattr(engine, "would"):
            raise UserError(
                f"tried=true: the environment of {path} does not tell what would happen; needed a"
                " method would(action) of it, unwrapped (without tried=true it need not)"
            )
        if action is not None:
            would = engine.would(action)
            keys = sorted(would)
            rows.append([[would[key].get(name, 0) > 0 for name in events] for key in keys])
    rows.append([[False] * len(events) for _ in keys])
    return np.array(rows, np.uint8), keys


def _poses(episode: Episode, walks: bool) -> NDArray[np.float64]:
    """Position, yaw and pitch (t+1, 5) of each frame; positions are 0 where nobody `walks`.

    Raises:
        UserError: the recording lacks what is needed.
    """
    info = episode.info
    for name in ("yaw", "pitch", "position")[: 3 if walks else 2]:
        if name not in info:
            raise UserError(
                f"the recording has no `{name}` in its info, which following the camera needs "
                "(camera.field_of_view=0 does without, and without depth= no position is needed)"
            )
    places = info["position"] if walks else np.zeros((len(info["yaw"]), 3))
    return np.column_stack([places, info["yaw"], info["pitch"]]).astype(np.float64)


class Encoder:
    """Frames to latents in batches, on the device and in the precision named."""

    def __init__(self, model: Tokenizer, device: str = "auto", dtype: str = "auto") -> None:
        self.device = pick_device(device)
        self.dtype = pick_dtype(self.device, dtype)
        self._model = model.to(self.device)

    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float16]:
        """The latents (t, z, y, x) of frames (t, h, w, 3)."""
        latents = encode(self._model, frames, self.device, self.dtype)
        return latents.to("cpu", torch.float16).numpy()


class Store:
    """A folder of latents that grows an episode at a time; its index says what counts."""

    def __init__(self, folder: Path, tokenizer: str, camera: CameraConfig, depth: str) -> None:
        self._folder, self._tokenizer, self._camera = folder, tokenizer, asdict(camera)
        self._depth = depth
        self._events: list[str] | None = None
        self.keys: list[int] = []
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
            if index.get("camera", asdict(CameraConfig())) != self._camera:
                raise UserError(
                    f"{folder} was made with camera {index.get('camera')}; this is {self._camera} "
                    "(encode into another folder)"
                )
            if index.get("depth", "") != depth:
                raise UserError(
                    f"{folder} was made with depth network {short(index.get('depth', ''))};"
                    f" this is {short(depth)} (encode into another folder)"
                )
            self.episodes, self.rows = index["episodes"], index["rows"]
            self._shapes, self._events = index["shapes"], index.get("events", [])
            self.keys = index.get("keys", [])
            self._drop_unfinished()
        self.known = {episode["source"] for episode in self.episodes}

    def add(self, entry: Entry, rows: dict[str, NDArray[Any]], events: list[str]) -> None:
        """Append an episode; until the index is written it does not exist.

        Raises:
            UserError: it tells of other events than those before it.
        """
        if self._events not in (None, events):
            raise UserError(
                f"{entry.path} tells of {named(events)}; {self._folder} holds episodes that tell of"
                f" {named(self._events or [])} (encode into another folder)"
            )
        if self.episodes and INTENDED not in self._shapes:  # begun by an earlier version
            rows = {name: array for name, array in rows.items() if name != INTENDED}
        if self.episodes and rows.keys() != self._shapes.keys():
            raise UserError(
                f"{self._folder} holds {named(sorted(self._shapes))}; {entry.path} would add"
                f" {named(sorted(rows))} (encode into another folder)"
            )
        self._events = events
        for name, array in rows.items():
            with self._path(name).open("ab") as file:
                file.write(np.ascontiguousarray(array, FILES[name]).tobytes())
            self._shapes[name] = list(array.shape[1:])
        row = {"source": str(entry.path), "seed": entry.seed, "start": self.rows}
        self.episodes.append({**row, "frames": len(rows["latents"])})
        self.rows += len(rows["latents"])
        index = {
            "format": FORMAT,
            "tokenizer": self._tokenizer,
            "rows": self.rows,
            "shapes": self._shapes,
            "facts": FACTS,
            "camera": self._camera,
            "depth": self._depth,
            "events": self._events,
            "keys": self.keys,
            "episodes": self.episodes,
        }
        write_atomic(self._folder / INDEX, json.dumps(index).encode())

    def _path(self, name: str) -> Path:
        return file_of(self._folder, name)

    def _drop_unfinished(self) -> None:
        """Cut off rows that were written after the last index."""
        for name, shape in self._shapes.items():
            size = self.rows * int(np.prod(shape)) * np.dtype(FILES[name]).itemsize
            with self._path(name).open("r+b") as file:
                file.truncate(size)


def facts(episode: Episode) -> NDArray[np.float32]:
    """The columns `FACTS` (t+1, f) of an episode; NaN where its environment does not say."""
    rows = len(episode.actions) + 1
    info = episode.info
    position = info.get("position", np.full((rows, 3), np.nan))
    unknown = np.full(rows, np.nan)
    events = [info[k] for k in info if k.startswith(_EVENTS)]
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
