"""Command `record`: a policy plays any Gymnasium environment; its episodes go to a folder.

The same command again resumes: finished episodes are skipped, damaged ones recorded anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import gymnasium as gym

from worldsim.data import dataset, environments, episode
from worldsim.data.dataset import episode_path, split_of
from worldsim.data.episode import INTENDED, Header
from worldsim.data.workers import check_stop, spread
from worldsim.data.writer import Writer
from worldsim.errors import UserError
from worldsim.files import PARTIAL, locked
from worldsim.imports import load_attribute
from worldsim.progress import progress
from worldsim.suggest import did_you_mean

POLICIES = {
    "random": "worldsim.data.record:RandomPolicy",
    "explorer": "agents.explorer:Explorer",
    "builder": "agents.builder:Builder",
    "fumbler": "agents.builder:Fumbler",
    "reacher": "agents.builder:Reacher",
    "dropper": "agents.builder:Dropper",
    "surveyor": "agents.surveyor:Surveyor",
    "watcher": "agents.watcher:Watcher",
    "replay": "agents.replay:Replay",
    "chopper": "agents.chopper:Chopper",
    "planner": "agents.planner:Planner",
    "agent": "agents.trained:TrainedAgent",
}
"""Short names; any other policy is named `module:Class`."""


class Policy(Protocol):
    """What plays. It may also have `coverage() -> dict[str, float]`: counts of what it did.

    And `intended`, an action: what the one it gave last stands for; see `episode.INTENDED`.
    """

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode; the same seed must lead to the same play."""

    def act(self, observation: Any, info: dict[str, Any]) -> Any:
        """The action on seeing the observation, an element of the environment's action space."""


class RandomPolicy:
    """Draws every action from the action space."""

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode."""
        self._space = env.action_space
        self._space.seed(seed)

    def act(self, observation: Any, info: dict[str, Any]) -> Any:
        """A random action."""
        return self._space.sample()


@dataclass
class Config:
    """What `worldsim record` takes."""

    out: str = "data/recording"
    """The data set's folder."""
    env: str = "WorldSim/Voxel-v0"
    """Gymnasium id; module:Name-v0 imports a module that registers it."""
    env_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment."""
    image_key: str | None = None
    """Which entry of a Dict observation is the picture; null finds the only one."""
    policy: str = "explorer"
    """Who plays: random, explorer, builder, fumbler, reacher, dropper, replay, chopper, planner,
    agent, or module:Class."""
    policy_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the policy."""
    episodes: int = 10
    steps: int = 512
    """Most actions an episode; one that is cut off there counts as truncated."""
    seed: int = 0
    """Of the first episode; episode i has seed + i."""
    frames: bool = True
    """Keep the frames; false keeps seeds and actions, from which `worldsim rebuild` makes them."""
    workers: int = 1
    """Processes; the recording is the same whatever their number."""


def run(config: Config, run_dir: Path) -> None:
    """Record what is missing of the data set, then say what is in it."""
    headers = record(config)
    actions = sum(header.length for header in headers)
    print(f"{config.out}: {len(headers)} episodes, {actions + len(headers)} frames")
    for name, count in sorted(coverage(headers).items()):
        print(f"  {name:<32} {count:g}")


def record(config: Config) -> list[Header]:
    """Record the episodes that are missing; the headers of all of them.

    Raises:
        UserError: wrong settings, a folder in use or of another recording, a full disk.
    """
    _check(config)
    folder = Path(config.out)
    manifest = _manifest(config)
    with locked(folder, "record"):
        for leftover in folder.glob(f"*{PARTIAL}"):
            leftover.unlink()
        manifest["episodes"] = _agreed_episodes(folder, manifest)
        found = {i: _finished(folder, i, config) for i in range(config.episodes)}
        headers = {i: header for i, header in found.items() if header}
        todo = [i for i in found if i not in headers]
        dataset.write_manifest(folder, manifest)
        try:
            with progress("recording", len(todo)) as shown:
                for i, header in spread(partial(Recorder, config), todo, config.workers):
                    headers[i] = header
                    shown.advance(header.length + 1)
        finally:
            manifest["coverage"] = coverage(headers.values())
            dataset.write_manifest(folder, manifest)
    return [headers[i] for i in sorted(headers)]


def coverage(headers: Iterable[Header]) -> dict[str, float]:
    """What the policy counted, summed over episodes."""
    total: dict[str, float] = {}
    for header in headers:
        for name, count in header.coverage.items():
            total[name] = total.get(name, 0) + count
    return total


class Recorder:
    """Records whole episodes in one environment; a call's result depends on its index alone."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.env = environments.make(config.env, **config.env_options)
        self.key = environments.image_key(self.env.observation_space, config.image_key, config.env)

    def __call__(self, index: int) -> tuple[int, Header]:
        """Record the episode of that index; the index and what its file says about itself."""
        config, env, space = self._config, self.env, self.env.action_space
        writer, policy = Writer(config.frames), make_policy(config)
        observation, info = env.reset(seed=config.seed + index)
        version = environments.engine_version(info)
        policy.reset(config.seed + index, env, info)
        writer.start(environments.frame_of(observation, self.key), info | _wish(policy, space))
        for step in range(1, config.steps + 1):
            check_stop()
            vector = environments.to_vector(space, policy.act(observation, info))
            # The environment gets what the file holds, so that a replay is the same play.
            action = environments.from_vector(space, vector)
            observation, reward, terminated, truncated, info = env.step(action)
            ends = (bool(terminated), bool(truncated) or step == config.steps)
            frame = environments.frame_of(observation, self.key)
            writer.step(vector, frame, float(reward), ends, info | _wish(policy, space))
            if any(ends):
                break
        header = Header(
            **_identity(config, index),
            engine_version=version,
            coverage=getattr(policy, "coverage", dict)(),
        )
        return index, writer.save(episode_path(Path(config.out), index), header)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()


def _wish(policy: Policy, space: gym.Space[Any]) -> dict[str, Any]:
    """What the policy intended, to be kept with a frame's info; nothing where it does not tell."""
    intended = getattr(policy, INTENDED, None)
    return {} if intended is None else {INTENDED: environments.to_vector(space, intended)}


def make_policy(config: Config) -> Policy:
    """A new policy, as one is made for each episode.

    Raises:
        UserError: no such policy, or an option it does not take.
    """
    name = POLICIES.get(config.policy, config.policy)
    if ":" not in name:
        raise UserError(
            f"no policy is called {name!r}{did_you_mean(name, POLICIES)} (or give module:Class)"
        )
    kind = load_attribute(name)
    try:
        policy: Policy = kind(**config.policy_options)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise UserError(f"policy {config.policy} does not take these options: {error}") from error
    return policy


def _check(config: Config) -> None:
    for name, least in {"episodes": 1, "steps": 1, "seed": 0, "workers": 1}.items():
        if getattr(config, name) < least:
            raise UserError(f"{name} is {getattr(config, name)}; needed {least} or more")
    last = config.seed + config.episodes - 1
    if split_of(config.seed) != split_of(last):
        raise UserError(
            f"seeds {config.seed} to {last} run from the {split_of(config.seed)} into the "
            f"{split_of(last)} split; record them into two folders"
        )
    make_policy(config)


def _manifest(config: Config) -> dict[str, Any]:
    """What dataset.json is to say; all but `episodes` must agree when a recording resumes."""
    recorder = Recorder(config)
    try:
        env = recorder.env
        _, info = env.reset(seed=config.seed)
        return {
            "env": config.env,
            "env_options": config.env_options,
            "image_key": config.image_key or "",
            "policy": config.policy,
            "policy_options": config.policy_options,
            "seed": config.seed,
            "steps": config.steps,
            "frames": config.frames,
            "episodes": config.episodes,
            "frame_shape": list(environments.frame_shape(env.observation_space, recorder.key)),
            "action_columns": list(environments.action_columns(env.action_space)),
            "engine_version": environments.engine_version(info),
        }
    finally:
        recorder.close()


def _agreed_episodes(folder: Path, manifest: dict[str, Any]) -> int:
    """How many episodes the folder is to hold, if it is empty or of the same recording.

    Raises:
        UserError: another recording lies there.
    """
    if not (folder / dataset.MANIFEST).exists():
        return int(manifest["episodes"])
    old = dataset.read_manifest(folder)
    for key, value in manifest.items():
        if key != "episodes" and old.get(key) != value:
            raise UserError(
                f"{folder} was recorded with {key}={old.get(key)}, not {value}; "
                "choose another folder with out="
            )
    return max(int(old["episodes"]), int(manifest["episodes"]))


def _identity(config: Config, index: int) -> dict[str, Any]:
    return {
        "seed": config.seed + index,
        "env_id": config.env,
        "env_options": config.env_options,
        "image_key": config.image_key or "",
        "policy": config.policy,
        "policy_options": config.policy_options,
    }


def _finished(folder: Path, index: int, config: Config) -> Header | None:
    """The header of an episode that need not be recorded; None if it is missing or damaged."""
    path = episode_path(folder, index)
    if not path.exists():
        return None
    try:
        header = episode.read_header(path)
    except UserError as error:
        print(f"recording again: {error}")
        return None
    for key, value in _identity(config, index).items():
        if getattr(header, key) != value:
            raise UserError(
                f"{path} was recorded with {key}={getattr(header, key)}, not {value}; "
                "choose another folder with out="
            )
    return header
