"""Command `rebuild`: replay a data set's seeds and actions, and so make or check its frames."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.data import dataset, environments, episode, writer
from worldsim.data.dataset import episode_path
from worldsim.data.episode import Episode
from worldsim.data.replay import begun_again
from worldsim.data.workers import check_stop, spread
from worldsim.errors import UserError
from worldsim.files import locked
from worldsim.progress import progress


@dataclass
class Config:
    """What `worldsim rebuild` takes."""

    data: str = "data/recording"
    """The data set's folder."""
    verify: bool = False
    """Also replay the episodes whose frames are there, and compare."""
    workers: int = 1
    """Processes."""


def run(config: Config, run_dir: Path) -> None:
    """Rebuild what is missing, then say how many episodes were replayed."""
    replayed = rebuild(config)
    print(f"{config.data}: {replayed} episodes replayed, every frame as recorded")


def rebuild(config: Config) -> int:
    """Make the frames that are missing; the number of episodes replayed.

    Raises:
        UserError: a replay gives other frames than were recorded, or another engine's rules.
    """
    folder = Path(config.data)
    with locked(folder, "rebuild"):
        manifest = dataset.read_manifest(folder)
        paths = [episode_path(folder, i) for i in range(manifest["episodes"])]
        todo = [path for path in paths if config.verify or not episode.read_header(path).has_frames]
        with progress("rebuilding", len(todo)) as shown:
            for frames in spread(partial(Rebuilder, manifest), todo, config.workers):
                shown.advance(frames)
        dataset.write_manifest(folder, {**manifest, "frames": True})
    return len(todo)


class Rebuilder:
    """Replays one episode after the other in one environment."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self._env = environments.make(manifest["env"], **manifest["env_options"])
        self._key = environments.image_key(
            self._env.observation_space, manifest["image_key"] or None, manifest["env"]
        )

    def __call__(self, path: Path) -> int:
        """Replay a file's actions and put in its frames if they are missing; their number."""
        header = episode.read_header(path)
        played = episode.read(path, frames=False)
        frames = self._replay(path, played)
        if hashlib.sha256(frames.tobytes()).hexdigest() != header.frames_sha256:
            raise UserError(
                f"{path}: the replay's frames are not the recorded ones (sha256 differs) though "
                f"the engine has the same version {header.engine_version}; record it again"
            )
        if header.has_frames:
            episode.verify(path)
        else:
            writer.add_frames(path, [writer.pack(frame) for frame in frames])
        return len(frames)

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def _replay(self, path: Path, played: Episode) -> np.ndarray[Any, Any]:
        """The frames (t+1, h, w, 3) that the seed and the actions lead to."""
        frames = [environments.frame_of(begun_again(self._env, path), self._key)]
        for vector in played.actions:
            check_stop()
            action = environments.from_vector(self._env.action_space, vector)
            observation, *_ = self._env.step(action)
            frames.append(environments.frame_of(observation, self._key))
        return np.stack(frames)
