"""`WorldSim/Dream-v0`: the learned world as a Gymnasium environment."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from worldsim import actions
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.models.heads import moved
from worldsim.pace import Pace, kept
from worldsim.state import State
from worldsim.world import Context, Origin, load_world

Frame = NDArray[np.uint8]
_OPTIONS = ("start_index", "frames", "actions", "exact_seed")


class DreamEnv(gym.Env[Frame, dict[str, Any]]):
    """A world dreamed by a trained model: it answers the same controls as its exact twin.

    ## Action and observation space
    Those of the exact world: `worldsim.actions.space()`, `Box(0, 255, (h, w, 3), uint8)`.

    ## Reward, end
    Expected reward of the model's head. Terminates when the head's probability of an end passes
    one half; nothing truncates.

    ## Info
    `pose` (5,): x, y, z, yaw, pitch, summed from the motion that the model reports; `p_terminate`;
    `p_ground`; `model_hash`, the first 12 hex digits of the weights' hash, as a number.

    ## Reset options
    One of: `start_index` (a start context of the checkpoint; without options one is drawn),
    `frames` (t+1, h, w, 3) with `actions` (t, a) or t = 0, `exact_seed` (the exact world is reset
    with the seed and idles for a moment).

    Args:
        checkpoint: a world file; the shipped one by default.
        steps: sampling steps a frame; the checkpoint's by default.
        device, dtype: where and in what precision; measured by default.
        exact: id of the environment behind `exact_seed`.
        render_mode: None, "rgb_array" or "human" (a pygame window).
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "human"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        steps: int | None = None,
        device: str = "auto",
        dtype: str = "auto",
        exact: str = "WorldSim/Voxel-v0",
        render_mode: str | None = None,
    ) -> None:
        self._load = partial(load_world, checkpoint, device, steps=steps)
        self._free = steps is None, dtype == "auto"
        self.world = self._load(dtype)
        self.pace: Pace | None = None
        self.render_mode, self._exact = render_mode, exact
        self.action_space = actions.space()
        self.observation_space = gym.spaces.Box(0, 255, (*self.world.frame_shape, 3), np.uint8)
        self._state: State | None = None
        self._frame: Frame | None = None
        self._pose = torch.zeros(5, dtype=torch.float64)
        self._origin: Origin | None = None
        self._window: Any = None

    def keep_pace(self, fps: float) -> Pace:
        """What is given up so that this machine dreams that many frames a second (`worldsim.pace`).

        Measures for a second at most; `steps` and `dtype` that were asked for stay.
        """
        free_steps, free_dtype = self._free
        least = 1 if free_steps else self.sampling_steps
        self.world, self.pace = kept(self.world, fps, least, self._load if free_dtype else None)
        return self.pace

    @property
    def sampling_steps(self) -> int:
        """Sampling steps a frame."""
        return self.world.simulator.config.steps

    @property
    def device(self) -> str:
        """Where the model runs."""
        return str(self.world.simulator.device)

    @property
    def origin(self) -> Origin | None:
        """The place of the exact world where this dream began, if there is one."""
        return self._origin

    @property
    def state(self) -> State:
        """The simulator's state; a value: keep it, and `restore` goes back to it.

        Raises:
            RuntimeError: before the first `reset`.
        """
        if self._state is None:
            raise RuntimeError("there is no dream yet; call reset() first")
        return self._state

    def restore(self, state: State, pose: NDArray[np.float64] | None = None) -> Frame:
        """Go back to a kept state, and to its pose if given; the frame it shows."""
        self._state = state
        if pose is not None:
            self._pose = torch.as_tensor(pose, dtype=torch.float64)
        self._frame = self.world.simulator.render(state)[0]
        return self._frame.copy()

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begin a dream from a context; equal seeds and options give equal dreams."""
        super().reset(seed=seed)
        context, led, pose = self._context(dict(options or {}))
        noise = int(self.np_random.integers(2**62))
        self._pose = torch.as_tensor(pose, dtype=torch.float64)
        self._state = self.world.simulator.reset(context[None], led[None], [noise])
        self._frame = self.world.simulator.render(self._state)[0]
        if self.render_mode == "human":
            self.render()
        return self._frame.copy(), self._info(0.0, 1.0)

    def step(self, action: Mapping[str, Any]) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Dream one frame.

        Raises:
            ValueError: an action out of range, NaN or incomplete.
        """
        vector = actions.to_vector(action)
        if self.pace is not None:
            self.pace.use()  # the thread that plays need not be the one that measured
        self._state, step = self.world.simulator.step(self.state, vector[None, None])
        self._frame = step.frames[0, -1]
        self._pose = moved(self._pose, step.motion[0, -1].double().cpu())
        p_end = float(step.p_end[0, -1])
        if self.render_mode == "human":
            self.render()
        info = self._info(p_end, float(step.p_ground[0, -1]))
        return self._frame.copy(), float(step.reward[0, -1]), p_end > 0.5, False, info

    def render(self) -> Frame | None:
        """The last frame, or the same in a window."""
        if self.render_mode is None or self._frame is None:
            return None
        if self.render_mode == "rgb_array":
            return self._frame.copy()
        if self._window is None:
            from worldsim.viewer.human import HumanWindow

            self._window = HumanWindow("worldsim dream", self.metadata["render_fps"])
        self._window.show(self._frame)
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _info(self, p_terminate: float, p_ground: float) -> dict[str, Any]:
        return {
            "pose": self._pose.numpy().copy(),
            "p_terminate": p_terminate,
            "p_ground": p_ground,
            "model_hash": int(self.world.hash[:12], 16),
        }

    def _context(self, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Frames or latents, the actions between them, and the pose at the last."""
        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown:
            raise UserError(
                f"reset knows no option {unknown[0]!r}; needed one of {', '.join(_OPTIONS)}"
            )
        if "frames" in options:
            return self._given(options)
        if "exact_seed" in options:
            return self._played(int(options["exact_seed"]))
        context = self._start(options.get("start_index"))
        self._origin = context.origin
        return context.latents, context.actions, context.pose

    def _start(self, index: int | None) -> Context:
        contexts = self.world.contexts
        if not contexts:
            raise UserError(
                "the checkpoint holds no start contexts; reset with frames or exact_seed"
            )
        if index is None:
            return contexts[int(self.np_random.integers(len(contexts)))]
        return contexts[int(index) % len(contexts)]

    def _given(self, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        self._origin = None
        frames = np.asarray(options["frames"])
        shape = (*self.world.frame_shape, 3)
        if frames.ndim != 4 or frames.shape[1:] != shape or frames.dtype != np.uint8:
            raise UserError(
                f"frames have shape {frames.shape} and type {frames.dtype}; "
                f"needed (t+1, {', '.join(map(str, shape))}) uint8"
            )
        led = np.asarray(options.get("actions", np.zeros((0, actions.SIZE))), np.float32)
        if led.shape != (len(frames) - 1, actions.SIZE):
            raise UserError(
                f"{len(frames)} frames came with actions of shape {led.shape}; "
                f"needed ({len(frames) - 1}, {actions.SIZE}), one between each frame and the next"
            )
        return frames, actions.check(led), np.zeros(5)

    def _played(self, seed: int) -> tuple[Any, Any, Any]:
        """A context from the exact world, idle for as many ticks as start contexts have."""
        env = environments.make(self._exact)
        frame, info = env.reset(seed=seed)
        frames, still = [frame], actions.make()
        for _ in range(max(1, self.world.context_frames - 1)):
            frame, _, _, _, info = env.step(still)
            frames.append(frame)
        env.close()
        led = np.zeros((len(frames) - 1, actions.SIZE), np.float32)
        self._origin = Origin(self._exact, {}, seed, led)
        return np.stack(frames), led, [*info["position"], info["yaw"], info["pitch"]]
