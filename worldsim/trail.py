"""How a state came about, so that thousands of states can be kept in little memory.

A whole state is megabytes: keys and values of the window, and a panorama a game. But it follows,
bit for bit, from an earlier one and from what was dreamed since, and no frame has to be sampled
again for that. So consecutive states that are kept share one that is whole, and a list of moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from worldsim.memory.rays import Pixels

LONGEST = 96
"""Moves after which a state is kept whole again: more take less memory and longer to go back to."""


@dataclass(frozen=True, eq=False)
class Move:
    """What one step needs besides the state before it, to be taken again.

    actions: (b, f, a). latents: (b, f, z, y, x), of the frames it led to. seeds: (b,) of its noise,
    of which it drew `draws` times.
    """

    actions: Tensor
    latents: Tensor
    seeds: Tensor
    draws: int


@dataclass(frozen=True, eq=False)
class Trail:
    """A whole state, as `State.tensors` gives it, and the moves since."""

    start: Mapping[str, Tensor]
    moves: tuple[Move, ...] = ()

    def then(self, move: Move) -> "Trail | None":
        """The trail with another move; None when it is long enough for a whole state again."""
        if len(self.moves) >= LONGEST:
            return None
        return replace(self, moves=(*self.moves, move))

    def leads_to(self, other: "Trail") -> bool:
        """Whether this is the other's beginning, or all of it."""
        moves = other.moves[: len(self.moves)]
        return self.start is other.start and self.moves == moves


@dataclass(frozen=True, eq=False)
class Kept:
    """A state of `b` games kept small; `Simulator.recall` makes it whole.

    latents: (b, z, y, x) of the frame on show. seeds: (b,) of the noise to come. shown: the
    pictures (h, w, 3) on show, one a game, where they are not simply decoded.
    """

    latents: Tensor
    seeds: Tensor
    trail: Trail
    shown: tuple[Pixels, ...] = ()
