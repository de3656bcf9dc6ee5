"""What was on screen, tick by tick, and other branches of it: going back is going to an instant."""

from collections import deque
from dataclasses import dataclass

from worldsim.errors import UserError
from worldsim.viewer.moments import Moment
from worldsim.viewer.session import Session

BRANCHES = 4
"""Branches that are kept at once, each with its own tape."""


@dataclass(frozen=True)
class Instant:
    """What was on screen in one tick: the moments of one world, or of two side by side."""

    moments: tuple[Moment, ...]
    apart: float | None
    """Mean absolute difference of two pictures, 0..1."""


class Timeline:
    """A tape of the latest instants for every branch; one branch is being played.

    Instants of branches are shared up to where they part, and states share what is equal in them.

    Args:
        length: instants a tape holds.
    """

    def __init__(self, length: int) -> None:
        self.length = max(2, length)
        self.current = 0
        self.branches: list[deque[Instant]] = [deque(maxlen=self.length)]

    @property
    def tape(self) -> deque[Instant]:
        """The instants of the branch in play; the last one is on screen."""
        return self.branches[self.current]

    def note(self, session: Session) -> None:
        """Append what is on screen now."""
        moments = tuple(world.moment() for world in session.on_screen)
        self.tape.append(Instant(moments, session.apart()))

    def back(self, count: int) -> Instant:
        """Drop so many of the latest instants, all but the first; the one that is last now."""
        for _ in range(min(count, len(self.tape) - 1)):
            self.tape.pop()
        return self.tape[-1]

    def fork(self) -> None:
        """Keep this branch as it is and go on in a copy of it.

        Raises:
            UserError: there are as many branches as can be kept.
        """
        if len(self.branches) == BRANCHES:
            raise UserError(f"{BRANCHES} branches are the most")
        self.branches.append(self.tape.copy())
        self.current = len(self.branches) - 1

    def flip(self) -> Instant:
        """Go on to the next branch; the instant where it was left.

        Raises:
            UserError: there is only one.
        """
        if len(self.branches) == 1:
            raise UserError("there is one branch only; fork first")
        self.current = (self.current + 1) % len(self.branches)
        return self.tape[-1]

    def forget(self) -> None:
        """Drop all branches and all that was."""
        self.branches, self.current = [deque(maxlen=self.length)], 0


def go_to(session: Session, instant: Instant) -> None:
    """Put what is on screen back to an instant.

    Raises:
        UserError: an environment that cannot.
    """
    for moment in instant.moments:
        session.worlds[moment.name].put(moment)
    _on_screen(session, instant)


def glimpse(session: Session, instant: Instant) -> None:
    """Show an instant without going there; `go_to` must follow before the next step."""
    for moment in instant.moments:
        session.worlds[moment.name].show(moment)
    _on_screen(session, instant)


def _on_screen(session: Session, instant: Instant) -> None:
    session.name = instant.moments[0].name
    session.beside = len(instant.moments) > 1
