"""The window's loop, its keys, and what each of them does."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from worldsim.errors import UserError
from worldsim.viewer import draw
from worldsim.viewer.clock import Clock
from worldsim.viewer.config import Config
from worldsim.viewer.keys import InputState, command
from worldsim.viewer.recorder import Recording, capture_stem
from worldsim.viewer.session import Session, World, options_of
from worldsim.viewer.view import Play, View, view
from worldsim.viewer.window import capture_mouse, open_window, refit

if TYPE_CHECKING:
    from pygame.event import Event

END_SECONDS = 1.5
"""How long the last frame of an episode stays."""


def run(config: Config) -> None:
    """Open the window and play until it is closed.

    Raises:
        UserError: no display, or an environment that cannot be shown or driven by keys.
    """
    app = App(config)
    try:
        while app.running:
            app.tick()
    finally:
        app.close()


class App:
    """One window over the worlds of a session; `tick` is one turn of the loop."""

    def __init__(self, config: Config) -> None:
        self.config = config
        size = (config.width, config.height) if config.width and config.height else None
        self.window = open_window(size)
        self.running = True
        self.play = Play(started=config.frames is not None)
        self.keys = InputState(config.sensitivity, config.invert_y)
        self.clock = Clock(config.fps)
        self.session = Session(config)
        self.steps = 0
        self._first_size = None if size else self.window.get_size()
        self._commands: dict[str, Callable[[], None]] = {
            "escape": self.escape,
            "help": self.help,
            "overlay": self.overlay,
            "pause": self.pause,
            "advance": self.advance,
            "restart": self.restart,
            "switch": self.switch,
            "screenshot": self.screenshot,
            "record": self.record,
        }

    def tick(self) -> None:
        """Take in events, step the world once if it plays, draw, wait for the next tick."""
        import pygame

        for event in pygame.event.get():
            self.handle(event)
        self._poll()
        world = self._playing()
        if world is not None:
            self._step(world)
        elif not self.play.paused:
            self.keys.forget()
        self.show()
        if self.config.frames is not None and self.session.world is not None:
            self.running &= self.steps + 1 < self.config.frames
        self.clock.wait()

    def handle(self, event: "Event") -> None:
        """React to one event: the window's own keys here, all else is play."""
        import pygame

        if event.type == pygame.QUIT:
            self.running = False
        elif event.type == pygame.WINDOWFOCUSLOST:
            self.capture(False)
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type == pygame.MOUSEBUTTONDOWN and not self.keys.captured:
            if event.button == pygame.BUTTON_LEFT:
                self._click()
        else:
            self.keys.feed(event)

    def show(self) -> View:
        """Draw the window as things stand; what it shows."""
        import pygame

        shown = view(self.play, self.session, self.clock, self.config, self.keys.captured)
        self.window = pygame.display.get_surface() or self.window
        draw.paint(self.window, shown, self.clock.now())
        pygame.display.flip()
        return shown

    def close(self) -> None:
        """Save a recording that is under way, then close everything."""
        import pygame

        try:
            if self.play.recording is not None:
                self._stop_recording()
                print(self.play.toasts[-1][0])
            self.session.close()
        finally:
            pygame.display.quit()

    def capture(self, wanted: bool) -> None:
        """Take the mouse for looking around, or give it back."""
        capture_mouse(wanted)
        self.keys.captured = wanted
        self.keys.release()

    def escape(self) -> None:
        """Leave the help page, else free the mouse, else quit."""
        if self.play.help:
            self.play.help = False
        elif self.keys.captured:
            self.capture(False)
        else:
            self.running = False

    def help(self) -> None:
        """Show or hide the help page; the world waits behind it."""
        self.play.help = not self.play.help

    def overlay(self) -> None:
        """Show or hide the measurements."""
        self.play.overlay = not self.play.overlay

    def pause(self) -> None:
        """Stop time, or let it go on."""
        self.play.paused = not self.play.paused
        self.play.frames_due = 0
        self.keys.forget()

    def advance(self) -> None:
        """Ask for one frame while paused."""
        if self.play.paused:
            self.play.frames_due += 1

    def restart(self) -> None:
        """Begin a new start of this world."""
        if not self.session.busy:
            self._stop_recording()
            self.play.restart_at = None
            self.session.restart()

    def switch(self) -> None:
        """Show the other world; this one stays as it is."""
        self._stop_recording()
        self.play.restart_at = None
        self.session.switch()

    def screenshot(self) -> None:
        """Save the frame in its own size, and the window as it is."""
        import pygame

        world = self.session.world
        if world is None:
            return
        stem = capture_stem(Path(self.config.captures), world)
        stem.parent.mkdir(parents=True, exist_ok=True)
        pygame.image.save(draw.image(world.frame), f"{stem}.png")
        pygame.image.save(self.window, f"{stem}.window.png")
        self._toast(f"saved {stem}.png, .window.png")

    def record(self) -> None:
        """Start a recording, or stop and save it."""
        world, config = self.session.world, self.config
        if self.play.recording is not None:
            self._stop_recording()
        elif world is not None and not self.session.busy:
            stem = capture_stem(Path(config.captures), world)
            options = options_of(config, world.name)
            self.play.recording = Recording(stem, world, options, config.fps, config.scale)
            self._toast("recording, F6 stops")

    def _key(self, event: "Event") -> None:
        """A key of the world, else one of the window's."""
        controls = self.session.controls.get(self.session.name)
        name = command(event.scancode)
        if controls is not None and controls.claims(event.scancode, event.key):
            self._begin()
            self.keys.feed(event)
        elif name is not None:
            self._attempt(self._commands[name])

    def _click(self) -> None:
        """Leave the help page, or begin to play and take the mouse if the world has a camera."""
        if self.play.help:
            self.play.help = False
        elif self.session.world is not None:
            self._begin()
            if self.session.controls[self.session.name].looks:
                self.capture(True)

    def _begin(self) -> None:
        self.play.started |= self.session.world is not None

    def _poll(self) -> None:
        """Take over what slow work brought; a failure ends the program only if nothing can play."""
        try:
            arrived = self.session.poll()
        except UserError as error:
            if self.session.world is None:
                raise
            self._toast(str(error))
            return
        if arrived and self.session.world is not None:
            self.keys.forget()
            if self.window.get_size() == self._first_size:  # nobody has sized it
                refit(self.session.world.frame.shape[:2])
            self._first_size = None

    def _playing(self) -> World | None:
        """The world if it takes a step now; an episode that ended leads to a new start."""
        world, play = self.session.world, self.play
        if world is not None and play.started and not (self.session.busy or play.help):
            if world.ended:
                self._end()
            elif play.frames_due or not play.paused:
                return world
        self.clock.pause()
        return None

    def _end(self) -> None:
        """Begin anew once the last frame was seen for a moment."""
        now = self.clock.now()
        if self.play.restart_at is None:
            self.play.restart_at = now + END_SECONDS
            self._toast("the episode ended, a new start follows")
        elif now >= self.play.restart_at:
            self._attempt(self.restart)

    def _step(self, world: World) -> None:
        controls = self.session.controls[world.name]
        self.play.frames_due = max(0, self.play.frames_due - 1)
        world.step(controls.action(self.keys.take(), world.info))
        self.clock.step()
        self.steps += 1
        if self.play.recording is not None:
            self.play.recording.add()
        if world.ended:
            self._attempt(self._stop_recording)

    def _stop_recording(self) -> None:
        recording, self.play.recording = self.play.recording, None
        if recording is not None:
            video, actions = recording.stop()
            self._toast(f"saved {video}, {actions.suffix}")

    def _attempt(self, work: Callable[[], None]) -> None:
        """Do what a key asked for; what cannot be done is a notice, not the end."""
        try:
            work()
        except (UserError, OSError) as error:
            self._toast(str(error))

    def _toast(self, text: str) -> None:
        self.play.toast(text, self.clock.now())
