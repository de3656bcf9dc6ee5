"""Rows enough for small networks, so that a game's numbers do not depend on how many play."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T", Tensor, tuple[Tensor, ...])

_ROWS = 4
"""Rows below which matrix products in float32 add up in another order than with more of them."""


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
