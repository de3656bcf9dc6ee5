"""Where a dream begins: what the options of `reset` name, as frames or latents and actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from worldsim import actions
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.world import Origin, World

OPTIONS = ("start_index", "frames", "actions", "exact_seed")


@dataclass(frozen=True)
class Start:
    """What a dream goes on from.

    context: frames (t+1, h, w, 3), uint8, or latents (t+1, z, y, x). led: (t, a) actions between
    them. pose: (5,) x, y, z, yaw, pitch at the last, zeros where nothing tells. origin: the same
    place of the exact world.
    """

    context: NDArray[np.uint8] | Tensor
    led: NDArray[np.float32]
    pose: NDArray[np.float64]
    origin: Origin | None

    @property
    def pitches(self) -> list[float] | None:
        """The camera's pitch, as `Simulator.reset` takes it; None where nothing tells."""
        return [float(self.pose[4])] if self.pose.any() else None


def start(
    world: World, exact: str, options: Mapping[str, Any], random: np.random.Generator
) -> Start:
    """The start that the options name, or one drawn from the world's contexts.

    exact: id of the environment behind `exact_seed`.

    Raises:
        UserError: an unknown option, frames or actions of the wrong shape, or no contexts.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise UserError(f"reset knows no option {unknown[0]!r}; needed one of {', '.join(OPTIONS)}")
    if "frames" in options:
        return _given(world, options)
    if "exact_seed" in options:
        return _played(world, exact, int(options["exact_seed"]))
    contexts = world.contexts
    if not contexts:
        raise UserError("the checkpoint holds no start contexts; reset with frames or exact_seed")
    index = options.get("start_index")
    if index is None:
        index = random.integers(len(contexts))
    chosen = contexts[int(index) % len(contexts)]
    return Start(chosen.latents, chosen.actions, chosen.pose, chosen.origin)


def _given(world: World, options: Mapping[str, Any]) -> Start:
    frames = np.asarray(options["frames"])
    shape = (*world.frame_shape, 3)
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
    return Start(frames, actions.check(led), np.zeros(5), None)


def _played(world: World, exact: str, seed: int) -> Start:
    """A context from the exact world, idle for as many ticks as start contexts have."""
    env = environments.make(exact)
    frame, info = env.reset(seed=seed)
    frames, still = [frame], actions.make()
    for _ in range(max(1, world.context_frames - 1)):
        frame, _, _, _, info = env.step(still)
        frames.append(frame)
    env.close()
    led = np.zeros((len(frames) - 1, actions.SIZE), np.float32)
    return Start(np.stack(frames), led, pose_of(info), Origin(exact, {}, seed, led))


def replayed(env: environments.Env, origin: Origin) -> tuple[Any, dict[str, Any]]:
    """What an exact world shows, and its info, once it has been played to where a dream began."""
    seen, info = env.reset(seed=origin.seed)
    for vector in origin.before:
        seen, *_, info = env.step(actions.from_vector(vector))
    return seen, info


def pose_of(info: Mapping[str, Any]) -> NDArray[np.float64]:
    """The pose (5,) that an exact world's info tells: x, y, z, yaw, pitch."""
    return np.array([*info["position"], info["yaw"], info["pitch"]], np.float64)
