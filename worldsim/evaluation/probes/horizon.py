"""How long does it last: does it go on to obey, to be sharp, to have the world's colours?"""

import math
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from worldsim.evaluation.footage import WINDOW, Window
from worldsim.evaluation.motion import balanced
from worldsim.evaluation.probe import Bench, Outcome, Probe, Row
from worldsim.evaluation.probes.controls import swap_rate
from worldsim.evaluation.probes.horizon_runs import (
    MARKS,
    RECORDED,
    STROLL,
    Kind,
    Run,
    walked,
)
from worldsim.evaluation.probes.horizon_walks import Walk, near
from worldsim.evaluation.stage import Frame
from worldsim.evaluation.statistics import mean
from worldsim.evaluation.survival import kaplan_meier, lasting, median

_ARMS = ("truth", "reconstruction", "copy", "free")
_LEAST = 0.5  # accuracy below which the keys count as lost
_SIDES = {-1: "left", 0: "none", 1: "right"}


def free_walk(bench: Bench, kind: Kind = STROLL) -> Outcome:
    """Whether the picture moves the way the keys say, wherever there is a reconstruction too."""
    run = walked(bench, kind)
    scores = {
        arm: {w.seed: accuracy([w], arm, list(w.seen["reconstruction"])) for w in run.walks}
        for arm in (*_ARMS, "shuffled")
    }
    kept = [seed for seed, score in scores["free"].items() if not math.isnan(score)]
    if any(math.isnan(scores["shuffled"][seed]) for seed in kept):
        del scores["shuffled"]
    return Outcome(
        scores={arm: {seed: own[seed] for seed in kept} for arm, own in scores.items()},
        figures=_figures(run),
        curves=_curves(run),
        strips={"walks": _strip(run.walks)},
    )


def survival(bench: Bench, kind: Kind = STROLL) -> Outcome:
    """How long until the keys are lost, or the picture is blurred, harsh or of strange colours."""
    run = walked(bench, kind)
    scores: dict[str, dict[int, float]] = {arm: {} for arm in _ARMS}
    causes = dict.fromkeys(("keys", "sharpness", "colours"), 0)
    times, failed = [], []
    for walk in run.walks:
        for arm in _ARMS:
            end, cause = failure(run, walk, arm)
            steps = max(walk.seen["truth"])
            scores[arm][walk.seed] = (end - WINDOW) / steps if cause else 1.0
            if arm == "free":
                times.append(end)
                failed.append(bool(cause))
                causes |= {cause: causes[cause] + 1} if cause else {}
    curve = kaplan_meier(times, failed)
    limit, bounds = float(max(max(walk.seen["truth"]) for walk in run.walks)), run.bounds
    figures = {
        "median steps to failure (the limit where it is not reached)": min(median(curve), limit),
        "mean steps to failure, up to the limit": lasting(curve, limit),
        "limit": limit,
        **{f"failed first by {cause}": float(count) for cause, count in causes.items()},
        "bound of colours": bounds.colours,
        "lower bound of sharpness": bounds.low,
        "upper bound of sharpness": bounds.high,
    }
    return Outcome(scores=scores, figures=figures, curves={"survival": curve})


def late_controls(bench: Bench) -> Outcome:
    """After long walking, from one and the same dream: which way does the view go?"""
    rows = []
    walks = walked(bench, STROLL).walks
    longest = max(max(walk.seen["truth"]) for walk in walks)
    for walk in walks:
        if max(walk.seen["truth"]) < longest:
            continue
        for arm in _ARMS:
            for wanted, turned in walk.late[arm]:
                answer = _SIDES[int(np.sign(turned)) if abs(turned) >= 0.5 else 0]
                margin = turned * wanted if wanted else 1 - abs(turned)
                case = _SIDES[wanted]
                rows.append(Row(walk.seed, case, "in", arm, answer, case, margin))
    return Outcome(rows=rows)


def accuracy(walks: Iterable[Walk], arm: str, at: Sequence[int]) -> float:
    """How often an arm moves the way the keys say, in the stretches that end there."""
    seen = [walk.seen.get(arm, {}) for walk in walks]
    windows = [own[end] for own in seen for end in at if end in own]
    if not windows:
        return math.nan
    return balanced(
        np.concatenate([w.shown for w in windows]), np.concatenate([w.wanted for w in windows])
    )


def failure(run: Run, walk: Walk, arm: str) -> tuple[int, str]:
    """The step at which an arm's walk is over, and by what; "" where it lasts to the end."""
    for end, window in sorted(walk.seen[arm].items()):
        cause = _lost(run, walk, arm, window)
        if cause:
            return end, cause
    return max(walk.seen[arm]), ""


def _lost(run: Run, walk: Walk, arm: str, window: Window) -> str:
    ratio, bounds = window.sharpness / run.sharpness, run.bounds
    if window.accuracy < _LEAST:
        return "keys"
    if not bounds.low <= ratio <= bounds.high:
        return "sharpness"
    own = walk if arm in ("truth", "reconstruction") else None
    return "colours" if run.strangeness(window, without=own) > bounds.colours else ""


def _marks(walks: Sequence[Walk]) -> list[int]:
    return [mark for mark in MARKS if any(mark in walk.seen["truth"] for walk in walks)]


def _figures(run: Run) -> dict[str, float]:
    out = {}
    for mark in _marks(run.walks):
        at = near([mark])
        for arm in ("free", "reconstruction"):
            note = "" if arm == "free" else f", {arm}"
            windows = [w.seen[arm][end] for w in run.walks for end in at if end in w.seen[arm]]
            out[f"motion at {mark}{note}"] = accuracy(run.walks, arm, at)
            out[f"sharpness at {mark}{note}"] = mean(w.sharpness for w in windows) / run.sharpness
            out[f"strangeness of colours at {mark}{note}"] = mean(map(run.strangeness, windows))
    out[f"motion at {MARKS[0]}, no-op"] = accuracy(run.walks, "no-op", near(MARKS[:1]))
    return {name: value for name, value in out.items() if not math.isnan(value)}


def _curves(run: Run) -> dict[str, list[tuple[float, float]]]:
    at = sorted({end for walk in run.walks for end in walk.seen["free"]})
    windows = {e: [w.seen["free"][e] for w in run.walks if e in w.seen["free"]] for e in at}
    lines = {
        "motion": {e: accuracy(run.walks, "free", [e]) for e in at},
        "sharpness": {e: mean(w.sharpness for w in windows[e]) / run.sharpness for e in at},
        "strangeness of colours": {e: mean(map(run.strangeness, windows[e])) for e in at},
    }
    return {
        name: [(float(e), y) for e, y in line.items() if not math.isnan(y)]
        for name, line in lines.items()
    }


def _strip(walks: Sequence[Walk]) -> Frame:
    """Four walks, truth above dream: the last frame of the context, then the marks."""
    rows = []
    for walk in walks[:4]:
        for arm in ("truth", "free"):
            frames = [
                walk.pictures[arm, mark]
                for mark in _marks(walks[:1])
                if (arm, mark) in walk.pictures
            ]
            rows.append(np.concatenate([walk.context.frames[-1], *frames], 1))
    return np.concatenate(rows)


PROBES = (
    Probe(
        "free_walk",
        "horizon",
        "Walking on and on, with turns to a side and none: in the 64 steps before each mark (64, "
        "256, 1024, 4096), does the picture move the way the keys say?",
        run=free_walk,
    ),
    Probe(
        "survival",
        "horizon",
        "The share of a long walk until, in a stretch of 32 steps, the picture moves the way the "
        "keys say less than half of the time, or is sharper or duller than true footage by twice, "
        "or has colours that true footage never has.",
        run=survival,
    ),
    Probe(
        "late_controls",
        "horizon",
        "After about two thousand steps of walking, the camera is turned left, right or not at "
        "all, each from the same state; which way does the view go?",
        run=late_controls,
        extra=swap_rate,
    ),
    Probe(
        "recorded_walk",
        "horizon",
        "The same as free_walk, led by recorded human input.",
        run=partial(free_walk, kind=RECORDED),
        headline=False,
    ),
)
