"""Can it be planned with: does the model know which of several plans is worth most?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from worldsim import actions
from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, UnsuitedError, begin
from worldsim.evaluation.model import advance_of, rewards_of
from worldsim.evaluation.probe import Bench, Outcome, Probe
from worldsim.evaluation.probes.controls import GLANCE
from worldsim.evaluation.stage import NOOP, Stage, script
from worldsim.evaluation.statistics import mean

TASK = "WorldSim/VoxelChop-v0"
"""The exact world whose rewards are asked for: 1 for every log collected."""

TICKS = 32
_MOST = 24  # worlds
_REACH, _HEIGHT = 10, 6  # blocks around the start, and upwards, in which a tree is looked for
_AWAY = 2  # blocks from the tree that the player stands at
_CLAIMED = 0.5  # predicted reward of a tick from which it counts as one
_NEAR = 3  # ticks around a true reward in which a predicted one may stand for it
_KEYS = ("forward", "back", "left", "right", "jump", "attack", "use")

Rewards = NDArray[np.float64]

PLANS = {
    "two logs": ((11, {"attack": 1}), (3, {"camera": (-10.0, 0.0)}), (12, {"attack": 1})),
    "one log": ((11, {"attack": 1}),),
    "dig": ((4, {"camera": (16.0, 0.0)}), (28, {"attack": 1})),
    "walk away": ((10, {"camera": (0.0, 15.0)}), (22, {"forward": 1})),
}
"""What can be done before a tree; and keys at random."""


@dataclass(frozen=True)
class Choice:
    """Plans from one place: a trial each, and the exact rewards (plans, ticks)."""

    plans: list[Instance]
    rewards: Rewards

    @property
    def seed(self) -> int:
        """The world's."""
        return self.plans[0].seed


def run(bench: Bench) -> Outcome:
    """The model's predicted returns beside the exact ones; nothing for one that predicts none."""
    if rewards_of(bench.arms.model) is None:
        return Outcome(details={"left out": "the model has no `rewards`"})
    choices = _choices(bench)
    if not choices:
        return Outcome()
    predicted = _predicted(bench, choices)
    exact = [choice.rewards for choice in choices]
    none = [np.zeros_like(rewards) for rewards in exact]
    arms = {"truth": exact, "reconstruction": exact, "copy": none, "free": predicted}
    return Outcome(
        scores={
            arm: {c.seed: top(c.rewards, r) for c, r in zip(choices, rewards, strict=True)}
            for arm, rewards in arms.items()
        },
        figures=_figures(exact, predicted),
        details={"returns": [[*map(float, rewards.sum(1))] for rewards in predicted]},
    )


def top(exact: Rewards, predicted: Rewards) -> float:
    """Whether the plan predicted to be best is the best; equals share (plans, ticks)."""
    return float((_best(predicted) * (exact.sum(1) == exact.sum(1).max())).sum())


def regret(exact: Rewards, predicted: Rewards) -> float:
    """What the plan predicted to be best loses, as a share of the best return."""
    returns = exact.sum(1)
    return float(1 - (_best(predicted) * returns).sum() / returns.max())


def unearned(exact: Rewards) -> NDArray[np.bool_]:
    """The ticks (plans, ticks) that no exact reward is near to."""
    near = np.zeros(exact.shape, bool)
    for plan, tick in zip(*np.nonzero(exact), strict=True):
        near[plan, max(0, tick - _NEAR) : tick + _NEAR + 1] = True
    return ~near


def _best(predicted: Rewards) -> Rewards:
    """What share of the choice falls on each plan (plans,): all on the best, or the best's."""
    returns = predicted.sum(1)
    best = np.isclose(returns, returns.max())
    return np.asarray(best / best.sum())


def _figures(exact: Sequence[Rewards], predicted: Sequence[Rewards]) -> dict[str, float]:
    pairs = list(zip(exact, predicted, strict=True))
    where = [unearned(rewards) for rewards in exact]
    free = np.concatenate([p[idle] for (_, p), idle in zip(pairs, where, strict=True)])
    due = np.concatenate([p[~idle] for (_, p), idle in zip(pairs, where, strict=True)])
    return {
        "regret, as a share of the best return": mean(regret(*pair) for pair in pairs),
        "hallucinated rewards per 100 ticks without": float(100 * (free > _CLAIMED).mean()),
        "mean reward predicted where there is none": float(free.mean()),
        "mean reward predicted around one (over 7 ticks)": float((2 * _NEAR + 1) * due.mean()),
    }


def _choices(bench: Bench) -> list[Choice]:
    stage = Stage(TASK, size=bench.stage.bare.shape)
    found: list[Choice] = []
    for seed in bench.seeds():
        if len(found) == min(bench.worlds, _MOST):
            break
        try:
            found.append(_choice(stage, seed))
        except UnsuitedError:
            continue
    stage.env.close()
    return found


def _choice(stage: Stage, seed: int) -> Choice:
    rng = np.random.default_rng(seed)
    stage.env.reset(seed=seed, options={"time_of_day": 0.25})
    stage.twin.place(_before_tree(stage, seed))
    context = stage.play(script(*GLANCE))
    plans, table = [], []
    for case, keys in {**_plans(), "random": _random(rng)}.items():
        stage.twin.set_state(context.state)
        table.append([stage.env.step(actions.from_vector(vector))[1] for vector in keys])
        plans.append(begin(seed, case, "in", context, keys))
    rewards = np.array(table, np.float64)
    first, second = np.sort(rewards.sum(1))[:-3:-1]
    if first <= second:
        raise UnsuitedError(f"seed {seed} has no plan that is best")
    return Choice(plans, rewards)


def _before_tree(stage: Stage, seed: int) -> NDArray[np.float64]:
    """A pose (5,) two blocks in front of a trunk that stands on the player's level.

    Raises:
        UnsuitedError: there is none in reach.
    """
    logs = {stage.kind(n) for n in stage.twin.block_names if n.endswith("_log")}
    at = stage.twin.block_at
    x0, y0, z0 = (int(np.floor(v)) for v in stage.pose()[:3])
    spots = product(range(-_REACH, _REACH + 1), range(-_REACH, _REACH + 1))
    for dx, dz in sorted(spots, key=lambda spot: spot[0] ** 2 + spot[1] ** 2):
        x, z = x0 + dx, z0 + dz
        for y in range(y0 - _HEIGHT, y0 + _HEIGHT):
            if at(x, y - 1, z) in logs or any(at(x, y + i, z) not in logs for i in range(3)):
                continue
            for ax, az in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                if _clear(stage, x, y, z, ax, az):
                    yaw = float(np.degrees(np.arctan2(ax, -az)))
                    return np.array([x + 0.5 + _AWAY * ax, y, z + 0.5 + _AWAY * az, yaw, 3.0])
    raise UnsuitedError(f"seed {seed} starts where no tree can be reached")


def _clear(stage: Stage, x: int, y: int, z: int, ax: int, az: int) -> bool:
    """Whether one can stand two blocks to that side of a trunk, with nothing in between."""
    at = stage.twin.block_at
    ways = [(x + n * ax, z + n * az) for n in range(1, _AWAY + 1)]
    empty = all(at(cx, y + i, cz) == 0 for cx, cz in ways for i in range(3))
    ground = at(x + _AWAY * ax, y - 1, z + _AWAY * az)
    return empty and ground in {stage.kind(name) for name in ("grass", "dirt", "snow", "stone")}


def _plans() -> dict[str, Vector]:
    plans = {name: np.array(script(*parts))[:TICKS] for name, parts in PLANS.items()}
    return {
        name: np.concatenate([keys, np.tile(NOOP, (TICKS - len(keys), 1))])
        for name, keys in plans.items()
    }


def _random(rng: np.random.Generator) -> Vector:
    """Keys drawn anew every four ticks."""
    parts = []
    for _ in range(TICKS // 4):
        held = {name: int(rng.random() < 0.25) for name in _KEYS}
        parts.append((4, {**held, "camera": tuple(rng.normal(0, 4, 2))}))
    return np.array(script(*parts))


def _predicted(bench: Bench, choices: Sequence[Choice]) -> list[Rewards]:
    """The rewards (plans, ticks) that the model predicts, running on its own frames."""
    model, rewards = bench.arms.model, rewards_of(bench.arms.model)
    assert rewards is not None
    games, rows = [plan for choice in choices for plan in choice.plans], []
    for i in range(0, len(games), bench.arms.batch):
        part = games[i : i + bench.arms.batch]
        model.reset(
            np.stack([game.frames for game in part]),
            np.stack([game.actions for game in part]),
            [game.seed for game in part],  # one noise for all plans
            [game.state for game in part],
        )
        told = []
        for tick in range(TICKS):
            advance_of(model)(np.stack([game.script[tick] for game in part]))
            told.append(rewards())
        bench.arms.frames += TICKS * len(part)
        rows += list(np.stack(told, 1))
    per = len(choices[0].plans)
    return [np.stack(rows[i : i + per]) for i in range(0, len(rows), per)]


PROBES = (
    Probe(
        "five_plans",
        "decisions",
        "Before a tree, five plans of 32 ticks (two logs, one log, digging, walking away, keys at "
        "random): does the model's own reward rank that plan first which the exact world pays "
        "most for? (The ceiling is 1; the floor is to find all alike.)",
        run=run,
    ),
)
