"""`WorldSim/DreamChop-v0`: a task in the learned world, as one environment and as a vector."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.dreams import Dreams, TaskConfig
from envs.rows import chosen, last, masked, renew, reseed, seeds_of, vectors_of
from worldsim import actions
from worldsim.errors import UserError


class DreamTaskEnv(gym.Env[NDArray[Any], dict[str, Any]]):
    """A task that a trained model dreams, with the spaces of its exact twin.

    ## Action and observation space
    `worldsim.actions.space()`; `Box(0, 255, (h, w, 3), uint8)`, or latents with `obs="latent"`.

    ## Reward, end
    What happens is worth something, or else what the model's head expects. Terminates when the
    head's probability of an end passes one half; truncates at the horizon, and where the model is
    unsure if a `limit` says so, in which case that step is worth nothing.

    ## Info
    `pose` (5,): x, y, z, yaw, pitch; `p_terminate`, `p_ground`, `p_reward` (the largest of the
    held ticks); `uncertainty`, if asked for: the root mean square between two samples of what
    comes next, in units of the latents' spread.

    Args:
        render_mode: None or "rgb_array".
        task: what `TaskConfig` takes, by name.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, **task: Any) -> None:
        self.render_mode = render_mode
        self.dreams = Dreams(_settings(task))
        self.action_space = actions.space()
        self.observation_space = self.dreams.space

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin a dream; equal seeds give equal dreams."""
        super().reset(seed=seed)
        if options:
            raise UserError(f"reset knows no option {next(iter(options))!r}; there are none")
        self.dreams.begin([0], [self.np_random], 1)
        return self.dreams.observations()[0], _first(self.dreams.infos(1))

    def step(
        self, action: Mapping[str, Any]
    ) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Dream on for as long as the action is held.

        Raises:
            ValueError: an action out of range, NaN or incomplete.
        """
        outcome = self.dreams.step(actions.to_vector(action)[None])
        ends = bool(outcome.terminated[0]), bool(outcome.truncated[0])
        seen = self.dreams.observations()[0]
        return seen, float(outcome.rewards[0]), *ends, _first(outcome.infos)

    def render(self) -> NDArray[np.uint8] | None:
        """The frame on show, when made with `render_mode="rgb_array"`."""
        if self.render_mode is None:
            return None
        return np.asarray(self.dreams.world.simulator.render(self.dreams.state)[0])


class DreamTaskVectorEnv(VectorEnv[Any, Any, Any]):
    """Many dreams of a task at once, with SAME_STEP autoreset; see `DreamTaskEnv`.

    `reset(options={"reset_mask": (n,) bool})` begins only some anew. A dream depends on its own
    seed alone, up to the rounding of sums over a batch.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(self, num_envs: int = 1, render_mode: str | None = None, **task: Any) -> None:
        self.num_envs, self.render_mode = num_envs, render_mode
        self.dreams = Dreams(_settings(task))
        self.single_action_space = actions.space()
        self.single_observation_space = self.dreams.space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._randoms = [seeding.np_random()[0] for _ in range(num_envs)]

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin all dreams, or those of a mask; a single seed s gives row i the seed s + i."""
        given = dict(options or {})
        rows = chosen(given.pop("reset_mask", None), self.num_envs)
        if given:
            raise UserError(f"reset knows no option {next(iter(given))!r}; needed reset_mask")
        reseed(self._randoms, seeds_of(seed, self.num_envs), rows)
        self._begin(rows)
        infos = masked(self.dreams.infos(self.num_envs), rows, self.num_envs)
        return self.dreams.observations(), infos

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Dream on; dreams that end begin anew at once.

        Raises:
            ValueError: actions out of range, NaN, incomplete or of another number.
        """
        n = self.num_envs
        outcome = self.dreams.step(vectors_of(actions, n))
        infos = masked(outcome.infos, range(n), n)
        seen = self.dreams.observations()
        over = np.flatnonzero(outcome.terminated | outcome.truncated).tolist()
        if over:
            infos |= last(seen, outcome.infos, over)
            self._begin(over)
            seen = self.dreams.observations()
            renew(infos, self.dreams.infos(n), over)
        return seen, outcome.rewards, outcome.terminated, outcome.truncated, infos

    def _begin(self, rows: Sequence[int]) -> None:
        self.dreams.begin(rows, [self._randoms[i] for i in rows], self.num_envs)

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """The frames on show, one a dream, when made with `render_mode="rgb_array"`."""
        if self.render_mode is None:
            return None
        return tuple(np.asarray(self.dreams.world.simulator.render(self.dreams.state)))


def _settings(task: Mapping[str, Any]) -> TaskConfig:
    """The task's settings.

    Raises:
        UserError: one that does not exist.
    """
    known = TaskConfig.__dataclass_fields__
    unknown = sorted(set(task) - set(known))
    if unknown:
        raise UserError(f"a dreamed task has no {unknown[0]!r}; there are {', '.join(known)}")
    return TaskConfig(**task)


def _first(infos: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The info of the only dream: numbers, and the pose."""
    return {name: row[0].copy() if row.ndim > 1 else float(row[0]) for name, row in infos.items()}
