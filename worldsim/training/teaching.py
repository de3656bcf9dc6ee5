"""What a world dreams in many sampling steps, and the way there, for a student to learn from.

A frame is drawn from noise along a curve that many small steps follow. Which frame a draw of noise
ends in is certain, so a network can learn to take a long stretch of the curve at once (Luhman and
Luhman 2021, arXiv:2101.02388; Salimans and Ho 2022, arXiv:2202.00512). The rollouts are the
teacher's own dreams, so what a student sees there is what it will see at play.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.data.growing import Rows, arrays, grown
from worldsim.data.latents import FACTS, Clips, LatentDataset
from worldsim.models.sampler import Denoise, curve
from worldsim.simulator import Simulator
from worldsim.state import State
from worldsim.surroundings import Given, Told

KEPT = 4
"""Frames of the context that are kept of a rollout."""
_PARTS = {
    "latents": np.float16,
    "points": np.float16,
    "priors": np.float16,
    "shares": np.float16,
    "actions": np.float32,
    "events": np.uint8,
}


@dataclass(frozen=True)
class Plan:
    """How much is dreamed, and how.

    teacher: hash of its weights. clips: rollouts of `frames` frames after a context of `context`,
    a multiple of `batch`, as many as are dreamed side by side. steps: of the teacher; stops: at how
    many of them, evenly spaced, the way to a frame is kept. eventful: see `LatentDataset.draw`.
    """

    teacher: str
    clips: int
    frames: int
    context: int
    batch: int
    steps: int
    stops: int
    eventful: float
    seed: int


class Recalling(Simulator):
    """A simulator that remembers what it knew of the last frame beforehand: told."""

    told: Told

    def _told(self, state: State, led: Tensor, given: Given | None = None) -> Told:
        self.told = super()._told(state, led, given)
        return self.told


class Teacher(Recalling):
    """A simulator that remembers how it came to the last frame.

    path: the noise, then the latents (b, f, z, y, x) after every so many steps, up to the frame's.
    """

    stops: int
    path: list[Tensor]

    def _sampled(self, denoise: Denoise, noise: Tensor) -> Tensor:
        self.path = curve(denoise, noise, self._levels)[:: self.config.steps // self.stops]
        return self.path[-1]


class Rollouts:
    """The rollouts in a folder, memory-mapped.

    Of each of so many clips, with t = KEPT + frames: latents (t, z, y, x); actions (t-1, a) that
    lead from each to the next; points (frames, stops, z, y, x), of each dreamed frame the noise and
    what it had become at each stop but the last, which is its latents. Where the game has them:
    priors (t, z + 3, y, x) and events (t, k); shares (frames, y, x) of what was drafted.
    """

    def __init__(self, folder: Path) -> None:
        self.arrays = arrays(folder, _PARTS)
        self.clips, self.stops = self.arrays["points"].shape[0], self.arrays["points"].shape[2]

    def rows(self, index: NDArray[np.integer]) -> dict[str, Tensor]:
        """Some of the clips, as float32."""
        return {
            name: torch.from_numpy(array[index].astype(np.float32))
            for name, array in self.arrays.items()
        }


def collect(teacher: Teacher, data: LatentDataset, plan: Plan, folder: Path) -> Rollouts:
    """The rollouts in the folder, dreamed as planned as far as they are not there yet.

    Raises:
        UserError: the folder holds those of another plan.
    """
    grown(
        folder,
        vars(plan),
        lambda number: _dreamed(teacher, data, plan, number),
        "rollouts",
        plan.frames,
    )
    return Rollouts(folder)


def _dreamed(teacher: Teacher, data: LatentDataset, plan: Plan, number: int) -> Rows:
    """A batch of rollouts, of which the number says which contexts and noise they have."""
    rng = np.random.default_rng((plan.seed, number))
    clips = data.draw(rng, plan.batch, plan.context + plan.frames, plan.eventful)
    state = begun(teacher, clips, plan.context, rng)
    drawn: dict[str, list[Tensor]] = {name: [] for name in _PARTS if name != "actions"}
    for t in range(plan.context - 1, clips.actions.shape[1]):
        state, step = teacher.step(state, clips.actions[:, t : t + 1])
        drawn["latents"].append(step.latents[:, 0])
        drawn["points"].append(torch.stack(teacher.path[:-1], 2)[:, 0])
        if teacher.told.drafted is not None:
            drawn["priors"].append(teacher.told.drafted.prior[:, 0])
            drawn["shares"].append(teacher.told.drafted.share[:, 0, 0])
        if teacher.told.events is not None:
            drawn["events"].append(teacher.told.events[:, 0])
    first = plan.context - KEPT
    before = {"latents": clips.latents, "priors": clips.priors, "events": clips.events}
    rows: Rows = {"actions": clips.actions[:, first:]}
    for name, parts in drawn.items():
        if parts:
            rows[name] = torch.stack(parts, 1).cpu().numpy().astype(_PARTS[name])
            past = before.get(name)
            if past is not None:
                past = past[:, first : plan.context].astype(_PARTS[name])
                rows[name] = np.concatenate([past, rows[name]], 1)
    return rows


def begun(teacher: Simulator, clips: Clips, context: int, rng: np.random.Generator) -> State:
    """The teacher's state after the contexts of clips."""
    latents = torch.from_numpy(clips.latents[:, :context]).to(teacher.device)
    pitches = clips.facts[:, context - 1, FACTS.index("pitch")]
    seeds = rng.integers(2**40, size=len(latents)).tolist()
    known = None if np.isnan(pitches).any() else pitches.tolist()
    return teacher.reset(latents, clips.actions[:, : context - 1], seeds, pitches=known)
