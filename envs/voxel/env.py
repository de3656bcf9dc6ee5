"""`WorldSim/Voxel-v0`: the exact world as a Gymnasium environment."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from envs.voxel import physics, sky, state
from envs.voxel.blocks import AIR, BLOCKS, PLACEABLE, WATER
from envs.voxel.controls import controls
from envs.voxel.game import Game, Target, dry_column, stand
from envs.voxel.generate import HEIGHT, column
from envs.voxel.hud import Hud
from envs.voxel.render import TANGENT, draw
from envs.voxel.textures import STAGES
from envs.voxel.world import World
from worldsim import actions

ENGINE_VERSION = 1
"""Raised whenever the same seed and actions would lead to other states."""

RENDER_VERSION = "1"
"""Raised whenever the same state would give another picture; a test holds its hash."""

Frame = NDArray[np.uint8]


class VoxelEnv(gym.Env[Frame, dict[str, Any]]):
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
    RENDER_VERSION = RENDER_VERSION

    def __init__(
        self,
        size: int | tuple[int, int] = 128,
        kit: bool = True,
        render_mode: str | None = None,
    ) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < 16:
            raise ValueError(f"size is {size}; needed at least 16 pixels a side")
        self._size = height, width
        self._kit = kit
        self.render_mode = render_mode
        self.action_space = actions.space()
        self.observation_space = gym.spaces.Box(0, 255, (height, width, 3), np.uint8)
        self._hud = Hud()
        self._game: Game | None = None
        self._target = Target()
        self._clouds: tuple[int, NDArray[np.uint8]] | None = None
        self._frame: Frame | None = None

    @property
    def game(self) -> Game:
        """The running game.

        Raises:
            RuntimeError: before the first `reset`.
        """
        if self._game is None:
            raise RuntimeError("the world does not exist yet; call reset() first")
        return self._game

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
            game.blocks[:], game.counts[:] = AIR, 0
            for slot, (kind, count) in enumerate(options["hotbar"]):
                game.blocks[slot], game.counts[slot] = kind, count
        game.world.load_around(game.body[0], game.body[2])

    def step(self, action: Mapping[str, Any]) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Play one tick.

        Raises:
            ValueError: an action out of range, NaN or incomplete.
        """
        self.game.step(controls(action))
        reward = self._score()
        return self._observe(), reward, self._ended(), False, self._info()

    def _score(self) -> float:
        return 0.0

    def _ended(self) -> bool:
        return self.game.health <= 0

    def _observe(self) -> Frame:
        game = self.game
        self._target = game.target()
        self._frame = self._seen()[0]
        self._hud.draw(
            self._frame, game.blocks, game.counts, game.selected, game.health, game.hurt > 0
        )
        return self._frame.copy()

    def _seen(self) -> tuple[Frame, NDArray[np.float32], NDArray[np.uint8]]:
        body = self.game.body
        return self._picture(self.game.eye(), body[physics.YAW], body[physics.PITCH])

    def _picture(
        self,
        eye: NDArray[np.float64],
        yaw: float,
        pitch: float,
        size: tuple[int, int] | None = None,
    ) -> tuple[Frame, NDArray[np.float32], NDArray[np.uint8]]:
        game = self.game
        if self._clouds is None or self._clouds[0] != game.world.seed:
            self._clouds = game.world.seed, sky.clouds(game.world.seed)
        stage = min(STAGES - 1, int(game.breaking() * STAGES)) if game.dug else -1
        shown = self._target.cell
        cell = (*shown, stage if shown == game.digging else -1)
        wet = game.world.get(*(int(v) for v in np.floor(eye))) == WATER
        scene = sky.scene(eye, yaw, pitch, game.clock, self._clouds[1], cell, wet)
        return draw(game.world, scene, *(size or self._size))

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
            "engine_version": ENGINE_VERSION,
            "events": dict(game.events),
        }

    def render(self) -> Frame | None:
        """The last observation, when made with `render_mode="rgb_array"`."""
        return None if self.render_mode is None or self._frame is None else self._frame.copy()

    def get_state(self) -> bytes:
        """The whole state as bytes; `set_state` goes on from it bit for bit."""
        return state.pack(self.game)

    def set_state(self, data: bytes) -> None:
        """Go back to a state of `get_state`, of this or another process."""
        self._game = state.unpack(data, self._game.world if self._game else None)
        self._target = self._game.target()

    def state_hash(self) -> str:
        """A SHA-256 of the state, in hex."""
        return state.state_hash(self.game)

    def observe(self) -> Frame:
        """The frame of the state as it is now, after `set_state` or `set_block`."""
        return self._observe()

    def render_at(
        self,
        position: NDArray[np.float64],
        yaw: float,
        pitch: float,
        size: int | tuple[int, int] | None = None,
        hud: bool = True,
    ) -> Frame:
        """The frame with the player's feet at a position (3,), without moving the player."""
        return self._view(position, yaw, pitch, size, hud)[0]

    def camera(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Eye (3,), axes (3, 3) forward right up, tangent of half the vertical field of view."""
        body = self.game.body
        return self.game.eye(), np.stack(sky.axes(body[physics.YAW], body[physics.PITCH])), TANGENT

    def overlay(self) -> NDArray[np.bool_]:
        """Which pixels (h, w) are crosshair, hotbar or hearts, and show no place."""
        return self._hud.covered(*self._size)

    def depth(self) -> NDArray[np.float32]:
        """Blocks along the view axis to what each pixel shows (h, w); the sky at the fog's end."""
        return self._seen()[1]

    def block_ids(self) -> Frame:
        """The kind of block that each pixel shows (h, w), 0 for the sky; no crosshair or hotbar."""
        return self._seen()[2]

    def _view(
        self,
        position: NDArray[np.float64],
        yaw: float,
        pitch: float,
        size: int | tuple[int, int] | None,
        hud: bool,
    ) -> tuple[Frame, NDArray[np.float32], NDArray[np.uint8]]:
        game = self.game
        kept = game.body.copy(), self._target
        shape = (size, size) if isinstance(size, int) else size
        game.body[:3] = position
        game.body[physics.YAW], game.body[physics.PITCH] = yaw, pitch
        try:
            game.world.load_around(position[0], position[2])
            self._target = game.target()
            image, depth, kinds = self._picture(game.eye(), yaw, pitch, shape)
        finally:
            game.body[:], self._target = kept
            game.world.load_around(game.body[0], game.body[2])
        if hud:
            Hud().draw(image, game.blocks, game.counts, game.selected, game.health, game.hurt > 0)
        return image, depth, kinds

    def block_at(self, x: int, y: int, z: int) -> int:
        """The kind of block at a cell, anywhere; air outside the world's height."""
        return self.game.world.get(x, y, z)

    def set_block(self, x: int, y: int, z: int, kind: int) -> None:
        """Put a block; sand above or in it may fall.

        Raises:
            ValueError: outside the world's height, or no such kind.
        """
        if not 0 <= y < HEIGHT or not 0 <= kind < len(BLOCKS):
            raise ValueError(
                f"block {kind} at height {y}; needed kind 0..{len(BLOCKS) - 1}, y 0..{HEIGHT - 1}"
            )
        self.game.world.set(x, y, z, kind)
        self.game._disturb((x, y, z))
