"""A world at one moment, as a value; and how environments of every kind give and take it."""

from dataclasses import dataclass
from typing import Any

from worldsim.actions import Vector
from worldsim.data.environments import Frame
from worldsim.errors import UserError


@dataclass(frozen=True)
class Moment:
    """Everything `World.put` needs to come back, and what there was to see.

    state: of the environment; None where it gives none. past: a list that later only grows, of
    which the first `count` count. facts, begun: fields of `World`, in the order it takes them.
    """

    name: str
    state: Any
    frame: Frame
    observation: Any
    info: dict[str, Any]
    recent: tuple[Frame, ...]
    past: list[Vector]
    count: int
    facts: tuple[int, int | None, bool, float, bool]
    begun: tuple[Any, object, object, int]

    @property
    def start_id(self) -> object:
        """The `World.start_id` of the start it came after."""
        return self.begun[1]


def take_state(env: Any) -> Any:
    """The state of an unwrapped environment, a value; None where it has neither kind of state.

    A dream has `snapshot()` and `restore(snapshot)`, an exact engine `get_state()` and
    `set_state(bytes)`.
    """
    if hasattr(env, "snapshot"):
        return env.snapshot()
    if hasattr(env, "get_state"):
        return env.get_state()
    return None


def put_state(env: Any, state: Any, name: str) -> None:
    """Bring an unwrapped environment back to a state of `take_state`; slow for a dream.

    Raises:
        UserError: it gave none.
    """
    if state is None:
        raise UserError(
            f"{name} cannot go back: it has neither snapshot() and restore() nor get_state() and "
            "set_state()"
        )
    if hasattr(env, "snapshot"):
        env.restore(state)
        _ = env.state  # a dream makes itself whole when asked, which is slow in the midst of play
    else:
        env.set_state(state)
