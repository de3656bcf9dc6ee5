"""A tiny deterministic environment for tests, whose frame shows the step and the last action."""

import time
from typing import Any

import gymnasium as gym
import numpy as np

SIZE = 16
STEPS = 40


class Tiny(gym.Env[Any, Any]):
    """Frame pixel [0,0] is (step, 10 * action + 1, seed % 256); the rest is noise of the seed."""

    action_space = gym.spaces.Discrete(5)

    def __init__(self, size: int = SIZE, as_dict: bool = False, version: int = 1) -> None:
        self.size, self.as_dict, self.version = size, as_dict, version
        image = gym.spaces.Box(0, 255, (size, size, 3), np.uint8)
        number = gym.spaces.Box(0, 1, (2,), np.float32)
        self.observation_space = gym.spaces.Dict({"pov": image, "x": number}) if as_dict else image

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.clock, self.last, self.number = 0, -1, (seed or 0) % 256
        shape = (self.size, self.size, 3)
        self.noise = self.np_random.integers(0, 256, shape, dtype=np.uint8)
        return self._look()

    def step(self, action: Any) -> Any:
        self.clock, self.last = self.clock + 1, int(action)
        observation, info = self._look()
        return observation, float(action), self.clock == STEPS, False, info

    def _look(self) -> Any:
        self.noise[0, 0] = self.clock, max(10 * self.last + 1, 0), self.number
        info = {
            "clock": self.clock,
            "events": {"even": float(self.clock % 2 == 0)},
            "place": np.array([self.clock, self.number], np.int32),
            "name": "tiny",
            "engine_version": self.version,
        }
        if self.clock:
            info["late"] = 1.0
        return (
            {"pov": self.noise, "x": np.zeros(2, np.float32)} if self.as_dict else self.noise
        ), info


class Slow(Tiny):
    """Takes its time, so that a test can interrupt it."""

    def step(self, action: Any) -> Any:
        time.sleep(0.01)
        return super().step(action)


class Cycle:
    """Plays 0 1 2 3 4 0 ... from an offset that the seed gives, and counts it."""

    def __init__(self, stride: int = 1) -> None:
        self.stride, self.counts = stride, {"zero": 0.0, "other": 0.0}

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        self.next = seed

    def act(self, observation: Any, info: dict[str, Any]) -> Any:
        action = self.next % 5
        self.next += self.stride
        self.counts["zero" if action == 0 else "other"] += 1
        return action

    def coverage(self) -> dict[str, float]:
        return self.counts


if "Tiny-v0" not in gym.registry:
    gym.register("Tiny-v0", "tiny:Tiny")
    gym.register("Slow-v0", "tiny:Slow")
