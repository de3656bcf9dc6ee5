"""A policy that walks somewhere, stands still and looks all around; and again."""

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np

from worldsim import actions

_PITCHES = (70.0, 20.0, -20.0)
"""Degrees down of the turns, which together show what lies between the feet and the clouds."""
_STEP, _TURNED = 12.0, 450.0
"""Degrees a tick, and of each turn: the last quarter covers what was aimed at in the first."""
_WALK, _REST = 60, 8
"""Ticks between two places, and after which nobody moves any more."""
_BENDS = (-6.0, -3.0, 0.0, 0.0, 3.0, 6.0)


class Surveyor:
    """Its recordings are what vistas are made of; see `worldsim.data.survey`."""

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode."""
        self._rng, self._pitch = np.random.default_rng(seed), float(info.get("pitch", 0.0))
        self._script = self._surveys()

    def act(self, observation: Any, info: dict[str, Any]) -> actions.Action:
        """The next action."""
        return next(self._script)

    def _surveys(self) -> Iterator[actions.Action]:
        while True:
            for _ in range(_REST):
                yield actions.make()
            for pitch in _PITCHES:
                while abs(pitch - self._pitch) > 0.01:
                    yield self._turned(0.0, pitch - self._pitch)
                for _ in range(round(_TURNED / _STEP)):
                    yield self._turned(_STEP, 0.0)
            while abs(self._pitch) > 0.01:
                yield self._turned(0.0, -self._pitch)
            yield from self._walk()

    def _walk(self) -> Iterator[actions.Action]:
        for i in range(_WALK):
            if i % 12 == 0:
                bend, jump = float(self._rng.choice(_BENDS)), int(self._rng.random() < 0.6)
            yield actions.make(forward=1, sprint=1, jump=jump, camera=(0.0, bend))

    def _turned(self, yaw: float, pitch: float) -> actions.Action:
        down = float(np.clip(pitch, -_STEP, _STEP))
        self._pitch += down
        return actions.make(camera=(down, yaw))
