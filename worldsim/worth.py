"""What a dreamed step is worth: what happens in it, or else what the model's head expects."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from worldsim.state import Step


class Worth:
    """The reward of each tick of a step.

    Args:
        rewards: what events are worth, by name; where a world tells of none of them, what its head
            expects counts.
        events: the events that the world tells of, in its order.
        least: rewards of a tick below this, either way, count as none.
    """

    def __init__(self, rewards: Mapping[str, float], events: Sequence[str], least: float) -> None:
        self._worth = torch.tensor([rewards.get(name, 0.0) for name in events]).double()
        self._least = least

    def __call__(self, step: Step) -> Tensor:
        """The rewards (n, f) of the ticks of a step, float64, on the CPU."""
        if step.events is None or not self._worth.any():
            rewards = step.reward.double().cpu()
        else:
            rewards = step.events.double().cpu() @ self._worth
        return torch.where(rewards.abs() < self._least, 0.0, rewards)
