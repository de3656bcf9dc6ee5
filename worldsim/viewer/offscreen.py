"""The window played by a script of keys where there is no display, and filmed.

A script is words separated by spaces, each keys held together and for how many ticks, 1 if not
said: `W:20` walks a second, `W+RIGHT:10` walks and turns, `F` taps, `_:10` lets go of everything.
Keys are named as in `bind`; MOUSE_LEFT and MOUSE_RIGHT are its buttons.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from worldsim.data.environments import Frame
from worldsim.errors import UserError
from worldsim.progress import FIRST_START, progress
from worldsim.viewer.bindings import MOUSE, key_names, scancode
from worldsim.viewer.clock import Clock
from worldsim.viewer.config import Config
from worldsim.viewer.video import Video

if TYPE_CHECKING:
    from pygame.event import Event

    from worldsim.viewer.app import App

WIDTH, HEIGHT = 384, 412
"""Of the window, when no size is chosen: three pixels for each of a frame of 128, and the strip."""
REST = "_"


@dataclass(frozen=True)
class Chord:
    """Keys held together for a number of ticks."""

    keys: tuple[str, ...]
    ticks: int


def parse(script: str) -> list[Chord]:
    """The chords of a script.

    Raises:
        UserError: a word of another form, or a key that does not exist.
    """
    known = {*key_names(), *MOUSE}
    chords = []
    for word in script.split():
        held, colon, ticks = word.partition(":")
        keys = tuple(key.upper() for key in held.split("+") if key != REST)
        wrong = [key for key in keys if key not in known]
        if wrong or (colon and not (ticks.isdecimal() and int(ticks))):
            raise UserError(
                f"keys: {word!r} is not keys and ticks"
                f"{f' (no key is called {wrong[0]!r})' if wrong else ''}; "
                'needed words like W:20, W+RIGHT:10, F or _:10 (for example keys="W:20 F _:5")'
            )
        chords.append(Chord(keys, int(ticks) if colon else 1))
    if not chords:
        raise UserError('keys is empty; needed words like W:20 (for example keys="W:20 F _:5")')
    return chords


def run(config: Config, out: Path) -> None:
    """Film the window while the script is played, and say where the video is.

    Raises:
        UserError: a script that cannot be read, or what playing raises.
    """
    chords = parse(str(config.keys))
    total = min(sum(chord.ticks for chord in chords), config.frames or 10**9)
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    with (
        Video(out, config.fps / config.every, config.scale or 1) as video,
        progress("playing", total, late=FIRST_START) as shown,
    ):
        for i, frame in enumerate(film(config, chords)):
            if i == total:
                break
            if i % config.every == 0:
                video.add(frame)
            shown.advance(1)
    print(f"saved {out}: {-(-total // config.every)} frames")


def film(config: Config, chords: list[Chord]) -> Iterator[Frame]:
    """The window (h, w, 3) after each tick of the chords; time runs with the ticks."""
    from worldsim.viewer.app import App

    size = (config.width or WIDTH, config.height or HEIGHT)
    config = replace(config, width=size[0], height=size[1], frames=None)
    app = App(config, Ticks(config.fps))
    try:
        _wait(app)
        app.play.started = app.keys.captured = True
        held: tuple[str, ...] = ()
        for chord in chords:
            for _ in range(chord.ticks):
                _post(held, chord.keys)
                held = chord.keys
                app.tick()
                _wait(app)
                if not app.running:
                    return
                yield picture(app)
            if chord.ticks == 1:  # a tap: pressed anew when the next word has the same key
                _post(held, ())
                held = ()
    finally:
        app.close()


class Ticks(Clock):
    """A clock that shows the ticks of a video, not the time that making them takes."""

    def __init__(self, fps: float) -> None:
        self._ticks = 0
        super().__init__(fps, now=lambda: self._ticks / fps, sleep=lambda _: None)

    def wait(self) -> None:
        """Go on to the next tick."""
        self._ticks += 1

    @property
    def rate(self) -> float:
        """Nothing: a video says nothing of the speed that it was made with."""
        return 0.0


def picture(app: "App") -> Frame:
    """What the window shows (h, w, 3)."""
    import pygame

    return np.ascontiguousarray(pygame.surfarray.array3d(app.window).swapaxes(0, 1))


def _wait(app: "App") -> None:
    """Let slow work come to its end, unseen; whoever waits for it raises what it raised."""
    while app.session.busy:
        app.poll()
        time.sleep(0.001)
    if app.session.world is None:
        raise UserError("the world did not open")


def _post(held: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Let go of keys that are no longer held, and press those that were not."""
    import pygame

    pygame.event.clear()
    for key in held:
        if key not in wanted:
            pygame.event.post(_event(key, False))
    for key in wanted:
        if key not in held:
            pygame.event.post(_event(key, True))


def _event(key: str, down: bool) -> "Event":
    import pygame

    if key in MOUSE:
        kind = pygame.MOUSEBUTTONDOWN if down else pygame.MOUSEBUTTONUP
        return pygame.event.Event(kind, button=MOUSE[key], pos=(0, 0))
    kind = pygame.KEYDOWN if down else pygame.KEYUP
    code = getattr(pygame, f"K_{key.lower() if len(key) == 1 else key}", 0)
    return pygame.event.Event(kind, scancode=scancode(key), key=code, mod=0)
