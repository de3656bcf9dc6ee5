"""What has been seen from where the player stands, as a picture of all directions.

A first-person camera turns exactly as it is told, so what a turn brings back into view is known,
and so is where each pixel of the last frame goes. A `Panorama` keeps the last frame and, for every
direction, the colour last seen there; `ahead` shows it as the camera will see it next. The dynamics
is conditioned on that picture: it has to invent only what was never seen, and to correct what
walking and time have changed, for which it is told how old each pixel is.

Directions: yaw in degrees, positive to the right; pitch positive down, within 90 of level.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import CameraConfig
from worldsim.projection import Ages, Pixels, look, paint

T = TypeVar("T")

_STEPS, _TICKS = 8.0, 64.0  # after which what was seen counts for 1/e
_NEVER = -1_000_000


@dataclass(frozen=True)
class Panorama:
    """What one game has seen; a value.

    frame: (h, w, 3) last seen. colors: (rows, columns, 3) by direction. when: (rows, columns, 2)
    at which step walked and which tick each was seen. yaw, pitch: degrees of the last frame.
    walked, ticks: so far.
    """

    camera: CameraConfig
    frame: Pixels
    colors: Pixels
    when: Ages
    yaw: float
    pitch: float
    walked: int = 0
    ticks: int = 0

    @property
    def tangent(self) -> float:
        """Of half the vertical field of view."""
        return float(np.tan(np.radians(self.camera.field_of_view / 2)))

    def turned(self, action: NDArray[np.floating]) -> "Panorama":
        """The camera after an action (a,), before the frame it led to is known."""
        camera = self.camera
        moved = any(action[column] != 0 for column in camera.walking)
        return replace(
            self,
            yaw=(self.yaw + float(action[camera.yaw])) % 360,
            pitch=float(np.clip(self.pitch + float(action[camera.pitch]), -90, 90)),
            walked=self.walked + moved,
            ticks=self.ticks + 1,
        )

    def seen(self, frame: Pixels) -> "Panorama":
        """With a new last frame (h, w, 3), as the camera stands."""
        colors, when = self.colors.copy(), self.when.copy()
        paint(
            colors, when, frame, self._visible(frame), *self._angles(), self.tangent,
            self.walked, self.ticks,
        )  # fmt: skip
        return replace(self, frame=frame, colors=colors, when=when)

    def ahead(self, before: "Panorama") -> tuple[Pixels, NDArray[np.float32]]:
        """What is known of the next frame, given how the camera stood at the last one.

        Colours (h, w, 3), grey where nothing is known, and (h, w, 3) in [0, 1]: whether it is
        known, how recent in steps walked, and in ticks.
        """
        frame = self.frame
        out, ages = np.empty_like(frame), np.empty((*frame.shape[:2], 2), np.int32)
        look(
            out, ages, frame, self._visible(frame), self.colors, self.when, *self._angles(),
            *before._angles(), self.tangent, before.walked, before.ticks,
        )  # fmt: skip
        steps, ticks = self.walked - ages[..., 0], self.ticks - ages[..., 1]
        known = ages[..., 0] > _NEVER
        recent = np.stack([known, np.exp(-steps / _STEPS), np.exp(-ticks / _TICKS)], -1)
        return out, (recent * known[..., None]).astype(np.float32)

    def _visible(self, frame: Pixels) -> int:
        return round(len(frame) * (1 - self.camera.overlay))

    def _angles(self) -> tuple[float, float]:
        return float(np.radians(self.yaw)), float(np.radians(self.pitch))


def blank(camera: CameraConfig, shape: tuple[int, ...], pitch: float) -> Panorama:
    """The panorama of a game that has seen nothing, whose frames have that shape (h, w, 3)."""
    rows = round(180 * camera.resolution)
    return Panorama(
        camera=camera,
        frame=np.full(shape, 128, np.uint8),
        colors=np.full((rows, 2 * rows, 3), 128, np.uint8),
        when=np.full((rows, 2 * rows, 2), _NEVER, np.int32),
        yaw=0.0,
        pitch=pitch,
    )


def looked_ahead(
    panoramas: Sequence[Panorama], actions: NDArray[np.floating]
) -> tuple[Pixels, NDArray[np.float32]]:
    """What `Panorama.ahead` says (b, h, w, 3), twice, of the frames that actions (b, a) lead to."""
    shown = _each(lambda game, action: game.turned(action).ahead(game), panoramas, actions)
    return np.stack([picture for picture, _ in shown]), np.stack([recent for _, recent in shown])


def gone_on(
    panoramas: Sequence[Panorama], actions: NDArray[np.floating], frames: Pixels
) -> tuple[Panorama, ...]:
    """The panoramas after actions (b, f, a) led to frames (b, f, h, w, 3)."""

    def after(game: Panorama, led: NDArray[np.floating], shown: Pixels) -> Panorama:
        for action, frame in zip(led, shown, strict=True):
            game = game.turned(action).seen(frame)
        return game

    return tuple(_each(after, panoramas, actions, frames))


def begun(
    camera: CameraConfig, frames: Pixels, actions: NDArray[np.floating], pitches: Sequence[float]
) -> tuple[Panorama, ...]:
    """The panoramas of games that have seen frames (b, t+1, h, w, 3), led by actions (b, t, a).

    pitches: of the first frames.
    """
    first = [blank(camera, frames.shape[2:], pitch) for pitch in pitches]
    first = [game.seen(frame) for game, frame in zip(first, frames[:, 0], strict=True)]
    return gone_on(first, actions, frames[:, 1:])


def _each(function: Callable[..., T], *rows: Sequence[Any] | NDArray[Any]) -> list[T]:
    """The function's result for each game; the loops inside run side by side."""
    if len(rows[0]) < 2:
        return list(map(function, *rows))
    return list(_threads().map(function, *rows))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "panorama")


def as_arrays(panoramas: Sequence[Panorama]) -> dict[str, NDArray[Any]]:
    """The panoramas as arrays with a row a game; `from_arrays` takes them."""
    return {
        "frame": np.stack([p.frame for p in panoramas]),
        "colors": np.stack([p.colors for p in panoramas]),
        "when": np.stack([p.when for p in panoramas]),
        "angles": np.array([[p.yaw, p.pitch] for p in panoramas]),
        "counts": np.array([[p.walked, p.ticks] for p in panoramas], np.int64),
    }


def from_arrays(camera: CameraConfig, arrays: Mapping[str, NDArray[Any]]) -> tuple[Panorama, ...]:
    """The panoramas that `as_arrays` was taken of."""
    rows = zip(
        *(arrays[name] for name in ("frame", "colors", "when", "angles", "counts")), strict=True
    )
    return tuple(
        Panorama(camera, frame, colors, when, *angles.tolist(), *counts.tolist())
        for frame, colors, when, angles, counts in rows
    )


def seen_again(
    camera: CameraConfig,
    frames: Pixels,
    before: NDArray[np.floating],
    after: NDArray[np.floating],
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Frames (k, h, w, 3) seen at `before` as they are from `after`, yaw and pitch (k, 2), degrees.

    And where they show what is there, (k, h, w).
    """
    nothing = blank(camera, frames.shape[1:], 0.0)
    pictures, inside = np.empty_like(frames), np.empty(frames.shape[:3], bool)
    for i, frame in enumerate(frames):
        at = replace(nothing, frame=frame, yaw=float(before[i, 0]), pitch=float(before[i, 1]))
        turned = replace(at, yaw=float(after[i, 0]), pitch=float(after[i, 1]))
        pictures[i], recent = turned.ahead(at)
        inside[i] = recent[..., 0] > 0
    return pictures, inside


def recorded(
    camera: CameraConfig, frames: Pixels, actions: NDArray[np.floating], pitch: float
) -> tuple[Pixels, NDArray[np.float32]]:
    """What `Panorama.ahead` says before each frame (t+1, h, w, 3) of an episode.

    actions: (t, a); pitch: of the first frame, before which nothing is known.
    """
    panorama = blank(camera, frames.shape[1:], pitch)
    pictures, recents = np.empty_like(frames), np.zeros(frames.shape, np.float32)
    pictures[0] = panorama.frame
    panorama = panorama.seen(frames[0])
    for i, action in enumerate(actions, 1):
        after = panorama.turned(action)
        pictures[i], recents[i] = after.ahead(panorama)
        panorama = after.seen(frames[i])
    return pictures, recents


def pooled(recents: NDArray[np.float32], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Means (..., 3, y, x) of what `Panorama.ahead` says (..., h, w, 3) over a grid (y, x)."""
    *lead, height, width, channels = recents.shape
    y, x = grid
    cells = recents.reshape(*lead, y, height // y, x, width // x, channels).mean((-4, -2))
    return np.moveaxis(cells, -1, -3)
