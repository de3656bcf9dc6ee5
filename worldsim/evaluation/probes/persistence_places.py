"""Is a place the same after a full turn, or after walking away and back?"""

from dataclasses import dataclass

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.clips import View, view
from worldsim.evaluation.instances import Instance, Question, UnsuitedError, ask, begin
from worldsim.evaluation.probe import Probe
from worldsim.evaluation.stage import LAST, NONE, Frame, Pose, Site, Stage, Take, script

OFFSETS = tuple(range(-40, 41, 10))
"""Degrees by which more than a full turn may have been made."""

_TICKS = 24  # of a full turn
_HIGH = 4  # blocks of wall
_WALLS = {
    "in": (4, ("planks", "cobblestone", "bricks", "oak_log", "sandstone")),
    "out": (3, ("grass", "stone", "bedrock", "beacon")),
}  # radius, kinds
_RADIUS, _AHEAD = 6, 3  # blocks: level ground, landmark
_MARKS = {"in": ("oak_log", "pumpkin", "bricks"), "out": ("gold_ore", "bedrock", "beacon")}
_LEG, _REST = 4.0, 3  # blocks out and across, ticks of standing still between
_LEFT = (2.0, 1.0)  # blocks still to go home as it is asked


def _full_turn(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split, (radius, kinds) in _WALLS.items():
        site = stage.arena(seed, yaw=float(rng.uniform(-180, 180)), pitch=5.0)
        _wall(stage, site, radius, kinds, rng)
        side = int(rng.choice((-1, 1)))
        context = stage.play(script((2, {}), (_TICKS, {"camera": (0.0, side * 360 / _TICKS)})))
        x, y, z, yaw, pitch = context.poses[-1]
        for extra in rng.choice([offset for offset in OFFSETS if offset], 2, replace=False):
            turn = side * (360 + float(extra)) / _TICKS
            acts = script((_TICKS, {"camera": (0.0, turn)}), (1, {}))
            stage.play(acts, context.state, NONE)
            images = {
                str(offset): stage.look((x, y, z, yaw + side * offset, pitch)) for offset in OFFSETS
            }
            question = ask(len(acts) - 1, images, str(extra), stage.bare)
            found.append(begin(seed, str(extra), split, context, acts, [question]))
    return found


def _wall(
    stage: Stage, site: Site, radius: int, kinds: tuple[str, ...], rng: np.random.Generator
) -> None:
    """Close the place with walls, each column of a kind drawn at random."""
    side = range(-radius, radius + 1)
    for i, j in ((i, j) for i in side for j in side if max(abs(i), abs(j)) == radius):
        kind = stage.kind(str(rng.choice(kinds)))
        for height in range(_HIGH):
            stage.twin.set_block(site.x + i, site.y + height, site.z + j, kind)


@dataclass(frozen=True)
class Home:
    """Where a walk begins: in front of a landmark, whose cells these are."""

    context: Take
    mark: tuple[tuple[int, int, int], ...]


def _home(stage: Stage, seed: int, split: str, side: int, rng: np.random.Generator) -> Home:
    """A context that shows what lies behind, then on one side, then the landmark ahead."""
    yaw = 90.0 * float(rng.integers(-2, 2))
    site = stage.arena(seed, radius=_RADIUS, yaw=yaw - side * 180.0, pitch=8.0)
    x, z = round(-np.sin(np.deg2rad(yaw))), round(np.cos(np.deg2rad(yaw)))
    kind = stage.kind(str(rng.choice(_MARKS[split])))
    mark = tuple((site.x + _AHEAD * x, site.y + h, site.z + _AHEAD * z) for h in (0, 1))
    for cell in mark:
        stage.twin.set_block(*cell, kind)
    turn = {"camera": (0.0, side * 20.0)}
    return Home(stage.play(script((2, {}), (9, turn), (4, {}))), mark)


def _loop(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found = []
    for split in ("in", "out"):
        side = int(rng.choice((-1, 1)))
        home = _home(stage, seed, split, side, rng)
        acts = _walk(stage, home, side if split == "out" else 0)
        take = stage.play(acts, home.context.state, NONE)
        far = [np.hypot(p[0] - take.poses[0][0], p[2] - take.poses[0][2]) for p in take.poses]
        questions = []
        for left in _LEFT:
            at = max(i for i, distance in enumerate(far) if distance >= left)
            questions.append(_where(stage, home, acts[:at]))
        found.append(begin(seed, "loop", split, home.context, acts, questions))
    return found


def _walk(stage: Stage, home: Home, side: int) -> list[Vector]:
    """Backwards from the landmark and back; side: first across too, to where -1 is the right."""
    legs = [("back", "forward")]
    if side:
        legs.append(("left", "right") if side > 0 else ("right", "left"))
    ticks = [_leg(stage, home, out) for out, _ in legs]
    pairs = list(zip(legs, ticks, strict=True))
    out = [part for (key, _), n in pairs for part in ((n, {key: 1}), (_REST, {}))]
    back = [part for (_, key), n in reversed(pairs) for part in ((n, {key: 1}), (_REST, {}))]
    return script(*out, *back)


def _leg(stage: Stage, home: Home, key: str) -> int:
    """Ticks of holding a key until the player is a leg away.

    Raises:
        UnsuitedError: something stands in the way.
    """
    take = stage.play(script((30, {key: 1})), home.context.state, NONE)
    away = np.linalg.norm(np.array(take.poses)[:, :3] - take.poses[0][:3], axis=1)
    if away[-1] < _LEG:
        raise UnsuitedError("something stands in the way")
    return int((away < _LEG).sum())


def _where(stage: Stage, home: Home, acts: list[Vector]) -> Question:
    """Whether the frame after a script shows the place as it is seen from where the player is."""
    take = stage.play(acts, home.context.state, LAST)
    (x, y, z, yaw, pitch), views = take.poses[-1], [take.views[-1]]
    images = {"same": take.frames[-1]}
    with stage.aside():
        for name, blocks in (("nearer", 1.0), ("farther", -1.0)):
            ahead = -np.sin(np.deg2rad(yaw)) * blocks, np.cos(np.deg2rad(yaw)) * blocks
            images[name], sight = _from(stage, (x + ahead[0], y, z + ahead[1], yaw, pitch))
            views.append(sight)
    with stage.aside():
        for cell in home.mark:
            stage.twin.set_block(*cell, 0)
        images["gone"] = stage.look(take.poses[-1])
    where = np.logical_and.reduce([stage.seen(sight, home.context.views) for sight in views])
    return ask(len(acts) - 1, images, "same", where)


def _from(stage: Stage, pose: Pose) -> tuple[Frame, View]:
    """What is seen from a pose, and its geometry; the player stays there."""
    stage.twin.place(np.array(pose))
    return stage.twin.observe(), view(stage.env)


FULL_TURN = Probe(
    "full_turn",
    "persistence",
    "Between walls that have been seen all round, the player turns by 360 degrees and some more or "
    "less. How far has the view got?",
    _full_turn,
)

LOOP = Probe(
    "loop",
    "persistence",
    "The player walks backwards from a landmark, and sideways, and the same way back. Is the place "
    "the same just before the end, a block nearer or farther, or is the landmark gone?",
    _loop,
)
