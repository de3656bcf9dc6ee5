"""The exact world as an instrument: its state, its geometry, its blocks, from any place."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from envs.voxel import physics, sky, state
from envs.voxel.blocks import BLOCKS, HARDNESS, PLACEABLE, WATER
from envs.voxel.controls import controls
from envs.voxel.game import Controls, Game, Target
from envs.voxel.generate import HEIGHT
from envs.voxel.hud import Hud
from envs.voxel.render import TANGENT, draw
from envs.voxel.world import index
from worldsim import actions
from worldsim.camera import CUBE

Frame = NDArray[np.uint8]

_HANDS = "blocks", "counts", "selected", "digging", "dug"
"""What of a game hands change besides blocks."""

_BESIDE = "place_pause", "unstable", "events", "body"
"""What else changes before a player moves."""

_KEYS = "attack", "use"
"""Those of the hands."""


class Twin(gym.Env[Frame, dict[str, Any]]):
    """What `env.unwrapped` offers besides playing.

    Args:
        size: side of the square frame, or (height, width).
    """

    block_names = tuple(block.name for block in BLOCKS)
    """The kinds of block; `block_at` and `block_ids` give their indices."""
    placeable = PLACEABLE
    """The kinds that players can come to hold."""

    def __init__(self, size: int | tuple[int, int]) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < 16:
            raise ValueError(f"size is {size}; needed at least 16 pixels a side")
        self._size = height, width
        self._hud = Hud()
        self._game: Game | None = None
        self._target = Target()
        self._clouds: tuple[int, NDArray[np.uint8]] | None = None
        self._frame: Frame | None = None
        self._geometry: tuple[NDArray[np.float32], Frame] | None = None  # of the state as it is

    @property
    def game(self) -> Game:
        """The running game.

        Raises:
            RuntimeError: before the first `reset`.
        """
        if self._game is None:
            raise RuntimeError("the world does not exist yet; call reset() first")
        return self._game

    def _observe(self, outlined: bool = True) -> Frame:
        game = self.game
        self._target = game.target() if outlined else Target()
        frame, depth, kinds = self._seen()
        self._frame, self._geometry = frame, (depth, kinds)
        self._hud.draw(
            self._frame, game.blocks, game.counts, game.selected, game.health, game.hurt > 0
        )
        return self._frame.copy()

    def _seen(self) -> tuple[Frame, NDArray[np.float32], NDArray[np.uint8]]:
        body = self.game.body
        return self._picture(self.game.eye(), body[physics.YAW], body[physics.PITCH])

    def _shown(self) -> tuple[NDArray[np.float32], Frame]:
        if self._geometry is None:
            self._geometry = self._seen()[1:]
        return self._geometry

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
        shown = self._target.cell
        cell = (*shown, game.crack() if shown == game.digging else -1)
        wet = game.world.get(*(int(v) for v in np.floor(eye))) == WATER
        scene = sky.scene(eye, yaw, pitch, game.clock, self._clouds[1], cell, wet)
        return draw(game.world, scene, *(size or self._size))

    def get_state(self) -> bytes:
        """The whole state as bytes; `set_state` goes on from it bit for bit."""
        return state.pack(self.game)

    def set_state(self, data: bytes) -> None:
        """Go back to a state of `get_state`, of this or another process."""
        self._game = state.unpack(data, self._game.world if self._game else None)
        self._target, self._geometry = self.game.target(), None

    def advance(self, action: dict[str, Any]) -> dict[str, float]:
        """Play a tick whose frame nobody looks at, and say what happened; `observe` shows it."""
        self._tick(action)
        self._target, self._geometry = self.game.target(), None
        return dict(self.game.events)

    def _tick(self, action: Mapping[str, Any]) -> None:
        self.game.step(controls(action))

    def apart(
        self, action: dict[str, Any], at_once: bool = False, outlined: bool = True
    ) -> tuple[Frame, Frame | None, dict[str, Any]]:
        """Play a tick; the frame, the same had hands done nothing in it, and the info.

        Then no block has changed, no crack, nothing in the hotbar; the player has moved alike. None
        where that is what happened. at_once: what is dug at breaks in this tick, from as it is.
        outlined: whether the second frame shows what is aimed at, and its cracks. The info's `cube`
        (6,) is the block that hands changed, as `worldsim.cubes` has it.
        """
        game = self.game
        before = {name: copy.copy(getattr(game, name)) for name in _HANDS}
        if at_once:
            target = game.target()
            game.digging, game.dug = target.cell, max(0, int(HARDNESS[target.kind]) - 1)
        game.world.changes = []
        frame, _, _, _, info = self.step(action)
        changes, game.world.changes = game.world.changes, None
        dug = game.digging if game.dug else before["digging"] if before["dug"] else None
        info["cube"] = self._cube(changes[0][0] if changes else dug)
        if not any(game.events.values()) and game.selected == before["selected"]:
            return frame, None, info
        after = {name: getattr(game, name) for name in _HANDS}
        there = {place: game.world.get(*place) for place, _ in changes}
        shown = self._target, self._frame, self._geometry
        self._put(before, dict(reversed(changes)))
        idle = self._observe(outlined)
        self._put(after, there)
        self._target, self._frame, self._geometry = shown
        return frame, idle, info

    def _cube(self, cell: tuple[int, int, int] | None) -> NDArray[np.float32]:
        if cell is None:
            return np.zeros(CUBE, np.float32)
        (x, y, z), (eye_x, eye_y, eye_z) = cell, self.game.eye()
        yaw, pitch = self.game.body[physics.YAW : physics.PITCH + 1]
        corner = eye_x - x - 1, eye_y - y - 1, z - eye_z
        return np.array([*corner, yaw, pitch, 1.0], np.float32)

    def would(self, action: dict[str, Any]) -> dict[int, dict[str, float]]:
        """What would happen in the tick of an action, were one of the hands' keys held as well.

        By the key's column in a flat action. Nothing has happened after the call.
        """
        asked = controls(action)
        return {actions.INDEX[key]: self._handled(replace(asked, **{key: True})) for key in _KEYS}

    def _handled(self, asked: Controls) -> dict[str, float]:
        game = self.game
        before = {name: copy.copy(getattr(game, name)) for name in (*_HANDS, *_BESIDE)}
        game.world.changes = []
        game.handle(asked)
        changes, game.world.changes = game.world.changes, None
        events = game.events
        self._put(before, dict(reversed(changes)))
        return events

    def _put(self, hands: dict[str, Any], blocks: dict[tuple[int, int, int], int]) -> None:
        for name, value in hands.items():
            setattr(self.game, name, value)
        for place, kind in blocks.items():
            self.game.world.set(*place, kind)

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

    def pose(self) -> NDArray[np.float64]:
        """The player's feet x, y (up), z in blocks, then yaw and pitch in degrees (5,)."""
        body = self.game.body
        return np.array([*body[: physics.Z + 1], body[physics.YAW], body[physics.PITCH]])

    def place(self, pose: NDArray[np.float64]) -> None:
        """Put the player at a pose (5,), at rest."""
        body = self.game.body
        body[:] = 0.0
        body[: physics.Z + 1], body[physics.YAW], body[physics.PITCH] = pose[:3], pose[3], pose[4]
        self.game.world.load_around(body[0], body[2])
        self._geometry = None

    def hotbar(self) -> list[tuple[int, int]]:
        """The kind and count of each slot."""
        return [(int(k), int(n)) for k, n in zip(self.game.blocks, self.game.counts, strict=True)]

    def set_hotbar(self, slots: Sequence[tuple[int, int]]) -> None:
        """Put stacks of (kind, count) into the first slots, and nothing into the others."""
        self.game.hold(slots)

    def surface(self, x: int, z: int) -> int:
        """The height of a column's highest block that is not air, -1 for none; loads nothing new.

        Raises:
            ValueError: the column is too far away to be in memory.
        """
        world = self.game.world
        if not world.loaded(x, z):
            raise ValueError(f"column {x}, {z} is not loaded; needed one near the player")
        return int(world.tops[2, index(x, 0, z) >> 6])

    def depth(self) -> NDArray[np.float32]:
        """Blocks along the view axis to what each pixel shows (h, w); the sky at the fog's end."""
        return self._shown()[0].copy()

    def liquid(self) -> NDArray[np.bool_]:
        """Whether each pixel shows (h, w) water's surface, to which its depth is."""
        shown: NDArray[np.bool_] = self._shown()[1] == WATER
        return shown

    def block_ids(self) -> Frame:
        """The kind of block that each pixel shows (h, w), 0 for the sky; no crosshair or hotbar."""
        return self._shown()[1].copy()

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
        self._geometry = None
