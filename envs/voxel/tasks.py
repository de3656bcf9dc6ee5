"""Tasks in the exact world: fell trees, reach a beacon."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.voxel import physics
from envs.voxel.blocks import BEACON
from envs.voxel.env import VoxelEnv
from envs.voxel.game import Game, dry_column, stand
from envs.voxel.generate import FOREST, HEIGHT, SEA, column

_TRIES = 400
_NEAR, _FAR = 8.0, 22.0
_TALL = 7  # blocks in a beacon
_TOUCH = 1.6


class ChopEnv(VoxelEnv):
    """`WorldSim/VoxelChop-v0`: stand in a forest with empty hands; every log collected is worth 1.

    Spaces, info and reset options are those of `WorldSim/Voxel-v0`; truncates after 1,000 ticks.
    """

    ENGINE_VERSION = 2  # 1 put some into caves or the sky, where a tree stood

    def __init__(
        self,
        size: int | tuple[int, int] = 128,
        kit: bool = False,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(size, kit, render_mode)

    def _begin(self, options: Mapping[str, Any]) -> Game:
        game = super()._begin({k: v for k, v in options.items() if k != "position"})
        seed = game.world.seed
        for x, z in self.np_random.integers(-20000, 20000, (_TRIES, 2)).tolist():
            ground, biome = column(seed, x, z)
            if biome == FOREST and SEA + 1 < ground <= 40:
                body = stand(game.world, x, z)
                if body[physics.Y] != ground + 1:
                    continue  # a tree stands there, and the next room is a cave, or none
                body[physics.YAW : physics.PITCH + 1] = game.body[physics.YAW : physics.PITCH + 1]
                game.body = body
                break
        self._apply(game, options)
        return game

    def _score(self) -> float:
        return self.game.events["log_collected"]


class NavigateEnv(VoxelEnv):
    """`WorldSim/VoxelNavigate-v0`: reach the magenta beacon in view; worth 1 and the end.

    Spaces, info and reset options are those of `WorldSim/Voxel-v0`; truncates after 1,000 ticks.

    Args:
        size, kit, render_mode: as in `VoxelEnv`.
        shaping: reward for each block that a tick brings the player nearer.
    """

    def __init__(
        self,
        size: int | tuple[int, int] = 128,
        kit: bool = False,
        render_mode: str | None = None,
        shaping: float = 0.0,
    ) -> None:
        super().__init__(size, kit, render_mode)
        self._shaping = shaping
        self._beacon = (0, 0)
        self._distance = 0.0

    def _begin(self, options: Mapping[str, Any]) -> Game:
        game = super()._begin(options)
        for _ in range(_TRIES):
            if self._place_beacon(game):
                break
            self._move_on(game)
        self._distance = self._away(game)
        return game

    def _place_beacon(self, game: Game) -> bool:
        """Build a beacon ahead of the player where it can be seen; whether that was possible."""
        rng, body = self.np_random, game.body
        angle = np.radians(body[physics.YAW] + rng.uniform(-30, 30))
        far = rng.uniform(_NEAR, _FAR)
        x = int(np.floor(body[physics.X] - np.sin(angle) * far))
        z = int(np.floor(body[physics.Z] + np.cos(angle) * far))
        ground, _ = column(game.world.seed, x, z)
        if not SEA < ground < HEIGHT - _TALL - 1:
            return False
        look = np.array([x + 0.5, ground + _TALL - 0.5, z + 0.5]) - game.eye()
        length = float(np.sqrt((look * look).sum()))
        *_, face, _ = physics.aim(game.world.cells, *game.eye(), *(look / length), length - 1)
        if face >= 0:
            return False
        for y in range(ground + 1, ground + 1 + _TALL):
            game.world.set(x, y, z, BEACON)
        self._beacon = x, z
        return True

    def _move_on(self, game: Game) -> None:
        x, z = (int(v) for v in self.np_random.integers(-20000, 20000, 2))
        turned = game.body[physics.YAW : physics.PITCH + 1].copy()
        game.body = stand(game.world, *dry_column(game.world.seed, x, z))
        game.body[physics.YAW : physics.PITCH + 1] = turned

    def _away(self, game: Game) -> float:
        dx = game.body[physics.X] - self._beacon[0] - 0.5
        dz = game.body[physics.Z] - self._beacon[1] - 0.5
        return float(max(abs(dx), abs(dz)))

    def _score(self) -> float:
        away = self._away(self.game)
        reward = self._shaping * (self._distance - away)
        self._distance = away
        if away < _TOUCH:
            self.game.events["beacon_reached"] = 1.0
            reward += 1.0
        return reward

    def _ended(self) -> bool:
        return super()._ended() or self.game.events["beacon_reached"] > 0
