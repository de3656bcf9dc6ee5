"""Held-out clips of the exact world, and which of their pixels the context had already shown.

The exact world has to offer, on `env.unwrapped`, `depth()` (h, w) in blocks along the view axis and
`camera()`: eye (3,), axes (3, 3) forward right up, and the tangent of half the vertical field of
view. `overlay()` (h, w) marks pixels that are drawn over the view and belong to no place;
`get_state()` gives its state as bytes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.actions import Vector
from worldsim.data import environments
from worldsim.data.record import Config as RecordConfig
from worldsim.data.record import make_policy

_AGREES = 0.06  # relative difference of depths that still is the same surface


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
    seen: NDArray[np.bool_] = np.any([_shown(points, view) for view in context], axis=0)
    return seen


def _shown(points: NDArray[np.float64], view: View) -> NDArray[np.bool_]:
    """Whether a view shows each of the points (h, w, 3): in the picture and not behind anything."""
    h, w = view.depth.shape
    forward, right, up = np.moveaxis((points - view.eye) @ view.axes.T, -1, 0)
    pixel = 2 * view.tangent / h
    safe = np.maximum(forward, 1e-6)
    row = np.floor((view.tangent - up / safe) / pixel).astype(int)
    column = np.floor(right / safe / pixel + 0.5 * w).astype(int)
    inside = (forward > 0.05) & (row >= 0) & (row < h) & (column >= 0) & (column < w)
    there = view.depth[row.clip(0, h - 1), column.clip(0, w - 1)]
    shown: NDArray[np.bool_] = inside & (np.abs(there - forward) < _AGREES * forward + 0.1)
    return shown
