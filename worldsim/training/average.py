"""The moving average of weights that is evaluated and exported instead of the raw ones."""

import copy

import torch
from torch import nn


class Average:
    """An exponential moving average of a model's weights and statistics, in a model of its own."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        for module in self.model.modules():  # a compiled forward is bound to the original's weights
            module.__dict__.pop("forward", None)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Moves towards the model; `step` counts from 0 and early steps forget faster."""
        decay = min(self.decay, (1 + step) / (10 + step))
        ours, theirs = self.model.state_dict(), model.state_dict()
        pairs = [(ours[name], theirs[name]) for name in ours]
        smooth = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([a for a, _ in smooth], [b for _, b in smooth], 1 - decay)
        for a, b in pairs:
            if not a.is_floating_point():
                a.copy_(b)
