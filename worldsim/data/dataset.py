"""Folders of episodes as one: an index, windows, single frames; and which seeds are held out."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.data import episode
from worldsim.data.episode import Episode
from worldsim.errors import UserError
from worldsim.files import write_atomic

MANIFEST = "dataset.json"
FORMAT = "worldsim-dataset-1"

SPLITS = (("train", 700_000), ("validation", 800_000), ("test", 900_000))
"""Each split's name and the first seed beyond it; what follows is reserved."""


def split_of(seed: int) -> str:
    """`train`, `validation` (tuning allowed), `test` (held-out figures) or `reserved`."""
    return next((name for name, end in SPLITS if seed < end), "reserved")


@dataclass(frozen=True)
class Entry:
    """Where an episode lies and what is known of it without opening it."""

    path: Path
    seed: int
    length: int
    frame_shape: tuple[int, int]
    has_frames: bool


class Dataset:
    """The episodes of one or several recorded folders, in order; files are opened only to read.

    Nothing stays open between calls, so threads and forked processes may share one object.
    """

    def __init__(
        self, folders: str | Path | Sequence[str | Path], frame_shape: tuple[int, int] | None = None
    ) -> None:
        """Index the folders; `frame_shape` (h, w) is what the reader needs, if it does.

        Raises:
            UserError: a folder holds no data set or an incomplete one, or frame sizes differ.
        """
        paths = [folders] if isinstance(folders, str | Path) else folders
        self.folders = [Path(path) for path in paths]
        if not self.folders:
            raise UserError("no data set was given; needed the folder of at least one recording")
        self.entries = [entry for folder in self.folders for entry in _entries(folder)]
        if not self.entries:
            raise UserError(f"{self.folders[0]} holds no episodes; record some first")
        self.frame_shape = frame_shape or self.entries[0].frame_shape
        self._refuse_other_sizes()
        self.seeds = np.array([entry.seed for entry in self.entries], np.int64)
        self.lengths = np.array([entry.length for entry in self.entries], np.int64)

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.entries)

    def window(
        self, index: int, start: int = 0, length: int | None = None, info: bool = True
    ) -> Episode:
        """`length` actions of an episode from `start` on, and their length + 1 frames."""
        stop = None if length is None else start + length
        return episode.read(self.entries[index].path, start, stop, info=info)

    def _refuse_other_sizes(self) -> None:
        for entry in self.entries:
            if entry.frame_shape != self.frame_shape:
                needed = _size(self.frame_shape)
                raise UserError(
                    f"{entry.path.parent} was recorded at {_size(entry.frame_shape)} frames; "
                    f"this needs {needed} (re-record with env_options.size={self.frame_shape[0]})"
                )


class FrameDataset:
    """Every frame of the folders by one running index, for training on single frames."""

    def __init__(
        self, folders: str | Path | Sequence[str | Path], frame_shape: tuple[int, int] | None = None
    ) -> None:
        """Index the folders as `Dataset` does; every episode must hold its frames."""
        self.episodes = Dataset(folders, frame_shape)
        for entry in self.episodes.entries:
            if not entry.has_frames:
                raise UserError(
                    f"{entry.path} holds no frames, only seed and actions; make them again with "
                    f"`worldsim rebuild data={entry.path.parent}`"
                )
        self.seeds = self.episodes.seeds
        self.frame_shape = self.episodes.frame_shape
        self._ends = np.cumsum(self.episodes.lengths + 1)
        self._starts = self._ends - self.episodes.lengths - 1
        self._places: dict[int, NDArray[np.int64]] = {}  # by episode, as they are first asked for

    def __len__(self) -> int:
        """Number of frames."""
        return int(self._ends[-1])

    def frames(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """The frames (b, h, w, 3) at the indices, in their order; safe in several threads."""
        wanted = np.asarray(indices, np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"frame indices {wanted.min()}..{wanted.max()} of {len(self)}")
        owner = np.searchsorted(self._ends, wanted, side="right")
        out = np.empty((len(wanted), *self.frame_shape, 3), np.uint8)
        for index in np.unique(owner):
            rows = np.flatnonzero(owner == index)
            path, places = self.episodes.entries[index].path, self._places.get(index)
            if places is None:
                places = self._places[index] = episode.frame_places(path)
            chosen = places[wanted[rows] - self._starts[index]]
            out[rows] = episode.read_frames(path, chosen, self.frame_shape)
        return out


def refuse_held_out(
    data: Dataset | FrameDataset, purpose: str, allowed: Collection[str] = ("train",)
) -> None:
    """Raise UserError when an episode's seed belongs to a split that the purpose may not see."""
    entries = (data.episodes if isinstance(data, FrameDataset) else data).entries
    for entry in entries:
        split = split_of(entry.seed)
        if split not in allowed:
            raise UserError(
                f"{entry.path} has seed {entry.seed}, of the {split} split; {purpose} uses "
                f"{' and '.join(allowed)} seeds (record with another seed)"
            )


def episode_path(folder: Path, index: int) -> Path:
    """The file of an episode."""
    return folder / f"episode_{index:06d}.h5"


def read_manifest(folder: Path) -> dict[str, Any]:
    """What dataset.json says of the folder.

    Raises:
        UserError: there is none, or it is unreadable or of another format.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UserError(
            f"{folder} is no data set ({MANIFEST} is missing); make one with "
            f"`worldsim record out={folder}`"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged; delete it and run `worldsim record` again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UserError(f"{path} is not of format {FORMAT}; record the data set again")
    return manifest


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write dataset.json, with an index of the episodes that are whole."""
    old = read_manifest(folder)["index"] if (folder / MANIFEST).exists() else {}
    index = {}
    for path in sorted(folder.glob("episode_*.h5")):
        try:
            index[path.name] = _facts(path, old)
        except UserError:
            continue  # not in the index, so that a reader looks at the file and says what is wrong
    whole = {**manifest, "format": FORMAT, "index": index}
    write_atomic(folder / MANIFEST, json.dumps(whole, indent=1).encode())


def _entries(folder: Path) -> Iterator[Entry]:
    manifest = read_manifest(folder)
    for i in range(manifest["episodes"]):
        path = episode_path(folder, i)
        facts = _facts(path, manifest["index"])
        height, width = facts["frame_shape"]
        yield Entry(path, facts["seed"], facts["length"], (height, width), facts["has_frames"])


def _facts(path: Path, index: Mapping[str, Any]) -> dict[str, Any]:
    """What the index holds of an episode, read from the file unless the index is up to date."""
    size = path.stat().st_size if path.exists() else None
    known: dict[str, Any] = index.get(path.name, {})
    if size is not None and known.get("bytes") == size:
        return known
    header = episode.read_header(path)
    names = ("seed", "length", "frame_shape", "has_frames")
    return {"bytes": size, **{name: getattr(header, name) for name in names}}


def _size(shape: Iterable[int]) -> str:
    return "x".join(str(size) for size in shape)
