"""What is given to a simulator, checked."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


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
