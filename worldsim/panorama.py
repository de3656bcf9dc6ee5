"""What has been seen from where the player stands, as a picture of all directions.

A first-person camera turns exactly as it is told, so what a turn brings back into view is known,
and so is where each pixel of the last frame goes. Where it is known besides how far away pixels
are and how the player moves, the same is true of walking. A `Panorama` keeps the last frame and,
for every direction, the colour last seen there and its place; `ahead` shows these as the camera
will see them next. The dynamics is conditioned on that picture: it has to invent only what was
never seen, and to correct what time and wrong guesses have changed, for which it is told how old
each pixel is.

Directions: yaw in degrees, positive to the right; pitch positive down, within 90 of level.
Places: blocks right, down and ahead of where the game began, as it looked then.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from worldsim.camera import FAR, CameraConfig
from worldsim.projection import Ages, look, moved, paint, remembered
from worldsim.rays import Pixels, Places

T = TypeVar("T")

_STEPS, _TICKS = 8.0, 64.0  # after which what was seen counts for 1/e
_NEVER = -1_000_000


@dataclass(frozen=True)
class Panorama:
    """What one game has seen; a value.

    frame, distance: (h, w, 3) last seen, and (h, w) how far ahead that is. colors, places: (rows,
    columns, 3) by direction. when: (rows, columns, 2) at which step walked and which tick each was
    seen. eye: (3,) place, yaw, pitch: degrees, of the last frame. walked, ticks: so far.
    """

    camera: CameraConfig
    frame: Pixels
    distance: Places
    colors: Pixels
    places: Places
    when: Ages
    eye: NDArray[np.float64]
    yaw: float
    pitch: float
    walked: int = 0
    ticks: int = 0

    @property
    def tangent(self) -> float:
        """Of half the vertical field of view."""
        return float(np.tan(np.radians(self.camera.field_of_view / 2)))

    def turned(
        self, action: NDArray[np.floating], motion: NDArray[np.floating] | None = None
    ) -> "Panorama":
        """The camera after an action (a,), before the frame it led to is known.

        motion: blocks forward, right and up, as felt before the action; not at all by default.
        """
        camera = self.camera
        walks = any(action[column] != 0 for column in camera.walking)
        return replace(
            self,
            eye=self.eye if motion is None else self.eye + self._step(motion),
            yaw=(self.yaw + float(action[camera.yaw])) % 360,
            pitch=float(np.clip(self.pitch + float(action[camera.pitch]), -90, 90)),
            walked=self.walked + walks,
            ticks=self.ticks + 1,
        )

    def seen(self, frame: Pixels, distance: Places | None = None) -> "Panorama":
        """With a new last frame (h, w, 3), as the camera stands.

        distance: (h, w) blocks along the view axis; far away by default.
        """
        return self.copy()._painted(frame, distance)

    def copy(self) -> "Panorama":
        """With arrays of its own."""
        colors, places, when = self.colors.copy(), self.places.copy(), self.when.copy()
        return replace(self, colors=colors, places=places, when=when)

    def _painted(self, frame: Pixels, distance: Places | None) -> "Panorama":
        """As `seen`, in the arrays of this one, which is not to be used again."""
        if distance is None:
            distance = np.full(frame.shape[:2], FAR, np.float32)
        paint(
            self.colors, self.places, self.when, frame, distance, self._visible(frame),
            *self._stand(), self.tangent, self.walked, self.ticks,
        )  # fmt: skip
        return replace(self, frame=frame, distance=distance)

    def ahead(self, before: "Panorama") -> tuple[Pixels, NDArray[np.float32]]:
        """What is known of the next frame, given how the camera stood at the last one.

        Colours (h, w, 3), where nothing is known those of the frame's edges, and (h, w, 3) in
        [0, 1]: whether it is known, how recent in steps walked, and in ticks.
        """
        frame, visible = self.frame, self._visible(self.frame)
        place, stood = self._stand(), before._stand()
        out, ages = np.empty_like(frame), np.empty((*frame.shape[:2], 2), np.int32)
        remembered(
            out, ages, self.colors, self.places, self.when, visible, *place, self.tangent, _NEVER
        )
        nearest = moved(self.distance, visible, *place, *stood, self.tangent)
        look(
            out, ages, frame, self.distance, nearest, visible, *place, *stood, self.tangent,
            before.walked, before.ticks, _NEVER,
        )  # fmt: skip
        recent = np.empty(frame.shape, np.float32)
        recent[..., 0] = ages[..., 0] > _NEVER  # what was never seen is so old that e**-age is 0
        np.exp((ages[..., 0] - self.walked) * np.float32(1 / _STEPS), out=recent[..., 1])
        np.exp((ages[..., 1] - self.ticks) * np.float32(1 / _TICKS), out=recent[..., 2])
        return out, recent

    def _step(self, motion: NDArray[np.floating]) -> NDArray[np.float64]:
        forward, right, up = (float(part) for part in motion[:3])
        sine, cosine = np.sin(np.radians(self.yaw)), np.cos(np.radians(self.yaw))
        return np.array([right * cosine + forward * sine, -up, forward * cosine - right * sine])

    def _visible(self, frame: Pixels) -> int:
        return round(len(frame) * (1 - self.camera.overlay))

    def _stand(self) -> tuple[NDArray[np.float64], float, float]:
        return self.eye, float(np.radians(self.yaw)), float(np.radians(self.pitch))


def blank(camera: CameraConfig, shape: tuple[int, ...], pitch: float) -> Panorama:
    """The panorama of a game that has seen nothing, whose frames have that shape (h, w, 3)."""
    rows = round(180 * camera.resolution)
    return Panorama(
        camera=camera,
        frame=np.full(shape, 128, np.uint8),
        distance=np.full(shape[:2], FAR, np.float32),
        colors=np.full((rows, 2 * rows, 3), 128, np.uint8),
        places=np.zeros((rows, 2 * rows, 3), np.float32),
        when=np.full((rows, 2 * rows, 2), _NEVER, np.int32),
        eye=np.zeros(3),
        yaw=0.0,
        pitch=pitch,
    )


Motions = NDArray[np.floating]
"""Blocks forward, right and up (..., 3) between frames, as felt at the earlier one."""


def looked_ahead(
    panoramas: Sequence[Panorama], actions: NDArray[np.floating], motions: Motions
) -> tuple[Pixels, NDArray[np.float32]]:
    """What `Panorama.ahead` says (b, h, w, 3), twice, of the frames that actions (b, a) lead to."""

    def shown(
        game: Panorama, action: NDArray[np.floating], motion: Motions
    ) -> tuple[Pixels, NDArray[np.float32]]:
        return game.turned(action, motion).ahead(game)

    both = each(shown, panoramas, actions, motions)
    return np.stack([picture for picture, _ in both]), np.stack([recent for _, recent in both])


def gone_on(
    panoramas: Sequence[Panorama],
    actions: NDArray[np.floating],
    motions: Motions,
    frames: Pixels,
    distances: Places,
) -> tuple[Panorama, ...]:
    """The panoramas after actions (b, f, a) led by motions (b, f, 3) to frames (b, f, h, w, 3).

    distances: (b, f, h, w) of what they show.
    """

    def after(game: Panorama, *rows: NDArray[Any]) -> Panorama:
        game = game.copy()
        for action, motion, frame, distance in zip(*rows, strict=True):
            game = game.turned(action, motion)._painted(frame, distance)
        return game

    return tuple(each(after, panoramas, actions, motions, frames, distances))


def begun(
    camera: CameraConfig,
    actions: NDArray[np.floating],
    motions: Motions,
    frames: Pixels,
    distances: Places,
    pitches: Sequence[float],
) -> tuple[Panorama, ...]:
    """The panoramas of games that have seen frames (b, t+1, h, w, 3), led by actions (b, t, a).

    motions, distances: as `gone_on`; pitches: of the first frames.
    """
    rows = zip(pitches, frames[:, 0], distances[:, 0], strict=True)
    first = [blank(camera, frame.shape, pitch).seen(frame, away) for pitch, frame, away in rows]
    return gone_on(first, actions, motions, frames[:, 1:], distances[:, 1:])


def each(function: Callable[..., T], *rows: Sequence[Any] | NDArray[Any]) -> list[T]:
    """The function's result for each game; the loops inside run side by side."""
    if len(rows[0]) < 2:
        return list(map(function, *rows))
    return list(_threads().map(function, *rows))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "panorama")


def as_arrays(panoramas: Sequence[Panorama]) -> dict[str, NDArray[Any]]:
    """The panoramas as arrays with a row a game; `from_arrays` takes them."""
    return {name: np.stack([getattr(p, name) for p in panoramas]) for name in _PARTS}


def from_arrays(camera: CameraConfig, arrays: Mapping[str, NDArray[Any]]) -> tuple[Panorama, ...]:
    """The panoramas that `as_arrays` was taken of."""
    rows = zip(*(arrays[name] for name in _PARTS), strict=True)
    return tuple(Panorama(camera, *(x if x.ndim else x.item() for x in row)) for row in rows)


_PARTS = [part.name for part in fields(Panorama)][1:]


def seen_again(
    camera: CameraConfig,
    frames: Pixels,
    distances: Places,
    before: NDArray[np.floating],
    after: NDArray[np.floating],
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Frames (k, h, w, 3) seen at poses `before` as they are from `after`, and where they show it.

    distances: (k, h, w). Poses are (k, 5) x, y (up), z, yaw, pitch; the second result is (k, h, w).
    """
    nothing = blank(camera, frames.shape[1:], 0.0)
    pictures, inside = np.empty_like(frames), np.empty(frames.shape[:3], bool)
    for i, (frame, distance) in enumerate(zip(frames, distances, strict=True)):
        at, then = (
            replace(nothing, frame=frame, distance=distance, **_standing(pose))
            for pose in (before[i], after[i])
        )
        pictures[i], recent = then.ahead(at)
        inside[i] = recent[..., 0] > 0
    return pictures, inside


def recorded(
    camera: CameraConfig,
    frames: Pixels,
    actions: NDArray[np.floating],
    poses: NDArray[np.floating],
    distances: Places,
) -> tuple[Pixels, NDArray[np.float32]]:
    """What `Panorama.ahead` says before each frame (t+1, h, w, 3) of an episode.

    actions: (t, a). poses: (t+1, 5) x, y (up), z, yaw, pitch.
    distances: (t+1, h, w).
    """
    panorama = replace(blank(camera, frames.shape[1:], 0.0), **_standing(poses[0]))
    pictures, recents = np.empty_like(frames), np.zeros(frames.shape, np.float32)
    pictures[0] = panorama.frame
    panorama = panorama._painted(frames[0], distances[0])
    for i, action in enumerate(actions, 1):
        after = replace(panorama.turned(action), eye=_standing(poses[i])["eye"])
        pictures[i], recents[i] = after.ahead(panorama)
        panorama = after._painted(frames[i], distances[i])
    return pictures, recents


def _standing(pose: NDArray[np.floating]) -> dict[str, Any]:
    """Where a panorama's camera is at a pose (5,) x, y (up), z, yaw (90 towards -x), pitch."""
    x, y, z, yaw, pitch = map(float, pose)
    return {"eye": np.array([-x, -y, z]), "yaw": yaw, "pitch": pitch}


def pooled(recents: NDArray[np.float32], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Means (..., 3, y, x) of what `Panorama.ahead` says (..., h, w, 3) over a grid (y, x)."""
    *lead, height, width, channels = recents.shape
    y, x = grid
    cells = recents.reshape(*lead, y, height // y, x, width // x, channels).sum(-4).sum(-2)
    return np.moveaxis(cells / np.float32(height // y * (width // x)), -1, -3)
