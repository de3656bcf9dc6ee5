"""A scripted explorer that covers the world's rules on purpose, and counts what it covered."""

from collections import Counter
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from agents.handiwork import SKILLS, Skills
from agents.skills import Script, Senses
from worldsim import actions

_TURNS = (0.01, 1.0, 3.0, 6.0, 12.0, 20.5)


class Explorer:
    """Plays one skill after another, chosen at random by weight.

    Attributes:
        skills: those there are, with their weights.

    Args:
        weights: other weights for some skills, by name; 0 leaves a skill out.
    """

    skills: ClassVar[Skills] = SKILLS

    def __init__(self, weights: dict[str, float] | None = None) -> None:
        mix = {name: weight for name, (_, weight) in self.skills.items()} | (weights or {})
        unknown = sorted(set(mix) - set(self.skills))
        if unknown:
            raise ValueError(
                f"no skill is called {unknown[0]!r}; there are {', '.join(self.skills)}"
            )
        total = sum(mix.values())
        self._names = list(mix)
        self._odds = [mix[name] / total for name in self._names]
        self._counts: Counter[str] = Counter()
        self._skill = ""
        self._script: Script = iter(())

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode."""
        self._senses = Senses(np.random.default_rng(seed), info, env.unwrapped)
        self._script = iter(())

    def act(self, observation: Any, info: dict[str, Any]) -> actions.Action:
        """The next action."""
        self._senses.info = info
        controls = next(self._script, None)
        while controls is None:
            self._skill = str(self._senses.rng.choice(self._names, p=self._odds))
            self._script = self.skills[self._skill][0](self._senses)
            controls = next(self._script, None)
        camera = np.clip(
            controls.get("camera", (0, 0)), -actions.CAMERA_LIMIT, actions.CAMERA_LIMIT
        )
        self._count(info, float(camera[1]))
        return actions.make(**{**controls, "camera": camera})

    def _count(self, info: dict[str, Any], yaw: float) -> None:
        self._counts["ticks"] += 1
        self._counts[f"skill.{self._skill}"] += 1
        if "biome" in info:
            self._counts[f"biome.{info['biome']}"] += 1
        if abs(yaw) >= _TURNS[0]:
            upper = next(limit for limit in _TURNS[1:] if abs(yaw) <= limit)
            self._counts[f"turn.up_to_{upper:g}"] += 1
        self._counts["in_water"] += int(info.get("in_water", 0) > 0)
        self._counts["in_the_air"] += int(info.get("on_ground", 1) == 0)
        for name, value in info.get("events", {}).items():
            self._counts[f"event.{name}"] += int(value > 0)

    def coverage(self) -> dict[str, int]:
        """How many ticks were spent on what, over all episodes so far."""
        return dict(sorted(self._counts.items()))
