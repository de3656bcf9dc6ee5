"""How many blocks were placed, and of which kind?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, UnsuitedError, ask, begin
from worldsim.evaluation.probe import Probe
from worldsim.evaluation.probes.edits import KINDS, Plan, begun, planned
from worldsim.evaluation.stage import LAST, Stage, script

MOST = 3
"""Blocks in a row."""

_SETTLED = 4  # frames after the last action, as what a scene has come to is asked about


def row(plan: Plan, order: Sequence[int], pressed: int) -> list[Vector]:
    """Aiming at the columns of a row one after another, pressing use at the first so many.

    order: of the columns, from left to right 0, 1, 2, of which the plan aims at the middle one; its
    view is along an axis. The camera moves alike however often use is pressed.
    """
    beside = float(np.degrees(np.arctan2(1.0, np.hypot(*plan.aim))))
    parts: list[tuple[int, dict[str, Any]]] = []
    now = 1
    for i, column in enumerate([*order, 1]):
        parts.append((2, {"camera": (0.0, (column - now) * beside / 2)}))
        if i < len(order):
            parts.append((1, {"use": 1} if i < pressed else {}))
        now = column
    return script(*parts)


def _count(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split in ("in", "out"):
        plan, kind = planned(rng, straight=True), str(rng.choice(KINDS[split]))
        order = [int(column) for column in rng.permutation(MOST)]
        context = begun(stage, seed, plan, [(kind, 8)])
        scripts = [[*row(plan, order, n), *script((_SETTLED, {}))] for n in range(MOST + 1)]
        takes = [stage.play(acts, context.state, LAST) for acts in scripts]
        if sum(info["events"]["block_placed"] for info in takes[-1].infos[1:]) != MOST:
            raise UnsuitedError("the row has no room")
        where = stage.seen(takes[0].views[-1], context.views)
        images = {str(n): take.frames[-1] for n, take in enumerate(takes)}
        for n in range(1, MOST + 1):
            question = ask(len(scripts[n]) - 1, images, str(n), where)
            found.append(begin(seed, str(n), split, context, scripts[n], [question]))
    return found


def _kind(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split in ("in", "out"):
        kinds = [str(kind) for kind in rng.choice(KINDS[split], 4, replace=False)]
        context = begun(stage, seed, planned(rng), [(kind, 8) for kind in kinds], slot=9)
        scripts = {
            kind: script((1, {"hotbar": i + 1}), (1, {"use": 1}), (_SETTLED, {}))
            for i, kind in enumerate(kinds)
        }
        takes = {kind: stage.play(acts, context.state, LAST) for kind, acts in scripts.items()}
        none = stage.play(script((2 + _SETTLED, {})), context.state, LAST)
        where = stage.seen(none.views[-1], context.views)
        images = {kind: take.frames[-1] for kind, take in takes.items()}
        for kind, acts in scripts.items():
            question = ask(len(acts) - 1, images, kind, where)
            found.append(begin(seed, kind, split, context, acts, [question]))
    return found


COUNT = Probe(
    "count",
    "persistence",
    "One, two or three blocks are placed side by side. How many are there?",
    _count,
)

KIND = Probe(
    "kind",
    "persistence",
    "One of four stacks of the hotbar is selected and a block placed. Of which kind is it?",
    _kind,
)
