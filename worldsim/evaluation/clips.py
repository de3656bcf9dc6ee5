"""Held-out clips of the exact world, and which of their pixels the context had already shown.

The exact world has to offer, on `env.unwrapped`, `depth()` (h, w) in blocks along the view axis and
`camera()`: eye (3,), axes (3, 3) forward right up, and the tangent of half the vertical field of
view. `overlay()` (h, w) marks pixels that are drawn over the view and belong to no place;
`get_state()` gives its state as bytes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from worldsim.actions import Vector
from worldsim.data import environments
from worldsim.data.record import Config as RecordConfig
from worldsim.data.record import make_policy

_AGREES = 0.06  # relative difference of depths that still is the same surface
_NEAREST = 0.05  # blocks ahead from which on something is seen


@dataclass(frozen=True)
class View:
    """One frame's geometry: depth (h, w), eye (3,), axes (3, 3), tangent of half the height."""

    depth: NDArray[np.float32]
    eye: NDArray[np.float64]
    axes: NDArray[np.float64]
    tangent: float


@dataclass(frozen=True)
class ExactClip:
    """A stretch of exact play: frames (t+1, h, w, 3), actions (t, a), one seed.

    state: the exact world's, as the context ends.

    seen: for each frame after the context, the pixels (t - context, h, w) that show what some
    frame of the context showed too.
    """

    frames: NDArray[np.uint8]
    actions: NDArray[np.float32]
    seen: NDArray[np.bool_]
    seed: int
    state: bytes


def collect(
    env: environments.Env, policy: str, seeds: range, context: int, horizon: int, wait: int
) -> list[ExactClip]:
    """A clip for each seed: the policy plays `wait` ticks, then context and horizon are kept."""
    clips = []
    player = make_policy(RecordConfig(policy=policy))
    engine: Any = env.unwrapped
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        player.reset(seed, env, info)
        frames, views, state = [observation], [view(env)], b""
        actions: list[Vector] = []
        while len(actions) < wait + context - 1 + horizon:
            action = player.act(observation, info)
            observation, _, ended, cut, info = env.step(action)
            actions.append(environments.to_vector(env.action_space, action))
            frames.append(observation)
            views.append(view(env))
            if len(actions) == wait + context - 1:
                state = engine.get_state()
            if ended or cut:
                break
        else:
            past, future = views[wait : wait + context], views[wait + context :]
            seen = np.stack([visible(target, past) & ~engine.overlay() for target in future])
            kept = np.stack(frames[wait:]), np.stack(actions[wait:])
            clips.append(ExactClip(*kept, seen, seed, state))
    return clips


def view(env: environments.Env) -> View:
    """The geometry of the frame that the exact world shows now."""
    engine: Any = env.unwrapped
    eye, axes, tangent = engine.camera()
    return View(engine.depth(), eye, axes, tangent)


def rays(shape: tuple[int, int], tangent: float) -> NDArray[np.float64]:
    """Each pixel's ray (h, w, 3) in camera axes (forward, right, up), of length 1 forward."""
    h, w = shape
    pixel = 2 * tangent / h
    up = tangent - (np.arange(h) + 0.5) * pixel
    right = (np.arange(w) + 0.5 - 0.5 * w) * pixel
    out = np.ones((h, w, 3))
    out[..., 1], out[..., 2] = right[None], up[:, None]
    return out


def visible(target: View, context: list[View]) -> NDArray[np.bool_]:
    """Which pixels (h, w) of the target show a point that some view of the context showed."""
    directions = rays(target.depth.shape, target.tangent) @ target.axes
    points = target.eye + directions * target.depth[..., None]
    seen = np.zeros(target.depth.shape, np.bool_)
    for view in context:
        _shown(seen, points, view.depth, view.eye, view.axes, view.tangent)
    return seen


@njit(cache=True, nogil=True, error_model="numpy")
def _shown(
    seen: NDArray[np.bool_],
    points: NDArray[np.float64],
    depth: NDArray[np.float32],
    eye: NDArray[np.float64],
    axes: NDArray[np.float64],
    tangent: float,
) -> None:
    """Mark as seen (h, w) the points (h, w, 3) that a view shows, not behind anything.

    depth, eye, axes, tangent: of the view.
    """
    height, width = depth.shape
    pixel = 2 * tangent / height
    for i in range(seen.shape[0]):
        for j in range(seen.shape[1]):
            if seen[i, j]:
                continue
            x, y, z = points[i, j, 0] - eye[0], points[i, j, 1] - eye[1], points[i, j, 2] - eye[2]
            forward = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]
            if forward <= _NEAREST:
                continue
            right = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]
            up = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2]
            row = int(np.floor((tangent - up / forward) / pixel))
            column = int(np.floor(right / forward / pixel + 0.5 * width))
            if 0 <= row < height and 0 <= column < width:
                away = abs(np.float64(depth[row, column]) - forward)
                seen[i, j] = away < _AGREES * forward + 0.1
