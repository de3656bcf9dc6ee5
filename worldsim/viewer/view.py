"""The state of play -> what the window shows, as words and numbers. Draws nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from worldsim.data.environments import Frame
from worldsim.viewer.clock import Clock
from worldsim.viewer.config import Config
from worldsim.viewer.controls import HelpRow
from worldsim.viewer.recorder import Recording
from worldsim.viewer.session import Session, World

Color: TypeAlias = tuple[int, int, int]

VIOLET, GREEN, BLUE = (167, 139, 250), (74, 222, 128), (96, 165, 250)
RED, AMBER, GREY = (248, 82, 82), (251, 191, 36), (148, 156, 172)
ACCENTS = {"DREAM": VIOLET, "EXACT": GREEN}

TOAST_SECONDS = 3.5
PATIENCE = 0.4
"""Seconds that slow work may take before the picture makes way for a notice."""

WINDOW_HELP: tuple[HelpRow, ...] = (
    ("Tab", "dream / exact world"),
    ("R", "new start"),
    ("P", "pause"),
    ("N", "one frame, while paused"),
    ("F1", "this page"),
    ("F2", "screenshot"),
    ("F3", "measurements"),
    ("F6", "record, stop"),
    ("Esc", "free the mouse, then quit"),
)


@dataclass
class Play:
    """What a person has switched on, and what is due."""

    started: bool = False
    paused: bool = False
    help: bool = False
    overlay: bool = False
    frames_due: int = 0
    """Frames asked for while paused."""
    restart_at: float | None = None
    """When an episode that ended gives way to a new start, by the clock."""
    toasts: list[tuple[str, float]] = field(default_factory=list)
    """Notices and when they go, by the clock."""
    recording: Recording | None = None

    def toast(self, text: str, now: float) -> None:
        """Show a notice for a moment."""
        self.toasts.append((text, now + TOAST_SECONDS))


@dataclass(frozen=True)
class Card:
    """A notice in the middle of the picture; `busy` turns a wheel beside it."""

    title: str
    text: str = ""
    busy: bool = False


@dataclass(frozen=True)
class View:
    """Everything the window shows."""

    label: str
    accent: Color
    title: str = ""
    badges: tuple[tuple[str, Color], ...] = ()
    status: str = ""
    frame: Frame | None = None
    overlay: tuple[tuple[str, str], ...] = ()
    help: tuple[tuple[str, tuple[HelpRow, ...]], ...] = ()
    """Titled columns."""
    card: Card | None = None
    toasts: tuple[str, ...] = ()


def view(play: Play, session: Session, clock: Clock, config: Config, captured: bool) -> View:
    """What to show now; `captured`: the mouse belongs to the game."""
    world = session.world
    now = clock.now()
    if world is None:
        card = Card(session.busy or "", "F1 help", busy=True)
        return View(
            "WORLDSIM", GREY, card=card, help=_help(play, session), toasts=_toasts(play, now)
        )
    return View(
        label=world.label,
        accent=ACCENTS.get(world.label, BLUE),
        title=f"seed {world.seed}  ·  frame {len(world.past)}",
        badges=_badges(play, now),
        status=_status(play, session, clock, captured),
        frame=world.frame,
        overlay=overlay(world, clock, config) if play.overlay else (),
        help=_help(play, session),
        card=_card(play, session),
        toasts=_toasts(play, now),
    )


def overlay(world: World, clock: Clock, config: Config) -> tuple[tuple[str, str], ...]:
    """Measurements: speed, latency, how the frame was made, where the player stands."""
    achieved = f"{clock.rate:.1f}" if clock.rate else "-"
    rows = [("frames/s", f"{achieved} of {config.fps:g}")]
    if world.latencies:
        median, slow = 1000 * np.percentile(world.latencies, [50, 95])
        rows.append(("step", f"{median:.1f} ms, 95 % within {slow:.1f} ms"))
    for name in ("pace", "sampling steps", "device"):
        value = _about(world, name.replace(" ", "_"))
        if value is not None:
            rows.append((name, str(value)))
    rows.append(("frame", f"{len(world.past)}"))
    rows.append(("score", f"{world.score:g}"))
    return (*rows, *_pose(world.info))


def _about(world: World, name: str) -> Any:
    """A fact that the environment tells of itself: in info, or as an attribute."""
    return world.info.get(name, getattr(world.env.unwrapped, name, None))


def _pose(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    if "position" in info:
        rows.append(("position", "  ".join(f"{x:.1f}" for x in np.ravel(info["position"]))))
    if "yaw" in info and "pitch" in info:
        yaw = (float(info["yaw"]) + 180) % 360 - 180
        rows.append(("yaw, pitch", f"{yaw:.0f}°  {float(info['pitch']):.0f}°"))
    return rows


def _status(play: Play, session: Session, clock: Clock, captured: bool) -> str:
    """What the title strip says on the right: how to look around, or how fast it goes."""
    if play.started and session.controls[session.name].looks and not captured:
        return "click to look around"
    return f"{clock.rate:.0f} fps" if clock.rate else "F1 help"


def _badges(play: Play, now: float) -> tuple[tuple[str, Color], ...]:
    badges = []
    if play.recording is not None:
        minutes, seconds = divmod(int(play.recording.seconds), 60)
        badges.append((f"REC {minutes}:{seconds:02}", RED))
    if play.paused:
        badges.append(("PAUSED", AMBER))
    return tuple(badges)


def _help(play: Play, session: Session) -> tuple[tuple[str, tuple[HelpRow, ...]], ...]:
    if not play.help:
        return ()
    controls = session.controls.get(session.name)
    rows = tuple(controls.help()) if controls else (("", "loading"),)
    return ("Play", rows), ("Window", WINDOW_HELP)


def _card(play: Play, session: Session) -> Card | None:
    if session.busy and session.busy_for > PATIENCE:
        return Card(session.busy, busy=True)
    if play.started:
        return None
    looks = session.controls[session.name].looks
    return Card("click to play" if looks else "press a key to play", "F1 help")


def _toasts(play: Play, now: float) -> tuple[str, ...]:
    play.toasts = [(text, until) for text, until in play.toasts if until > now]
    return tuple(text for text, _ in play.toasts[-4:])
