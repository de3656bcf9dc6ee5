"""How fast players rose or fell when each kind of event was ever seen to happen.

A network that says how likely events are has seen few of the rare ones, and in a dream, where
little looks as in a recording, finds some likely at any time: being hurt while standing still. What
came only after a fall in all recordings comes only after a fall in dreams. Of motions on the level
nothing is said: whoever digs stands still for it in recordings, and need not.
"""

import torch
from torch import Tensor, nn

SPEEDS = 2
"""Numbers that an event goes with: blocks up in the tick before and in its own."""

_UNIT = 1 / 1024
"""Blocks that count as one."""

_MARGIN = 0.1
"""Blocks beyond what was seen up to which an event may happen yet."""

_FARTHEST = 1 << 20


class Spans(nn.Module):
    """The least and the largest of each number that each of so many kinds of event went with.

    Whole numbers, which a moving average of weights leaves as they are.
    """

    low: Tensor
    high: Tensor

    def __init__(self, events: int) -> None:
        super().__init__()
        far = torch.full((events, SPEEDS), _FARTHEST, dtype=torch.int32)
        self.register_buffer("low", far)
        self.register_buffer("high", -far)

    @torch.no_grad()
    def widen(self, events: Tensor, speeds: Tensor) -> None:
        """Take in events (n, k), 1 for what happened, that went with speeds (n, 2).

        Those whose speeds nobody knows, NaN, do not count.
        """
        if not len(events):
            return
        happened = ((events > 0) & ~speeds.isnan().any(-1, keepdim=True))[..., None]
        limited = (speeds.nan_to_num() / _UNIT).clamp(-_FARTHEST, _FARTHEST)
        parts = limited.round().to(self.low.dtype)[:, None]
        self.low.copy_(torch.minimum(self.low, torch.where(happened, parts, self.low).amin(0)))
        self.high.copy_(torch.maximum(self.high, torch.where(happened, parts, self.high).amax(0)))

    def fit(self, speeds: Tensor) -> Tensor:
        """Which events (b, k) may happen with speeds (b, 2): all, where nobody knows those.

        Of a kind that was never seen to happen nobody knows with which it may.
        """
        parts, margin = speeds[:, None] / _UNIT, _MARGIN / _UNIT
        within = (parts >= self.low - margin) & (parts <= self.high + margin) | parts.isnan()
        fits: Tensor = within.all(-1) | (self.low > self.high).any(-1)
        return fits
