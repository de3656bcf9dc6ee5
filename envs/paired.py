"""`WorldSim/Paired-v0`: a dream and the exact world under the same actions, from the same place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from envs.dream import DreamEnv, Frame
from envs.snapshot import Snapshot
from worldsim import actions
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.world import Origin


@dataclass(frozen=True, eq=False)
class PairSnapshot:
    """Both worlds between two steps; a value.

    truth: `get_state` of the exact world that the origin tells of.
    """

    dream: Snapshot
    truth: bytes
    shown: Frame

    @property
    def origin(self) -> Origin | None:
        """Where both began."""
        return self.dream.origins[0]


class PairedEnv(gym.Env[Frame, dict[str, Any]]):
    """The dream as `WorldSim/Dream-v0` has it, and beside it what would really be seen.

    ## Action and observation space, reward, end
    Those of the dream.

    ## Info
    The dream's, and of the exact world after the same actions: `truth`, its frame (h, w, 3);
    `truth_pose` (5,): x, y, z, yaw, pitch; `truth_reward`; `truth_terminated`, after which it
    stands still; `difference`, the mean absolute one between the two frames, of 255.

    ## Reset options
    `start_index` or `exact_seed`, as the dream has them.

    Args:
        exact: id of the environment behind `exact_seed`.
        render_mode: None or "rgb_array": dream and truth side by side.
        dream: what `DreamEnv` takes besides.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        exact: str = "WorldSim/Voxel-v0",
        render_mode: str | None = None,
        **dream: Any,
    ) -> None:
        self.dream = DreamEnv(checkpoint, exact=exact, **dream)
        self.render_mode = render_mode
        self.action_space = self.dream.action_space
        self.observation_space = self.dream.observation_space
        self._exact: gym.Env[Any, Any] | None = None
        self._made: tuple[str, dict[str, Any]] | None = None
        self._frame = self._truth = np.zeros((*self.dream.world.frame_shape, 3), np.uint8)
        self._told: dict[str, Any] = {}
        self._ended = False

    @property
    def exact(self) -> gym.Env[Any, Any]:
        """The exact world.

        Raises:
            RuntimeError: before the first `reset`.
        """
        if self._exact is None:
            raise RuntimeError("there is no exact world yet; call reset() first")
        return self._exact
