"""`WorldSim/DreamChopTwin-v0`: the exact world, from where a dream of the task begins."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from envs.contexts import Contexts
from envs.starts import pose_of, replayed
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.world import load_world

_NEAR = 1e-3
"""Blocks, degrees: a place is the recorded one if it is no further away."""


class DreamTwinEnv(gym.Env[Any, dict[str, Any]]):
    """What a game of `WorldSim/DreamChop-v0` of the same seed would have been in the exact world.

    Each game begins where the dream of that seed, with the same `contexts`, begins, in the middle
    of a recorded episode; so what a policy gathers in both can be compared, game by game, as long
    as no dream ends before its horizon.

    ## Action and observation space, reward, end, info
    Those of the exact world; truncates at the horizon.

    Args:
        contexts, seeds, horizon, checkpoint, context: as the dream has them; `contexts` are needed.
        exact, exact_options: the environment that was recorded, by id.
        render_mode: None or "rgb_array".
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        contexts: list[str],
        seeds: list[int] | None = None,
        horizon: int = 256,
        checkpoint: str | None = None,
        exact: str = "WorldSim/VoxelChop-v0",
        exact_options: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        context: int | None = None,
    ) -> None:
        if not contexts:
            raise UserError("contexts=[] names no encoded recordings; a twin begins inside of some")
        options = dict(exact_options or {})
        world = load_world(checkpoint)
        self._contexts = Contexts(world, contexts, seeds or [], exact, options, context)
        self._env = environments.make(exact, **options, render_mode=render_mode)
        self._horizon, self._ticks = horizon, 0
        self.render_mode = render_mode
        self.action_space = self._env.action_space
        self.observation_space = self._env.observation_space

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Play a recorded episode again, up to where the dream of the seed begins.

        Raises:
            UserError: the recording leads elsewhere now, or an option.
        """
        super().reset(seed=seed)
        if options:
            raise UserError(f"reset knows no option {next(iter(options))!r}; there are none")
        start, _ = self._contexts.draw(self.np_random)
        assert start.origin is not None
        seen, info = replayed(self._env, start.origin)
        _refuse_elsewhere(pose_of(info), start.pose, start.origin.seed)
        self._ticks = 0
        return seen, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take the action in the exact world."""
        seen, reward, terminated, truncated, info = self._env.step(action)
        self._ticks += 1
        truncated = truncated or self._ticks >= self._horizon
        return seen, float(reward), terminated, truncated, info

    def render(self) -> Any:
        """The frame on show, when made with `render_mode="rgb_array"`."""
        return self._env.render()

    def close(self) -> None:
        """Close the exact world."""
        self._env.close()


def _refuse_elsewhere(
    reached: NDArray[np.float64], recorded: NDArray[np.float64], seed: int
) -> None:
    if not np.allclose(reached, recorded, atol=_NEAR):
        here, there = (", ".join(f"{x:.2f}" for x in place) for place in (reached, recorded))
        raise UserError(
            f"episode of seed {seed}: played again it leads to {here}, recorded was {there}"
            " (x, y, z, yaw, pitch); needed recordings of this version of the exact world"
            " (record them anew, or name what was recorded: exact=, exact_options=)"
        )
