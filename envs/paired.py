"""`WorldSim/Paired-v0`: a dream and the exact world under the same actions, from the same place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from envs.dream import DreamEnv, Frame
from envs.snapshot import Snapshot
from envs.starts import pose_of, replayed
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.world import Origin


@dataclass(frozen=True, eq=False)
class PairSnapshot:
    """Both worlds between two steps; a value.

    truth: `get_state` of the exact world. shown: its frame. told: what `info` said of it.
    """

    dream: Snapshot
    truth: bytes
    shown: Frame
    told: dict[str, Any]


class PairedEnv(gym.Env[Frame, dict[str, Any]]):
    """The dream of `WorldSim/Dream-v0`, and beside it what would really be seen.

    ## Action and observation space, reward, end
    Those of the dream.

    ## Info
    The dream's, and of the exact world, which takes the same actions from the same place: `truth`,
    its frame (h, w, 3); `truth_pose` (5,): x, y, z, yaw, pitch; `truth_reward`;
    `truth_terminated`, after which it stands still.

    ## Reset options
    `start_index` or `exact_seed`, as the dream has them.

    Args:
        checkpoint, exact: as in `DreamEnv`.
        render_mode: None or "rgb_array", dream and truth side by side.
        dream: what else `DreamEnv` takes.
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
        self._frame: Frame | None = None
        self._truth: Frame | None = None
        self._told: dict[str, Any] = {}

    @property
    def exact(self) -> gym.Env[Any, Any]:
        """The exact world.

        Raises:
            RuntimeError: before the first `reset`.
        """
        if self._exact is None:
            raise RuntimeError("there is no exact world yet; call reset() first")
        return self._exact

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begin both worlds at one place.

        Raises:
            UserError: a start whose place in the exact world is not known.
        """
        super().reset(seed=seed)
        if "frames" in (options or {}):
            raise UserError(
                "frames tell no place of the exact world; reset with start_index or exact_seed"
            )
        self._frame, info = self.dream.reset(seed=seed, options=options)
        origin = self.dream.origin
        assert origin is not None
        frame, there = replayed(self._world(origin), origin)
        self._tell(frame, there, 0.0, False)
        return self._frame, self._both(info)

    def step(self, action: Mapping[str, Any]) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Take the action in both worlds.

        Raises:
            ValueError: an action out of range, NaN or incomplete.
        """
        self._frame, reward, terminated, truncated, info = self.dream.step(action)
        if not self._told["truth_terminated"]:
            frame, real, ended, _, there = self.exact.step(action)
            self._tell(frame, there, float(real), bool(ended))
        return self._frame, reward, terminated, truncated, self._both(info)

    def snapshot(self) -> PairSnapshot:
        """Both worlds as they stand, to `restore` them later."""
        dream, told = self.dream.snapshot(), dict(self._told)
        truth = self.exact.unwrapped.get_state()  # type: ignore[attr-defined]
        assert self._truth is not None
        return PairSnapshot(dream, truth, self._truth, told)

    def restore(self, snapshot: PairSnapshot) -> Frame:
        """Go back to a snapshot, and on with the same bits; the frame of the dream.

        Raises:
            UserError: it is of another model.
        """
        self._frame = self.dream.restore(snapshot.dream)
        origin = self.dream.origin
        assert origin is not None
        env = self._world(origin)
        env.unwrapped.set_state(snapshot.truth)  # type: ignore[attr-defined]
        self._truth, self._told = snapshot.shown, dict(snapshot.told)
        return self._frame

    def render(self) -> Frame | None:
        """The dream's frame and, right of it, the exact world's."""
        if self.render_mode is None or self._frame is None or self._truth is None:
            return None
        return np.concatenate([self._frame, self._truth], 1)

    def close(self) -> None:
        """Close both worlds."""
        self.dream.close()
        if self._exact is not None:
            self._exact.close()
            self._exact, self._made = None, None

    def _world(self, origin: Origin) -> gym.Env[Any, Any]:
        """The exact world that an origin is of, made when it is another than before."""
        made = origin.env_id, origin.env_options
        if self._exact is None or self._made != made:
            if self._exact is not None:
                self._exact.close()
            self._exact, self._made = environments.make(made[0], **made[1]), made
            self._exact.reset(seed=origin.seed)
        return self._exact

    def _tell(self, frame: Any, there: Mapping[str, Any], reward: float, ended: bool) -> None:
        shape = (*self.dream.world.frame_shape, 3)
        if np.shape(frame) != shape:
            raise UserError(
                f"the exact world shows {np.shape(frame)}, the dream {shape}; needed the same"
                " (name the exact world that the model was trained on)"
            )
        self._truth = np.array(frame, np.uint8)
        self._told = {
            "truth_pose": pose_of(there),
            "truth_reward": reward,
            "truth_terminated": ended,
        }

    def _both(self, info: Mapping[str, Any]) -> dict[str, Any]:
        assert self._truth is not None
        pose = self._told["truth_pose"].copy()
        return {**info, **self._told, "truth_pose": pose, "truth": self._truth.copy()}
