"""Games that are played on and on, whose memory is copied only where somebody else may need it."""

from typing import Any

from worldsim.simulator import Simulator
from worldsim.state import State, Step
from worldsim.trail import Kept


class Playing:
    """The state of games between two steps, as those have it who step them.

    A state is a value, and a step copies what it changes, which takes as long as anything a step
    does. But who has handed a state to nobody needs no copy of it.
    """

    def __init__(self, state: State | None = None) -> None:
        self._state, self._lent = state, True

    @property
    def begun(self) -> bool:
        """Whether there is any game."""
        return self._state is not None

    @property
    def state(self) -> State:
        """The games as they stand, to be kept by whoever asks.

        Raises:
            RuntimeError: no game has begun.
        """
        self._lent = True
        return self.seen

    @property
    def seen(self) -> State:
        """The same, which nobody keeps beyond the next step.

        Raises:
            RuntimeError: no game has begun.
        """
        if self._state is None:
            raise RuntimeError("no game has begun; call reset() first")
        return self._state

    def put(self, state: State | None, lent: bool = True) -> None:
        """Go on with another state, or with none; lent: somebody else may have it, too."""
        self._state, self._lent = state, lent or self._lent

    def kept(self) -> Kept:
        """What to keep of the games as they stand, which go on; see `State.kept`.

        Raises:
            RuntimeError: no game has begun.
        """
        self._state, kept = self.seen.kept()
        return kept

    def step(self, simulator: Simulator, actions: Any) -> Step:
        """Step the games as `Simulator.step` does."""
        self._state, step = simulator.step(self.seen, actions, spend=not self._lent)
        self._lent = False
        return step
