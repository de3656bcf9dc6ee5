"""A policy that plans: it dreams what candidate moves lead to and plays the best one's first.

The cross-entropy method (Rubinstein 1999) on moves: candidates are drawn by odds, one set of odds
for each move ahead, and the odds are fitted to the best candidates. All candidates are forks of one
dream state with the same noise, so that they differ by their moves alone.
"""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from agents.moves import MOVES, REPEAT, VECTORS
from worldsim import actions
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.playing import Playing
from worldsim.state import State
from worldsim.world import load_world
from worldsim.worth import Worth

Odds = NDArray[np.float64]


class Planner:
    """Plans in a learned world what to do in whatever world shows the frames.

    Args:
        world: world file to dream with; the shipped one if null.
        ahead: moves that a plan is long.
        candidates: plans dreamed at once.
        best: candidates that the odds are fitted to.
        rounds: times that candidates are drawn.
        repeat: ticks that a move is held.
        discount: of a move's reward, for each move before it.
        least: expected rewards of a tick below this count as none.
        rewards: what events are worth, as `WorldSim/DreamChop-v0` takes them.
    """

    def __init__(
        self,
        world: str | None = None,
        ahead: int = 6,
        candidates: int = 16,
        best: int = 4,
        rounds: int = 2,
        repeat: int = REPEAT,
        discount: float = 0.97,
        least: float = 0.05,
        rewards: Mapping[str, float] = MappingProxyType({"log_collected": 1.0}),
    ) -> None:
        if not 1 <= best <= candidates or min(ahead, rounds, repeat) < 1:
            raise UserError(
                f"best={best} of candidates={candidates}, ahead={ahead}, rounds={rounds},"
                f" repeat={repeat}; needed best of 1 to candidates, and 1 or more of the others"
            )
        self._simulator = load_world(world).simulator
        self._ahead, self._candidates, self._best = ahead, candidates, best
        self._rounds, self._repeat = rounds, repeat
        told = self._simulator.dynamics.config
        self._discount, self._reward = discount, Worth(rewards, told.events, least)
        window = told.window
        self._frames: deque[environments.Frame] = deque(maxlen=window)
        self._led: deque[actions.Vector] = deque(maxlen=window - 1)

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode."""
        self._key = environments.image_key(env.observation_space)
        self._rng = np.random.default_rng(seed)
        self._frames.clear()
        self._led.clear()
        self._tick, self._move = 0, 0
        self._odds = self._even()

    def act(self, observation: Any, info: dict[str, Any]) -> actions.Action:
        """The action of this tick; plans anew when the last move has been held long enough."""
        self._frames.append(environments.frame_of(observation, self._key))
        if self._tick % self._repeat == 0:
            self._move = self._planned()
        self._tick += 1
        self._led.append(VECTORS[self._move])
        return actions.from_vector(VECTORS[self._move])

    def _planned(self) -> int:
        """The first move of the best plan found."""
        led = np.array(list(self._led), np.float32).reshape(-1, actions.SIZE)
        seed = int(self._rng.integers(2**62))
        frames = np.stack(list(self._frames))
        now = self._simulator.reset(frames[None], led[None, len(led) - len(frames) + 1 :], [seed])
        found: tuple[float, NDArray[np.int64]] | None = None
        for _ in range(self._rounds):
            plans = self._drawn()
            worth = self._worth(now, plans, seed)
            order = np.argsort(-worth, kind="stable")
            if found is None or worth[order[0]] > found[0]:
                found = float(worth[order[0]]), plans[order[0]]
            self._fit(plans[order[: self._best]])
        self._odds = np.concatenate([self._odds[1:], self._even()[:1]])
        assert found is not None
        return int(found[1][0])

    def _drawn(self) -> NDArray[np.int64]:
        """Plans (candidates, ahead) drawn by the odds."""
        edges = self._odds.cumsum(1)
        draws = self._rng.random((self._candidates, self._ahead, 1))
        return np.asarray((draws > edges[None]).sum(-1).clip(max=len(MOVES) - 1), np.int64)

    def _worth(self, now: State, plans: NDArray[np.int64], seed: int) -> Odds:
        """The discounted reward (candidates,) that the plans are dreamed to bring."""
        games = Playing(now.rows([0] * len(plans)).with_seeds([seed] * len(plans)))
        total = torch.zeros(len(plans), dtype=torch.float64)
        alive = torch.ones(len(plans), dtype=torch.float64)
        for k in range(self._ahead):
            for _ in range(self._repeat):
                step = games.step(self._simulator, VECTORS[plans[:, k]][:, None])
                total += alive * self._discount**k * self._reward(step)[:, 0]
                alive = alive * (1 - step.p_end[:, 0].double().cpu())
        return total.numpy()

    def _fit(self, best: NDArray[np.int64]) -> None:
        """Move the odds to what the best plans chose, and a little to even odds."""
        counts = (best[..., None] == np.arange(len(MOVES))).mean(0)
        self._odds = 0.6 * counts + 0.3 * self._odds + 0.1 * self._even()

    def _even(self) -> Odds:
        return np.full((self._ahead, len(MOVES)), 1 / len(MOVES))
