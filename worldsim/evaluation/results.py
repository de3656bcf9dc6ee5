"""From decisions to scores: each probe's, each family's, and the headline, with intervals."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from worldsim.evaluation.probe import FAMILIES, Outcome, Probe, Row
from worldsim.evaluation.statistics import (
    DRAWS,
    LEAST_ROOM,
    Array,
    Interval,
    by_seed,
    interval,
    mean,
    normalised,
    resampled,
    wilson,
)

HEADLINE = ("controls", "physics", "persistence", "hud", "horizon")
"""The families whose mean is the headline; the others are conditions, not skills."""


@dataclass(frozen=True)
class Part:
    """One probe's outcome on one model, as plain data.

    arms: arm -> seed -> score in 0..1. splits: split -> arm -> mean score. worlds: their number.
    """

    probe: str
    family: str
    about: str
    headline: bool
    arms: dict[str, dict[int, float]]
    splits: dict[str, dict[str, float]]
    figures: dict[str, float]
    curves: dict[str, list[tuple[float, float]]]
    confusion: dict[str, dict[str, int]]
    trials: list[dict[str, Any]]
    details: dict[str, Any]
    hash: str

    def mean(self, arm: str) -> float:
        """The mean score of an arm over worlds; NaN where it was not run."""
        scores = self.arms.get(arm)
        return float(np.mean(list(scores.values()))) if scores else float("nan")

    def interval(self, arm: str) -> Interval:
        """Where an arm's mean score lies; a share as if each world were a single question."""
        scores = self.arms.get(arm, {})
        if any(not 0 <= score <= 1 for score in scores.values()):
            return interval(resampled([scores], lambda means: means))
        return wilson(self.mean(arm), len(scores))

    @property
    def carried(self) -> bool:
        """Whether the reconstruction leaves room above copy."""
        return self.mean("reconstruction") - self.mean("copy") >= LEAST_ROOM

    def draws(self) -> Array:
        """Bootstrap draws of the normalised score."""
        names = ("free", "copy", "reconstruction")
        if not all(self.arms.get(name) for name in names):
            return np.full(DRAWS, np.nan)
        return resampled([self.arms[name] for name in names], normalised)

    def score(self) -> float:
        """The normalised score: (free - copy) / (ceiling - copy)."""
        means = [np.array(self.mean(arm)) for arm in ("free", "copy", "reconstruction")]
        return float(normalised(*means))

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def part_of(probe: Probe, outcome: Outcome, content: str) -> Part:
    """A probe's outcome, counted."""
    arms = outcome.scores or _scores(outcome.rows, probe.paired)
    splits = {
        split: {
            arm: float(np.mean(list(scores.values())))
            for arm, scores in _scores(rows, probe.paired).items()
        }
        for split in sorted({row.split for row in outcome.rows})
        for rows in [[row for row in outcome.rows if row.split == split]]
    }
    figures = dict(outcome.figures)
    if probe.extra is not None:
        figures |= probe.extra(outcome.rows)
    return Part(
        probe=probe.name,
        family=probe.family,
        about=probe.about,
        headline=probe.headline,
        arms=arms,
        splits=splits,
        figures=figures,
        curves=outcome.curves,
        confusion=_confusion(outcome.rows),
        trials=[asdict(row) for row in outcome.rows],
        details=outcome.details,
        hash=content,
    )


def restored(data: Mapping[str, Any]) -> Part:
    """The part of its JSON, whose keys are all text."""
    arms = {
        arm: {int(seed): value for seed, value in scores.items()}
        for arm, scores in data["arms"].items()
    }
    figures = {name: math.nan if v is None else v for name, v in data["figures"].items()}
    curves = {
        name: [(x, y) for x, y in points if y is not None]
        for name, points in data["curves"].items()
    }
    return Part(**{**data, "arms": arms, "figures": figures, "curves": curves})


def as_json(data: Any) -> bytes:
    """Plain data as strict JSON: what is not a number, or without bounds, becomes null."""
    return json.dumps(_finite(data), allow_nan=False).encode()


def totals(parts: Sequence[Part]) -> dict[str, Any]:
    """The headline and the families of all parts, as JSON."""
    families = {}
    for name in FAMILIES:
        own = [part for part in parts if part.family == name]
        own = [part for part in own if part.headline] or own
        if own:
            families[name] = _family(own)
    counted = [name for name in HEADLINE if name in families]
    scores = [families[name]["score"] for name in counted]
    draws = [_mean_draws([p for p in parts if p.family == n and p.headline]) for n in counted]
    return {
        "headline": {
            "score": float(np.mean(scores)) if scores else float("nan"),
            "ci": interval(np.mean(draws, 0)) if draws else (float("nan"),) * 2,
            "families": counted,
        },
        "families": families,
    }


def _family(parts: Sequence[Part]) -> dict[str, Any]:
    def raw(arm: str) -> float:
        return mean(part.mean(arm) for part in parts)

    return {
        "score": float(np.mean([part.score() for part in parts])),
        "ci": interval(_mean_draws(parts)),
        "raw": raw("free"),
        "copy": raw("copy"),
        "ceiling": raw("reconstruction"),
        "truth": raw("truth"),
        "not carried by the tokenizer": [part.probe for part in parts if not part.carried],
    }


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def _mean_draws(parts: Sequence[Part]) -> Array:
    """Draws of the mean over parts, the draws of different parts paired at random."""
    pairs = [(np.random.default_rng(i), part.draws()) for i, part in enumerate(parts)]
    mean: Array = np.mean([rng.permutation(draws) for rng, draws in pairs], 0)
    return mean


def _scores(rows: Sequence[Row], paired: bool) -> dict[str, dict[int, float]]:
    """The share of right answers of each arm and seed; all of a pair's have to be right."""
    scores = {}
    for arm in dict.fromkeys(row.arm for row in rows):
        own = [row for row in rows if row.arm == arm]
        if paired:
            units: dict[tuple[int, str], bool] = {}
            for row in own:
                key = row.seed, row.split
                units[key] = units.get(key, True) and row.right
            seeds, values = [seed for seed, _ in units], [float(right) for right in units.values()]
        else:
            seeds, values = [row.seed for row in own], [float(row.right) for row in own]
        scores[arm] = by_seed(seeds, values)
    return scores


def _confusion(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """How often each wanted answer got each answer, of the model running free."""
    table: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.arm == "free":
            line = table.setdefault(row.wanted, {})
            line[row.answer] = line.get(row.answer, 0) + 1
    return table
