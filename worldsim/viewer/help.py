"""What the help page says: every key and setting, in titled columns."""

from worldsim.viewer import gamepad
from worldsim.viewer.controls import HelpRow
from worldsim.viewer.session import Session

Column = tuple[str, tuple[HelpRow, ...]]

LONG = 24
"""Letters of a path that fit on the page."""

WINDOW = (
    ("switch", "dream, both, exact"),
    ("restart", "new start"),
    ("pause", "pause"),
    ("advance", "one frame, while paused"),
    ("policy", "policy plays, and back"),
    ("help", "this page"),
    ("screenshot", "screenshot"),
    ("overlay", "measurements"),
    ("record", "record, stop"),
    ("escape", "free the mouse, then quit"),
)
TIME = (
    ("rewind", "hold to go back"),
    ("fork", "fork: keep this branch"),
    ("flip", "next branch"),
    ("anchor", "clean a melted dream"),
    ("save", "save"),
    ("load", "load"),
)


def columns(session: Session, pad: bool) -> tuple[Column, ...]:
    """The columns for the world on screen; `pad`: a gamepad is plugged in."""
    controls, shown = session.controls.get(session.name), session.bindings.shown
    play = tuple(controls.help()) if controls else (("", "loading"),)
    own = [
        (title, tuple((shown(name), text) for name, text in rows if shown(name)))
        for title, rows in (("Window", WINDOW), ("Time", TIME))
    ]
    extra = [("Gamepad", gamepad.HELP)] if pad else []
    return (("Play", play), *own, *extra, ("Settings", _settings(session)))


def _settings(session: Session) -> tuple[HelpRow, ...]:
    """Settings as they are, by the names that the command line takes."""
    config = session.config
    rows = (
        ("fps", f"{config.fps:g}"),
        ("sensitivity", f"{config.sensitivity:g}"),
        ("invert_y", "yes" if config.invert_y else "no"),
        ("rewind", f"{config.rewind:g} s"),
        ("policy", config.policy or "explorer"),
        ("save", _short(config.save)),
    )
    return (*rows, ("bind.NAME", "another key"))


def _short(path: str) -> str:
    """The end of a path that is long."""
    return path if len(path) <= LONG else f"...{path[3 - LONG :]}"
