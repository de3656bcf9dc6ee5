"""Games as a learning agent plays them: a move in, held for some ticks; a sight out.

`make_games` gives any environment with this project's controls, exact or dreamed, as a Gymnasium
`VectorEnv` of a `Discrete` action and a `Box` observation, with SAME_STEP autoreset.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from numpy.typing import NDArray

from agents.history import History, space_of
from agents.moves import MOVES, VECTORS
from agents.sight import Sight, down_of
from worldsim import actions
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.imports import load_module, refuse_stranger

Games: TypeAlias = VectorEnv[Any, Any, Any]

_TASKS = "envs.dream_tasks:"


class Hold(gym.Wrapper[Any, Any, Any, Any]):
    """The environment with every action held for `repeat` ticks; rewards add up.

    An end within those ticks ends the step.
    """

    def __init__(self, env: gym.Env[Any, Any], repeat: int) -> None:
        super().__init__(env)
        self._repeat = repeat

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play the action for as long as it is held."""
        total = 0.0
        for _ in range(self._repeat):
            observation, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        return observation, total, terminated, truncated, info


class MovesAndSight(VectorWrapper[Any, Any, Any, Any, Any]):
    """A vector environment with `agents.moves` for actions and a sight for observations.

    What is already as the sight's frames are seen is left as it is. An observation is the last
    `history` sights, the newest first.
    """

    def __init__(self, env: Games, sight: Sight, history: int = 1) -> None:
        super().__init__(env)
        mode = env.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise UserError(f"the environment's autoreset mode is {mode}; needed SAME_STEP")
        self._sight, self._history = sight, History(history)
        own = env.single_observation_space
        self._ready = own.shape == sight.bare.shape and own.dtype == sight.bare.dtype
        self._key = "" if self._ready else environments.image_key(own)
        n = env.num_envs
        self.single_action_space = gym.spaces.Discrete(len(MOVES))
        self.action_space = gym.spaces.MultiDiscrete([len(MOVES)] * n)
        self.single_observation_space = space_of(sight.space, history)
        self.observation_space = gym.vector.utils.batch_space(self.single_observation_space, n)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin all games, or those of `options["reset_mask"]`."""
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        mask = (options or {}).get("reset_mask")
        rows = None if mask is None else np.flatnonzero(mask)
        seen = self._seen(observations, down_of(infos, self.num_envs))
        return self._history.begin(seen, rows), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Play a move (n,) in every game; `infos["final_obs"]` is what was seen of those over."""
        controls = batched(VECTORS[np.asarray(actions, np.int64)])
        observations, rewards, terminated, truncated, infos = self.env.step(controls)
        seen = self._seen(observations, down_of(infos, self.num_envs))
        over = np.flatnonzero(terminated | truncated)
        last = seen.copy()
        if len(over):
            down = down_of(infos["final_info"], len(seen))
            for i in over:
                last[i] = self._one(infos["final_obs"][i], down[i : i + 1])
        observed = self._history.add(last)
        if len(over):
            ended = as_objects([None] * len(seen))
            for i in over:
                ended[i] = observed[i]
            infos = {**infos, "final_obs": ended}
            observed = self._history.begin(seen, over)
        return observed, rewards, terminated, truncated, infos

    def _one(self, observation: Any, down: NDArray[np.float64]) -> Any:
        if isinstance(observation, Mapping):
            one = {key: np.asarray(part)[None] for key, part in observation.items()}
            return self._seen(one, down)[0]
        return self._seen(np.asarray(observation)[None], down)[0]

    def _seen(self, observations: Any, down: NDArray[np.float64]) -> NDArray[Any]:
        frames = np.asarray(observations[self._key] if self._key else observations)
        return self._sight.tilted(frames if self._ready else self._sight(frames), down)


def batched(vectors: NDArray[Any]) -> dict[str, Any]:
    """Flat action vectors (n, a) as one action of the controller's batched space."""
    action: dict[str, Any] = {
        name: vectors[:, i].astype(np.int64)
        for name, i in actions.INDEX.items()
        if i < actions.CAMERA.start
    }
    action["camera"] = vectors[:, actions.CAMERA].astype(np.float32)
    return action


def as_objects(parts: Sequence[Any]) -> NDArray[Any]:
    """The parts (n,) as an array of objects, as Gymnasium gives last observations."""
    array = np.empty(len(parts), dtype=object)
    for i, part in enumerate(parts):
        array[i] = part
    return array


def make_games(
    env: str,
    n: int,
    sight: Sight,
    repeat: int,
    options: Mapping[str, Any] | None = None,
    history: int = 1,
) -> Games:
    """`n` games of a Gymnasium id as agents play them, who see the last `history` sights.

    Dreamed tasks run as one batch and take `repeat` and `obs` themselves; other environments run
    one after another.

    Raises:
        UserError: no such environment, or one without this project's controls or a picture.
    """
    options = dict(options or {})
    name = _imported(env)
    spec = gym.spec(name) if name in gym.registry else None
    if spec is not None and str(spec.vector_entry_point).startswith(_TASKS):
        asked = {"obs": sight.kind, "repeat": repeat, **options}
        games = gym.make_vec(name, n, vectorization_mode="vector_entry_point", **asked)
    else:

        def single() -> gym.Env[Any, Any]:
            made = environments.make(env, **options)
            return Hold(made, repeat)

        games = gym.vector.SyncVectorEnv([single] * n, autoreset_mode=AutoresetMode.SAME_STEP)
    if games.single_action_space != actions.space():
        space = games.single_action_space
        games.close()
        raise UserError(f"{env} takes {space}; agents need the controls of worldsim.actions")
    return MovesAndSight(games, sight, history)


def _imported(env: str) -> str:
    """The registered name of an id, once the module before its colon has been imported."""
    if env.startswith(environments.OUR_PREFIX):
        refuse_stranger("envs")
        env = f"envs:{env}"
    module, colon, name = env.rpartition(":")
    if colon:
        load_module(module)
    return name
