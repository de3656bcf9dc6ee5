"""Going back, branching, saving, anchoring: what a person does with time."""

from collections.abc import Callable
from pathlib import Path

from worldsim.errors import UserError
from worldsim.viewer import anchor, saves
from worldsim.viewer.config import Config
from worldsim.viewer.session import Session
from worldsim.viewer.timeline import Instant, Timeline, glimpse, go_to

FASTER = 60
"""Ticks of rewinding after which it goes twice as fast, and twice as fast again."""
FASTEST = 4


class Travel:
    """Moves a session along its timeline.

    Args:
        config: of the viewer.
        session: what is on screen.
        toast: shows a notice.
    """

    def __init__(self, config: Config, session: Session, toast: Callable[[str], None]) -> None:
        self._config, self._session, self._toast = config, session, toast
        self.timeline = Timeline(round(config.rewind * config.fps) + 1)
        self.rewinding = False
        self.gone_back = 0
        """Ticks gone back since the key was pressed."""
        self._held, self._at = 0, 1
        self._notice, self._noted = "", False

    def note(self) -> None:
        """Remember what is on screen, to come back to it."""
        self.timeline.note(self._session)

    def begin(self) -> None:
        """Start to go back, for as long as the key is held.

        Raises:
            UserError: nothing was remembered, or the world cannot go back.
        """
        tape = self.timeline.tape
        if self._session.busy or not tape:
            return
        self._check(tape[-1])
        self.rewinding, self.gone_back = True, 0
        self._held, self._at = 0, len(tape)

    def back(self) -> None:
        """Go back by a tick, or more after a while; the pictures alone, the worlds follow later."""
        before = len(self.timeline.tape)
        step = min(FASTEST, 2 ** (self._held // FASTER))
        glimpse(self._session, self.timeline.back(step))
        self.gone_back += before - len(self.timeline.tape)
        self._held += 1

    def end(self) -> None:
        """Go on from where the rewinding stopped."""
        if self.rewinding:
            self.rewinding = False
            self._go(self.timeline.tape[-1])

    @property
    def left(self) -> float | None:
        """While going back: the share of what was remembered that is still to come, 0..1."""
        return (len(self.timeline.tape) - 1) / max(1, self._at - 1) if self.rewinding else None

    def fork(self) -> None:
        """Keep this branch for later and go on in a copy of it."""
        if self._session.world is not None and not self._session.busy:
            if self.timeline.tape:
                self._check(self.timeline.tape[-1])
            self.timeline.fork()
            count = len(self.timeline.branches)
            self._toast(f"branch {count}; {self._flip_key} for the next")

    def flip(self) -> None:
        """Go on in the next branch, where it was left."""
        if not self._session.busy:
            self._go(self.timeline.flip())

    def anchor(self) -> None:
        """Let a dream go on from clean pictures."""
        if self._session.world is None:
            return
        if not self._session.world.is_dream:
            raise UserError("only a dream can be anchored anew")
        self._work("anchoring the dream", lambda: anchor.anchor(self._session, self.timeline))

    def save(self) -> None:
        """Write what is on screen to the file of saves."""
        if self._session.world is not None and not self._session.busy:
            saves.save(self._session, self._file)
            self._toast(f"saved {self._file}")

    def load(self) -> None:
        """Go to what the file of saves holds."""

        def work() -> str:
            saves.load(self._session, self._file)
            return f"loaded {self._file}"

        self._work("loading the save", work)

    def arrived(self) -> None:
        """Remember where slow work led, and say what came of it."""
        if self._session.world is not None and not self._noted:
            self.note()
        self._noted = False
        if self._notice:
            self._toast(self._notice)
            self._notice = ""

    @property
    def _file(self) -> Path:
        return Path(self._config.save)

    @property
    def _flip_key(self) -> str:
        return self._session.bindings.shown("flip")

    def _check(self, instant: Instant) -> None:
        """Raise UserError when one of the worlds cannot come back to an instant."""
        for moment in instant.moments:
            if moment.state is None:
                self._session.worlds[moment.name].put(moment)  # says why

    def _go(self, instant: Instant) -> None:
        """Put the worlds where the tape stands; a dream may take a moment to get there."""
        self._noted = True
        self._session.work("going back", lambda: go_to(self._session, instant))

    def _work(self, message: str, work: Callable[[], str]) -> None:
        def done() -> None:
            self._notice = work()

        self._session.work(message, done)
