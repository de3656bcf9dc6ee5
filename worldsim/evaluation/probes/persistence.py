"""Is what was built or broken still there: while watched, out of sight, on the way back?"""

from collections.abc import Callable, Sequence

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, UnsuitedError
from worldsim.evaluation.probe import Make, Probe, Row
from worldsim.evaluation.probes.edits import KINDS, Edit, breaking, placing, planned, trials_of
from worldsim.evaluation.probes.persistence_blocks import COUNT, KIND
from worldsim.evaluation.probes.persistence_idle import NOTHING_APPEARS
from worldsim.evaluation.probes.persistence_places import FULL_TURN, LOOP
from worldsim.evaluation.stage import Stage, script
from worldsim.evaluation.statistics import detection

GAPS = (4, 8, 16, 32, 64, 128, 512)
"""Steps out of view for which a look away is asked about."""

_SHARES = {64: 0.5, 128: 0.25, 512: 0.25}  # of the worlds

_AGES = (1, 8, 32)  # frames after an edit
_LONGEST_IN = 32  # steps out of view after which recorded players look back
_PROPS = ("gold_ore", "iron_ore", "ice")  # which players rarely meet and break
_FAST, _SLOW = 20.0, 10.0  # degrees a tick
_UNHURRIED = 16  # steps out of view from which on the turn is slow
_SEEN = ("present", "hole")  # answers that see an edit

Scene = Callable[[Stage, int, str, np.random.Generator], Edit]
"""The edit of a seed's world and a split."""


def _placed(stage: Stage, seed: int, split: str, rng: np.random.Generator) -> Edit:
    return placing(stage, seed, planned(rng), str(rng.choice(KINDS[split])))


def _broken(stage: Stage, seed: int, split: str, rng: np.random.Generator) -> Edit:
    prop = "" if split == "in" else str(rng.choice(_PROPS))
    return breaking(stage, seed, planned(rng), prop)


def _watching(scene: Scene) -> Make:
    """Trials in which an edit is looked at from where it was made."""

    def make(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
        found = []
        for split in ("in", "out"):
            edit = scene(stage, seed, split, rng)
            found += trials_of(stage, seed, split, edit, script((max(_AGES), {})), _AGES)
        return found

    return make


def _look_away(gap: int) -> Make:
    """Trials in which an edit is out of view for so many steps."""
    split = "in" if gap <= _LONGEST_IN else "out"

    def make(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
        found = []
        for scene in (_placed, _broken):
            edit, side = scene(stage, seed, "in", rng), int(rng.choice((-1, 1)))
            after = away(stage, edit, gap, side)
            found += trials_of(stage, seed, split, edit, after, (len(after),), reached=True)
        return found

    return make


def away(stage: Stage, edit: Edit, gap: int, side: int) -> list[Vector]:
    """Turning away after an edit and back, which leaves it out of view for so many steps.

    The turn is of 100 degrees, of 80 where that takes too long. side: 1 is to the right.

    Raises:
        UnsuitedError: no such turn hides it for as long.
    """
    speed = _SLOW if gap >= _UNHURRIED else _FAST
    for angle in (100.0, 80.0):
        ticks, turn = round(angle / speed), side * speed
        least = hidden(stage, edit, _turned(ticks, turn, 0))
        if 0 < least <= gap:
            return _turned(ticks, turn, gap - least)
    raise UnsuitedError(f"no turn hides it for {gap} steps")


def _turned(ticks: int, turn: float, wait: int) -> list[Vector]:
    there, back = {"camera": (0.0, turn)}, {"camera": (0.0, -turn)}
    return script((2, {}), (ticks, there), (wait, {}), (ticks, back), (1, {}))


def hidden(stage: Stage, edit: Edit, after: Sequence[Vector]) -> int:
    """Steps from the last frame that shows whether there was an edit to the next one that does.

    0 if every frame does.
    """
    takes = [
        stage.play([*acts, *after], context.state)
        for acts, context in zip(edit.scripts, edit.contexts, strict=True)
    ]
    differ = (takes[0].frames != takes[1].frames).any(-1)[:, stage.bare].any(1)
    steps = np.diff(np.flatnonzero(differ[len(edit.scripts[0]) :]))
    return int(steps.max(initial=1)) if steps.max(initial=1) > 1 else 0


def bites(rows: list[Row]) -> dict[str, float]:
    """Of the model's supported trials: hit rate, false alarms, d'; one for each age, if many."""
    free = [row for row in rows if row.arm == "free"]
    ages = dict.fromkeys(row.wanted.partition(" ")[2] for row in free)
    figures = {}
    for age in ages:
        own = [row for row in free if row.wanted.partition(" ")[2] == age]
        with_edit = [row for row in own if row.supported and row.wanted.startswith(_SEEN)]
        without = [row for row in own if row.supported and not row.wanted.startswith(_SEEN)]
        hits = sum(row.right for row in with_edit)
        alarms = sum(row.answer.startswith(_SEEN) for row in without)
        end = f" {age}" if age else ""
        figures[f"hit rate{end}"] = hits / max(1, len(with_edit))
        figures[f"false alarms{end}"] = alarms / max(1, len(without))
        figures[f"d'{end}"] = detection(hits, len(with_edit), alarms, len(without))
    return figures


def memory(rows: list[Row]) -> dict[str, float]:
    """As `bites`, and the share of the model's trials that could be asked about."""
    free = [row.supported for row in rows if row.arm == "free"]
    return {**bites(rows), "support": float(np.mean(free)) if free else float("nan")}


PLACE_WATCH = Probe(
    "place_watch",
    "persistence",
    "The use key is pressed with a block in hand, or with none. Is there a block 1, 8 and 32 "
    "frames later?",
    _watching(_placed),
    extra=bites,
)

BREAK_WATCH = Probe(
    "break_watch",
    "persistence",
    "The attack key is held until a block breaks, or let go half way. Is there a hole 1, 8 and 32 "
    "frames later?",
    _watching(_broken),
    extra=bites,
)

LOOK_AWAY = tuple(
    Probe(
        f"look_away_{gap}",
        "persistence",
        f"A block is placed or broken, or not; the player turns away and back, so that it is out "
        f"of view for {gap} steps. Does the place look as it was left?",
        _look_away(gap),
        extra=memory,
        share=_SHARES.get(gap, 1.0),
    )
    for gap in GAPS
)

PROBES = (
    PLACE_WATCH, BREAK_WATCH, *LOOK_AWAY, COUNT, KIND, FULL_TURN, LOOP, NOTHING_APPEARS
)  # fmt: skip
