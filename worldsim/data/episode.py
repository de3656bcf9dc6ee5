"""One episode and its file: an HDF5 archive, read whole or in windows."""

import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from worldsim.actions import Vector
from worldsim.data.environments import Frame, numbers
from worldsim.errors import UserError
from worldsim.files import write_atomic

FORMAT = "worldsim-episode-1"


@dataclass(frozen=True)
class Episode:
    """One play of an environment, or a window of one, with t actions and t + 1 frames.

    `actions[i]` is taken on seeing `frames[i]` and produces `frames[i+1]`.

    Rewards, terminated and truncated belong to the action of their index, info to the frame.
    """

    frames: NDArray[np.uint8]  # (t+1, h, w, 3)
    actions: NDArray[np.float32]  # (t, a)
    rewards: NDArray[np.float32]  # (t,)
    terminated: NDArray[np.bool_]  # (t,)
    truncated: NDArray[np.bool_]  # (t,)
    info: dict[str, NDArray[Any]]  # each (t+1, ...)
    seed: int


@dataclass(frozen=True)
class Header:
    """What an episode file says about itself without its arrays being read."""

    seed: int
    env_id: str
    env_options: dict[str, Any] = field(default_factory=dict)
    image_key: str = ""
    policy: str = ""
    policy_options: dict[str, Any] = field(default_factory=dict)
    engine_version: int = 0
    frame_shape: tuple[int, int] = (0, 0)
    length: int = 0
    """Number of actions."""
    has_frames: bool = True
    frames_sha256: str = ""
    coverage: dict[str, float] = field(default_factory=dict)


class Writer:
    """Collects one episode, its frames compressed as they come, and saves it in one piece."""

    def __init__(self, keep_frames: bool = True) -> None:
        self._keep_frames = keep_frames
        self._hash = hashlib.sha256()
        self._packed: list[bytes] = []
        self._infos: list[dict[str, NDArray[Any]]] = []
        self._actions: list[Vector] = []
        self._rewards: list[float] = []
        self._ends: list[tuple[bool, bool]] = []
        self._shape: tuple[int, ...] = ()

    def start(self, frame: Frame, info: Mapping[str, Any]) -> None:
        """Take the frame that `reset` returned."""
        self._shape = frame.shape
        self._see(frame, info)

    def step(
        self,
        action: Vector,
        frame: Frame,
        reward: float,
        ends: tuple[bool, bool],
        info: Mapping[str, Any],
    ) -> None:
        """Take an action and what it produced; `ends` is (terminated, truncated)."""
        self._actions.append(action)
        self._rewards.append(float(reward))
        self._ends.append(ends)
        self._see(frame, info)

    def save(self, path: Path, header: Header) -> Header:
        """Write the file at once or not at all; the header as it stands in the file."""
        header = Header(
            **{
                **vars(header),
                "frame_shape": (self._shape[0], self._shape[1]),
                "length": len(self._actions),
                "has_frames": self._keep_frames,
                "frames_sha256": self._hash.hexdigest(),
            }
        )
        ends = np.array(self._ends, bool).reshape(-1, 2)
        arrays = {
            "actions": np.array(self._actions, np.float32),
            "rewards": np.array(self._rewards, np.float32),
            "terminated": ends[:, 0],
            "truncated": ends[:, 1],
            **{f"info/{key}": array for key, array in _stacked(self._infos).items()},
        }
        _save(path, header, arrays, self._packed)
        return header

    def _see(self, frame: Frame, info: Mapping[str, Any]) -> None:
        if frame.shape != self._shape:
            raise UserError(f"a frame has shape {frame.shape}; the first one had {self._shape}")
        self._hash.update(frame.tobytes())
        if self._keep_frames:
            self._packed.append(pack(frame))
        self._infos.append(numbers(info))


def pack(frame: Frame) -> bytes:
    """A frame (h, w, 3) compressed as an HDF5 chunk of the file is.

    One frame a chunk: measured on textured 128x128 frames, a random frame then costs a fifth of
    what it costs in chunks of 8, for 1 % more bytes (a frame exceeds deflate's window anyway).
    """
    return zlib.compress(frame.tobytes(), 1)


def read(path: Path, start: int = 0, stop: int | None = None, frames: bool = True) -> Episode:
    """The actions [start, stop) of an episode and their stop - start + 1 frames.

    Only what is asked for is read. With `frames=False` the frames are an empty (0, h, w, 3).

    Raises:
        UserError: the file is missing, damaged or of another format, or has no frames.
        IndexError: the window does not lie inside the episode.
    """
    with _opened(path) as file:
        header = _header(file)
        stop = header.length if stop is None else stop
        if not 0 <= start <= stop <= header.length:
            raise IndexError(f"{path} has {header.length} actions, not a window {start}:{stop}")
        if frames and not header.has_frames:
            raise UserError(
                f"{path} holds no frames, only seed and actions; make them again with "
                f"`worldsim rebuild data={path.parent}`"
            )
        return Episode(
            frames=(
                file["frames"][start : stop + 1]
                if frames
                else np.empty((0, *header.frame_shape, 3), np.uint8)
            ),
            actions=file["actions"][start:stop],
            rewards=file["rewards"][start:stop],
            terminated=file["terminated"][start:stop],
            truncated=file["truncated"][start:stop],
            info={key: array[start : stop + 1] for key, array in file["info"].items()},
            seed=header.seed,
        )


def read_frames(path: Path, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The frames (b, h, w, 3) at the indices, in any order, repeats allowed."""
    with _opened(path) as file:
        if "frames" not in file:
            raise UserError(f"{path} holds no frames; run `worldsim rebuild data={path.parent}`")
        dataset = file["frames"]
        return np.stack([dataset[int(index)] for index in indices])


def read_header(path: Path) -> Header:
    """What the file says about itself.

    Raises:
        UserError: the file is missing, half-written, damaged or of another format.
    """
    with _opened(path) as file:
        return _header(file)


def verify(path: Path) -> None:
    """Read everything and compare the frames, if kept, with the hash taken at recording.

    Raises:
        UserError: something cannot be read, or the frames are not the recorded ones.
    """
    header = read_header(path)
    frames = read(path, frames=header.has_frames).frames
    if header.has_frames and hashlib.sha256(frames.tobytes()).hexdigest() != header.frames_sha256:
        raise UserError(
            f"{path}: the frames are not the recorded ones (sha256 differs); "
            "delete the file and run the same `worldsim record` again"
        )


def add_frames(path: Path, packed: list[bytes]) -> None:
    """Put packed frames into a file that was saved without, in place of the old file."""
    with _opened(path) as file:
        header = Header(**{**vars(_header(file)), "has_frames": True})
        names = ("actions", "rewards", "terminated", "truncated")
        arrays = {name: file[name][:] for name in names}
        arrays |= {f"info/{key}": array[:] for key, array in file["info"].items()}
    _save(path, header, arrays, packed)


def _stacked(infos: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Entries (t+1, ...) of the keys that every frame has, always in the same shape."""
    return {
        key: np.stack([info[key] for info in infos])
        for key, first in infos[0].items()
        if all(key in info and info[key].shape == first.shape for info in infos)
    }


def _save(
    path: Path, header: Header, arrays: Mapping[str, NDArray[Any]], packed: list[bytes]
) -> None:
    """Build the HDF5 file in memory, so that a full disk meets a plain write and not HDF5."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("info")
        for name, array in sorted(arrays.items()):
            options = {"compression": "gzip", "fletcher32": True} if len(array) else {}
            file.create_dataset(name, data=array, **options)
        if packed:
            shape = (*header.frame_shape, 3)
            frames = file.create_dataset(
                "frames", (len(packed), *shape), np.uint8, chunks=(1, *shape), compression="gzip"
            )
            for i, chunk in enumerate(packed):
                frames.id.write_direct_chunk((i, 0, 0, 0), chunk)
        file.attrs["format"] = FORMAT
        for key, value in vars(header).items():
            file.attrs[key] = json.dumps(value) if isinstance(value, dict) else value
    write_atomic(path, buffer.getvalue())


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError as error:
        raise UserError(
            f"{path} is missing; run the same `worldsim record` again to finish the data set"
        ) from error
    except (OSError, KeyError, RuntimeError) as error:
        raise UserError(
            f"{path} is damaged or half-written; delete it and run the same `worldsim record` again"
        ) from error


def _header(file: h5py.File) -> Header:
    attributes = dict(file.attrs)
    if attributes.get("format") != FORMAT:
        raise UserError(
            f"{file.filename} has format {attributes.get('format')!r}; this version of worldsim "
            f"reads {FORMAT}: record it again"
        )
    height, width = (int(size) for size in attributes["frame_shape"])
    return Header(
        seed=int(attributes["seed"]),
        env_id=str(attributes["env_id"]),
        env_options=json.loads(attributes["env_options"]),
        image_key=str(attributes["image_key"]),
        policy=str(attributes["policy"]),
        policy_options=json.loads(attributes["policy_options"]),
        engine_version=int(attributes["engine_version"]),
        frame_shape=(height, width),
        length=int(attributes["length"]),
        has_frames=bool(attributes["has_frames"]),
        frames_sha256=str(attributes["frames_sha256"]),
        coverage=json.loads(attributes["coverage"]),
    )
