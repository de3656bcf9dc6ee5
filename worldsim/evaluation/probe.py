"""What a probe is, and what comes out of one."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from worldsim.evaluation.arms import Arms
from worldsim.evaluation.instances import Instance, UnsuitedError
from worldsim.evaluation.stage import Frame, Stage

FAMILIES = (
    *("controls", "physics", "persistence", "hud", "horizon"),
    *("frames", "diffusion", "engineering", "decisions"),
)


@dataclass(frozen=True)
class Row:
    """One decision: which trial, which arm, what the frame shows.

    answer: the hypothesis, "" for undecided. wanted: the right one. margin: as `judge.Decision`.
    supported: whether the model got to where the question could be asked at all.
    """

    seed: int
    case: str
    split: str
    arm: str
    answer: str
    wanted: str
    margin: float
    supported: bool = True

    @property
    def right(self) -> bool:
        """Whether the answer is the wanted one."""
        return self.answer == self.wanted


@dataclass
class Outcome:
    """What a probe found: its decisions, or, where there are none, a score of each arm and seed.

    figures: further numbers to print beside the score. curves: name -> list of (x, y) to draw.
    strips: pictures (h, w, 3) by title, truth above dream. details: plain data to keep.
    """

    rows: list[Row] = field(default_factory=list)
    scores: dict[str, dict[int, float]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    strips: dict[str, Frame] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """What a probe works with: the stage, the arms with the model, how many worlds, and seeds."""

    stage: Stage
    arms: Arms
    worlds: int
    first_seed: int

    def seeds(self) -> Iterable[int]:
        """Candidate seeds in order; more than are needed, since some worlds are unsuited."""
        return range(self.first_seed, self.first_seed + 4 * self.worlds + 40)


Make = Callable[[Stage, int, np.random.Generator], list[Instance]]
"""The trials of one seed's world.

Raises:
    UnsuitedError: this world has no place for it.
"""


@dataclass(frozen=True)
class Probe:
    """One property of the world, tested.

    name, family, about: what it is called, where it belongs, what it asks in one or two sentences.
    make: the trials of a seed, for probes that ask which picture a frame shows. paired: a seed's
    trials of one split count as one, right only if all are. run: what else has to be done instead.
    extra: further figures from the rows. headline: whether it counts in the family's score.
    share: of the worlds, for probes that take long.
    """

    name: str
    family: str
    about: str
    make: Make | None = None
    paired: bool = False
    run: Callable[[Bench], Outcome] | None = None
    extra: Callable[[list[Row]], dict[str, float]] | None = None
    headline: bool = True
    share: float = 1.0


def trials(probe: Probe, bench: Bench) -> list[Instance]:
    """The probe's trials in as many worlds as the bench wants, the same at every call."""
    assert probe.make is not None
    found: list[Instance] = []
    worlds, wanted = 0, math.ceil(probe.share * bench.worlds)
    for seed in bench.seeds():
        if worlds == wanted:
            break
        try:
            found += probe.make(bench.stage, seed, np.random.default_rng(seed))
            worlds += 1
        except UnsuitedError:
            continue
    return found
