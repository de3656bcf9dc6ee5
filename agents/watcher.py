"""A policy that stands still and watches the sky and the land, so that it sees the light change."""

from typing import Any

import gymnasium as gym
import numpy as np

from worldsim import actions

_STEP = 12.0
"""Degrees a tick."""
_PITCHES = (-45.0, 5.0)
"""Degrees down, between which it looks."""


class Watcher:
    """Its recordings tell how days go; see `worldsim.data.hours`."""

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode."""
        rng = np.random.default_rng(seed)
        down = float(rng.uniform(*_PITCHES)) - float(info.get("pitch", 0.0))
        self._left = np.array([down, float(rng.uniform(-180, 180))])

    def act(self, observation: Any, info: dict[str, Any]) -> actions.Action:
        """The next action."""
        turn = np.clip(self._left, -_STEP, _STEP)
        self._left -= turn
        return actions.make(camera=(float(turn[0]), float(turn[1])))
