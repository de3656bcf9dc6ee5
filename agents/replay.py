"""A policy that plays recorded human input, shifted and perturbed."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from worldsim import actions

RECORDED = Path(__file__).parent / "data" / "human_actions.npz"

_MIRRORED = (("left", "right"),)


def traces(path: Path = RECORDED) -> dict[str, actions.Vector]:
    """Each recorded trace as vectors (t, a), without the ticks that had an inventory open."""
    with np.load(path) as table:
        names = [str(name) for name in table["names"]]
        return {
            key: actions.from_columns(names, table[key][~table[f"{key}_gui"]])
            for key in table.files
            if key != "names" and not key.endswith("_gui")
        }


class Replay:
    """Plays segments of the traces, drawn by the episode's seed.

    Args:
        perturb: vary each segment: camera gain 0.7 to 1.3, mirrored half of the time, tilt held
            near the horizon, a key dropped now and then. Without, segments are as recorded.
        trace: play only the trace of this name, from its beginning; empty for all.
    """

    def __init__(self, perturb: bool = True, trace: str = "") -> None:
        recorded = traces()
        if trace and trace not in recorded:
            raise ValueError(f"no trace is called {trace!r}; there are {', '.join(recorded)}")
        self._traces = [recorded[trace]] if trace else list(recorded.values())
        self._perturb, self._whole = perturb, bool(trace)

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode with a segment of the seed's."""
        self._rng = np.random.default_rng(seed)
        self._segment = self._draw()
        self._next = 0

    def _draw(self) -> actions.Vector:
        trace = self._traces[int(self._rng.integers(len(self._traces)))]
        if self._whole:
            return trace
        start = int(self._rng.integers(0, len(trace) - 200))
        segment = trace[start : start + int(self._rng.integers(150, 600))].copy()
        if not self._perturb:
            return segment
        segment[:, actions.CAMERA] *= self._rng.uniform(0.7, 1.3)
        if self._rng.random() < 0.5:
            segment[:, actions.INDEX["camera.yaw"]] *= -1
            for a, b in _MIRRORED:
                columns = [actions.INDEX[a], actions.INDEX[b]]
                segment[:, columns] = segment[:, columns[::-1]]
        dropped = self._rng.random(segment.shape) < 0.02
        segment[dropped] = 0
        limit = actions.CAMERA_LIMIT
        segment[:, actions.CAMERA] = segment[:, actions.CAMERA].clip(-limit, limit)
        return segment

    def act(self, observation: Any, info: dict[str, Any]) -> actions.Action:
        """The next recorded action."""
        if self._next >= len(self._segment):
            self._segment, self._next = self._draw(), 0
        vector = self._segment[self._next].copy()
        self._next += 1
        if self._perturb and abs(info.get("pitch", 0.0)) > 60:
            back = -np.sign(info["pitch"]) * 2.0
            vector[actions.INDEX["camera.pitch"]] = back
        return actions.from_vector(vector)
