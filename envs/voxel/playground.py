"""A place with many things to walk into, climb, fall off and look behind, near the start."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from envs.voxel import physics
from envs.voxel.blocks import AIR, ID, PLACEABLE, WATER
from envs.voxel.env import VoxelEnv
from envs.voxel.game import Game, stand
from envs.voxel.generate import HEIGHT

_RADIUS = 12  # blocks of ground on every side
_HEADROOM = 12  # blocks above the ground that are emptied
_DEPTH = 6  # blocks below it that are filled
_CLEAR = 2  # blocks around the player without anything on them
_LEVELLED = 0.7  # share of the playgrounds whose ground is made level, and of one kind
_FLOORS = tuple(ID[name] for name in ("grass", "sand", "snow", "stone", "dirt"))
_LOOSE = (ID["sand"], ID["gravel"])
_KINDS = (*PLACEABLE, *(ID[name] for name in ("grass", "snow", "stone")))

Cells = Iterable[tuple[int, int, int]]


class PlaygroundEnv(VoxelEnv):
    """`WorldSim/VoxelPlayground-v0`: walls, steps, pillars, pits, pools and roofs, at random.

    What players meet once in a thousand steps elsewhere is around every corner here. Spaces, info,
    reset options and rules are those of `WorldSim/Voxel-v0`.

    Args:
        loose: of two kits in three the first stacks are sand and gravel, or one of them.
        options: as `VoxelEnv` takes them.
    """

    def __init__(self, *, loose: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._loose = loose

    def _begin(self, options: Mapping[str, Any]) -> Game:
        game = super()._begin(options)
        Yard(game, self.np_random).furnish()
        if self._loose:
            _loosened(game, self.np_random)
        return game


def _loosened(game: Game, rng: np.random.Generator) -> None:
    """Put what falls into the first slots, and something firm into a later one."""
    kinds, amounts = rng.permutation(_LOOSE), rng.integers(1, 65, 3)
    for slot in range(int(rng.integers(0, 3))):
        game.blocks[slot], game.counts[slot] = kinds[slot], amounts[slot]
    firm = [kind for kind in PLACEABLE if kind not in _LOOSE]
    game.blocks[5], game.counts[5] = int(rng.choice(firm)), amounts[2]


class Yard:
    """The ground around a player, to be furnished.

    Args:
        game: the player's; its world is changed.
        rng: decides everything.
    """

    def __init__(self, game: Game, rng: np.random.Generator) -> None:
        self._game, self._rng = game, rng
        x, y, z = (int(np.floor(v)) for v in game.body[: physics.Z + 1])
        self._x, self._y, self._z = x, min(max(y, _DEPTH + 2), HEIGHT - _HEADROOM - 2), z

    def furnish(self) -> None:
        """Build, and stand the player upon it."""
        rng, world = self._rng, self._game.world
        if rng.random() < _LEVELLED:
            self._level(int(rng.choice(_FLOORS)))
        makes = (
            self._wall,
            self._wall,
            self._pillar,
            self._step,
            self._pit,
            self._pool,
            self._roof,
        )
        for _ in range(int(rng.integers(3, 16))):
            make = makes[int(rng.integers(len(makes)))]
            make(*self._place(), int(rng.choice(_KINDS)))
        if rng.random() < 0.2:
            self._fence(int(rng.choice(_KINDS)))
        turned = self._game.body[physics.YAW : physics.PITCH + 1].copy()
        self._game.body[:] = stand(world, self._x, self._z)
        self._game.body[physics.YAW : physics.PITCH + 1] = turned

    def _level(self, floor: int) -> None:
        side = range(-_RADIUS, _RADIUS + 1)
        columns = [(self._x + i, self._z + j) for i in side for j in side]
        self._fill(((x, y, z) for x, z in columns for y in range(self._y - _DEPTH, self._y)), floor)
        above = range(self._y, self._y + _HEADROOM)
        self._fill(((x, y, z) for x, z in columns for y in above), AIR)

    def _place(self) -> tuple[int, int]:
        """A column that is not right beside the player."""
        while True:
            i, j = (int(v) for v in self._rng.integers(-_RADIUS + 1, _RADIUS, 2))
            if max(abs(i), abs(j)) > _CLEAR + 1:
                return self._x + i, self._z + j

    def _wall(self, x: int, z: int, kind: int) -> None:
        length, high = int(self._rng.integers(2, 8)), int(self._rng.integers(1, 5))
        along = self._rng.random() < 0.5
        for k in range(length):
            self._column(x + k * along, z + k * (not along), kind, high)

    def _pillar(self, x: int, z: int, kind: int) -> None:
        self._column(x, z, kind, int(self._rng.integers(1, 6)))

    def _step(self, x: int, z: int, kind: int) -> None:
        wide, deep, high = (int(v) for v in self._rng.integers((2, 2, 1), (6, 6, 3)))
        for i in range(wide):
            for j in range(deep):
                self._column(x + i, z + j, kind, high)

    def _pit(self, x: int, z: int, kind: int) -> None:
        self._dig(x, z, AIR)

    def _pool(self, x: int, z: int, kind: int) -> None:
        self._dig(x, z, WATER)

    def _roof(self, x: int, z: int, kind: int) -> None:
        wide, deep = (int(v) for v in self._rng.integers(1, 5, 2))
        y = self._top(x, z) + int(self._rng.integers(2, 5))
        self._fill(((x + i, y, z + j) for i in range(wide) for j in range(deep)), kind)

    def _fence(self, kind: int) -> None:
        """A wall around everything."""
        far = int(self._rng.integers(4, _RADIUS))
        high = int(self._rng.integers(1, 4))
        for k in range(-far, far + 1):
            for i, j in ((k, far), (k, -far), (far, k), (-far, k)):
                self._column(self._x + i, self._z + j, kind, high)

    def _dig(self, x: int, z: int, kind: int) -> None:
        wide, deep, down = (int(v) for v in self._rng.integers((1, 1, 1), (6, 6, 5)))
        top = self._top(x, z)
        for i in range(wide):
            for j in range(deep):
                if self._far(x + i, z + j):
                    levels = range(max(1, top - down + 1), top + 1)
                    self._fill(((x + i, y, z + j) for y in levels), kind)

    def _column(self, x: int, z: int, kind: int, high: int) -> None:
        if self._far(x, z):
            top = self._top(x, z)
            self._fill(((x, y, z) for y in range(top + 1, top + 1 + high)), kind)

    def _far(self, x: int, z: int) -> bool:
        return max(abs(x - self._x), abs(z - self._z)) > _CLEAR

    def _top(self, x: int, z: int) -> int:
        """The highest cell of a column, not far above the ground, that is not air."""
        y = self._y + _HEADROOM // 2
        while y > 1 and self._game.world.get(x, y, z) == AIR:
            y -= 1
        return y

    def _fill(self, cells: Cells, kind: int) -> None:
        world = self._game.world
        for x, y, z in cells:
            if 0 < y < HEIGHT - 1 and world.get(x, y, z) != kind:
                world.set(x, y, z, kind)
