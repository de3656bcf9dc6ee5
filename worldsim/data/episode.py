"""One episode and its file: an HDF5 archive, read whole or in windows; `writer` makes it."""

import hashlib
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from worldsim.errors import UserError

FORMAT = "worldsim-episode-1"

INTENDED = "intended"
"""Among the info of recordings whose policy tells it: what it would have done, where it did
something else on purpose, (t+1, a); row i + 1 belongs to action i, as frames do."""


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

    @property
    def meant(self) -> NDArray[np.float32]:
        """The actions (t, a) that the policy intended; those played, where it does not tell."""
        told = self.info.get(INTENDED)
        return self.actions if told is None else told[1:].astype(np.float32)


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


def read(
    path: Path,
    start: int = 0,
    stop: int | None = None,
    frames: bool = True,
    info: bool = True,
) -> Episode:
    """The actions [start, stop) of an episode and their stop - start + 1 frames.

    Only what is asked for is read: without frames these are an empty (0, h, w, 3), without info
    that is an empty dict.

    Raises:
        UserError: the file is missing, damaged or of another format, or has no frames.
        IndexError: the window does not lie inside the episode.
    """
    with opened(path) as file:
        header = header_of(file)
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
            info={key: array[start : stop + 1] for key, array in file["info"].items() if info},
            seed=header.seed,
        )


def frame_places(path: Path) -> NDArray[np.int64]:
    """Byte offset and length (t+1, 2) of every packed frame in the file.

    With them `read_frames` needs no HDF5, which is what most of a random frame's time goes to.
    """
    with opened(path) as file:
        frames = file["frames"]
        places = np.empty((len(frames), 2), np.int64)

        def note(chunk: Any) -> None:
            places[chunk.chunk_offset[0]] = chunk.byte_offset, chunk.size

        frames.id.chunk_iter(note)
        return places


def read_frames(path: Path, places: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The frames (b, h, w, 3) of that height and width at those places of the file."""
    with _explained(path), path.open("rb") as file:
        frames = np.empty((len(places), *shape, 3), np.uint8)
        for frame, (offset, size) in zip(frames, places.tolist(), strict=True):
            file.seek(offset)
            pixels = np.frombuffer(zlib.decompress(file.read(size)), np.uint8)
            frame[:] = pixels.reshape(frame.shape)
        return frames


def read_header(path: Path) -> Header:
    """What the file says about itself.

    Raises:
        UserError: the file is missing, half-written, damaged or of another format.
    """
    with opened(path) as file:
        return header_of(file)


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


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The HDF5 file, open to read; what goes wrong inside is explained as a UserError."""
    with _explained(path), h5py.File(path, "r") as file:
        yield file


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(
            f"{path} is missing; run the same `worldsim record` again to finish the data set"
        ) from error
    except (OSError, KeyError, RuntimeError, zlib.error) as error:
        raise UserError(
            f"{path} is damaged or half-written; delete it and run the same `worldsim record` again"
        ) from error


def header_of(file: h5py.File) -> Header:
    """What an open file says about itself."""
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
