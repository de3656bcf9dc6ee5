"""Probes under test: their trials, and what truth, copies and oracles answer."""

from collections.abc import Sequence

import numpy as np

from worldsim.evaluation.arms import Arms
from worldsim.evaluation.instances import Instance
from worldsim.evaluation.judge import decide
from worldsim.evaluation.oracle import Oracle
from worldsim.evaluation.probe import Bench, Probe, Row, trials
from worldsim.evaluation.reached import decide_at_reached
from worldsim.evaluation.stage import Frame, Stage

FIRST = 700_100


def bench_of(stage: Stage, fault: str = "", worlds: int = 1, first: int = FIRST) -> Bench:
    """A bench with the exact oracle, or with one fault."""
    return Bench(stage, Arms(Oracle(fault), stage), worlds, first)


def truths(stage: Stage, asked: Sequence[Instance]) -> list[Row]:
    """What the exact frames answer."""
    arms = Arms(Oracle(), stage)
    shown = [dict(enumerate(arms.truth(trial))) for trial in asked]
    return _rows(stage, asked, shown, "truth")


def copies(stage: Stage, asked: Sequence[Instance]) -> list[Row]:
    """What the last frame of each context answers."""
    shown = [{q.at: trial.frames[-1] for q in trial.questions} for trial in asked]
    return _rows(stage, asked, shown, "copy")


def dreams(stage: Stage, asked: Sequence[Instance], fault: str = "") -> list[Row]:
    """What the oracle answers, whole or with a fault, at the poses it reaches."""
    scripts = [trial.script for trial in asked]
    ats = [[q.at for q in trial.questions] for trial in asked]
    shown = Arms(Oracle(fault), stage).play(asked, scripts, ats)
    return _rows(stage, asked, shown, "free")


def _rows(
    stage: Stage, asked: Sequence[Instance], shown: Sequence[dict[int, Frame]], arm: str
) -> list[Row]:
    rows = []
    for trial, frames in zip(asked, shown, strict=True):
        for q in trial.questions:
            supported = True
            if q.states and arm == "free":
                decision, supported, _ = decide_at_reached(stage, frames[q.at], q)
            else:
                decision = decide(frames[q.at], q)
            answer = q.names[decision.answer] if decision.answer >= 0 and supported else ""
            rows.append(
                Row(trial.seed, trial.case, trial.split, arm, answer, q.names[q.right],
                    decision.margin, supported)
            )  # fmt: skip
    return rows


def share(rows: Sequence[Row], case: str = "") -> float:
    """The share of right answers, of one case's trials if named."""
    return float(np.mean([row.right for row in rows if case in ("", row.case)]))


def made(stage: Stage, probe: Probe, worlds: int = 1, first: int = FIRST) -> list[Instance]:
    """The trials of a probe in the first worlds that suit it."""
    return trials(probe, bench_of(stage, worlds=worlds, first=first))
