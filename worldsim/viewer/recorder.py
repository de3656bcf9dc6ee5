"""Captures of a person's play: pictures, and videos with the actions that made them."""

import io
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from worldsim.actions import Vector
from worldsim.data.environments import Frame, action_columns
from worldsim.files import write_atomic
from worldsim.viewer.job import Job
from worldsim.viewer.video import Video
from worldsim.viewer.worlds import World


def capture_stem(folder: Path, world: World) -> Path:
    """A path without suffix for a capture of this moment, taken by no file yet."""
    moment = f"{datetime.now():%Y%m%d-%H%M%S}"
    name = f"{moment}-{world.label.lower()}-seed{world.seed}-frame{len(world.past)}"
    stems = (folder / (f"{name}-{i}" if i > 1 else name) for i in count(1))
    return next(stem for stem in stems if not any(folder.glob(f"{stem.name}.*")))


class Recording:
    """Video and actions of one world from now to `stop`, within one start of it.

    The video goes to `<stem>.mp4`, encoded beside the play. `<stem>.npz` holds `actions` (t, a) as
    flat vectors, their `columns`, the `seed`, `start_index` (-1: none), `env`, `env_options` (JSON)
    and `before` (s, a): the actions between the start and the recording, so that the seed, then
    `before`, then `actions` make the recorded frames again, if `repeatable`: a dream that began
    from a picture, or was anchored anew, is not made by its seed.
    """

    def __init__(
        self, stem: Path, world: World, options: dict[str, object], fps: float, scale: int | None
    ) -> None:
        self.stem = stem
        self.world = world
        self.fps = fps
        self._first = len(world.past)
        self._options = options
        self._queue: SimpleQueue[Frame | None] = SimpleQueue()
        video = Video(stem.with_name(f"{stem.name}.mp4"), fps, scale)
        self._job = Job("writing the video", lambda: _encode(video, self._queue))
        self._queue.put(world.frame)

    @property
    def seconds(self) -> float:
        """Length so far."""
        return (len(self.world.past) - self._first) / self.fps

    def add(self) -> None:
        """Append the frame that the world's latest step made."""
        self._queue.put(self.world.frame)

    def stop(self) -> tuple[Path, Path]:
        """Finish both files; their paths, the video's first."""
        self._queue.put(None)
        world, stem = self.world, self.stem
        columns = action_columns(world.env.action_space)
        past: list[Vector] = world.past
        table = np.array(past, np.float32).reshape(len(past), len(columns))
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            actions=table[self._first :],
            before=table[: self._first],
            columns=np.array(columns),
            seed=world.seed,
            start_index=-1 if world.start_index is None else world.start_index,
            env=world.name,
            env_options=json.dumps(self._options, default=str),
            repeatable=world.repeatable,
        )
        actions_path = stem.with_name(f"{stem.name}.npz")
        write_atomic(actions_path, buffer.getvalue())
        return self._job.result(), actions_path


def _encode(video: Video, queue: "SimpleQueue[Frame | None]") -> Path:
    with video:
        for frame in _until_none(queue):
            video.add(frame)
    return video.path


def _until_none(queue: "SimpleQueue[Frame | None]") -> Iterator[Frame]:
    while (frame := queue.get()) is not None:
        yield frame
