"""Screenshots and recordings that a person asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from worldsim.viewer import ink
from worldsim.viewer.config import Config
from worldsim.viewer.recorder import Recording, capture_stem
from worldsim.viewer.session import Session, options_of

if TYPE_CHECKING:
    from pygame import Surface


class Captures:
    """Saves what is on screen to the folder of captures; `recording` is under way, or None."""

    def __init__(self, config: Config, session: Session, toast: Callable[[str], None]) -> None:
        self._config, self._session, self._toast = config, session, toast
        self.recording: Recording | None = None

    def screenshot(self, window: "Surface") -> None:
        """Save the frame in its own size, and the window as it is."""
        import pygame

        world = self._session.world
        if world is None:
            return
        stem = capture_stem(Path(self._config.captures), world)
        stem.parent.mkdir(parents=True, exist_ok=True)
        pygame.image.save(ink.image(world.frame), f"{stem}.png")
        pygame.image.save(window, f"{stem}.window.png")
        self._toast(f"saved {stem}.png, .window.png")

    def record(self) -> None:
        """Start a recording, or stop and save it."""
        world, config = self._session.world, self._config
        if self.recording is not None:
            self.stop()
        elif world is not None and not self._session.busy:
            stem = capture_stem(Path(config.captures), world)
            options = options_of(config, world.name)
            self.recording = Recording(stem, world, options, config.fps, config.scale)
            self._toast(f"recording, {self._session.bindings.shown('record')} stops")

    def add(self) -> None:
        """Append the frame that the latest step made to a recording."""
        if self.recording is not None:
            self.recording.add()

    def stop(self) -> str:
        """Finish a recording that is under way; what was saved, or nothing."""
        recording, self.recording = self.recording, None
        if recording is None:
            return ""
        video, actions = recording.stop()
        self._toast(f"saved {video}, {actions.suffix}")
        return f"saved {video}, {actions.suffix}"
