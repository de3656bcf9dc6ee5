"""What the hands do: blocks within reach break and take others, and sand falls."""

from collections.abc import Sequence

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, UnsuitedError, begin
from worldsim.evaluation.probe import Probe
from worldsim.evaluation.probes.physics_props import (
    KINDS,
    Spot,
    by_case,
    maker,
    one_of,
    side_of,
    what_is,
)
from worldsim.evaluation.stage import NONE, NOOP, Pose, Take, script

_REACH = {"in": {"within": 3.0, "beyond": 5.2}, "out": {"within": 4.2, "beyond": 4.9}}
"""Blocks from the player to the face aimed at; the rules' reach is 4.5."""

_EYE = 1.62
_FACE = 1.5  # where the pillar aimed at begins, blocks ahead
_AIM = 3.0  # degrees down, at the pillar's upper block from all distances
_WAIT = 2  # ticks after a deed until it is asked about
_SIDLE = 11  # ticks to the side, which show what is behind a pillar
_CONTEXT = 15
_LONGEST = 26  # ticks to break a block

_FALLING = {
    "in": ("sand", "dirt", ("cobblestone", "oak_log"), 1),
    "out": ("gravel", "planks", ("bricks", "gold_ore"), 2),
}
"""A kind that falls, one that does not, kinds of the pillar they are put onto, and how high."""
_AWAY, _DOWN, _TILTS = 2.7, 15.0, 4  # blocks to the pillar, degrees to look down, ticks to do so


def _place(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    stage = spot.stage
    spot.fill(one_of(rng, split), (2,), (0,), (0, 1))
    far = spot.pose(_FACE - _REACH[split]["beyond"], pitch=_AIM)
    kind = _boldest(spot, split, far, (1,), (1,))
    stage.twin.set_hotbar([(stage.kind(kind), 8)])
    worlds = {
        "placed": lambda: spot.fill(kind, (1,), (0,), (1,)),
        "not placed": lambda: spot.fill("air", (1,), (0,), (1,)),
    }
    acts, found = script((1, {"use": 1}), (_WAIT, {})), []
    for case, away in _REACH[split].items():
        right = "placed" if case == "within" else "not placed"
        with stage.aside():
            context = spot.glance(spot.pose(_FACE - away, pitch=_AIM))
            question = what_is(stage, context, acts, worlds, right, known="not placed")
        found.append(begin(spot.seed, case, split, context, acts, [question]))
    return found


def _break(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    stage, side = spot.stage, side_of(rng)
    near = spot.pose(_FACE - _REACH[split]["within"], pitch=_AIM)
    kind = _boldest(spot, split, near, (2,), (0, 1))
    spot.fill(kind, (2,), (0,), (0, 1))
    worlds = {
        "broken": lambda: spot.fill("air", (2,), (0,), (1,)),
        "whole": lambda: spot.fill(kind, (2,), (0,), (1,)),
    }
    acts: list[Vector] = []
    found = []
    for case, away in _REACH[split].items():
        right = "broken" if case == "within" else "whole"
        with stage.aside():
            context = _sidled(spot, spot.pose(_FACE - away, pitch=_AIM), side)
            acts = acts or _breaking(spot, context)
            question = what_is(stage, context, acts, worlds, right, known=right)
        found.append(begin(spot.seed, case, split, context, acts, [question]))
    return found


def _boldest(spot: Spot, split: str, pose: Pose, ahead: Sequence[int], up: Sequence[int]) -> str:
    """The kind of block that, put into these cells, changes the view from a pose most."""
    stage, change = spot.stage, {}
    before = stage.look(pose).astype(float)
    for kind in KINDS[split]:
        with stage.aside():
            spot.fill(kind, ahead, (0,), up)
            change[kind] = float(np.abs(stage.look(pose) - before).mean())
    return max(change, key=lambda kind: change[kind])


def _sidled(spot: Spot, goal: Pose, side: int) -> Take:
    """A context of steps to the side that end at a pose."""
    key = "right" if side > 0 else "left"
    acts = script((_SIDLE, {key: 1}), (_CONTEXT - _SIDLE, {}))
    spot.stand(goal)
    beside = spot.stage.play(acts, drawn=NONE).poses[-1]
    spot.stand((2 * goal[0] - beside[0], goal[1], 2 * goal[2] - beside[2], *goal[3:]))
    return spot.stage.play(acts)


def _breaking(spot: Spot, context: Take) -> list[Vector]:
    """Holding the attack key until the block aimed at breaks."""
    held = script((_LONGEST, {"attack": 1}))
    infos = spot.stage.play(held, context.state, NONE).infos[1:]
    broken = [info["events"]["block_broken"] > 0 for info in infos]
    if True not in broken:
        raise UnsuitedError(f"seed {spot.seed}: the block aimed at does not break")
    return [*held[: broken.index(True) + 1], *_WAIT * [NOOP]]


def _falling_sand(spot: Spot, split: str, rng: np.random.Generator) -> list[Instance]:
    loose, firm, kinds, up = _FALLING[split]
    spot.fill(str(rng.choice(kinds)), (2,), (0,), range(up + 1))
    aim = float(np.degrees(np.arctan2(_EYE - up - 0.5, _AWAY)))
    found = []
    for case, kind in (("falls", loose), ("stays", firm)):
        spot.stage.twin.set_hotbar([(spot.stage.kind(kind), 8)])
        spot.stand(spot.pose(_FACE - _AWAY, pitch=_DOWN))
        context = spot.stage.play(
            script((4, {}), (6, {"camera": ((aim - _DOWN) / 6, 0.0)}), (5, {}))
        )
        acts = script((1, {"use": 1}), (_TILTS, {"camera": ((_DOWN - aim) / _TILTS, 0.0)}), (2, {}))
        found.append(_dropped(spot, split, case, kind, context, acts, up))
    return found


def _dropped(
    spot: Spot,
    split: str,
    case: str,
    kind: str,
    context: Take,
    acts: Sequence[Vector],
    up: int,
) -> Instance:
    """A block placed so high above the ground, and where it is seven ticks later."""

    def only(*heights: int) -> None:
        spot.fill("air", (1,), (0,), range(up + 1))
        spot.fill(kind, (1,), (0,), heights)

    worlds = {"fallen": lambda: only(0), "in the air": lambda: only(up), "gone": lambda: only()}
    right = "fallen" if case == "falls" else "in the air"
    question = what_is(spot.stage, context, acts, worlds, right, known="gone")
    return begin(spot.seed, f"{kind} {case}", split, context, acts, [question])


REACH_PLACE = Probe(
    "reach_place",
    "physics",
    "Placing a block onto one within reach, and onto one beyond. Is it there only within reach?",
    maker(_place),
    paired=True,
    extra=by_case,
)
REACH_BREAK = Probe(
    "reach_break",
    "physics",
    "Digging at a block within reach, and at one beyond. Does it break only within reach?",
    maker(_break),
    paired=True,
    extra=by_case,
)
FALLING_SAND = Probe(
    "falling_sand",
    "physics",
    "Sand or gravel, or a firm block, is put onto a block's side in the air. Which one falls?",
    maker(_falling_sand),
    paired=True,
    extra=by_case,
)
