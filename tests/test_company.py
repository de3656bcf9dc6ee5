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

    with torch.no_grad():
        for b in (1, 3, 4, 7):
            rows = torch.arange(2.0 * b).reshape(b, 2)
            assert torch.equal(in_company(doubled, rows, None), 2 * rows)
            both = in_company(lambda x: Pair(x, x + 1), rows)
            assert isinstance(both, Pair)
            assert torch.equal(both.second, rows + 1)
        assert in_company(doubled, torch.zeros(0, 2), None).shape == (0, 2)
    assert asked == [4, 4, 4, 4, 4, 0]
    rows = torch.ones(7, 2, requires_grad=True)
    in_company(doubled, rows, None).sum().backward()  # type: ignore[no-untyped-call]
    assert asked[-1] == 7
    assert rows.grad is not None


def test_a_game_has_the_same_numbers_alone_and_among_many() -> None:
    torch.manual_seed(0)
    network = torch.nn.GRU(40, 128, batch_first=True)
    games, start = torch.randn(9, 16, 40), torch.zeros(9, 128)

    def last(x: Tensor, hidden: Tensor) -> Tensor:
        return network(x, hidden[None])[0]

    with torch.no_grad():
        all_of = in_company(last, games, start)
        for game in (0, 5, 8):
            alone = in_company(last, games[game : game + 1], start[game : game + 1])
            assert torch.equal(alone[0], all_of[game])
