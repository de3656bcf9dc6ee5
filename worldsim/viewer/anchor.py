"""A dream that melted, begun again from clean pictures: the truth's, else its own of before."""

from collections.abc import Sequence

import numpy as np

from worldsim.actions import SIZE, Vector
from worldsim.data.environments import Frame
from worldsim.errors import UserError
from worldsim.viewer.moments import Moment
from worldsim.viewer.session import Session
from worldsim.viewer.timeline import Timeline
from worldsim.viewer.worlds import World

CLEAN = 0.8
"""Share of the detail at the start that a picture needs to count as clean."""


def anchor(session: Session, timeline: Timeline) -> str:
    """Show the dream clean pictures, from which it goes on; what they were, for a notice. Slow.

    Raises:
        UserError: the world is no dream.
    """
    world = session.world
    assert world is not None
    if not world.is_dream:
        raise UserError("only a dream can be anchored anew (the next view may show one)")
    try:
        twin: World | None = session.catch_up()
    except UserError:
        twin = None
    if twin is not None and twin.frame.shape == world.frame.shape:
        _go_on(world, twin.recent, twin.past, world.past)
        return "the dream goes on from the exact world's picture"
    moments = [m for i in timeline.tape for m in i.moments if m.start_id is world.start_id]
    clean = _clean(moments)
    if clean is None:
        world.start(world.seed, world.start_index)
        return "no clean picture is remembered: back to the start"
    past = clean.past[: clean.count]
    _go_on(world, clean.recent, past, past)
    return f"the dream goes on from its last clean picture, frame {clean.count}"


def detail(frame: Frame) -> float:
    """Mean absolute step from a pixel to the ones beside and below it; little in what melted."""
    grey = frame.astype(np.float32).mean(2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def _clean(moments: Sequence[Moment]) -> Moment | None:
    """The latest moment before the last whose picture has nearly the detail of the first ones."""
    details = [detail(moment.frame) for moment in moments]
    needed = CLEAN * max(details[: max(1, len(details) // 4)], default=0.0)
    found = [m for m, value in zip(moments[:-1], details, strict=False) if value >= needed]
    return found[-1] if found else None


def _go_on(
    world: World, frames: Sequence[Frame], led: Sequence[Vector], past: Sequence[Vector]
) -> None:
    """Dream on from frames in a row, the actions between them being the last ones of `led`."""
    count = min(len(frames), len(led) + 1)
    between = np.array(led[len(led) - count + 1 :], np.float32).reshape(count - 1, SIZE)
    world.dream_from(np.stack(frames[-count:]), between, list(past))
