"""Rollouts of held-out clips beside the truth: frames, scores, pictures."""

from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from einops import rearrange
from torch import Tensor

from worldsim.data.frames import write_video
from worldsim.simulator import Simulator


def rollout(
    simulator: Simulator, latents: Tensor, actions: np.ndarray[Any, Any], context: int
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Dreamed frames (b, t - context, h, w, 3) that follow a context of latents (b, t, z, y, x)."""
    seeds = range(len(latents))
    state = simulator.reset(latents[:, :context], actions[:, : context - 1], list(seeds))
    frames = []
    for i in range(context - 1, actions.shape[1]):
        state, step = simulator.step(state, actions[:, i : i + 1])
        frames.append(step.frames)
    return np.concatenate(frames, 1)


def frame_psnr(frames: np.ndarray[Any, Any], goal: np.ndarray[Any, Any]) -> float:
    """The mean PSNR in dB of frames (b, h, w, 3) against others, each frame by itself."""
    error = (frames.astype(np.float64) - goal) ** 2
    return float((10 * np.log10(255**2 / np.maximum(error.mean((1, 2, 3)), 1e-2))).mean())


def write_pictures(goal: np.ndarray[Any, Any], dream: np.ndarray[Any, Any], path: Path) -> None:
    """Writes a strip of frames and a GIF, the truth above the dream, for up to four clips."""
    columns = [k for k in (0, 1, 3, 7, 11, 15) if k < goal.shape[1]]
    both = np.stack([goal[:4], dream[:4]], 1)  # (clip, 2, t, h, w, 3)
    iio.imwrite(
        path.with_suffix(".png"),
        rearrange(both[:, :, columns], "b r t h w c -> (b r h) (t w) c"),
    )
    write_video(path.with_suffix(".gif"), rearrange(both, "b r t h w c -> t (r h) (b w) c"), 10)
