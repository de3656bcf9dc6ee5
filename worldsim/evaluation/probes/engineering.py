"""Is the simulator the function it should be: of its context, its actions and its seeds alone?"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice

import numpy as np

from worldsim.actions import Vector
from worldsim.data.workers import end_with_parent
from worldsim.evaluation.instances import Instance, begin
from worldsim.evaluation.model import WorldModel, respawn_of
from worldsim.evaluation.probe import Bench, Outcome, Probe
from worldsim.evaluation.probes.controls import GLANCE
from worldsim.evaluation.stage import NOOP, Frame, Stage, script

_KEYS = (
    (2, {"forward": 1}),
    (2, {"forward": 1, "camera": (0.0, 4.0)}),
    (1, {"attack": 1}),
    (1, {"camera": (-3.0, -6.0)}),
)
_HALF = 3  # ticks before a snapshot
_WORLDS = 2
_CLOSE = 1.0  # of 255: what another order of sums may change

Check = Callable[[Bench, Sequence[Instance]], list[float]]
"""For each trial, the largest difference (of 255) between frames that have to be equal."""


def run(bench: Bench, check: Check, most: float = 0.0) -> Outcome:
    """A score of 1 for every world in which frames differ by no more than that."""
    trials = [_trial(bench.stage, seed) for seed in islice(bench.seeds(), _WORLDS)]
    worst = check(bench, trials)
    seeds = [trial.seed for trial in trials]
    exact = [_exact(bench.stage, trial) for trial in trials]
    return Outcome(
        scores={
            "truth": dict(zip(seeds, exact, strict=True)),
            "reconstruction": dict.fromkeys(seeds, 1.0),
            "copy": dict.fromkeys(seeds, 0.0),
            "free": {s: float(gap <= most) for s, gap in zip(seeds, worst, strict=True)},
        },
        figures={"largest difference, of 255": max(worst)},
    )


def processes(bench: Bench) -> Outcome:
    """The same model made again in another process; nothing for one that cannot be made again."""
    respawn = respawn_of(bench.arms.model)
    if respawn is None:
        return Outcome(details={"left out": "the model has no `respawn`"})
    return run(bench, partial(elsewhere, respawn))


def elsewhere(
    respawn: Callable[[], WorldModel], bench: Bench, trials: Sequence[Instance]
) -> list[float]:
    """The same dreams here and in another process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, end_with_parent) as pool:
        theirs = pool.submit(_respawned, respawn, trials).result()
    return [apart(play(bench.arms.model, [t]), own) for t, own in zip(trials, theirs, strict=True)]


def repeated(bench: Bench, trials: Sequence[Instance]) -> list[float]:
    """A dream, another one, and the first again."""
    gaps = []
    for i, trial in enumerate(trials):
        first = play(bench.arms.model, [trial])
        play(bench.arms.model, [trials[i - 1]])
        gaps.append(apart(first, play(bench.arms.model, [trial])))
    return gaps


def restored(bench: Bench, trials: Sequence[Instance]) -> list[float]:
    """Going on from a snapshot, after a detour, beside the same without either."""
    model, gaps = bench.arms.model, []
    for trial in trials:
        straight = play(model, [trial])
        play(model, [trial], _HALF)
        kept = model.snapshot()
        go_on(model, [np.tile(NOOP, (_HALF, 1))])
        model.restore(kept)
        gaps.append(apart(straight[:, _HALF:], go_on(model, [trial.script[_HALF:]])))
    return gaps


def forked(bench: Bench, trials: Sequence[Instance]) -> list[float]:
    """Two futures of one snapshot, taken in both orders."""
    model, gaps = bench.arms.model, []
    for trial in trials:
        ways = [trial.script[_HALF:], trial.script[_HALF:][::-1]]
        play(model, [trial], _HALF)
        kept, shown = model.snapshot(), []
        for way in (*ways, *ways[::-1]):
            model.restore(kept)
            shown.append(go_on(model, [way]))
        gaps.append(max(apart(shown[0], shown[3]), apart(shown[1], shown[2])))
    return gaps


def batched(bench: Bench, trials: Sequence[Instance]) -> list[float]:
    """The first frame of a game alone, and as the first and the last of a whole batch."""
    model, size, gaps = bench.arms.model, bench.arms.batch, []
    for i, trial in enumerate(trials):
        alone, found = play(model, [trial], 1)[0], []
        for place in {0, size - 1}:
            games = [trial if game == place else trials[i - 1] for game in range(size)]
            found.append(apart(alone, play(model, games, 1)[place]))
        gaps.append(max(found))
    return gaps


def play(model: WorldModel, games: Sequence[Instance], ticks: int | None = None) -> Frame:
    """The frames (b, n, h, w, 3) of the first ticks, or all, of games."""
    model.reset(
        np.stack([game.frames for game in games]),
        np.stack([game.actions for game in games]),
        [game.noise for game in games],
        [game.state for game in games],
    )
    return go_on(model, [game.script[:ticks] for game in games])


def go_on(model: WorldModel, scripts: Sequence[Vector]) -> Frame:
    """The frames (b, n, h, w, 3) that scripts lead to from where the games stand."""
    return np.stack([model.step(keys).copy() for keys in np.stack(scripts, 1)], 1)


def apart(a: Frame, b: Frame) -> float:
    """The largest difference of any pixel, of 255."""
    return float(np.abs(a.astype(np.int64) - b).max())


def _respawned(respawn: Callable[[], WorldModel], trials: Sequence[Instance]) -> list[Frame]:
    model = respawn()
    return [play(model, [trial]) for trial in trials]


def _trial(stage: Stage, seed: int) -> Instance:
    stage.env.reset(seed=seed)
    return begin(seed, "play", "in", stage.play(script(*GLANCE)), script(*_KEYS))


def _exact(stage: Stage, trial: Instance) -> float:
    """Whether the exact world, played twice, shows the same."""
    first, second = (stage.play(trial.script, trial.state).frames for _ in range(2))
    return float((first == second).all())


PROBES = (
    Probe(
        "processes",
        "engineering",
        "Another process makes the same model again: are its frames equal to the last bit? (The "
        "ceiling is 1 and the floor 0, here and in the next four.)",
        run=processes,
    ),
    Probe(
        "repeats",
        "engineering",
        "A dream, another one, the first again: equal to the last bit, with no trace of the other?",
        run=partial(run, check=repeated),
    ),
    Probe(
        "snapshot",
        "engineering",
        "A dream goes on from a snapshot as if there had been none: equal to the last bit?",
        run=partial(run, check=restored),
    ),
    Probe(
        "fork",
        "engineering",
        "Two futures of one snapshot, in either order: equal to the last bit?",
        run=partial(run, check=forked),
    ),
    Probe(
        "batch",
        "engineering",
        "The first frame of a game alone and among others, same noise: equal within 1 of 255?",
        run=partial(run, check=batched, most=_CLOSE),
    ),
)
