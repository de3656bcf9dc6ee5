"""What a world dreamed along recorded ways, beside what was truly seen there; to learn from.

A folder of `worldsim rehearse` holds `plan.json` and, of each of its clips, with t frames of which
the first are recorded and the rest dreamed:

    latents (t, z, y, x)      what was dreamed
    truths (t, z, y, x)       what was truly seen
    priors (t, z + 3, y, x)   what the dream knew of each frame before it was drawn
    shares (t, y, x)          how much of it an event's draft has drawn, in [0, 1]
    apart (t, y, x)           mean difference of a colour, of 255, between what the dream knew and
                              the truth, over the neighbourhood of each place
    actions (t-1, a)          that led from each to the next
    events (t, k)             1 for what happened in the tick that led to each
    aims (t,)                 blocks ahead to what is aimed at, as the dream guessed it; 0: unknown
    tried (t-1, s, k)         1 for what would have happened in a tick had one of the columns `keys`
                              of its action, which the plan names, been held too
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from worldsim.data.growing import arrays, read_plan
from worldsim.data.latents import keys_of
from worldsim.errors import UserError
from worldsim.models.rehearsed import Rehearsed

PARTS = {
    "latents": np.float16,
    "truths": np.float16,
    "priors": np.float16,
    "shares": np.float16,
    "apart": np.float16,
    "actions": np.float32,
    "events": np.uint8,
    "aims": np.float16,
    "tried": np.uint8,
}
_BETWEEN = "actions", "tried"  # of frames, not of one


class Rehearsals:
    """The clips of one or several folders, memory-mapped; threads may share it."""

    def __init__(self, folders: list[str]) -> None:
        """Open the folders.

        Raises:
            UserError: one is none of `worldsim rehearse`, or holds no clip yet; of different keys.
        """
        self.plans: list[dict[str, Any]] = []
        for folder in folders:
            plan = read_plan(Path(folder))
            if plan is None or not plan["done"]:
                raise UserError(f"{folder} holds no rehearsals; make some with `worldsim rehearse`")
            self.plans.append(plan)
        self._arrays = [arrays(Path(folder), PARTS) for folder in folders]
        self._names = set.intersection(*(set(parts) for parts in self._arrays))
        self._ends = np.cumsum([plan["done"] for plan in self.plans])
        self.keys = keys_of(folders, self.plans)
        """Action columns of which some folders say what they would have led to."""

    @property
    def clips(self) -> int:
        """How many there are."""
        return int(self._ends[-1])

    @property
    def frames(self) -> int:
        """Frames of the shortest clips."""
        return min(int(parts["latents"].shape[1]) for parts in self._arrays)

    def draw(self, generator: np.random.Generator, b: int, t: int) -> Rehearsed:
        """`b` random windows of t frames."""
        windows = [self._window(generator, t) for _ in range(b)]
        rows = {name: torch.stack([window[name] for window in windows]) for name in self._names}
        return Rehearsed(**rows, keys=self.keys)

    def _window(self, generator: np.random.Generator, t: int) -> dict[str, Tensor]:
        clip = int(generator.integers(self.clips))
        folder = int(np.searchsorted(self._ends, clip, "right"))
        row = clip - (int(self._ends[folder - 1]) if folder else 0)
        parts = self._arrays[folder]
        first = int(generator.integers(parts["latents"].shape[1] - t + 1))
        rows = {name: slice(first, first + t - (name in _BETWEEN)) for name in self._names}
        return {
            name: torch.from_numpy(parts[name][row, rows[name]].astype(np.float32)) for name in rows
        }
