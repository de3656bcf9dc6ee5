"""`WorldSim/Dream-v0`: the learned world as a Gymnasium environment."""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from envs.snapshot import Snapshot, read, write
from envs.starts import start
from worldsim import actions
from worldsim.models.heads import moved
from worldsim.pace import Pace, kept
from worldsim.playing import Playing
from worldsim.state import State
from worldsim.trail import Kept
from worldsim.world import Origin, load_world

Frame = NDArray[np.uint8]
_NEAR = 16  # moves between states that are kept whole for a while


class DreamEnv(gym.Env[Frame, dict[str, Any]]):
    """A world dreamed by a trained model: it answers the same controls as its exact twin.

    ## Action and observation space
    Those of the exact world: `worldsim.actions.space()`, `Box(0, 255, (h, w, 3), uint8)`.

    ## Reward, end
    Expected reward of the model's head. Terminates when the head's probability of an end passes
    one half; nothing truncates.

    ## Info
    `pose` (5,): x, y, z, yaw, pitch, summed from the motions that the model expects; `p_terminate`;
    `p_ground`; `model_hash`, the first 12 hex digits of the weights' hash, as a number.

    ## Reset options
    One of: `start_index` (a start context of the checkpoint; without options one is drawn),
    `frames` (t+1, h, w, 3) with `actions` (t, a) or t = 0, `exact_seed` (the exact world is reset
    with the seed and idles for a moment).

    ## Going back
    `snapshot()` is a value to `restore`, and the dream goes on from it with the same bits; of
    thousands taken one after the other each costs kilobytes. `restore` only shows the frame; the
    first step after it goes again through what was dreamed since a state that is whole, without
    sampling: at most `worldsim.trail.LONGEST` frames. `fork(n)`: as many futures of the same past.
    `save(path)`, `load(path)`: the same in a file.

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
        self._playing = Playing()
        self._back: Kept | None = None  # what was gone back to, not yet made whole
        self._near: deque[State] = deque(maxlen=4)  # whole states, for going back quickly
        self._left: State | None = None  # the whole state that was last gone back from
        self._ticks = 0
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
        """The simulator's state, a value.

        Raises:
            RuntimeError: before the first `reset`.
        """
        return self._whole().state

    def snapshot(self) -> Snapshot:
        """The dream as it stands, to `restore` it later: some kilobytes beside the one before."""
        kept = self._back
        if self._playing.begun or kept is None:
            kept = self._playing.kept()
        random = dict(self.np_random.bit_generator.state)
        poses, ticks = self._pose.numpy().copy()[None], np.array([self._ticks])
        return Snapshot(kept, poses, ticks, (random,), (self._origin,), self.world.hash)

    def restore(self, snapshot: Snapshot) -> Frame:
        """Go back to a snapshot, and on with the same bits; the frame it shows.

        Raises:
            UserError: it is of another model.
        """
        self._back = snapshot.of(self.world).kept
        if self._playing.begun:
            self._left = self._playing.state
        self._playing.put(None)
        self._pose = torch.from_numpy(snapshot.poses[0].copy())
        self._ticks, self._origin = int(snapshot.ticks[0]), snapshot.origins[0]
        self.np_random.bit_generator.state = dict(snapshot.randoms[0])
        self._frame = self.world.simulator.render(self._back)[0]
        return self._frame.copy()

    def fork(self, n: int, seeds: Sequence[int] | None = None) -> list[Snapshot]:
        """`n` futures to `restore`: the same past, other noise.

        seeds: of the noise, one each; by default the first goes on as this dream would.

        Raises:
            UserError: n below 1, or another number of seeds.
        """
        return self.snapshot().forks(n, seeds)

    def save(self, path: str | Path) -> None:
        """Write the dream to a file that `load` opens in any process.

        Raises:
            UserError: the file cannot be written.
        """
        write(path, self.snapshot(), self.state)

    def load(self, path: str | Path) -> Frame:
        """Go on with a dream that was saved, bit for bit where the settings are the same.

        Raises:
            UserError: no such file, damaged, not a dream, or of another model.
        """
        return self.restore(read(path, self.world))

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begin a dream from a context; equal seeds and options give equal dreams."""
        super().reset(seed=seed)
        begun = start(self.world, self._exact, dict(options or {}), self.np_random)
        noise = int(self.np_random.integers(2**62))
        self._pose = torch.tensor(begun.pose, dtype=torch.float64)
        self._ticks, self._origin = 0, begun.origin
        self._back = self._left = None
        self._near.clear()
        context, led = begun.context[None], begun.led[None]
        simulator = self.world.simulator
        self._playing.put(simulator.reset(context, led, [noise], pitches=begun.pitches))
        self._frame = simulator.render(self._playing.seen)[0]
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
        step = self._whole().step(self.world.simulator, vector[None, None])
        trail = self._playing.seen.trail
        if trail and len(trail.moves) % _NEAR == 0:
            self._near.append(self._playing.state)
        self._frame, self._ticks = step.frames[0, -1], self._ticks + 1
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

    def _whole(self) -> Playing:
        """The dream, with what was gone back to made whole."""
        if not self._playing.begun and self._back is not None:
            near = [*self._near, self._left] if self._left else self._near
            self._playing.put(self.world.simulator.recall(self._back, near))
        return self._playing

    def _info(self, p_terminate: float, p_ground: float) -> dict[str, Any]:
        return {
            "pose": self._pose.numpy().copy(),
            "p_terminate": p_terminate,
            "p_ground": p_ground,
            "model_hash": int(self.world.hash[:12], 16),
        }
