"""Many places, a few ticks each: to see much of a world in little time."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.voxel import physics
from envs.voxel.blocks import PLACEABLE
from envs.voxel.env import VoxelEnv
from envs.voxel.game import Game, stand
from envs.voxel.generate import HEIGHT
from envs.voxel.playground import Yard

_YARDS = 0.3  # share of the episodes that begin in a playground
_STAYS = 0.3  # share of the visits that only look elsewhere
_AROUND = 24  # blocks to each side within which the next place is
_ASIDE = 0.3  # blocks from the middle of a column
_BUILT, _PIECES, _NEAR = 0.4, 6, 7  # share of the places where something is built, and how much
_PITCHES = ((0.45, 8.0, 12.0), (0.3, 30.0, 20.0), (0.25, 25.0, 45.0))  # share, mean, deviation


class VisitsEnv(VoxelEnv):
    """`WorldSim/VoxelVisits-v0`: every few ticks the player is somewhere else, looking anywhere.

    For recordings in which each frame stands for itself: how far away things are, how far down a
    camera looks, how it stands in the grid of blocks. Spaces, info, reset options and rules are
    those of `WorldSim/Voxel-v0`.

    Args:
        stay: ticks between two visits.
        options: as `VoxelEnv` takes them.
    """

    def __init__(self, *, stay: int = 4, **options: Any) -> None:
        if stay < 1:
            raise ValueError(f"stay is {stay}; needed at least 1 tick")
        super().__init__(**options)
        self._stay = stay

    def _begin(self, options: Mapping[str, Any]) -> Game:
        game = super()._begin(options)
        if self.np_random.random() < _YARDS:
            Yard(game, self.np_random).furnish()
        return game

    def _tick(self, action: Mapping[str, Any]) -> None:
        super()._tick(action)
        if self.game.tick % self._stay == 0:
            visit(self.game)


def visit(game: Game) -> None:
    """Put the player somewhere else, as its world and the tick alone decide."""
    rng, body = np.random.default_rng((game.world.seed, game.tick)), game.body
    if rng.random() >= _STAYS:
        x, z = (
            int(np.floor(v))
            for v in body[[physics.X, physics.Z]] + rng.integers(-_AROUND, _AROUND + 1, 2)
        )
        body[:] = stand(game.world, x, z)
        if rng.random() < _BUILT:
            _build(game, rng, x, z)
        body[[physics.X, physics.Z]] += rng.uniform(-_ASIDE, _ASIDE, 2)
    _, mean, spread = _PITCHES[rng.choice(len(_PITCHES), p=[share for share, *_ in _PITCHES])]
    body[physics.YAW] = rng.uniform(-180, 180)
    body[physics.PITCH] = np.clip(rng.normal(mean, spread), -88, 88)


def _build(game: Game, rng: np.random.Generator, x: int, z: int) -> None:
    """Put up pillars and walls around a column, as far as the world is high."""
    foot = int(np.floor(game.body[physics.Y]))
    for _ in range(int(rng.integers(1, _PIECES + 1))):
        i, j = (int(v) for v in rng.integers(-_NEAR, _NEAR + 1, 2))
        kind, high = int(rng.choice(PLACEABLE)), int(rng.integers(1, 4))
        long = int(rng.integers(1, 5)) if rng.random() < 0.5 else 1
        across = rng.random() < 0.5
        for k in range(long):
            column = x + i + k * across, z + j + k * (not across)
            if column != (x, z):
                for y in range(foot, min(foot + high, HEIGHT)):
                    game.world.set(column[0], y, column[1], kind)
