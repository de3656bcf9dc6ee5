"""Shares, intervals and comparisons; the unit of every interval is the world's seed."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

DRAWS = 4000
_NORMAL = NormalDist()

LEAST_ROOM = 0.1
"""Between copy and ceiling; with less, the tokenizer does not carry what a probe asks about."""

Interval = tuple[float, float]
Array = NDArray[np.float64]


def mean(values: Iterable[float]) -> float:
    """The mean of those values that are numbers; NaN where none is."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def wilson(share: float, trials: int, level: float = 0.95) -> Interval:
    """The interval of a share of so many independent trials (Wilson 1927, "Probable inference").

    It has a width even where all trials agree, which a bootstrap's has not. NaN where there are no
    trials, or what is given is no share.
    """
    if not trials or not 0 <= share <= 1:
        return math.nan, math.nan
    z = _NORMAL.inv_cdf(0.5 + level / 2)
    spread = z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def by_seed(seeds: Sequence[int], values: Sequence[float]) -> dict[int, float]:
    """The mean value of each seed."""
    groups: dict[int, list[float]] = {}
    for seed, value in zip(seeds, values, strict=True):
        groups.setdefault(seed, []).append(value)
    return {seed: float(np.mean(group)) for seed, group in groups.items()}


def resampled(scores: Sequence[Mapping[int, float]], figure: Callable[..., Array]) -> Array:
    """Draws (4000,) of a figure of means over seeds, seeds drawn with replacement.

    scores: one mapping of seed to score for each arm, all of the same seeds; `figure` takes their
    means, arrays (draws,), in order.
    """
    seeds = sorted(scores[0])
    picks = np.random.default_rng(0).integers(len(seeds), size=(DRAWS, len(seeds)))
    return figure(*(np.array([arm[seed] for seed in seeds])[picks].mean(1) for arm in scores))


def interval(draws: Array, level: float = 0.95) -> Interval:
    """The middle part of draws that holds that share of them."""
    if np.isnan(draws).any():
        return math.nan, math.nan
    low, high = np.percentile(draws, [50 - 50 * level, 50 + 50 * level])
    return float(low), float(high)


def detection(hits: int, present: int, alarms: int, absent: int) -> float:
    """d', the distance in deviations between presence and absence (log-linear correction).

    Hautus 1995, "Corrections for extreme proportions and their biasing effects on d'".
    """
    hit = (hits + 0.5) / (present + 1)
    alarm = (alarms + 0.5) / (absent + 1)
    return _NORMAL.inv_cdf(hit) - _NORMAL.inv_cdf(alarm)


def macro_f1(wanted: list[str], shown: list[str]) -> float:
    """The mean over classes of F1, so that a class that is rare counts as much as any."""
    scores = []
    for name in dict.fromkeys(wanted):
        hits = sum(w == s == name for w, s in zip(wanted, shown, strict=True))
        scores.append(2 * hits / (wanted.count(name) + shown.count(name)))
    return float(np.mean(scores))


def normalised(free: Array, copy: Array, ceiling: Array) -> Array:
    """(free - copy) / (ceiling - copy) within -1 and 1; 0 where the ceiling is hardly above copy.

    Where copy guesses well and little room is left, one wrong answer would else be worth many.
    """
    room = np.asarray(ceiling) - copy
    carried = room >= LEAST_ROOM
    share = (np.asarray(free) - copy) / np.where(carried, room, 1.0)
    return np.where(carried, np.clip(share, -1.0, 1.0), 0.0)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P values adjusted for being many (Holm 1979)."""
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    adjusted: dict[str, float] = {}
    worst = 0.0
    for i, (name, p) in enumerate(ordered):
        worst = max(worst, min(1.0, (len(ordered) - i) * p))
        adjusted[name] = worst
    return adjusted


def paired_difference(a: Mapping[int, float], b: Mapping[int, float]) -> dict[str, float]:
    """The mean of a - b over the seeds both have, its interval, and a two-sided p value.

    The p value is the bootstrap's: twice the smaller share of draws beyond zero. One seed has a
    difference and no interval.
    """
    seeds = sorted(set(a) & set(b))
    gaps = np.array([a[seed] - b[seed] for seed in seeds])
    if len(seeds) < 2:
        return {"difference": mean(gaps), "low": math.nan, "high": math.nan, "p": 1.0}
    picks = np.random.default_rng(0).integers(len(gaps), size=(DRAWS, len(gaps)))
    means = gaps[picks].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    beyond = min((means <= 0).mean(), (means >= 0).mean())
    return {
        "difference": float(gaps.mean()),
        "low": float(low),
        "high": float(high),
        "p": float(min(1.0, 2 * beyond)),
    }
