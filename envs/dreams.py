"""A batch of dreams of a task: rewards are what happens, or what the model expects, as ends are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from envs import observed
from envs.contexts import Contexts
from worldsim.errors import UserError
from worldsim.models.heads import moved
from worldsim.playing import Playing
from worldsim.state import State, Step
from worldsim.world import load_world
from worldsim.worth import Worth

_ENDS = 0.5
"""Probability of an end from which on it is one."""


@dataclass
class TaskConfig:
    """How a task is dreamed.

    checkpoint: a world file; the shipped one by default. contexts: folders of `worldsim encode`
    whose episodes dreams begin in; by default the few contexts of the world file. seeds: first
    and last seed of the episodes to begin in; by default all. context: frames of an episode
    that a dream has seen when it begins; by default as many as the model looks back on. obs:
    "pixels", as the exact world shows, or "latent", which need not be decoded. repeat: ticks
    that an action is held. horizon: ticks after which a dream is truncated. rewards: what
    events are worth, by name; where the world tells of none of them, what its head expects
    counts. least: rewards of a tick below this count as none. uncertainty: dream every step
    twice and tell how far the two are apart. limit: truncate where they are further apart than
    this. steps, device, dtype: as in `WorldSim/Dream-v0`.
    """

    checkpoint: str | None = None
    contexts: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    context: int | None = None
    obs: str = "pixels"
    repeat: int = 1
    horizon: int = 256
    rewards: dict[str, float] = field(default_factory=dict)
    least: float = 0.05
    uncertainty: bool = False
    limit: float | None = None
    steps: int | None = None
    device: str = "auto"
    dtype: str = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be dreamed."""
        observed.check(self.obs)
        for name in ("repeat", "horizon"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; needed 1 or more")


@dataclass
class Outcome:
    """What a step brought `n` dreams: arrays (n, ...)."""

    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    infos: dict[str, NDArray[Any]]


class Dreams:
    """`n` dreams of a task, stepped together; each depends on its own generator alone."""

    def __init__(self, config: TaskConfig) -> None:
        self.config = config
        self.world = load_world(config.checkpoint, config.device, config.dtype, steps=config.steps)
        self._contexts = Contexts(self.world, config.contexts, config.seeds, frames=config.context)
        events = self.world.simulator.dynamics.config.events
        self._worth = Worth(config.rewards, events, config.least)
        self._playing = Playing()
        self._poses = torch.zeros(0, 5, dtype=torch.float64)
        self._ticks = np.zeros(0, np.int64)

    @cached_property
    def space(self) -> gym.spaces.Box:
        """The space of one dream's observation."""
        return observed.space(self.world, self.config.obs)

    @property
    def state(self) -> State:
        """The simulator's state, a value.

        Raises:
            RuntimeError: before the first `begin`.
        """
        return self._playing.state

    def begin(self, rows: Sequence[int], randoms: Sequence[np.random.Generator], n: int) -> None:
        """Begin the dreams of those rows of `n` anew, each at a start of its generator's."""
        starts, noise = zip(*(self._contexts.draw(random) for random in randoms), strict=True)
        latents = torch.stack([torch.as_tensor(start.context) for start in starts])
        led = np.stack([start.led for start in starts])
        poses = torch.from_numpy(np.stack([start.pose for start in starts]))
        pitches = poses[:, -1].tolist()
        fresh = self.world.simulator.reset(latents, led, list(noise), pitches=pitches)
        if len(rows) == n:
            self._playing.put(fresh)
            self._poses = poses
            self._ticks = np.zeros(n, np.int64)
            return
        index = torch.tensor(rows)
        self._playing.put(self._playing.seen.with_rows(index, fresh), lent=False)
        self._poses = self._poses.index_copy(0, index, poses)
        self._ticks[list(rows)] = 0

    def step(self, vectors: NDArray[np.float32]) -> Outcome:
        """Dream on, each dream with its action (n, a) held for `repeat` ticks, or to its end."""
        config = self.config
        twice = config.uncertainty or config.limit is not None
        before = self._playing.state if twice else None
        ticks = self._held(self._playing, vectors)
        for tick in ticks:
            self._poses = moved(self._poses, tick.motion[:, 0].double().cpu())
        self._ticks = self._ticks + config.repeat
        ends = torch.cat([tick.p_end for tick in ticks], 1).double().cpu().numpy()
        worth = torch.cat([self._worth(tick) for tick in ticks], 1).numpy()
        over = np.maximum.accumulate(ends > _ENDS, 1)
        worth[:, 1:][over[:, :-1]] = 0.0
        rewards = worth.sum(1)
        infos = {
            "pose": self._poses.numpy().copy(),
            "p_terminate": ends.max(1),
            "p_ground": ticks[-1].p_ground[:, 0].double().cpu().numpy(),
            "p_reward": worth.max(1),
        }
        truncated = self._ticks >= config.horizon
        if before is not None:
            other = before.with_seeds([int(seed) ^ 0x5DEECE66D for seed in before.seeds])
            again = self._held(Playing(other), vectors)
            pairs = zip(again, ticks, strict=True)
            apart = torch.cat([there.latents - here.latents for there, here in pairs], 1).float()
            infos["uncertainty"] = apart.square().mean((1, 2, 3, 4)).sqrt().double().cpu().numpy()
            if config.limit is not None:
                unsure = infos["uncertainty"] > config.limit
                rewards = np.where(unsure, 0.0, rewards)
                truncated = truncated | unsure
        return Outcome(rewards, over[:, -1], truncated, infos)

    def _held(self, playing: Playing, vectors: NDArray[np.float32]) -> list[Step]:
        """The ticks for which actions (n, a) are held, one by one.

        Of several frames at once only the first could be told what was seen before and what events
        make of it.
        """
        led = vectors[:, None]
        return [playing.step(self.world.simulator, led) for _ in range(self.config.repeat)]

    def observations(self) -> NDArray[Any]:
        """What the dreams show now (n, ...)."""
        return observed.shown(self.world, self._playing.seen, self.config.obs)

    def infos(self, n: int) -> dict[str, NDArray[Any]]:
        """The infos of dreams that have just begun."""
        named = ("p_terminate", "p_reward", "uncertainty")
        told = named if self.config.uncertainty or self.config.limit is not None else named[:2]
        zeros = {name: np.zeros(n) for name in told}
        return {"pose": self._poses.numpy().copy(), "p_ground": np.ones(n), **zeros}
