"""What is measured: the protocol that a world model meets, and ours behind it.

A peer's model needs these five methods and a name; nothing else of the suite knows a network. What
it may have besides is in `rewards_of` and `respawn_of`, whose probes leave out who has it not, and
in `advance_of`, which saves time.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.actions import Vector
from worldsim.coding import decoded
from worldsim.device import DTYPES
from worldsim.playing import Playing
from worldsim.simulator import Simulator
from worldsim.state import State, Step
from worldsim.world import World, load_world

_AT_ONCE = 32  # frames in one pass of the decoder
_REMEMBERED = 4096  # frames whose latents are kept

Frames = NDArray[np.uint8]
Floats = NDArray[np.float64]


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


def rewards_of(model: WorldModel) -> Callable[[], Floats] | None:
    """The model's `rewards()`, expected rewards (b,) of its last step; None where it has none."""
    rewards: Callable[[], Floats] | None = getattr(model, "rewards", None)
    return rewards


def advance_of(model: WorldModel) -> Callable[[Vector], object]:
    """The model's `advance`, a step whose frames nobody looks at; its `step` where it has none."""
    advance: Callable[[Vector], object] = getattr(model, "advance", model.step)
    return advance


def respawn_of(model: WorldModel) -> Callable[[], WorldModel] | None:
    """The model's `respawn`, which makes it again in another process; None where it has none.

    It has to survive pickling.
    """
    respawn: Callable[[], WorldModel] | None = getattr(model, "respawn", None)
    return respawn


class Dreamer:
    """A trained world of this project as a `WorldModel`.

    Args:
        world: as loaded.
        path: the file it was loaded from; without it there is no `respawn`.
    """

    def __init__(self, world: World, path: str | Path | None = None) -> None:
        self.name = world.hash[:12]
        self.simulator: Simulator = world.simulator
        self._path = path
        self._known: OrderedDict[bytes, Tensor] = OrderedDict()
        self._playing = Playing()
        self._step: Step | None = None

    @property
    def respawn(self) -> Callable[[], WorldModel] | None:
        """What makes the same model in another process, with as many threads."""
        if self._path is None:
            return None
        dtype = next(name for name, kind in DTYPES.items() if kind == self.simulator.dtype)
        place, settings = str(self.simulator.device), asdict(self.simulator.config)
        return partial(_again, self._path, place, dtype, settings, torch.get_num_threads())

    def reset(
        self, frames: Frames, actions: Vector, seeds: Sequence[int], states: Sequence[bytes]
    ) -> None:
        """Begin `b` games from their contexts."""
        del states
        latents = self._encoded(frames.reshape(-1, *frames.shape[2:]))
        latents = latents.view(*frames.shape[:2], *latents.shape[1:])
        state = self.simulator.reset(latents, actions, seeds, pictures=frames)
        self._playing.put(state)
        self._step = None

    def step(self, actions: Vector) -> Frames:
        """The frames (b, h, w, 3) that actions (b, a) lead to."""
        return self.advance(actions).frames[:, 0]

    def advance(self, actions: Vector) -> Step:
        """The same, whose frames are decoded only if they are asked for."""
        self._step = self._playing.step(self.simulator, actions[:, None])
        return self._step

    def rewards(self) -> Floats:
        """The expected rewards (b,) of the last step.

        Raises:
            RuntimeError: none was taken since `reset` or `restore`.
        """
        if self._step is None:
            raise RuntimeError("no step was taken; call step() first")
        return self._step.reward[:, 0].double().cpu().numpy()

    def snapshot(self) -> State:
        """The games as they stand.

        Raises:
            RuntimeError: before the first `reset`.
        """
        return self._playing.state

    def restore(self, snapshot: State) -> None:
        """Go back to a snapshot."""
        self._playing.put(snapshot)
        self._step = None

    def reconstruct(self, frames: Frames) -> Frames:
        """Frames (n, h, w, 3) through the tokenizer and back."""
        parts = torch.split(self._encoded(frames), _AT_ONCE)
        simulator = self.simulator
        shown = [decoded(simulator.tokenizer, part[:, None], simulator.dtype) for part in parts]
        return np.concatenate(shown)[:, 0]

    def _encoded(self, frames: Frames) -> Tensor:
        """The latents (n, z, y, x) of frames (n, h, w, 3).

        The last few thousand are remembered: a suite begins from the same frames many times.
        """
        known = self._known
        keys = [blake2b(frame.tobytes(), digest_size=16).digest() for frame in frames]
        new = {key: frame for key, frame in zip(keys, frames, strict=True) if key not in known}
        if new:
            made = self.simulator.encode(np.stack(list(new.values())))
            known.update((key, row.clone()) for key, row in zip(new, made, strict=True))
        latents = torch.stack([known[key] for key in keys])
        for key in keys:
            known.move_to_end(key)
        while len(known) > _REMEMBERED:
            known.popitem(last=False)
        return latents


def _again(
    path: str | Path, device: str, dtype: str, settings: dict[str, Any], threads: int
) -> WorldModel:
    torch.set_num_threads(threads)
    return Dreamer(load_world(path, device, dtype, **settings), path)
