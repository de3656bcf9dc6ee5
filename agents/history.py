"""The last few sights of each game as one observation, the newest first."""

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from agents.sight import Sights


class History:
    """Keeps the last `length` sights of `n` games; a game that begins has only ever seen its first.

    A frame tells neither what was done nor what is out of sight now (Mnih et al. 2015, Methods).
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._kept: Sights = np.zeros((0, length))

    def begin(self, seen: Sights, rows: Sequence[int] | NDArray[np.int64] | None = None) -> Sights:
        """The observations once games have begun with sights (n, c, y, x); `rows`: only those."""
        first = np.repeat(np.asarray(seen)[:, None], self._length, 1)
        if rows is None or len(rows) == len(seen):
            self._kept = first
        else:
            self._kept = self._kept.copy()
            self._kept[rows] = first[rows]
        return self.observations()

    def add(self, seen: Sights) -> Sights:
        """The observations once games have gone on to sights (n, c, y, x)."""
        self._kept = np.concatenate([np.asarray(seen)[:, None], self._kept[:, :-1]], 1)
        return self.observations()

    def observations(self) -> Sights:
        """The observations (n, length * c, y, x)."""
        n, length, channels, *sides = self._kept.shape
        return self._kept.reshape(n, length * channels, *sides)


def sights_in(shape: Sequence[int], channels: int) -> int:
    """How many sights of so many channels an observation of that shape (length * c, y, x) has."""
    return shape[0] // channels


def space_of(single: gym.spaces.Box, length: int) -> gym.spaces.Box:
    """The space of an observation of so many sights of a space (c, y, x)."""
    low, high = (np.tile(bound, (length, 1, 1)) for bound in (single.low, single.high))
    return gym.spaces.Box(low, high, dtype=single.dtype.type)
