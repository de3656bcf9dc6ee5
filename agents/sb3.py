"""Stable-Baselines3 on Gymnasium's vector environments, which it does not take by itself."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3.common.vec_env import VecEnv

from worldsim.errors import UserError


class Sb3VecEnv(VecEnv):
    """A Gymnasium `VectorEnv` with SAME_STEP autoreset as Stable-Baselines3's `VecEnv`.

    An episode's last observation goes to `info["terminal_observation"]`, and
    `info["TimeLimit.truncated"]` says that it was cut off rather than over, so that SB3's
    algorithms bootstrap from it.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        mode = env.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise UserError(f"autoreset mode is {mode}; needed SAME_STEP")
        self.games = env
        self.render_mode = env.render_mode
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self._actions: Any = None

    def reset(self) -> Any:
        """Begin all episodes, with the seeds that `seed` gave, if any."""
        seeds = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        observations, infos = self.games.reset(seed=seeds)  # type: ignore[arg-type]
        self.reset_infos = [_row(infos, i) for i in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: Any) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Step all environments; those that end begin anew at once."""
        observations, rewards, terminated, truncated, infos = self.games.step(self._actions)
        done = np.logical_or(terminated, truncated)
        rows = [_row(infos, i) for i in range(self.num_envs)]
        for i in np.flatnonzero(done):
            rows[i]["terminal_observation"] = rows[i].pop("final_obs")
            rows[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
        return observations, np.asarray(rewards, np.float32), done, rows

    def close(self) -> None:
        """Close the environments."""
        self.games.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the vector environment, once for each game asked for."""
        return [getattr(self.games, attr_name)] * len(self._picked(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the vector environment, which all games share."""
        setattr(self.games, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kw: Any) -> list[Any]:
        """What a method of the vector environment gives, once for each game asked for."""
        return [getattr(self.games, method_name)(*args, **kw)] * len(self._picked(indices))

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> list[bool]:
        """False for each game asked for: wrappers of single environments are not looked for."""
        return [False] * len(self._picked(indices))

    def _picked(self, indices: Any) -> Sequence[int]:
        return list(self._get_indices(indices))


def _row(infos: dict[str, Any], i: int) -> dict[str, Any]:
    """The info of one game out of a vector environment's."""
    row: dict[str, Any] = {}
    for key, value in infos.items():
        present = infos.get(f"_{key}")
        if key.startswith("_") or (present is not None and not present[i]):
            continue
        row[key] = _row(value, i) if isinstance(value, dict) else value[i]
    return row
