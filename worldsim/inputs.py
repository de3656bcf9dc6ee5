"""What is given to a simulator, checked."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.data.frames import Pixels


def as_actions(actions: NDArray[np.floating] | Tensor, b: int, size: int) -> Tensor:
    """Actions (b, t, size), float32, of `b` games.

    Raises:
        ValueError: another shape, or not finite.
    """
    given = torch.as_tensor(actions).to(torch.float32)
    if given.ndim != 3 or given.shape[0] != b or given.shape[2] != size:
        raise ValueError(f"actions have shape {tuple(given.shape)}; needed ({b}, t, {size})")
    if not given.isfinite().all():
        raise ValueError("an action is NaN or infinite; needed finite numbers")
    return given


def as_context(
    context: Pixels | Tensor, device: torch.device, encode: Callable[[Tensor], Tensor]
) -> Tensor:
    """The latents (b, t+1, z, y, x), float32, of frames (b, t+1, h, w, 3), uint8, or latents.

    encode: makes latents (n, z, y, x) of frames (n, h, w, 3).

    Raises:
        ValueError: no frames, or another shape.
    """
    given = torch.as_tensor(context).to(device)
    if given.ndim != 5 or not given.shape[1]:
        raise ValueError(
            f"the context has shape {tuple(given.shape)}; needed frames (b, t+1, h, w, 3)"
            " or latents (b, t+1, z, y, x)"
        )
    if given.dtype != torch.uint8:
        return given.float()
    latents = encode(given.flatten(0, 1))
    return latents.view(*given.shape[:2], *latents.shape[1:])


def as_pictures(context: Pixels | Tensor) -> Pixels | None:
    """The frames (b, t+1, h, w, 3) of a context; None where it is latents."""
    given = torch.as_tensor(context)
    return given.cpu().numpy() if given.dtype == torch.uint8 else None
