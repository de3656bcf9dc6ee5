"""What is given to a simulator, checked, and to its small networks, in rows enough."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

T = TypeVar("T", Tensor, tuple[Tensor, ...])

_ROWS = 4
"""Rows below which matrix products in float32 add up in another order than with more of them."""


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


def in_company(call: Callable[..., T], *rows: Tensor | None) -> T:
    """What the call makes of rows (b, ...) of games: the same whether few or many play.

    A game's numbers depend on its own alone, but for the order in which products of few rows are
    added up; so few are made more by repeating them. The call gives rows, or a named tuple of rows.
    """
    b = next(len(part) for part in rows if part is not None)
    if not 0 < b < _ROWS:
        return call(*rows)
    index = torch.arange(_ROWS) % b
    more = call(*(None if part is None else part[index.to(part.device)] for part in rows))
    own: Any = more[:b] if isinstance(more, Tensor) else type(more)(*(part[:b] for part in more))
    kept: T = own
    return kept
