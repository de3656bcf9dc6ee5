"""What is measured: the protocol that a world model meets, and ours behind it.

A peer's model needs these five methods and a name; nothing else of the suite knows a network.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from worldsim.actions import Vector
from worldsim.simulator import Simulator, State
from worldsim.world import World

Frames = NDArray[np.uint8]


class WorldModel(Protocol):
    """`b` games side by side, each a function of its own context, actions and seed alone."""

    name: str

    def reset(
        self, frames: Frames, actions: Vector, seeds: Sequence[int], states: Sequence[bytes]
    ) -> None:
        """Begin `b` games.

        frames (b, t+1, h, w, 3) were seen, actions (b, t, a) led from each to the next. states (b)
        are the exact world's at the last frame, for oracles; a model that reads them cheats.
        """

    def step(self, actions: Vector) -> Frames:
        """The frames (b, h, w, 3) that actions (b, a) lead to."""

    def snapshot(self) -> Any:
        """A value to come back to."""

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot; what happened since leaves no trace."""

    def reconstruct(self, frames: Frames) -> Frames:
        """Frames (n, h, w, 3) as well as the model can show them at all: its ceiling."""


class Dreamer:
    """A trained world of this project as a `WorldModel`."""

    def __init__(self, world: World) -> None:
        self.name = world.hash[:12]
        self.simulator: Simulator = world.simulator
        self._state: State | None = None

    def reset(
        self, frames: Frames, actions: Vector, seeds: Sequence[int], states: Sequence[bytes]
    ) -> None:
        """Begin `b` games from their contexts."""
        del states
        self._state = self.simulator.reset(frames, actions, seeds)

    def step(self, actions: Vector) -> Frames:
        """The frames (b, h, w, 3) that actions (b, a) lead to."""
        self._state, step = self.simulator.step(self.snapshot(), actions[:, None])
        return step.frames[:, 0]

    def snapshot(self) -> State:
        """The games as they stand.

        Raises:
            RuntimeError: before the first `reset`.
        """
        if self._state is None:
            raise RuntimeError("no game has begun; call reset() first")
        return self._state

    def restore(self, snapshot: State) -> None:
        """Go back to a snapshot."""
        self._state = snapshot

    def reconstruct(self, frames: Frames) -> Frames:
        """Frames (n, h, w, 3) through the tokenizer and back."""
        parts = np.array_split(frames, max(1, -(-len(frames) // 32)))
        return np.concatenate([self.simulator.reconstruct(part) for part in parts])
