"""Long walks, the same keys for the exact world and for the model, boiled down as they go.

The keys are drawn beforehand and know nothing of what is in the way, since a dream has no pose that
they could be chosen by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim import actions
from worldsim.actions import Vector
from worldsim.data.record import Config as RecordConfig
from worldsim.data.record import make_policy
from worldsim.data.workers import check_stop
from worldsim.evaluation.footage import WINDOW, Window
from worldsim.evaluation.model import advance_of
from worldsim.evaluation.probe import Bench
from worldsim.evaluation.probes.controls import GLANCE
from worldsim.evaluation.stage import NOOP, Frame, Mask, Stage, Take, script

HOUR, PITCH = 0.04, 8.0
"""When walks begin, as a share of the day, and how far they look down, in degrees."""

_TURNS = (3.0, 5.0, 8.0, 12.0)  # degrees a tick, of turns that are judged
_BENDS = (0.0, 0.0, 1.0, -1.0, 4.0, -4.0, 8.0, -8.0)  # degrees a tick while walking
_CLEAR = 3.0  # degrees a tick from which recorded input turns to a side
_DENSE, _SPARSE = 512, 128  # until when every stretch is looked at; then one in so many steps

Ends = Sequence[int]
Seen = dict[int, Window]
"""The stretches of one walk by the step that each ends at."""


@dataclass(frozen=True)
class Keys:
    """A script (n, a), which of its ticks are judged (n,), and the pitch before each (n,)."""

    script: Vector
    judged: Mask
    pitches: NDArray[np.float64]

    def part(self, end: int) -> tuple[NDArray[np.float32], Mask, NDArray[np.float64]]:
        """Turns, judged ticks and pitches of the stretch that ends there."""
        ticks = slice(end - WINDOW, end)
        yaws = self.script[ticks, actions.INDEX["camera.yaw"]]
        return yaws, self.judged[ticks], self.pitches[ticks]


@dataclass
class Walk:
    """A world that a walk begins in, its keys, and what each arm shows.

    late: for each arm, turns asked for after long walking: side wanted, and degrees turned as a
    share of those asked for (of a turn, where none was). pictures: by arm and step.
    """

    seed: int
    context: Take
    keys: Keys
    seen: dict[str, Seen] = field(default_factory=dict)
    late: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    pictures: dict[tuple[str, int], Frame] = field(default_factory=dict)


def stroll(rng: np.random.Generator, steps: int) -> Keys:
    """Walking, with a look around every so often.

    In each stretch of 32 steps: 12 ahead, half of the time with a jump, 4 back, so that no wall
    fills the view, 4 at rest, then 4 each of a turn left, no turn and a turn right, in any order.
    """
    parts: list[tuple[int, dict[str, Any]]] = []
    for _ in range(-(-steps // WINDOW)):
        bend = (0.0, float(rng.choice(_BENDS)))
        jump = int(rng.random() < 0.5)
        parts += [(6, {"forward": 1, "jump": jump, "camera": bend})]
        parts += [(6, {"forward": 1, "camera": bend}), (4, {"back": 1}), (4, {})]
        for side in rng.permutation([-1, 0, 1]):
            parts += [(4, {"camera": (0.0, float(side * rng.choice(_TURNS)))})]
    judged = np.arange(steps) % WINDOW >= 20
    return Keys(np.array(script(*parts))[:steps], judged, np.full(steps, PITCH))


def recorded(seed: int, steps: int) -> Keys:
    """Recorded human input; judged where it clearly turns to a side, or not at all."""
    policy, pitch = make_policy(RecordConfig(policy="replay")), PITCH
    policy.reset(seed, None, {})  # type: ignore[arg-type]  # looks at neither
    rows, pitches = [], []
    for _ in range(steps):
        vector = actions.to_vector(policy.act(None, {"pitch": pitch}))
        rows.append(vector)
        pitches.append(pitch)
        pitch = float(np.clip(pitch + vector[actions.INDEX["camera.pitch"]], -90, 90))
    table = np.array(rows)
    tilt, turn = np.abs(table[:, actions.CAMERA]).T
    return Keys(table, (tilt < _CLEAR) & ((turn == 0) | (turn >= _CLEAR)), np.array(pitches))


def ends(steps: int, marks: Ends) -> list[int]:
    """The stretches that are looked at: all at first, fewer later, two before every mark."""
    dense = range(WINDOW, min(steps, _DENSE) + 1, WINDOW)
    sparse = range(_DENSE, steps + 1, _SPARSE)
    return sorted({*dense, *sparse, *near(marks)} & set(range(WINDOW, steps + 1)))


def near(marks: Ends) -> list[int]:
    """The stretches of the 64 steps before each mark."""
    return [mark - back for mark in marks for back in (WINDOW, 0)]


def begin(stage: Stage, seed: int) -> Take:
    """A new world, from its natural start: a context of looking to both sides."""
    stage.env.reset(seed=seed, options={"time_of_day": HOUR})
    x, y, z, yaw, _ = stage.pose()
    stage.twin.place(np.array([x, y, z, yaw, PITCH]))
    return stage.play(script(*GLANCE))


def true_stretches(stage: Stage, walk: Walk, at: Ends) -> Iterator[tuple[int, Frame]]:
    """Ends and frames (33, h, w, 3) of the exact world, which stands there meanwhile."""
    state, done = walk.context.state, 0
    for end in at:
        check_stop()
        state = stage.led_to(walk.keys.script[done : end - WINDOW], state)
        take = stage.play(walk.keys.script[end - WINDOW : end], state)
        state, done = take.state, end
        yield end, take.frames


def dreamed_stretches(
    bench: Bench, walks: Sequence[Walk], at: Ends, led: bool = True
) -> Iterator[tuple[int, Frame]]:
    """Ends and frames (b, 33, h, w, 3) that the model shows, whose games stand there meanwhile.

    led: by the keys of the walks, or else by none.
    """
    model, contexts = bench.arms.model, [walk.context for walk in walks]
    model.reset(
        np.stack([context.frames for context in contexts]),
        np.stack([context.actions for context in contexts]),
        [walk.seed for walk in walks],
        [context.state for context in contexts],
    )
    frames = [np.stack([context.frames[-1] for context in contexts])]
    for step in range(max(at)):
        check_stop()
        keys = np.stack([walk.keys.script[step] if led else NOOP for walk in walks])
        bench.arms.frames += len(walks)
        if not any(end - WINDOW <= step + 1 <= end for end in at):
            advance_of(model)(keys)
            continue
        frames = [*frames[-WINDOW:], model.step(keys).copy()]
        if step + 1 in at:
            yield step + 1, np.stack(frames, 1)
