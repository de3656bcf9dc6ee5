"""Up and down: falling off a ledge, jumping on the spot, sinking in water."""

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, UnsuitedError, begin
from worldsim.evaluation.probe import Probe
from worldsim.evaluation.probes.physics_props import (
    WIDE,
    Spot,
    by_case,
    changed,
    forward,
    lifted,
    maker,
    one_of,
    side_of,
    where_is,
)
from worldsim.evaluation.stage import LAST, NONE, NOOP, Pose, Take, script

_HEIGHTS = {"in": (2, 3), "out": (5,)}  # of ledges, in blocks
_EDGE = -0.5  # where a ledge ends, blocks ahead
_CALM, _PAIN = 2, 8  # ticks after a landing until nothing moves; until no red is left, if it hurt
_HURTS = 4  # blocks; a lower fall does not hurt
_RISE, _APEX, _LANDED = 1, 5, 13  # frames of a jump
_TOO_HIGH = 1.0  # blocks above the right height
_SHORE = -2.5  # where a pool begins, blocks ahead
_BANKS = range(-3, 6), range(-4, 5), range(-4, 0)  # cells ahead, to the right and up around it
_POOL = range(-2, 5), range(-3, 4), range(-3, 0)
_BED = -3.0  # height of a pool's ground


def _fall(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    height, stage = int(rng.choice(_HEIGHTS[split])), spot.stage
    start = spot.pose(_EDGE - 0.9, up=height, pitch=float(rng.uniform(25, 35)))
    spot.fill(one_of(rng, split), (5,), (side_of(rng),))
    with stage.aside():
        spot.fill(spot.site.kind, range(-4, 0), WIDE, range(height))
        context = spot.glance(start)
        acts, falling, landed = _off_the_edge(spot, context, height)
        take = stage.play(acts, context.state, NONE)
        ups = _ups(spot, take)
        there = {"floating": float(height), "falling": ups[falling], "on the ground": 0.0}
        questions = []
        for at, right in ((falling, "falling"), (landed, "on the ground")):
            poses = {name: lifted(take.poses[at + 1], up - ups[at]) for name, up in there.items()}
            part = stage.play(acts[: at + 1], context.state, LAST)
            questions.append(where_is(stage, context, part, poses, right))
        ledge = begin(spot.seed, f"ledge of {height}", split, context, acts, questions)
    return [ledge, _dry(spot, split, lifted(start, -height), acts, -1.0)]


def _off_the_edge(spot: Spot, context: Take, height: int) -> tuple[list[Vector], int, int]:
    """The keys that lead off an edge, and the frames about half way down and after landing."""
    walked = _ups(spot, spot.stage.play(forward(14), context.state, NONE))
    acts = [*forward(int(np.argmin(np.array(walked) == height)) + 1), *30 * [NOOP]]
    ups = _ups(spot, spot.stage.play(acts, context.state, NONE))
    landed = ups.index(0.0) + (_PAIN if height >= _HURTS else _CALM)
    return acts[: landed + 1], int(np.abs(np.array(ups) - height / 2).argmin()), landed


def _ups(spot: Spot, take: Take) -> list[float]:
    """How high the player is above the ground after each action."""
    return [spot.place(pose)[2] for pose in take.poses[1:]]


def _dry(spot: Spot, split: str, start: Pose, acts: list[Vector], depth: float) -> Instance:
    """The same keys where there is nothing to fall or sink into."""
    stage = spot.stage
    with stage.aside():
        context = spot.glance(start)
        take = stage.play(acts, drawn=LAST)
        moved = take.poses[-1]
        poses = {
            "walks on": moved,
            "sinks": lifted(moved, depth),
            "stands still": context.poses[-1],
        }
        question = where_is(stage, context, take, poses, "walks on")
    return begin(spot.seed, "level ground", split, context, acts, [question])


def _jump(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    stage = spot.stage
    if split == "out":
        spot.fill(one_of(rng, split), range(-4, 5), range(-4, 5), (-1,))
    spot.fill(one_of(rng, split), (3,), (side_of(rng),), (0, 1))
    context = spot.glance(spot.pose(0.0, pitch=float(rng.uniform(5, 15))))
    acts = script((1, {"jump": 1}), (_LANDED, {}))
    take = stage.play(acts, drawn=LAST)
    ground, top = take.poses[0], take.poses[_APEX + 1]
    questions = []
    for at in (_RISE, _APEX):
        part = stage.play(acts[: at + 1], context.state, LAST)
        pose = part.poses[-1]
        poses = {"on the ground": ground, "right": pose, "too high": lifted(pose, _TOO_HIGH)}
        questions.append(where_is(stage, context, part, poses, "right"))
    half = lifted(ground, (top[1] - ground[1]) / 2)
    after = {"on the ground": ground, "half way down": half, "at the top": top}
    questions.append(where_is(stage, context, take, after, "on the ground"))
    return [begin(spot.seed, "jump", split, context, acts, questions)]


def _water(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    stage, odd = spot.stage, split == "out"
    start = spot.pose(_SHORE - 1.1, pitch=float(rng.uniform(15, 25)))
    acts = forward(30, sprint=int(odd))
    with stage.aside():
        spot.fill(one_of(rng, split) if odd else spot.site.kind, *_BANKS)
        spot.fill("water", *_POOL)
        context = spot.glance(start)
        air = changed(stage, context, acts, lambda: spot.fill("air", *_POOL))
        ice = changed(stage, context, acts, lambda: spot.fill("ice", *_POOL))
        if _BED not in _ups(spot, air):
            raise UnsuitedError(f"seed {spot.seed}: the pool has no ground")
        at = _ups(spot, air).index(_BED)
        acts = acts[: at + 1]
        take = stage.play(acts, context.state, LAST)
        poses = {
            "sinks slowly": take.poses[-1],
            "falls as in air": air.poses[at + 1],
            "walks on it": ice.poses[at + 1],
        }
        question = where_is(stage, context, take, poses, "sinks slowly")
        wet = begin(spot.seed, "water", split, context, acts, [question])
    return [wet, _dry(spot, split, start, acts, spot.place(take.poses[-1])[2])]


FALL = Probe(
    "fall",
    "physics",
    "Walking off a ledge, and as far on level ground. Does the player fall, as fast as it should?",
    maker(_fall),
    paired=True,
    extra=by_case,
)
JUMP = Probe(
    "jump",
    "physics",
    "A jump on the spot. How high is the player while rising, at the top, and after landing?",
    maker(_jump),
)
WATER = Probe(
    "water",
    "physics",
    "Walking into water, and as far on dry ground. Does the player sink, and slower than in air?",
    maker(_water),
    paired=True,
    extra=by_case,
)
