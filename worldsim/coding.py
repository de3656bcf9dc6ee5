"""Frames as arrays of bytes to latents and back, and to how far away they show things."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.camera import FAR
from worldsim.data.frames import Pixels, to_float, to_uint8
from worldsim.device import autocast
from worldsim.models.depth import Depth
from worldsim.models.tokenizer import Tokenizer

AT_ONCE = 64
"""Frames in one pass: more only need more memory."""


def encoded(
    tokenizer: Tokenizer, frames: Pixels | Tensor, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """The latents (n, z, y, x), float32, of frames (n, h, w, 3), uint8; convolved in `dtype`."""
    given = torch.as_tensor(frames).to(device)
    with torch.inference_mode(), autocast(device, dtype):
        parts = [tokenizer.encode(to_float(part)) for part in torch.split(given, AT_ONCE)]
        return torch.cat(parts).float()


def decoded(tokenizer: Tokenizer, latents: Tensor, dtype: torch.dtype = torch.float32) -> Pixels:
    """The pictures (b, f, h, w, 3), uint8, of latents (b, f, z, y, x); convolved in `dtype`."""
    with torch.inference_mode(), autocast(latents.device, dtype):
        frames = to_uint8(tokenizer.decode(latents.flatten(0, 1)))
        return frames.reshape(*latents.shape[:2], *frames.shape[1:])


def depths(
    network: Depth | None,
    latents: Tensor,
    pitches: NDArray[np.floating],
    size: tuple[int, int],
    dtype: torch.dtype = torch.float32,
) -> NDArray[np.float32]:
    """Blocks ahead (n, h, w) to what frames of that size (h, w) show; convolved in `dtype`.

    Times -1 where that is the surface of a liquid, if the network tells. latents: (n, z, y, x);
    pitches: (n,) degrees down. Without a network everything is far away.
    """
    if network is None:
        return np.full((len(latents), *size), FAR, np.float32)
    with torch.inference_mode(), autocast(latents.device, dtype):
        tilts = torch.as_tensor(pitches, dtype=torch.float32, device=latents.device)
        parts = zip(torch.split(latents, AT_ONCE), torch.split(tilts, AT_ONCE), strict=True)
        away = torch.cat([network.ahead(part, tilt, size) for part, tilt in parts])
        return away.float().cpu().numpy()
