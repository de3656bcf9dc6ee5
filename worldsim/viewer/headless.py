"""Play without a window: a script, recorded actions or a policy, written to a video."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from worldsim.data.environments import Frame
from worldsim.progress import progress
from worldsim.viewer import scripts
from worldsim.viewer.config import Config
from worldsim.viewer.session import World, label, open_world, options_of
from worldsim.viewer.video import Video, check_suffix

FRAMES = 200
"""Frames of a video of play that has no end of its own."""


def run(config: Config, run_dir: Path) -> None:
    """Write the video and say where it is.

    Raises:
        UserError: a script, environment or file name that does not work.
    """
    out = Path(config.out) if config.out else run_dir / "play.mp4"
    check_suffix(out)
    script = scripts.load(config)
    world = open_world(config.env, label(config, config.env), options_of(config, config.env))
    try:
        world.start(
            script.seed if config.seed is None else config.seed,
            script.start_index if config.start_index is None else config.start_index,
        )
        frames = play(world, script.actions(world), script.unseen)
        count = config.frames or (FRAMES if script.length is None else script.length + 1)
        with Video(out, config.fps, config.scale) as video, progress("playing", count) as shown:
            for frame in islice(frames, count):
                video.add(frame)
                shown.advance(1)
    finally:
        world.env.close()
    print(f"saved {out}: {shown.done} frames")


def play(world: World, actions: Iterator[Any], unseen: int = 0) -> Iterator[Frame]:
    """The frames of a started world, its present one first, as actions are taken in it.

    The first `unseen` actions are taken without showing their frames. When an episode ends, the
    next start of the world goes on with the next action.
    """
    for action in islice(actions, unseen):
        world.step(action)
    yield world.frame
    while True:
        if world.ended:
            world.renew()
            yield world.frame
        action = next(actions, None)
        if action is None:
            return
        world.step(action)
        yield world.frame
