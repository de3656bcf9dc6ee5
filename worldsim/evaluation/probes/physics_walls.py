"""What stands in the way: a wall stops, a step of one block is climbed, one of two is not."""

from functools import partial

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, begin
from worldsim.evaluation.probe import Probe
from worldsim.evaluation.probes.physics_props import (
    WIDE,
    Spot,
    between,
    by_case,
    changed,
    forward,
    lifted,
    maker,
    one_of,
    where_is,
)
from worldsim.evaluation.stage import LAST, NOOP, Pose

_SPEED = 0.2158  # blocks a tick when walking
_BEYOND = 1.7  # blocks past a wall's front that an open path would lead to, about
_STEP = range(2, 6)  # cells ahead that a step is deep


def _wall(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    gap, kind = float(rng.uniform(2.0, 3.0)), one_of(rng, split)
    start = spot.pose(1.5 - gap, pitch=float(rng.uniform(0, 12)))
    acts = forward(round((gap + _BEYOND) / _SPEED) + 2)
    return [_blocked(spot, split, start, acts, kind), _open(spot, split, start, acts, kind)]


def _blocked(spot: Spot, split: str, start: Pose, acts: list[Vector], kind: str) -> Instance:
    """Into a wall; the last frame is asked about."""
    stage = spot.stage
    with stage.aside():
        spot.fill(kind, (2,), WIDE, (0, 1))
        context = spot.glance(start)
        take = stage.play(acts, drawn=LAST)
        free = changed(stage, context, acts, lambda: spot.fill("air", (2,), WIDE, (0, 1)))
        poses = {
            "stopped": take.poses[-1],
            "passed through": free.poses[-1],
            "inside the block": spot.pose(2.0, pitch=start[4]),
            "bounced back": spot.pose(0.0, pitch=start[4]),
        }
        question = where_is(stage, context, take, poses, "stopped")
    return begin(spot.seed, "wall", split, context, acts, [question])


def _open(spot: Spot, split: str, start: Pose, acts: list[Vector], kind: str) -> Instance:
    """As far, towards a wall that stands three blocks further off."""
    stage = spot.stage
    with stage.aside():
        spot.fill(kind, (5,), WIDE, (0, 1))
        context = spot.glance(start)
        take = stage.play(acts, drawn=LAST)
        first, moved = context.poses[-1], take.poses[-1]
        poses = {"moved": moved, "stood still": first, "half way": between(first, moved)}
        question = where_is(stage, context, take, poses, "moved")
    return begin(spot.seed, "open", split, context, acts, [question])


def _step_up(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    kind = one_of(rng, split)
    start = spot.pose(float(rng.uniform(-0.6, -0.3)), pitch=float(rng.uniform(5, 15)))
    acts = [*forward(5), *forward(2, jump=1), *forward(8), *4 * [NOOP]]
    return [_stepped(spot, split, start, acts, kind, height) for height in (1, 2)]


def _stepped(
    spot: Spot, split: str, start: Pose, acts: list[Vector], kind: str, height: int
) -> Instance:
    """Up a step of one block, or in vain up one of two; the last frame is asked about."""

    def build(blocks: int) -> None:
        spot.fill(kind, _STEP, WIDE, range(blocks))
        spot.fill("air", _STEP, WIDE, range(blocks, 2))

    stage = spot.stage
    with stage.aside():
        build(height)
        context = spot.glance(start)
        takes = [changed(stage, context, acts, partial(build, blocks)) for blocks in range(3)]
        flat, one, two = (take.poses[-1] for take in takes)
        poses = {"climbed": lifted(one, height - 1.0), "stopped": two, "passed through": flat}
        right = "climbed" if height == 1 else "stopped"
        question = where_is(stage, context, takes[height], poses, right)
    return begin(spot.seed, f"step of {height}", split, context, acts, [question])


WALL = Probe(
    "wall",
    "physics",
    "Walking into a wall two blocks high, and as far on an open path. Does the wall alone stop it?",
    maker(_wall),
    paired=True,
    extra=by_case,
)
STEP_UP = Probe(
    "step_up",
    "physics",
    "Jumping at a step while walking. Is one of one block climbed, and one of two not?",
    maker(_step_up),
    paired=True,
    extra=by_case,
)
