"""Muon for convolutions: momentum whose matrices are made orthogonal before each step."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class ConvolutionMuon(torch.optim.Optimizer):
    """Muon over weights of two or more axes, each seen as a matrix (outputs, everything else).

    `torch.optim.Muon` takes matrices only. Steps are scaled so that their size is that of AdamW's,
    whose learning rates therefore fit (Jordan et al. 2024, "Muon"; the scale is that of Liu et al.
    2025, "Muon is Scalable for LLM Training", arXiv:2502.16982, equation 4).
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Moves every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group["lr"], group["momentum"])

    def _move(self, weight: Tensor, gradient: Tensor, rate: float, momentum: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        mean = state["momentum"].lerp_(gradient, 1 - momentum)
        direction = orthogonal(gradient.lerp(mean, momentum).flatten(1))
        scale = 0.2 * max(direction.shape) ** 0.5
        weight.add_(direction.view(weight.shape), alpha=-rate * scale)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """The matrix (r, c) with all singular values near 1, its singular vectors kept.

    The Newton-Schulz iteration x <- (a + b x x' + c (x x')^2) x (Jordan et al. 2024), rough by
    design. All factors are polynomials of the first x x' and commute, so they are multiplied as
    small square matrices and meet x once, at the end.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).float()
    x = x / (x.norm() + 1e-7)
    gram = x @ x.T
    product = identity = torch.eye(len(x), device=x.device)
    for step in range(steps):
        factor = a * identity + b * gram + c * gram @ gram
        product = factor @ product
        if step < steps - 1:
            gram = factor @ gram @ factor
    result: Tensor = product @ x
    return (result.T if tall else result).to(matrix.dtype)
