"""What is seen from another place: the hidden is still there, the near moves more than the far."""

from collections.abc import Sequence

import numpy as np

from worldsim.evaluation.instances import Instance, begin
from worldsim.evaluation.probe import Probe, Row
from worldsim.evaluation.probes.physics_props import (
    Spot,
    maker,
    one_of,
    share,
    side_of,
    what_is,
    where_is,
)
from worldsim.evaluation.stage import LAST, NONE, Pose, Take, script
from worldsim.evaluation.statistics import detection

_STRANGE = ("pumpkin", "bricks")  # kinds of what is hidden
_HIDDEN = {"in": (2, 4), "out": (8,)}
"""For how many ticks nothing is seen of an object."""

_NEAR, _FAR = -1, 3  # blocks ahead of the pillar and of the object that it hides
_BACK = -3.5  # where the player stands
_FROM = {2: 2.05, 4: 1.6, 8: 1.6}  # blocks to the side of it, before
_WALK, _REST = 13, 2  # ticks
_SIDE = {1: "right", -1: "left"}


def _occlusion(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    ticks, side = int(rng.choice(_HIDDEN[split])), side_of(rng)
    spot.fill(one_of(rng, "in"), (_NEAR,), (0,), (0, 1))
    kind = str(rng.choice(_STRANGE))
    width = 2 if ticks == 2 else 1
    start = spot.pose(_BACK, -side * _FROM[ticks], pitch=float(rng.uniform(2, 8)))
    keys, rest = {_SIDE[side]: 1}, 4 if ticks == 8 else 0
    acts = script((8, keys), (rest, {}), (9, keys))

    def only(*rights: int) -> None:
        spot.fill("air", (_FAR,), range(-3, 4), (0, 1))
        spot.fill(kind, (_FAR,), rights, (0, 1))

    there = [side * i for i in range(width)]
    worlds = {
        "there": lambda: only(*there),
        "absent": lambda: only(),
        "displaced": lambda: only(*(i + side for i in there)),
    }
    found = []
    for case, right in (("object", "there"), ("nothing", "absent")):
        with spot.stage.aside():
            worlds[right]()
            context = _passed(spot, start, side)
            question = what_is(spot.stage, context, acts, worlds, right, right, reached=True)
        found.append(begin(spot.seed, f"{case} {ticks}", split, context, acts, [question]))
    return found


def _passed(spot: Spot, start: Pose, side: int) -> Take:
    """A walk past the pillar up to where the trial starts.

    Else nothing beyond the pillar would have been seen, and it might as well be a wall.
    """
    spot.stand(start)
    there = spot.stage.play(script((_WALK, {_SIDE[side]: 1}), (_REST, {})), drawn=NONE).poses[-1]
    spot.stand(there)
    return spot.stage.play(script((_WALK, {_SIDE[-side]: 1}), (_REST, {})))


def _parallax(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    stage, found = spot.stage, []
    kinds = one_of(rng, split), one_of(rng, split)
    pitch = float(rng.uniform(5, 12))
    held, ticks = ({}, 5) if split == "in" else ({"sneak": 1}, 14)
    for side, key in _SIDE.items():
        with stage.aside():
            spot.fill(kinds[0], (0,), (side,), (0, 1))
            spot.fill(kinds[1], (4,), (-side,), (0, 1))
            context = spot.glance(spot.pose(-3.0, pitch=pitch))
            acts = script((ticks, {key: 1, **held}))
            take = stage.play(acts, drawn=LAST)
            moved = take.poses[-1]
            opposite = script((ticks, {_SIDE[-side]: 1, **held}))
            other = stage.play(opposite, context.state, NONE).poses[-1]
            by = spot.place(moved)[1]
            turned = np.degrees(np.arctan2(side + by, 7.0) - np.arctan2(side, 7.0))
            poses = {
                "near moves more": moved,
                "all moves alike": spot.pose(-3.0, pitch=pitch, yaw=float(turned)),
                "the other way": other,
            }
            question = where_is(stage, context, take, poses, "near moves more")
            found.append(begin(spot.seed, key, split, context, acts, [question]))
    return found


def _detected(rows: Sequence[Row]) -> dict[str, float]:
    """How well the model keeps hidden objects apart from none: d', hit and false alarm rates."""
    free = [row for row in rows if row.arm == "free"]
    hits = [row.answer == "there" for row in free if row.wanted == "there"]
    alarms = [row.answer in ("there", "displaced") for row in free if row.wanted == "absent"]
    return {
        "d'": detection(sum(hits), len(hits), sum(alarms), len(alarms)),
        "hit rate": share(hits),
        "false alarm rate": share(alarms),
        "support": share([row.supported for row in free]),
    }


OCCLUSION = Probe(
    "occlusion",
    "physics",
    "Passing a pillar that for a while hides an object, or nothing. Is it, after that, as before?",
    maker(_occlusion),
    paired=True,
    extra=_detected,
)
PARALLAX = Probe(
    "parallax",
    "physics",
    "Steps to the side of a near and a far pillar. Does the near one move more in the view?",
    maker(_parallax),
)
