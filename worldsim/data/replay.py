"""Recorded episodes played again, for what an environment knows and a recording does not hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym

from worldsim.data import environments, episode
from worldsim.data.dataset import read_manifest
from worldsim.errors import UserError


def played_again(path: Path) -> Iterator[tuple[Any, Any]]:
    """The environment, unwrapped, at each frame of an episode, and the action taken there.

    The last frame has none. The environment is closed at the end.

    Raises:
        UserError: the engine has another version than that which was recorded.
    """
    manifest = read_manifest(path.parent)
    env = environments.make(manifest["env"], **manifest["env_options"])
    try:
        begun_again(env, path)
        for vector in episode.read(path, frames=False).actions:
            action = environments.from_vector(env.action_space, vector)
            yield env.unwrapped, action
            env.step(action)
        yield env.unwrapped, None
    finally:
        env.close()


def begun_again(env: gym.Env[Any, Any], path: Path) -> Any:
    """The first observation of a recorded episode, which the environment begins anew.

    Raises:
        UserError: the engine has another version than that which was recorded.
    """
    header = episode.read_header(path)
    observation, info = env.reset(seed=header.seed)
    version = environments.engine_version(info)
    if version != header.engine_version:
        raise UserError(
            f"{path} was recorded with engine version {header.engine_version}; this is "
            f"{version}, with other rules: use the older worldsim or record again"
        )
    return observation
