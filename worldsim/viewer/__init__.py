"""Command `play`: a window over any Gymnasium environment that shows pictures, or a video of it.

In the window: click to play, Esc frees the mouse, F1 lists all keys. Without a display:
`worldsim play headless=true frames=200 out=demo.mp4`.
"""

# Reading order: config (the options), keys (events -> what was pressed in a tick), controls
# (pressed -> an action), session (the worlds in play), app (the window's loop), view (state -> what
# to show), draw (showing it), recorder and video (captures), scripts and headless (no window).
# Only functions import pygame, so that importing this package needs no display.

from pathlib import Path

from worldsim.viewer.config import Config, check

__all__ = ["Config", "run"]


def run(config: Config, run_dir: Path) -> None:
    """Play until the window is closed, or write a video when `config.headless`.

    Raises:
        UserError: an option out of range, an environment that cannot be shown or driven by keys,
            no display.
    """
    check(config)
    if config.headless:
        from worldsim.viewer.headless import run as run_headless

        run_headless(config, run_dir)
    else:
        from worldsim.viewer.app import run as run_window

        run_window(config)
