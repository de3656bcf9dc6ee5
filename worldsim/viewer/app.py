"""The window's loop, its keys, and what each of them does."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from worldsim.errors import UserError
from worldsim.viewer import draw, helppage
from worldsim.viewer.bindings import Bindings
from worldsim.viewer.captures import Captures
from worldsim.viewer.clock import Clock
from worldsim.viewer.config import Config
from worldsim.viewer.gamepad import Gamepad
from worldsim.viewer.keys import InputState
from worldsim.viewer.pilot import Pilot
from worldsim.viewer.session import Session
from worldsim.viewer.travel import Travel
from worldsim.viewer.view import Play, View, view
from worldsim.viewer.window import capture_mouse, open_window, refit
from worldsim.viewer.worlds import World

if TYPE_CHECKING:
    from pygame.event import Event

MOVING = ("restart", "switch", "fork", "flip", "anchor", "save", "load", "record", "advance")
"""Commands that have to wait until the key of rewinding is let go of."""
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

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self.config = config
        self.bindings = Bindings(config.bind)
        size = (config.width, config.height) if config.width and config.height else None
        self.window = open_window(size)
        self.running = True
        self.play = Play(started=config.frames is not None)
        self.keys = InputState(config.sensitivity, config.invert_y)
        self.pad = Gamepad()
        self.clock = clock or Clock(config.fps)
        self.session = Session(config, self.bindings)
        self.travel = Travel(config, self.session, self._toast)
        self.captures = Captures(config, self.session, self._toast)
        self.steps = 0
        self._first_size = None if size else self.window.get_size()
        self._commands: dict[str, Callable[[], None]] = {
            "escape": self.escape,
            "help": self.help,
            "overlay": self.overlay,
            "pause": self.pause,
            "advance": self.advance,
            "restart": self._leaving(self.session.restart),
            "switch": self._leaving(self.session.switch),
            "screenshot": lambda: self.captures.screenshot(self.window),
            "record": self.captures.record,
            "policy": self.policy,
            "rewind": self._leaving(self.travel.begin),
            "fork": self.travel.fork,
            "flip": self._leaving(self.travel.flip),
            "anchor": self._leaving(self.travel.anchor),
            "save": self.travel.save,
            "load": self._leaving(self.travel.load),
        }

    def tick(self) -> None:
        """Take in events, step the world once if it plays, draw, wait for the next tick."""
        import pygame

        for event in pygame.event.get():
            self.handle(event)
        self.poll()
        if self.travel.rewinding and not self.session.busy:
            self.travel.back()
        world = self._playing()
        if world is not None:
            self._attempt(lambda: self._step(world))
        elif not self.play.paused:
            self.keys.forget()
            self.pad.forget()
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
            self._attempt(self.travel.end)
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type == pygame.MOUSEBUTTONDOWN and not self.keys.captured:
            if event.button == pygame.BUTTON_LEFT:
                self._click()
        else:
            if event.type == pygame.KEYUP:
                self._command(self.bindings.commands.get(event.scancode), False)
            self.keys.feed(event)
            self._command(*self.pad.feed(event))
            if self.pad.moved() and not self.play.help:
                self._begin()

    def show(self) -> View:
        """Draw the window as things stand; what it shows."""
        import pygame

        self.window = pygame.display.get_surface() or self.window
        parts = self.session, self.travel, self.captures
        shown = view(self.play, *parts, self.clock, self.keys.captured, self.pad.present)
        draw.paint(self.window, shown, self.clock.now())
        pygame.display.flip()
        return shown

    def close(self) -> None:
        """Save a recording that is under way, then close everything."""
        import pygame

        try:
            saved = self.captures.stop()
            if saved:
                print(saved)
            self.session.close()
        finally:
            pygame.display.quit()

    def capture(self, wanted: bool) -> None:
        """Take the mouse for looking around, or give it back."""
        capture_mouse(wanted)
        self.keys.captured = wanted
        self.keys.release()
        self.pad.release()

    def escape(self) -> None:
        """Leave the help page, else free the mouse, else quit."""
        if self.play.help:
            self.play.help = 0
        elif self.keys.captured:
            self.capture(False)
        else:
            self.running = False

    def help(self) -> None:
        """Show the help page, its next part where the window is small, then hide it."""
        shown = self.show().help
        pages = helppage.count(self.window, shown) if shown else 1
        self.play.help = self.play.help + 1 if self.play.help < pages else 0

    def overlay(self) -> None:
        """Show or hide the measurements."""
        self.play.overlay = not self.play.overlay

    def pause(self) -> None:
        """Stop time, or let it go on."""
        self.play.paused = not self.play.paused
        self.play.frames_due = 0
        self.keys.forget()
        self.pad.forget()

    def advance(self) -> None:
        """Ask for one frame while paused."""
        if self.play.paused:
            self.play.frames_due += 1

    def policy(self) -> None:
        """Hand the controller to a policy, or take it back."""
        if self.play.pilot is None:
            self.play.pilot = Pilot(self.config)
            self._begin()
        else:
            self.play.pilot = None
        self.keys.forget()
        self.pad.forget()

    def _leaving(self, work: Callable[[], None]) -> Callable[[], None]:
        """The work of a key that leaves what was being recorded, which is saved first."""

        def leave() -> None:
            if not self.session.busy:
                self.captures.stop()
                self.play.restart_at = None
                work()

        return leave

    def _key(self, event: "Event") -> None:
        """A key of the world, else one of the window's."""
        controls = self.session.controls.get(self.session.name)
        if controls is not None and controls.claims(event.scancode, event.key):
            self._begin()
            self.keys.feed(event)
        else:
            self._command(self.bindings.commands.get(event.scancode), True)

    def _command(self, name: str | None, down: bool) -> None:
        """Do what a key stands for, or stop what lasts as long as it is held."""
        if name is not None and down and not (self.travel.rewinding and name in MOVING):
            self._attempt(self._commands[name])
        elif name == "rewind":
            self._attempt(self.travel.end)

    def _click(self) -> None:
        """Leave the help page, or begin to play and take the mouse if the world has a camera."""
        if self.play.help:
            self.play.help = 0
        elif self.session.world is not None:
            self._begin()
            if self.session.controls[self.session.name].looks:
                self.capture(True)

    def _begin(self) -> None:
        self.play.started |= self.session.world is not None

    def poll(self) -> None:
        """Take over what slow work brought; a failure ends the program only if nothing can play."""
        try:
            arrived = self.session.poll()
        except UserError as error:
            if self.session.world is None:
                raise
            self._toast(str(error))
            return
        if arrived and self.session.world is not None:
            self.travel.arrived()
            self.keys.forget()
            self.pad.forget()
            if self.window.get_size() == self._first_size:  # nobody has sized it
                refit(self.session.world.frame.shape[:2])
            self._first_size = None

    def _playing(self) -> World | None:
        """The world if it takes a step now; an episode that ended leads to a new start."""
        world, play = self.session.world, self.play
        held = self.session.busy or play.help or self.travel.rewinding
        if world is not None and play.started and not held:
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
            self._attempt(self._commands["restart"])

    def _step(self, world: World) -> None:
        """Take the action of the keys, or of the policy that has them."""
        self.play.frames_due = max(0, self.play.frames_due - 1)
        pressed = self.pad.joined(self.keys.take())
        if self.play.pilot is None:
            action = self.session.controls[world.name].action(pressed, world.info)
        else:
            pilot, self.play.pilot = self.play.pilot, None
            action = pilot.action(world)
            self.play.pilot = pilot  # one that failed has lost the controller
        self.session.step(action)
        self.travel.note()
        self.clock.step()
        self.steps += 1
        self.captures.add()
        if world.ended:
            self.captures.stop()

    def _attempt(self, work: Callable[[], None]) -> None:
        """Do what a key asked for; what cannot be done is a notice, not the end."""
        try:
            work()
        except (UserError, OSError) as error:
            self._toast(str(error))

    def _toast(self, text: str) -> None:
        self.play.toast(text, self.clock.now())
