"""Samplers: from noise to a clean sample, given only `denoise(noisy, level) -> clean`.

Every sampler is called as `sampler(denoise, noise, levels)`: noise (steps, ...) holds a draw of
unit variance for each step, of which most need only the first; levels falls from 1 to 0 and has
steps + 1 entries. The law is x_level = (1 - level) clean + level noise.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

from torch import Tensor

Denoise: TypeAlias = Callable[[Tensor, float], Tensor]


def schedule(steps: int, shift: float = 1.0) -> list[float]:
    """The levels 1, ..., 0 of that many steps; `shift` > 1 spends more of them on high noise.

    Esser et al. 2024, arXiv:2403.03206, equation 23.

    Raises:
        ValueError: fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"{steps} sampling steps; needed at least 1")
    even = [1 - i / steps for i in range(steps + 1)]
    return [shift * level / (1 + (shift - 1) * level) for level in even]


def euler(denoise: Denoise, noise: Tensor, levels: Sequence[float]) -> Tensor:
    """The sample (...) along straight pieces of the probability flow, a call a step."""
    return curve(denoise, noise, levels)[-1]


def curve(denoise: Denoise, noise: Tensor, levels: Sequence[float]) -> list[Tensor]:
    """What `euler` comes by at each level, from the noise to the sample."""
    points = [noise[0]]
    for level, following in pairwise(levels):
        x = points[-1]
        points.append(towards(x, denoise(x, level), level, following))
    return points


def heun(denoise: Denoise, noise: Tensor, levels: Sequence[float]) -> Tensor:
    """The sample (...) with the slope averaged over both ends of a step: two calls, the last one.

    Karras et al. 2022, arXiv:2206.00364, algorithm 1.
    """
    x = noise[0]
    for level, following in pairwise(levels):
        clean = denoise(x, level)
        ahead = towards(x, clean, level, following)
        if following > 0:
            slope = (x - clean) / level
            slope_ahead = (ahead - denoise(ahead, following)) / following
            ahead = x + (following - level) * (slope + slope_ahead) / 2
        x = ahead
    return x


def renoise(denoise: Denoise, noise: Tensor, levels: Sequence[float]) -> Tensor:
    """The sample (...) that alternates a full prediction and fresh noise, for few steps.

    Song et al. 2023, "Consistency models", arXiv:2303.01469, algorithm 1.
    """
    x = noise[0]
    for i, (level, following) in enumerate(pairwise(levels)):
        x = denoise(x, level)
        if following > 0:
            x = (1 - following) * x + following * noise[i + 1]
    return x


def towards(x: Tensor, clean: Tensor, level: float | Tensor, following: float | Tensor) -> Tensor:
    """What x at a level becomes at the following one if `clean` is what it is the noise of."""
    return clean + (following / level) * (x - clean)


def noised(clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """(1 - level) clean + level noise, for a level (b, ...) of each of its rows."""
    level = level.view(*level.shape, *[1] * (clean.ndim - level.ndim))
    return clean.lerp(noise, level)


def level_weight(level: Tensor, limit: float) -> Tensor:
    """min(1 / level^2, limit): velocity error in terms of the clean sample's, kept in bounds."""
    return level.square().reciprocal().clamp(max=limit)


SAMPLERS = {"euler": euler, "heun": heun, "renoise": renoise}
