"""What networks are given: rows enough to add up as they do for many games."""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.models.company import in_company


class Pair(NamedTuple):
    first: Tensor
    second: Tensor


def test_small_networks_are_asked_for_games_in_company() -> None:
    asked: list[int] = []

    def doubled(x: Tensor, none: None) -> Tensor:
        asked.append(len(x))
        return 2 * x

    for b in (1, 3, 4, 7):
        rows = torch.arange(2.0 * b).reshape(b, 2)
        assert torch.equal(in_company(doubled, rows, None), 2 * rows)
        both = in_company(lambda x: Pair(x, x + 1), rows)
        assert isinstance(both, Pair)
        assert torch.equal(both.second, rows + 1)
    assert asked == [4, 4, 4, 7]
