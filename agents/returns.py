"""What moves turned out to be worth: lambda returns, and the scale that they are compared on."""

import torch
from torch import Tensor


def lambda_returns(
    rewards: Tensor,
    after: Tensor,
    terminated: Tensor,
    ended: Tensor,
    discount: float,
    trace: float,
) -> Tensor:
    """The lambda returns (t, n) of moves in `n` games.

    rewards: (t, n). after: (t, n), the value of what each move led to; where an episode ended, of
    its last observation. terminated: (t, n), where nothing comes after. ended: (t, n), terminated
    or truncated; a truncated episode is worth what its last observation is, and so is the last
    move. Sutton and Barto 2018, equation 12.18, recursive.
    """
    returns = torch.empty_like(rewards)
    follow = after[-1]
    for i in range(len(rewards) - 1, -1, -1):
        mixed = torch.where(ended[i], after[i], (1 - trace) * after[i] + trace * follow)
        follow = rewards[i] + discount * torch.where(terminated[i], 0.0, mixed)
        returns[i] = follow
    return returns


class Range:
    """The range from the 5th to the 95th percentile of returns, a moving average, at least `least`.

    Advantages are divided by it, so that sparse rewards are not blown up (Hafner et al. 2023,
    arXiv:2301.04104, equation 7).
    """

    def __init__(self, decay: float = 0.95, least: float = 1.0) -> None:
        self._decay, self._least = decay, least
        self.value: float | None = None

    def update(self, returns: Tensor) -> float:
        """The range once these returns have been taken in."""
        edges = torch.quantile(returns.flatten(), torch.tensor([0.05, 0.95]))
        now = float(edges[1] - edges[0])
        old = now if self.value is None else self.value
        self.value = self._decay * old + (1 - self._decay) * now
        return max(self._least, self.value)
