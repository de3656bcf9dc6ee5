"""Scenes in which a block is placed or broken, each with a control in which nothing happens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.instances import Instance, UnsuitedError, ask, begin
from worldsim.evaluation.probes.controls import GLANCE
from worldsim.evaluation.stage import NONE, Site, Stage, Take, script

KINDS = {
    "in": ("planks", "bricks", "cobblestone", "pumpkin", "oak_log", "birch_log", "sandstone",
           "iron_ore", "clay", "ice"),
    "out": ("grass", "stone", "bedrock", "beacon"),
}  # fmt: skip
"""Kinds of block that recorded players hold, and kinds that no rule puts into their hands."""

EMPTY_SLOT = 5
"""A hotbar slot that scenes leave empty."""

RADIUS = 6  # of the level ground, blocks
_EYE = 1.62  # blocks from feet to eye
_AIMS = ((3, 0), (3, 1), (3, -1), (2, 2), (2, -2), (0, 3), (1, 3), (-1, 3))
_MARKS = ("oak_log", "cobblestone", "pumpkin", "bricks", "planks")
_LONGEST = 40  # ticks of digging after which no block holds


@dataclass(frozen=True)
class Plan:
    """Where a scene looks and what stands in it, in columns (x, z) from the player's.

    aim: the column whose ground the crosshair is on. marks: (x, z, height, kind) of pillars beyond.
    """

    aim: tuple[int, int]
    marks: tuple[tuple[int, int, int, str], ...]

    @property
    def yaw(self) -> float:
        """Towards the ground aimed at, in degrees."""
        return float(np.degrees(np.arctan2(-self.aim[0], self.aim[1])))

    @property
    def pitch(self) -> float:
        """Down to the ground aimed at, in degrees."""
        return float(np.degrees(np.arctan2(_EYE, np.hypot(*self.aim))))


def planned(rng: np.random.Generator, straight: bool = False) -> Plan:
    """A scene drawn at random; straight: looking along one of the world's axes."""
    aims = [aim for aim in _AIMS if 0 in aim or not straight]
    x, z = aims[rng.integers(len(aims))]
    sign = int(rng.choice((-1, 1)))
    aim, kinds = (sign * x, sign * z), rng.choice(_MARKS, 2, replace=False)
    marks = []
    for side, kind in zip((-1, 1), kinds, strict=True):
        angle = np.arctan2(-aim[0], aim[1]) + side * np.deg2rad(rng.uniform(18, 26))
        far = rng.uniform(4.6, 5.4)
        column = round(-far * np.sin(angle)), round(far * np.cos(angle))
        marks.append((*column, int(rng.integers(1, 4)), str(kind)))
    return Plan(aim, tuple(marks))


def begun(
    stage: Stage,
    seed: int,
    plan: Plan,
    hotbar: Sequence[tuple[str, int]] = (),
    slot: int = 1,
    prop: str = "",
) -> Take:
    """The context of a planned scene; prop: a block that stands where the crosshair is."""
    site = stage.arena(
        seed, radius=RADIUS, yaw=plan.yaw, pitch=plan.pitch, hotbar=hotbar, slot=slot
    )
    for x, z, height, kind in plan.marks:
        for y in range(height):
            stage.twin.set_block(site.x + x, site.y + y, site.z + z, stage.kind(kind))
    if prop:
        stage.twin.set_block(*above(site, plan), stage.kind(prop))
    return stage.play(script(*GLANCE))


def above(site: Site, plan: Plan) -> tuple[int, int, int]:
    """The cell upon the ground aimed at."""
    return site.x + plan.aim[0], site.y, site.z + plan.aim[1]


@dataclass(frozen=True)
class Edit:
    """An edit and its control: two contexts, two scripts of one length, what each is called.

    names: of what is seen afterwards with the edit, and without. cases: of the two trials.
    """

    names: tuple[str, str]
    cases: tuple[str, str]
    contexts: tuple[Take, Take]
    scripts: tuple[list[Vector], list[Vector]]


def placing(stage: Stage, seed: int, plan: Plan, kind: str, count: int = 8) -> Edit:
    """The use key pressed with a stack of blocks in hand, and with none.

    Raises:
        UnsuitedError: the block cannot be placed there.
    """
    stack = [(kind, count)]
    full, empty = (begun(stage, seed, plan, stack, slot) for slot in (1, EMPTY_SLOT))
    press = script((1, {"use": 1}))
    _happens(stage.play(press, full.state, NONE), "block_placed")
    return Edit(("present", "absent"), ("place", "empty hand"), (full, empty), (press, press))


def breaking(
    stage: Stage,
    seed: int,
    plan: Plan,
    prop: str = "",
    hotbar: Sequence[tuple[str, int]] = (),
) -> Edit:
    """The attack key held until the block breaks, and let go half way; for the rest see `begun`.

    Raises:
        UnsuitedError: the block cannot be broken.
    """
    context = begun(stage, seed, plan, hotbar, prop=prop)
    dug = stage.play(script((_LONGEST, {"attack": 1})), context.state, NONE)
    ticks = _happens(dug, "block_broken")
    scripts = [script((n, {"attack": 1}), (ticks - n, {})) for n in (ticks, ticks // 2)]
    return Edit(
        ("hole", "healed"), ("break", "let go"), (context, context), (scripts[0], scripts[1])
    )


def _happens(take: Take, event: str) -> int:
    """The ticks until an event."""
    for tick, info in enumerate(take.infos):
        if info and info["events"][event]:
            return tick
    raise UnsuitedError(f"{event} does not happen")


def trials_of(
    stage: Stage,
    seed: int,
    split: str,
    edit: Edit,
    after: Sequence[Vector],
    ages: Sequence[int],
    reached: bool = False,
) -> list[Instance]:
    """The trial of an edit and that of its control, going on with the same actions after it.

    ages: frames after the last of the edit at which it is asked what is there; named in the answers
    when there are several. reached: whether answers may be given at the pose reached, which needs
    the last frame asked about to be the script's last.
    """
    pair, done = zip(edit.scripts, edit.contexts, strict=True), len(edit.scripts[0])
    asked = [done + age for age in ages]
    takes = [stage.play([*acts, *after], context.state, asked) for acts, context in pair]
    none = takes[1]
    found = []
    for i, case in enumerate(edit.cases):
        questions = []
        for age in ages:
            at = done - 1 + age
            where = stage.seen(none.views[at + 1], edit.contexts[1].views)
            names = [f"{name} after {age}" if len(ages) > 1 else name for name in edit.names]
            images = {n: take.frames[at + 1] for n, take in zip(names, takes, strict=True)}
            states = {n: take.state for n, take in zip(names, takes, strict=True)}
            pose = none.poses[at + 1] if reached else None
            questions.append(
                ask(at, images, names[i], where, pose=pose, states=states if reached else None)
            )
        acts = [*edit.scripts[i], *after]
        found.append(begin(seed, case, split, edit.contexts[i], acts, questions))
    return found
