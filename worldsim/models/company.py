"""Rows by fours for small networks, so that a game's numbers do not depend on how many play."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T", Tensor, tuple[Tensor, ...])

_ROWS = 4
"""Rows that are asked for at once: products in float32 of more or fewer add up in another order."""


def in_company(call: Callable[..., T], *rows: Tensor | None) -> T:
    """What the call makes of rows (b, ...) of games: the same whether few or many play.

    A game's numbers depend on its own alone, but for the order in which products are added up; so
    rows are always as many, the last ones repeated. The call gives rows, or a named tuple of rows.
    Whoever learns asks for all at once.
    """
    b = next(len(part) for part in rows if part is not None)
    if torch.is_grad_enabled() or not b:
        return call(*rows)
    told: list[Any] = []
    for start in range(0, b, _ROWS):
        index = torch.arange(start, start + _ROWS).clamp(max=b - 1)
        some = (None if part is None else part[index.to(part.device)] for part in rows)
        told.append(call(*some))
    joined: Any = told[0]
    if isinstance(joined, Tensor):
        joined = torch.cat(told)[:b]
    else:
        joined = type(joined)(*(torch.cat(parts)[:b] for parts in zip(*told, strict=True)))
    kept: T = joined
    return kept
