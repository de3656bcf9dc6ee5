"""What the noise decides: it may invent what nobody has seen, and must leave what was seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worldsim.evaluation.instances import Instance, UnsuitedError, begin
from worldsim.evaluation.model import advance_of
from worldsim.evaluation.probe import Bench, Outcome, Probe
from worldsim.evaluation.probes.controls import GLANCE
from worldsim.evaluation.stage import LAST, Frame, Mask, script
from worldsim.evaluation.statistics import by_seed, mean

TURN, TICKS = 5.0, 12
"""Degrees a tick and ticks of the turn that reveals what was not seen."""

_SEEN, _UNSEEN = 12.0, 4.0  # of 255: the most that may differ, the least that has to
_RATIO = 2.0  # least ratio of the two
_LEAST = 0.1  # share of the frame that has to be seen, and unseen
_MOST = 32  # worlds


@dataclass(frozen=True)
class Reveal:
    """A turn to one side: its exact last frame, and which pixels (h, w) the context had shown."""

    trial: Instance
    truth: Frame
    seen: Mask
    unseen: Mask


@dataclass(frozen=True)
class Pair:
    """How much two dreams differ, of 255, where the context had shown the place and elsewhere."""

    seen: float
    unseen: float

    @property
    def right(self) -> bool:
        """Whether the frames agree on what was seen, and differ on what is new."""
        invents = self.unseen > _UNSEEN and self.unseen >= _RATIO * self.seen
        return self.seen <= _SEEN and invents


def run(bench: Bench) -> Outcome:
    """Two dreams of every turn, equal but for their noise."""
    reveals = _reveals(bench)
    if not reveals:
        return Outcome()
    first, second = (_dreamed(bench, reveals, salt) for salt in (0, 1))
    truths = np.stack([reveal.truth for reveal in reveals])
    others = _composed(reveals)
    reconstruct = bench.arms.model.reconstruct
    copies = np.stack([reveal.trial.frames[-1] for reveal in reveals])
    arms = {
        "truth": (truths, others),
        "reconstruction": (reconstruct(truths), reconstruct(others)),
        "copy": (copies, copies),
        "free": (first, second),
    }
    pairs = {arm: _pairs(reveals, *frames) for arm, frames in arms.items()}
    free = pairs["free"].values()
    return Outcome(
        scores={
            arm: {seed: float(pair.right) for seed, pair in own.items()}
            for arm, own in pairs.items()
        },
        figures={
            "difference where seen, of 255": mean(pair.seen for pair in free),
            "difference where new, of 255": mean(pair.unseen for pair in free),
            "agree on what was seen": mean(pair.seen <= _SEEN for pair in free),
            "differ on what is new": mean(pair.unseen > _UNSEEN for pair in free),
        },
        strips={"turns": _strip(reveals, first, second)},
    )


def _reveals(bench: Bench) -> list[Reveal]:
    """A turn to either side in each world."""
    found: list[Reveal] = []
    wanted = 2 * min(bench.worlds, _MOST)
    for seed in bench.seeds():
        if len(found) == wanted:
            break
        try:
            found += _turns(bench, seed)
        except UnsuitedError:
            continue
    return found


def _turns(bench: Bench, seed: int) -> list[Reveal]:
    stage, rng = bench.stage, np.random.default_rng(seed)
    stage.arena(seed, yaw=float(rng.uniform(-180, 180)), pitch=float(rng.uniform(5, 15)))
    context = stage.play(script(*GLANCE))
    out = []
    for case, side in (("left", -1), ("right", 1)):
        keys = script((TICKS, {"camera": (0.0, side * TURN)}))
        take = stage.play(keys, context.state, LAST)
        seen = stage.seen(take.views[-1], context.views)
        unseen = stage.bare & ~seen
        if min(seen.mean(), unseen.mean()) < _LEAST:
            raise UnsuitedError(f"a turn {case} shows hardly anything that was seen, or is new")
        trial = begin(seed, case, "in", context, keys)
        out.append(Reveal(trial, take.frames[-1], seen, unseen))
    return out


def _dreamed(bench: Bench, reveals: Sequence[Reveal], salt: int) -> Frame:
    """The last frames (n, h, w, 3) that the model shows, with noise that the salt varies."""
    model, out = bench.arms.model, []
    for i in range(0, len(reveals), bench.arms.batch):
        part = [reveal.trial for reveal in reveals[i : i + bench.arms.batch]]
        model.reset(
            np.stack([trial.frames for trial in part]),
            np.stack([trial.actions for trial in part]),
            [trial.noise + salt for trial in part],
            [trial.state for trial in part],
        )
        keys = np.stack([trial.script[:TICKS] for trial in part], 1)
        for tick in keys[:-1]:
            advance_of(model)(tick)
        out.append(model.step(keys[-1]).copy())
        bench.arms.frames += TICKS * len(part)
    return np.concatenate(out)


def _composed(reveals: Sequence[Reveal]) -> Frame:
    """The exact frames with another world's in what was not seen: what a dream is free to show.

    With one world alone it is the frame of its other side.
    """
    n = len(reveals)
    others = [reveals[(i + 2) % n if n > 2 else (i + 1) % n] for i in range(n)]
    return np.stack(
        [
            np.where(own.unseen[..., None], other.truth, own.truth)
            for own, other in zip(reveals, others, strict=True)
        ]
    )


def _pairs(reveals: Sequence[Reveal], first: Frame, second: Frame) -> dict[int, Pair]:
    """By seed, how much frames differ, both turns together."""
    seeds = [reveal.trial.seed for reveal in reveals]
    apart = np.abs(first.astype(np.float64) - second).mean(-1)
    seen = by_seed(seeds, [float(a[r.seen].mean()) for r, a in zip(reveals, apart, strict=True)])
    new = by_seed(seeds, [float(a[r.unseen].mean()) for r, a in zip(reveals, apart, strict=True)])
    return {seed: Pair(seen[seed], new[seed]) for seed in seen}


def _strip(reveals: Sequence[Reveal], first: Frame, second: Frame) -> Frame:
    """Six turns: the last frame of the context, the exact one after the turn, and two dreams."""
    rows = zip(reveals[:6], first, second, strict=False)
    return np.concatenate(
        [np.concatenate([r.trial.frames[-1], r.truth, a, b], 1) for r, a, b in rows]
    )


PROBES = (
    Probe(
        "noise",
        "diffusion",
        "A turn of 60 degrees, dreamed twice with different noise: do both agree on what the "
        "context had shown, and differ on what it had not? (The ceiling is the exact frame beside "
        "itself with another world in what is new.)",
        run=run,
    ),
)
