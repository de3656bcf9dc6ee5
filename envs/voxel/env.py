"""`WorldSim/Voxel-v0`: the exact world as a Gymnasium environment."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from envs.voxel import physics, sky
from envs.voxel.blocks import PLACEABLE
from envs.voxel.game import Game, dry_column, stand
from envs.voxel.generate import column
from envs.voxel.twin import Frame, Twin
from envs.voxel.world import World
from worldsim import actions

ENGINE_VERSION = 1
"""Raised whenever the same seed and actions would lead to other states."""

RENDER_VERSION = "1"
"""Raised whenever the same state would give another picture; a test holds its hash."""


class VoxelEnv(Twin):
    """A deterministic Minecraft-style world, seen through the player's eyes.

    ## Action space
    `worldsim.actions.space()`: MineRL's controls, 20 ticks a second, camera in degrees.

    ## Observation space
    `Box(0, 255, (h, w, 3), uint8)`: the view with crosshair, hotbar and hearts.

    ## Reward, end
    No reward. Death terminates; nothing truncates.

    ## Info
    `position`, `velocity` (blocks, blocks a tick), `yaw`, `pitch` (degrees), `on_ground`,
    `in_water`, `health` (0..20), `selected`, `hotbar_block`, `hotbar_count`, `target` (cell; y -1
    for none), `target_block`, `target_distance`, `breaking` (0..1), `time_of_day` (0 sunrise, 0.25
    noon), `tick`, `biome`, `engine_version`, `events` (what happened in the tick, a number each).

    ## Reset options
    `time_of_day` (0..1), `position` (x, y, z), `yaw`, `pitch`, `hotbar` (list of (block, count)),
    `state` (from `get_state`).

    Args:
        size: side of the square frame, or (height, width).
        kit: start with a few stacks of blocks drawn from the seed rather than empty-handed.
        render_mode: None or "rgb_array".
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012
    ENGINE_VERSION = ENGINE_VERSION
    RENDER_VERSION = RENDER_VERSION

    def __init__(
        self,
        size: int | tuple[int, int] = 128,
        kit: bool = True,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(size)
        self._kit = kit
        self.render_mode = render_mode
        self.action_space = actions.space()
        self.observation_space = gym.spaces.Box(0, 255, (*self._size, 3), np.uint8)

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begin in a new world; the seed and the options alone decide it."""
        super().reset(seed=seed)
        options = options or {}
        if "state" in options:
            self.set_state(options["state"])
        else:
            self._game = self._begin(options)
        return self._observe(), self._info()

    def _begin(self, options: Mapping[str, Any]) -> Game:
        rng = self.np_random
        world = World(int(rng.integers(2**31 - 1)))
        x, z = dry_column(world.seed, *(int(v) for v in rng.integers(-20000, 20000, 2)))
        body = stand(world, x, z)
        body[physics.YAW] = rng.uniform(-180, 180)
        body[physics.PITCH] = rng.uniform(-10, 20)
        hour = rng.uniform(0.03, 0.45) if rng.random() < 0.8 else rng.uniform(0, 1)
        game = Game(world, body, int(options.get("time_of_day", hour) * sky.DAY))
        kinds = rng.choice(PLACEABLE, 5, replace=False)
        amounts, kept = rng.integers(1, 65, 5), int(rng.integers(0, 6))
        if self._kit:
            game.blocks[:kept], game.counts[:kept] = kinds[:kept], amounts[:kept]
        game.selected = int(rng.integers(0, 9))
        self._apply(game, options)
        return game

    def _apply(self, game: Game, options: Mapping[str, Any]) -> None:
        if "position" in options:
            game.body[:3] = options["position"]
            game.body[physics.GROUND] = 0.0
        for name, at in (("yaw", physics.YAW), ("pitch", physics.PITCH)):
            if name in options:
                game.body[at] = options[name]
        if "hotbar" in options:
            game.hold(options["hotbar"])
        game.world.load_around(game.body[0], game.body[2])

    def step(self, action: Mapping[str, Any]) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Play one tick.

        Raises:
            ValueError: an action out of range, NaN or incomplete.
        """
        self._tick(action)
        reward = self._score()
        return self._observe(), reward, self._ended(), False, self._info()

    def _score(self) -> float:
        return 0.0

    def _ended(self) -> bool:
        return self.game.health <= 0

    def _info(self) -> dict[str, Any]:
        game, body = self.game, self.game.body
        x, z = int(np.floor(body[physics.X])), int(np.floor(body[physics.Z]))
        return {
            "position": body[: physics.Z + 1].copy(),
            "velocity": body[physics.VX : physics.VZ + 1].copy(),
            "yaw": float(body[physics.YAW]),
            "pitch": float(body[physics.PITCH]),
            "on_ground": float(body[physics.GROUND]),
            "in_water": float(body[physics.IN_WATER]),
            "health": game.health,
            "selected": game.selected,
            "hotbar_block": game.blocks.copy(),
            "hotbar_count": game.counts.copy(),
            "target": np.array(self._target.cell, np.int64),
            "target_block": self._target.kind,
            "target_distance": float(self._target.distance),
            "breaking": float(game.breaking()),
            "time_of_day": game.clock % sky.DAY / sky.DAY,
            "tick": game.tick,
            "biome": int(column(game.world.seed, x, z)[1]),
            "engine_version": self.ENGINE_VERSION,
            "events": dict(game.events),
        }

    def render(self) -> Frame | None:
        """The last observation, when made with `render_mode="rgb_array"`."""
        return None if self.render_mode is None or self._frame is None else self._frame.copy()
