"""The state of play -> what the window shows, as words and numbers. Draws nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from worldsim.data.environments import Frame
from worldsim.progress import FIRST_START, LATE_SECONDS
from worldsim.viewer.captures import Captures
from worldsim.viewer.clock import Clock
from worldsim.viewer.colors import ACCENTS, AMBER, BLUE, GREEN, GREY, RED, Color
from worldsim.viewer.compare import heat
from worldsim.viewer.controls import HelpRow
from worldsim.viewer.help import columns
from worldsim.viewer.pilot import Pilot
from worldsim.viewer.session import Session
from worldsim.viewer.travel import Travel
from worldsim.viewer.worlds import World

TOAST_SECONDS = 3.5
CHART = 120
"""Ticks of the chart of differences."""
PATIENCE = 0.4
"""Seconds that slow work may take before the picture makes way for a notice."""


@dataclass
class Play:
    """What a person has switched on, and what is due."""

    started: bool = False
    paused: bool = False
    help: int = 0
    """Which part of the help page is shown, counted from 1; 0 for none."""
    overlay: bool = False
    frames_due: int = 0
    """Frames asked for while paused."""
    restart_at: float | None = None
    """When an episode that ended gives way to a new start, by the clock."""
    toasts: list[tuple[str, float]] = field(default_factory=list)
    """Notices and when they go, by the clock."""
    pilot: Pilot | None = None
    """The policy that has the controller, if one has."""

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
class Beside:
    """The other world on screen, and how far it is from the first."""

    label: str
    accent: Color
    frame: Frame
    heat: Frame | None
    """Where the two pictures differ, in colours; None when their sizes do."""
    apart: tuple[float, ...] = ()
    """Mean absolute differences, 0..1, of the latest ticks."""
    notice: str = ""


@dataclass(frozen=True)
class View:
    """Everything the window shows."""

    label: str
    accent: Color
    title: str = ""
    badges: tuple[tuple[str, Color], ...] = ()
    status: str = ""
    frame: Frame | None = None
    beside: Beside | None = None
    left: float | None = None
    """While going back: the share of what is remembered that is still to come."""
    overlay: tuple[tuple[str, str], ...] = ()
    help: tuple[tuple[str, tuple[HelpRow, ...]], ...] = ()
    """Titled columns."""
    help_part: int = 1
    card: Card | None = None
    toasts: tuple[str, ...] = ()


def view(
    play: Play,
    session: Session,
    travel: Travel,
    captures: Captures,
    clock: Clock,
    captured: bool,
    pad: bool,
) -> View:
    """What to show now; `captured`: the mouse belongs to the game; `pad`: a gamepad is there."""
    world, now = session.world, clock.now()
    help_page = columns(session, pad) if play.help else ()
    if world is None:
        late = session.busy_for > LATE_SECONDS
        text = FIRST_START if late else f"{session.bindings.shown('help')} help"
        card = Card(session.busy or "", text, busy=True)
        return View("WORLDSIM", GREY, card=card, help=help_page, toasts=_toasts(play, now))
    return View(
        label=world.label,
        accent=_accent(world),
        title=f"seed {world.seed}  ·  frame {len(world.past)}",
        badges=_badges(play, travel, captures, session.config.fps, now),
        status=_status(play, session, clock, captured),
        frame=world.frame,
        beside=_beside(session, travel),
        left=travel.left,
        overlay=overlay(session, clock) if play.overlay else (),
        help=help_page,
        help_part=play.help,
        card=_card(play, session),
        toasts=_toasts(play, now),
    )


def _accent(world: World) -> Color:
    return ACCENTS.get(world.label, BLUE)


def _beside(session: Session, travel: Travel) -> Beside | None:
    world, twin = session.world, session.twin
    if world is None or twin is None:
        return None
    fits = world.frame.shape == twin.frame.shape
    latest = islice(reversed(travel.timeline.tape), CHART)
    apart = tuple(instant.apart for instant in latest if instant.apart is not None)
    return Beside(
        label=twin.label,
        accent=_accent(twin),
        frame=twin.frame,
        heat=heat(world.frame, twin.frame) if fits else None,
        apart=apart[::-1],
        notice="the episode ended here" if twin.ended else "",
    )


def overlay(session: Session, clock: Clock) -> tuple[tuple[str, str], ...]:
    """Measurements: speed, latency, how the frame was made, where the player stands, memory."""
    world = session.world
    assert world is not None
    achieved = f"{clock.rate:.1f}" if clock.rate else "-"
    rows = [("frames/s", f"{achieved} of {session.config.fps:g}")]
    if world.latencies:
        median, slow = 1000 * np.percentile(world.latencies, [50, 95])
        rows.append(("step", f"{median:.1f} ms, 95 % within {slow:.1f} ms"))
    for name in ("pace", "sampling steps", "device"):
        value = _about(world, name.replace(" ", "_"))
        if value is not None:
            rows.append((name, str(value)))
    rows.append(("frame", f"{len(world.past)}"))
    rows.append(("score", f"{round(world.score, 3):g}"))
    return (*rows, *_pose(world.info), *_turns(session))


def _turns(session: Session) -> list[tuple[str, str]]:
    """The reversibility meter: how well what was turned away from is there again."""
    rows = []
    for world in session.on_screen:
        name = "closed turn" if len(session.on_screen) == 1 else f"turn, {world.label.lower()}"
        turn = world.turns.last
        text = "look away and back" if turn is None else turn.text
        rows.append((name, text))
    return rows


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
    looks = play.started and session.controls[session.name].looks
    if looks and not captured and play.pilot is None and not session.config.headless:
        return "click to look around"
    return f"{clock.rate:.0f} fps" if clock.rate else f"{session.bindings.shown('help')} help"


def _badges(
    play: Play, travel: Travel, captures: Captures, fps: float, now: float
) -> tuple[tuple[str, Color], ...]:
    """From right to left."""
    badges: list[tuple[str, Color]] = []
    if captures.recording is not None:
        minutes, seconds = divmod(int(captures.recording.seconds), 60)
        badges.append((f"REC {minutes}:{seconds:02}", RED))
    if travel.rewinding:
        badges.append((f"REWIND {travel.gone_back / fps:.1f} s", AMBER))
    elif play.paused:
        badges.append(("PAUSED", AMBER))
    if play.pilot is not None:
        badges.append((play.pilot.name.upper(), BLUE))
    branches = travel.timeline.branches
    if len(branches) > 1:
        badges.append((f"BRANCH {travel.timeline.current + 1} / {len(branches)}", GREEN))
    return tuple(badges)


def _card(play: Play, session: Session) -> Card | None:
    if session.busy and session.busy_for > PATIENCE:
        return Card(session.busy, busy=True)
    if play.started:
        return None
    looks = session.controls[session.name].looks
    key = session.bindings.shown("help")
    return Card("click to play" if looks else "press a key to play", f"{key} help")


def _toasts(play: Play, now: float) -> tuple[str, ...]:
    play.toasts = [(text, until) for text, until in play.toasts if until > now]
    return tuple(text for text, _ in play.toasts[-4:])
