"""Does anything come from nowhere while nothing is done?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from worldsim.evaluation.instances import Instance, UnsuitedError, begin
from worldsim.evaluation.judge import decide, softened
from worldsim.evaluation.probe import Bench, Outcome, Probe
from worldsim.evaluation.probes.edits import KINDS, placing, planned, trials_of
from worldsim.evaluation.stage import NOOP, Frame, Mask, script

FRAMES = 64  # of doing nothing
_CHANGED = 24  # of 255
_SUDDEN = 8  # frames within which what appears has come
_LASTS, _LEAST = 3, 12  # frames and pixels of what counts as something
_SETTLED = 4  # frames after the control's block was placed


@dataclass(frozen=True)
class Scene:
    """A world: doing nothing in it, its control in which a block is placed, and what was seen."""

    idle: Instance
    control: Instance
    seen: Mask


@dataclass
class Findings:
    """What an arm showed: its score by seed, appearances, and changed shares (n,) by scene."""

    scores: dict[int, float] = field(default_factory=dict)
    appearances: list[int] = field(default_factory=list)
    shares: list[NDArray[np.float64]] = field(default_factory=list)


def _scenes(bench: Bench) -> Iterator[Scene]:
    """A scene of each world that has room for one."""
    for seed in bench.seeds():
        rng, stage = np.random.default_rng(seed), bench.stage
        try:
            edit = placing(stage, seed, planned(rng), str(rng.choice(KINDS["in"])))
            after = script((_SETTLED, {}))
            control, _ = trials_of(stage, seed, "in", edit, after, (_SETTLED,))
        except UnsuitedError:
            continue
        context = edit.contexts[0]
        idle = begin(seed, "idle", "in", context, FRAMES * [NOOP])
        yield Scene(idle, control, stage.seen(context.views[-1], context.views))


def _run(bench: Bench) -> Outcome:
    arms = {name: Findings() for name in ("truth", "reconstruction", "copy", "no-op", "free")}
    scenes = islice(_scenes(bench), bench.worlds)
    while part := list(islice(scenes, bench.arms.batch)):
        _measure(bench, part, arms)
    return _outcome(arms)


def _measure(bench: Bench, scenes: Sequence[Scene], arms: dict[str, Findings]) -> None:
    """Add what the arms show of some scenes."""
    idles, controls = [s.idle for s in scenes], [s.control for s in scenes]
    ends = [trial.questions[0].at for trial in controls]
    every, last = len(scenes) * [range(FRAMES)], [[at] for at in ends]
    still = [np.tile(NOOP, (len(trial.script), 1)) for trial in controls]
    dreams = bench.arms.play(idles, [trial.script for trial in idles], every)
    placed = bench.arms.play(controls, [trial.script for trial in controls], last)
    unplaced = bench.arms.play(controls, still, last)
    for i, scene in enumerate(scenes):
        truth, at = bench.arms.truth(scene.idle), ends[i]
        shown = bench.arms.model.reconstruct(truth)
        dream = np.stack([dreams[i][t] for t in range(FRAMES)])
        end = bench.arms.truth(scene.control, [at])[at]
        copy = scene.idle.frames[-1]
        for name, frames, reference, control in (
            ("truth", truth, truth, end),
            ("reconstruction", shown, shown, bench.arms.model.reconstruct(end[None])[0]),
            ("copy", np.tile(copy, (FRAMES, 1, 1, 1)), truth, scene.control.frames[-1]),
            ("no-op", dream, shown, unplaced[i][at]),
            ("free", dream, shown, placed[i][at]),
        ):
            _note(arms[name], scene, frames, reference, control)


def _note(findings: Findings, scene: Scene, frames: Frame, reference: Frame, end: Frame) -> None:
    """Add what an arm shows of a scene: of doing nothing, and at the control's end."""
    error = softened(frames) - softened(reference)
    count = appearances(error, scene.seen)
    placed = decide(end, scene.control.questions[0]).right
    findings.scores[scene.idle.seed] = float(placed and count == 0)
    findings.appearances.append(count)
    findings.shares.append((np.abs(error).max(-1) > _CHANGED)[:, scene.seen].mean(1))


def appearances(error: NDArray[np.float64], seen: Mask) -> int:
    """How often something appears in errors (n, h, w, 3) of 0..255, where the scene was seen.

    Something is a connected region in which the error changes within some frames, and stays so for
    some; what is wrong from the beginning or changes slowly does not count.
    """
    count, recent = 0, np.zeros((_SUDDEN + _LASTS, *seen.shape), bool)
    for t in range(1, len(error) - _LASTS + 1):
        changes = np.abs(error[t : t + _LASTS] - error[max(0, t - _SUDDEN)])
        fresh = seen & (changes.max(-1) > _CHANGED).all(0)
        known = recent.any(0)
        for region in regions(fresh):
            if region.sum() >= _LEAST and not (region & known).any():
                count += 1
        recent[t % len(recent)] = fresh
    return count


def regions(mask: Mask) -> Iterable[Mask]:
    """The connected regions (h, w) of a mask, pixels joined by their sides."""
    left = mask.copy()
    while left.any():
        region = np.zeros_like(mask)
        region[np.unravel_index(left.argmax(), left.shape)] = True
        size = 0
        while region.sum() > size:
            size = region.sum()
            grown = region.copy()
            grown[1:] |= region[:-1]
            grown[:-1] |= region[1:]
            grown[:, 1:] |= region[:, :-1]
            grown[:, :-1] |= region[:, 1:]
            region = grown & left
        left &= ~region
        yield region


def _outcome(arms: dict[str, Findings]) -> Outcome:
    free = arms["free"]
    if not free.scores:
        return Outcome()
    frames = FRAMES * len(free.appearances)
    share = np.mean(free.shares, 0)
    return Outcome(
        scores={name: findings.scores for name, findings in arms.items()},
        figures={
            "appearances per 100 frames": 100 * sum(free.appearances) / frames,
            "share of seen pixels changed": float(share.mean()),
        },
        curves={"share of seen pixels changed": [(t + 1.0, float(s)) for t, s in enumerate(share)]},
    )


NOTHING_APPEARS = Probe(
    "nothing_appears",
    "persistence",
    "Nothing is done for 64 frames: does anything come from nowhere? As a control a block is "
    "placed, which has to be there.",
    run=_run,
)
