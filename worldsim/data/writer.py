"""Episodes collected as they are played, and written in one piece."""

import hashlib
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from worldsim.actions import Vector
from worldsim.data.environments import Frame, numbers
from worldsim.data.episode import FORMAT, Header, header_of, opened
from worldsim.errors import UserError
from worldsim.files import write_atomic


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
        header = replace(
            header,
            frame_shape=(self._shape[0], self._shape[1]),
            length=len(self._actions),
            has_frames=self._keep_frames,
            frames_sha256=self._hash.hexdigest(),
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


def add_frames(path: Path, packed: list[bytes]) -> None:
    """Put packed frames into a file that was saved without, in place of the old file."""
    with opened(path) as file:
        header = replace(header_of(file), has_frames=True)
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
