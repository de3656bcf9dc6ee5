"""The moves that learning agents choose from: few, each held for some ticks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim import actions

MOVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("wait", {}),
    ("forward", {"forward": 1}),
    ("forward, jump", {"forward": 1, "jump": 1}),
    ("forward, sprint", {"forward": 1, "sprint": 1}),
    ("back", {"back": 1}),
    ("attack", {"attack": 1}),
    ("forward, attack", {"forward": 1, "attack": 1}),
    ("left", {"camera": (0.0, -10.0)}),
    ("right", {"camera": (0.0, 10.0)}),
    ("left a little", {"camera": (0.0, -2.5)}),
    ("right a little", {"camera": (0.0, 2.5)}),
    ("up", {"camera": (-4.0, 0.0)}),
    ("down", {"camera": (4.0, 0.0)}),
    ("forward, left", {"forward": 1, "camera": (0.0, -3.0)}),
    ("forward, right", {"forward": 1, "camera": (0.0, 3.0)}),
)
"""A name and the controls that differ from rest; the camera's degrees are of one tick."""

REPEAT = 4
"""Ticks for which a move is held, unless said otherwise."""

VECTORS: NDArray[np.float32] = np.stack(
    [actions.to_vector(actions.make(**controls)) for _, controls in MOVES]
)
"""The moves as flat vectors (moves, a), one tick of each."""

_TURNED = VECTORS * np.where(np.arange(actions.SIZE) == actions.CAMERA.start + 1, -1, 1)
MIRRORED: NDArray[np.int64] = np.abs(VECTORS[None] - _TURNED[:, None]).sum(-1).argmin(1)
"""The move (moves,) that each is in a mirror."""

_DEGREES_A_KEY = 12.0
_KEYS = [actions.INDEX[key] for key in ("forward", "back", "jump", "sprint", "attack")]
_WEIGHTS = np.array([1.0, 1.0, 1.0, 0.4, 1.5])


def nearest(keys: NDArray[Any], turned: NDArray[Any], repeat: int = REPEAT) -> int:
    """The index of the move most like some ticks of play.

    keys: (a,) share of the ticks in which each control was held; turned: (2,) degrees of pitch and
    yaw that the ticks add up to.
    """
    moves = VECTORS.astype(np.float64)
    turns = np.abs(moves[:, actions.CAMERA] * repeat - turned).sum(1)
    pressed = np.abs(moves[:, _KEYS] - np.asarray(keys)[_KEYS]) @ _WEIGHTS
    return int(np.argmin(turns + _DEGREES_A_KEY * pressed))
