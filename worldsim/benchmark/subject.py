"""What is measured: a world as it is played, and games of it side by side."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldsim.benchmark.operations import peak
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.simulator import Simulator
from worldsim.state import State
from worldsim.world import World

DREAM = "WorldSim/Dream-v0"
_TURN = 3.0  # degrees of the camera's usual turn in a tick
_PRESSED = 0.2  # share of ticks in which a button is down
_SWITCHED = 0.002  # the same of a button that takes something else in hand, as people play


@dataclass(frozen=True)
class Subject:
    """A world and the environment that plays it, at the settings that play has by default.

    env: `WorldSim/Dream-v0`, unwrapped. peak: operations a second that the machine is able to, in
    the world's precision. seconds: of one measurement.
    """

    env: Any
    checkpoint: str | None
    peak: float
    seconds: float

    @property
    def world(self) -> World:
        """The world."""
        world: World = self.env.world
        return world

    @property
    def simulator(self) -> Simulator:
        """What plays it."""
        return self.world.simulator

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """Those of `play`, the consistency suite and the videos."""
        return {"chunk": 1, "steps": self.simulator.config.steps}

    def games(self, b: int) -> State:
        """`b` games that begin from the world's start contexts."""
        world = self.world
        chosen = [world.contexts[i % len(world.contexts)] for i in range(b)]
        t = world.context_frames
        latents = torch.stack([context.latents[-t:] for context in chosen])
        led = np.stack([context.actions[len(context.actions) - t + 1 :] for context in chosen])
        return self.simulator.reset(latents, led, list(range(b)))

    def actions(self, b: int, t: int, seed: int = 0) -> NDArray[np.float32]:
        """Actions (b, t, a) of players who press keys and look around."""
        config = self.simulator.dynamics.config
        rng = np.random.default_rng(seed)
        odds = np.full(config.action_size, _PRESSED)
        odds[[key for key in config.switches if key < len(odds)]] = _SWITCHED
        out = (rng.random((b, t, config.action_size)) < odds).astype(np.float32)
        turns = (b, t, len(config.angles))
        out[..., config.angles] = rng.normal(0, _TURN, turns).round(1).astype(np.float32)
        return out


def opened(checkpoint: str | None, device: str, dtype: str, seconds: float) -> Subject:
    """The subject of a world file, the shipped one by default.

    Raises:
        UserError: as `load_world`; or the world has no start contexts.
    """
    options = {} if checkpoint is None else {"checkpoint": checkpoint}
    env: Any = environments.make(DREAM, device=device, dtype=dtype, **options).unwrapped
    simulator: Simulator = env.world.simulator
    if not env.world.contexts:
        raise UserError(
            f"{checkpoint} has no start contexts to dream from"
            " (export it again with contexts=[FOLDER])"
        )
    return Subject(env, checkpoint, peak(simulator.device, simulator.dtype), seconds)
