"""Scenes of the physics probes: props on level ground, as one sees them who looks along an axis."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from worldsim.actions import Vector
from worldsim.evaluation.clips import view
from worldsim.evaluation.instances import Instance, Question, ask
from worldsim.evaluation.probe import Make, Row
from worldsim.evaluation.probes.controls import GLANCE
from worldsim.evaluation.stage import LAST, NONE, NOOP, Pose, Site, Stage, Take, script

KINDS = {
    "in": ("dirt", "cobblestone", "oak_log", "birch_log", "sandstone"),
    "out": ("bricks", "planks", "gold_ore"),
}
"""What props are made of: kinds that natural worlds have, and kinds that only players put there."""

WIDE = (-1, 0, 1)
"""The cells, to the right, of a prop three blocks wide."""

_SETTLE = 2  # ticks until a player put somewhere stands
_AXES = (((0, 1), (-1, 0)), ((-1, 0), (0, -1)), ((0, -1), (1, 0)), ((1, 0), (0, 1)))
# (x, z) of a step ahead and of one to the right, for yaws of 0, 90, 180 and 270 degrees


@dataclass(frozen=True)
class Spot:
    """Level ground of one seed's world, seen along one of four axes.

    Places are blocks ahead, right and up of the site's middle, on the ground. A cell of whole
    numbers reaches half a block ahead, back and to both sides of its place, and one block up.
    quarter: of a turn to the right from +z, 0..3.
    """

    stage: Stage
    seed: int
    site: Site
    quarter: int

    def cell(self, ahead: int, right: int = 0, up: int = 0) -> tuple[int, int, int]:
        """The world's x, y, z of a cell."""
        (ax, az), (rx, rz) = _AXES[self.quarter]
        x, z = ahead * ax + right * rx, ahead * az + right * rz
        return self.site.x + x, self.site.y + up, self.site.z + z

    def pose(
        self, ahead: float, right: float = 0.0, up: float = 0.0, *, pitch: float, yaw: float = 0.0
    ) -> Pose:
        """The player's pose at a place, looking ahead but for the degrees given."""
        (ax, az), (rx, rz) = _AXES[self.quarter]
        x, z = ahead * ax + right * rx, ahead * az + right * rz
        turned = (90.0 * self.quarter + yaw + 180.0) % 360.0 - 180.0
        return self.site.x + 0.5 + x, self.site.y + up, self.site.z + 0.5 + z, turned, pitch

    def place(self, pose: Pose) -> tuple[float, float, float]:
        """How far ahead, right and up a pose is."""
        (ax, az), (rx, rz) = _AXES[self.quarter]
        x, z = pose[0] - self.site.x - 0.5, pose[2] - self.site.z - 0.5
        return x * ax + z * az, x * rx + z * rz, pose[1] - self.site.y

    def fill(
        self,
        kind: str | int,
        ahead: Iterable[int],
        right: Iterable[int] = (0,),
        up: Iterable[int] = (0,),
    ) -> None:
        """Put blocks of a kind, by name or number, into all of these cells, lower ones first."""
        number = self.stage.kind(kind) if isinstance(kind, str) else kind
        columns = [(a, r) for a in ahead for r in right]
        for u in up:
            for a, r in columns:
                self.stage.twin.set_block(*self.cell(a, r, u), number)

    def stand(self, pose: Pose) -> None:
        """Put the player somewhere and let it come to rest."""
        self.stage.twin.place(np.array(pose))
        self.stage.play(_SETTLE * [NOOP], drawn=NONE)

    def glance(self, pose: Pose) -> Take:
        """The context of most trials, from a pose."""
        self.stand(pose)
        return self.stage.play(script(*GLANCE))


Trials = Callable[[Spot, str, np.random.Generator], list[Instance]]
"""The trials of a split on a spot; the world may be left changed."""

Change = Callable[[], None]
"""Puts or takes blocks in the world as it is."""


def maker(trials: Trials) -> Make:
    """Makes the trials of both splits, on the same ground along the same axis."""

    def make(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
        quarter = int(rng.integers(4))
        spot = Spot(stage, seed, stage.arena(seed), quarter)
        found: list[Instance] = []
        for split in ("in", "out"):
            with stage.aside():
                found += trials(spot, split, rng)
        return found

    return make


def one_of(rng: np.random.Generator, split: str) -> str:
    """A kind of block for a split."""
    return str(rng.choice(KINDS[split]))


def side_of(rng: np.random.Generator) -> int:
    """-1 for left or 1 for right."""
    return int(rng.choice((-1, 1)))


def changed(stage: Stage, context: Take, acts: Sequence[Vector], change: Change) -> Take:
    """What a script would lead to, had the world been changed after the context."""
    with stage.aside():
        stage.twin.set_state(context.state)
        change()
        return stage.play(acts, drawn=LAST)


def where_is(
    stage: Stage, context: Take, take: Take, poses: Mapping[str, Pose], right: str
) -> Question:
    """From which of some poses is the last frame of a take, which followed the context, seen?

    What counts is what the context had shown of the true view. No more need be known of the views
    from wrong poses than that they are others.
    """
    with stage.aside():
        stage.twin.set_state(take.state)
        images = {name: stage.look(pose) for name, pose in poses.items()}
    images[right] = take.frames[-1]
    where = stage.seen(take.views[-1], context.views)
    return ask(len(take.actions) - 1, images, right, where)


def what_is(
    stage: Stage,
    context: Take,
    acts: Sequence[Vector],
    worlds: Mapping[str, Change],
    right: str,
    known: str,
    reached: bool = False,
) -> Question:
    """Which of some worlds does the frame after a script show, from where the player is then?

    worlds: what makes each out of the true one. known: the one of whose view the context has to
    have shown what counts. reached: whether to ask it from the pose that a model reached.
    """
    with stage.aside():
        take = stage.play(acts, context.state, LAST)
        pose, images, states = take.poses[-1], {}, {}
        for name, change in worlds.items():
            with stage.aside():
                change()
                images[name], states[name] = stage.look(pose), stage.twin.get_state()
                if name == known:
                    where = stage.seen(view(stage.env), context.views)
        images[right] = take.frames[-1]
    return ask(
        len(acts) - 1,
        images,
        right,
        where,
        pose=pose if reached else None,
        states=states if reached else None,
    )


def by_case(rows: Sequence[Row]) -> dict[str, float]:
    """The share of right answers of each kind of trial, of the model running free."""
    free = [row for row in rows if row.arm == "free"]
    return {
        case: share([row.right for row in free if row.case == case])
        for case in sorted({row.case for row in free})
    }


def share(true: Sequence[bool]) -> float:
    """The share of what is true, NaN of nothing."""
    return float(np.mean(true)) if true else float("nan")


def lifted(pose: Pose, by: float) -> Pose:
    """The pose so many blocks higher."""
    return pose[0], pose[1] + by, *pose[2:]


def between(start: Pose, end: Pose) -> Pose:
    """Half way from one place to another, looking as at the end."""
    x, y, z = ((a + b) / 2 for a, b in zip(start[:3], end[:3], strict=True))
    return x, y, z, *end[3:]


def forward(ticks: int, **keys: int) -> list[Vector]:
    """Walking straight on."""
    return script((ticks, {"forward": 1, **keys}))
