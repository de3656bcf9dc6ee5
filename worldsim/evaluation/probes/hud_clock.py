"""Does time pass, at dawn, at dusk and at night, forwards and as fast as it should?"""

import numpy as np

from worldsim.evaluation.instances import Instance, ask, begin
from worldsim.evaluation.probe import Probe
from worldsim.evaluation.probes.controls import GLANCE
from worldsim.evaluation.stage import LAST, NOOP, Stage, Take, script

_TICKS = 64  # that pass
_PITCH = -22.0
_TIMES = {
    "dawn": ("in", 0.021, 0.041),
    "dusk": ("in", 0.459, 0.479),
    "nightfall": ("out", 0.514, 0.530),
    "end of the night": ("out", 0.968, 0.986),
}  # split, and hours (0 sunrise, 0.25 noon) around which the sky changes fastest


def _clock(stage: Stage, seed: int, rng: np.random.Generator) -> list[Instance]:
    found, yaw = [], float(rng.uniform(-180, 180))
    for case, (split, earliest, latest) in _TIMES.items():
        hour = float(rng.uniform(earliest, latest))
        context = _sky(stage, seed, yaw, hour)
        hours = [info["time_of_day"] for info in context.infos[1:]]
        passing = _TICKS * (hours[-1] - hours[0]) / (len(hours) - 1)
        before = _sky(stage, seed, yaw, hour - passing)
        take = stage.play(_TICKS * [NOOP], context.state, LAST)
        where = stage.seen(take.views[-1], context.views) & (stage.twin.block_ids() == 0)
        images = {
            "passes": take.frames[-1],
            "stands still": context.frames[-1],
            "runs backwards": before.frames[-1],
        }
        question = ask(_TICKS - 1, images, "passes", where)
        found.append(begin(seed, case, split, context, take.actions, [question]))
    return found


def _sky(stage: Stage, seed: int, yaw: float, hour: float) -> Take:
    """A context that shows land and sky at an hour."""
    stage.arena(seed, yaw=yaw, pitch=_PITCH, hour=hour)
    return stage.play(script(*GLANCE))


CLOCK = Probe(
    "clock",
    "hud",
    "At dawn, at dusk, at night 64 frames go by. By the sky, has time passed, stood still or run "
    "backwards?",
    _clock,
)
