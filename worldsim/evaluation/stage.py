"""The exact world as a stage: scenes are built in it, played, and branched from one state.

The twin (`env.unwrapped`) has to offer what `Twin` of `envs.voxel` offers.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim import actions
from worldsim.actions import Vector
from worldsim.data import environments
from worldsim.evaluation.clips import View, view, visible

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Pose = tuple[float, float, float, float, float]
"""Feet x, y (up), z in blocks, then yaw and pitch in degrees."""

_SEARCHED = 24  # blocks around the start that are searched for level ground
_CLEARED = 12  # blocks above the ground that are emptied


NONE: tuple[int, ...] = ()
LAST = (-1,)
"""No frame of a take, and only its last one, to be drawn."""

_UNSEEN = View(np.zeros((0, 0), np.float32), np.zeros(3), np.zeros((3, 3)), 1.0)


class UnsuitedError(Exception):
    """A seed has no place for a scene, or its hypotheses look the same; another seed is taken."""


@dataclass(frozen=True)
class Site:
    """Level ground of one kind around a column: feet stand at (x + 0.5, y, z + 0.5)."""

    x: int
    y: int
    z: int
    kind: int


@dataclass(frozen=True)
class Take:
    """What happened while a script was played.

    frames: (n+1, h, w, 3), the first before the first action; black where nothing was drawn.
    actions: (n, a). views and poses: one a frame, the former of what was drawn. infos: the
    environment's, one a frame, of what was not drawn `events` alone; the first is empty. state: at
    the end.
    """

    frames: Frame
    actions: Vector
    views: list[View]
    poses: list[Pose]
    infos: list[dict[str, Any]]
    state: bytes


class Stage:
    """Owns one exact environment; every method leaves it where its name says.

    Args:
        env_id: Gymnasium id of the exact world.
        options: its keyword arguments.
    """

    def __init__(self, env_id: str = "WorldSim/Voxel-v0", **options: Any) -> None:
        self.env = environments.make(env_id, **options)
        self.twin: Any = self.env.unwrapped
        self._sites: dict[tuple[int, int], Site] = {}

    @cached_property
    def bare(self) -> Mask:
        """Which pixels (h, w) show places, not crosshair, hotbar or hearts."""
        self._begun()
        return ~np.asarray(self.twin.overlay(), bool)

    def kind(self, name: str) -> int:
        """The number of a kind of block."""
        return list(self.twin.block_names).index(name)

    def arena(
        self,
        seed: int,
        *,
        radius: int = 5,
        yaw: float = 0.0,
        pitch: float = 0.0,
        hour: float = 0.25,
        hotbar: Sequence[tuple[str, int]] = (),
        slot: int = 1,
    ) -> Site:
        """A new world with the player on level open ground, that much of it on every side.

        hour: time of day, 0 sunrise, 0.25 noon. hotbar: (kind, count) a slot; slot: selected, 1..9.

        Raises:
            UnsuitedError: the seed's start has no such ground in reach.
        """
        self.env.reset(seed=seed, options={"time_of_day": hour})
        site = self._sites.get((seed, radius)) or self._level(seed, radius)
        self._sites[seed, radius] = site
        self.twin.place(np.array([site.x + 0.5, site.y, site.z + 0.5, yaw, pitch]))
        self.twin.set_hotbar([(self.kind(name), count) for name, count in hotbar])
        self._flatten(site, radius)
        self.play([actions.to_vector(actions.make(hotbar=slot)), *2 * [NOOP]], drawn=NONE)
        return site

    def play(
        self,
        script: Sequence[Vector] | Vector,
        state: bytes | None = None,
        drawn: Iterable[int] | None = None,
    ) -> Take:
        """Play a script from a state, or from where the world is, and stay where it ends.

        drawn: the frames that are looked at, -1 for the last one; all by default. Drawing is most
        of the work.
        """
        if state is not None:
            self.twin.set_state(state)
        count = len(script) + 1
        wanted = set(range(count)) if drawn is None else {i % count for i in drawn}
        frames = np.zeros((count, *self.bare.shape, 3), np.uint8)
        views, poses = [_UNSEEN] * count, [self.pose()]
        infos: list[dict[str, Any]] = [{}]
        if 0 in wanted:
            frames[0], views[0] = self.twin.observe(), view(self.env)
        for i, vector in enumerate(script, 1):
            action = actions.from_vector(vector)
            if i in wanted:
                frames[i], *_, info = self.env.step(action)
                views[i] = view(self.env)
            else:
                info = {"events": self.twin.advance(action)}
            poses.append(self.pose())
            infos.append(info)
        table = np.array(script, np.float32).reshape(-1, actions.SIZE)
        return Take(frames, table, views, poses, infos, self.twin.get_state())

    def led_to(self, script: Sequence[Vector] | Vector, state: bytes) -> bytes:
        """The state that a script leads to from another; nothing is drawn on the way."""
        self.twin.set_state(state)
        for vector in script:
            self.twin.advance(actions.from_vector(vector))
        after: bytes = self.twin.get_state()
        return after

    def look(self, pose: Pose, size: int | None = None, hud: bool = True) -> Frame:
        """The frame from a pose, in the world as it is."""
        frame: Frame = self.twin.render_at(np.array(pose[:3]), pose[3], pose[4], size, hud)
        return frame

    def pose(self) -> Pose:
        """Where the player is."""
        x, y, z, yaw, pitch = self.twin.pose()
        return float(x), float(y), float(z), float(yaw), float(pitch)

    @contextmanager
    def aside(self) -> Iterator[bytes]:
        """What is done inside is undone at the end; gives the state before."""
        state: bytes = self.twin.get_state()
        try:
            yield state
        finally:
            self.twin.set_state(state)

    def seen(self, target: View, context: Sequence[View]) -> Mask:
        """Which pixels (h, w) of a target show what a context had shown, HUD left out."""
        return visible(target, list(context)) & self.bare

    def mirrored(self, frames: Frame) -> Frame:
        """Frames (..., h, w, 3) with left and right exchanged, all but the HUD."""
        flipped: Frame = np.where(self.bare[..., None], frames[..., ::-1, :], frames)
        return flipped

    def _begun(self) -> None:
        try:
            self.twin.observe()
        except RuntimeError:
            self.env.reset(seed=0)

    def _level(self, seed: int, radius: int) -> Site:
        x0, _, z0, _, _ = self.pose()
        cx, cz, side = int(np.floor(x0)), int(np.floor(z0)), _SEARCHED
        grid = range(-side, side + 1)
        tops = np.array([[self.twin.surface(cx + i, cz + j) for j in grid] for i in grid])
        best, found = 3.0, None
        for i in range(radius, len(tops) - radius, 2):
            for j in range(radius, len(tops) - radius, 2):
                part = tops[i - radius : i + radius + 1, j - radius : j + radius + 1]
                rough = float(part.std())
                x, z, y = cx + i - side, cz + j - side, int(np.median(part))
                if rough < best and self.twin.block_at(x, y, z) in self._ground:
                    best, found = rough, Site(x, y + 1, z, self.twin.block_at(x, y, z))
        if found is None:
            raise UnsuitedError(f"seed {seed} starts where there is no level ground")
        return found

    @cached_property
    def _ground(self) -> set[int]:
        return {self.kind(name) for name in ("grass", "sand", "snow", "stone", "dirt")}

    def _flatten(self, site: Site, radius: int) -> None:
        for x in range(site.x - radius, site.x + radius + 1):
            for z in range(site.z - radius, site.z + radius + 1):
                for y in range(site.y, site.y + _CLEARED):
                    if self.twin.block_at(x, y, z):
                        self.twin.set_block(x, y, z, 0)
                for y in (site.y - 2, site.y - 1):
                    if self.twin.block_at(x, y, z) != site.kind:
                        self.twin.set_block(x, y, z, site.kind)


MIRROR = b"mirrored "
"""Put before a state that is to be seen, and played, in a mirror."""


def mirrored_actions(vectors: Vector) -> Vector:
    """Actions (..., a) with left and right exchanged, keys and camera."""
    out = vectors.copy()
    left, right, yaw = (actions.INDEX[name] for name in ("left", "right", "camera.yaw"))
    out[..., [left, right]] = vectors[..., [right, left]]
    out[..., yaw] = -vectors[..., yaw]
    return out


NOOP: Vector = actions.to_vector(actions.make())
"""The action of pressing nothing."""


def script(*parts: tuple[int, dict[str, Any]]) -> list[Vector]:
    """Vectors of (ticks, controls held for that long), one part after another."""
    return [actions.to_vector(actions.make(**held)) for ticks, held in parts for _ in range(ticks)]
