"""Play without a window: a script, recorded actions or a policy, written to a video."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.data.environments import Frame
from worldsim.errors import UserError
from worldsim.progress import FIRST_START, progress
from worldsim.viewer import scripts
from worldsim.viewer.config import Config
from worldsim.viewer.pictures import start_frames
from worldsim.viewer.session import label, open_twin, options_of
from worldsim.viewer.video import Video, check_suffix
from worldsim.viewer.worlds import World, open_world

FRAMES = 200
"""Frames of a video of play that has no end of its own."""
GAP = 4
"""Pixels between two pictures side by side."""
_BELOW = 3
"""Starts that are shown one below the other; more are shown in two columns."""


def run(config: Config, run_dir: Path) -> None:
    """Write the video and say where it is.

    Raises:
        UserError: a script, environment or file name that does not work.
    """
    out = Path(config.out) if config.out else run_dir / "play.mp4"
    check_suffix(out)
    if config.keys is not None:
        from worldsim.viewer import offscreen

        offscreen.run(config, out)
        return
    script = scripts.load(config)
    count = config.frames or (FRAMES if script.length is None else script.length + 1)
    worlds: list[World] = []
    try:
        with (
            progress("playing", count, late=FIRST_START) as shown,
            Video(out, config.fps / config.every, config.scale) as video,
        ):
            for row in range(config.starts):
                worlds += _row(config, script, row)
            frames = [play(world, script.actions(world), script.unseen) for world in worlds]
            shown_parts = islice(zip(*frames, strict=False), count)
            for i, parts in enumerate(shown_parts):
                if i % config.every == 0:
                    video.add(tiled(parts, _columns(config)))
                shown.advance(1)
    finally:
        for world in worlds:
            world.env.close()
    print(f"saved {out}: {-(-int(shown.done) // config.every)} frames")


def _row(config: Config, script: scripts.Script, row: int) -> list[World]:
    """The started worlds of one row of the picture: what is played, and what is shown beside it."""
    index = script.start_index if config.start_index is None else config.start_index
    if config.starts > 1:
        index = (index or 0) + row
    world = open_world(config.env, label(config, config.env), options_of(config, config.env))
    if config.image is not None:
        world.picture = start_frames(config.image, world)
    world.start(script.seed if config.seed is None else config.seed, index)
    if not config.beside:
        return [world]
    if config.exact is None:
        raise UserError("beside=true shows exact=, which is null (name an environment)")
    return [world, open_twin(config, config.exact, world)]


def _columns(config: Config) -> int:
    """Pictures in a row of the video: one start's, of more than three starts those of two."""
    return (2 if config.beside else 1) * (2 if config.starts > _BELOW else 1)


def tiled(frames: Sequence[Frame], columns: int) -> Frame:
    """Frames (h, w, 3) of one size in rows of `columns`, with a narrow dark gap between them."""
    if len(frames) == 1:
        return frames[0]
    h, w = frames[0].shape[:2]
    rows = -(-len(frames) // columns)
    out = np.zeros((rows * (h + GAP) - GAP, columns * (w + GAP) - GAP, 3), np.uint8)
    for i, frame in enumerate(frames):
        y, x = i // columns * (h + GAP), i % columns * (w + GAP)
        out[y : y + h, x : x + w] = frame
    return out


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
