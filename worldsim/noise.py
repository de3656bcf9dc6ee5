"""The noise of games: each game's is its own, whoever plays beside it."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.state import State


def noise_of(state: State, draws: int, shape: Sequence[int]) -> Tensor:
    """Noise (draws, b, *shape), each row a function of its own seed and clock alone."""
    noise = [torch.randn(draws, *shape, generator=g) for g in _generators(state, 1)]
    return torch.stack(noise, 1).to(state.latents.device)


def shares_of(state: State, shape: Sequence[int]) -> Tensor:
    """Numbers (b, *shape) in [0, 1), likewise, and strangers to that noise."""
    drawn = [torch.rand(*shape, generator=g) for g in _generators(state, 2)]
    return torch.stack(drawn).to(state.latents.device)


def draft_noise_of(state: State, shape: Sequence[int]) -> Tensor:
    """Noise (b, *shape) of drafts, likewise, and a stranger to both."""
    drawn = [torch.randn(*shape, generator=g) for g in _generators(state, 3)]
    return torch.stack(drawn).to(state.latents.device)


def chances_of(state: State) -> Tensor:
    """Numbers (b,) in [0, 1), likewise, and strangers to all of these."""
    drawn = [torch.rand((), generator=g) for g in _generators(state, 4)]
    return torch.stack(drawn).to(state.latents.device)


def lucks_of(state: State) -> NDArray[np.float64]:
    """A number (b,) in [0, 1) of each game, from its seed alone."""
    return np.array([_mixed(seed, 0) / 2**64 for seed in state.seeds.tolist()])


def _generators(state: State, mixings: int) -> Iterator[torch.Generator]:
    """One a game; each number of mixings is a stream of its own."""
    for seed, clock in zip(state.seeds.tolist(), state.clock.tolist(), strict=True):
        for _ in range(mixings):
            seed = _mixed(seed, clock)
        yield torch.Generator().manual_seed(seed)


def _mixed(seed: int, clock: int) -> int:
    """A seed for the noise of one frame, well mixed (Steele et al. 2014, SplitMix64)."""
    mask = 2**64 - 1
    x = (seed * 0xD1342543DE82EF95 + clock * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)
