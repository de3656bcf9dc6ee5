"""Probes under test: their trials, and what truth, copies and oracles answer."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from worldsim.evaluation.arms import Arms
from worldsim.evaluation.instances import Instance
from worldsim.evaluation.oracle import Oracle
from worldsim.evaluation.probe import Bench, Probe, Row, trials
from worldsim.evaluation.stage import Stage
from worldsim.evaluation.suite import answers

FIRST = 700_100


def bench_of(stage: Stage, fault: str = "", worlds: int = 1, first: int = FIRST) -> Bench:
    """A bench with the exact oracle, or with one fault."""
    return Bench(stage, Arms(Oracle(fault), stage), worlds, first)


def truths(stage: Stage, asked: Sequence[Instance]) -> list[Row]:
    """What the exact frames answer."""
    arms = Arms(Oracle(), stage)
    shown = [dict(enumerate(arms.truth(trial))) for trial in asked]
    return answers(stage, asked, {"truth": shown})


def copies(stage: Stage, asked: Sequence[Instance]) -> list[Row]:
    """What the last frame of each context answers."""
    shown = [{q.at: trial.frames[-1] for q in trial.questions} for trial in asked]
    return answers(stage, asked, {"copy": shown})


def dreams(stage: Stage, asked: Sequence[Instance], fault: str = "") -> list[Row]:
    """What the oracle answers, whole or with a fault, at the poses it reaches."""
    scripts = [trial.script for trial in asked]
    ats = [[q.at for q in trial.questions] for trial in asked]
    shown = Arms(Oracle(fault), stage).play(asked, scripts, ats)
    return answers(stage, asked, {"free": shown})


def share(rows: Sequence[Row], case: str = "") -> float:
    """The share of right answers, of one case's trials if named."""
    return float(np.mean([row.right for row in rows if case in ("", row.case)]))


def made(stage: Stage, probe: Probe, worlds: int = 1, first: int = FIRST) -> list[Instance]:
    """The trials of a probe in the first worlds that suit it."""
    return trials(probe, bench_of(stage, worlds=worlds, first=first))


def kept(stage: Stage, probes: Mapping[str, Probe]) -> Callable[[str], list[Instance]]:
    """The trials of a named probe in one world, made once."""
    return cache(lambda name: made(stage, probes[name]))
