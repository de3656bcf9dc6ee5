"""What a player's actions bring about: blocks that break, blocks that are placed, blows.

Whether a block breaks in this tick is one question, what a hole looks like is another; a network
that answers both at once draws the mean of hole and block, which is neither. So a small network
beside the transformer says how likely each event is, one is drawn, and the transformer is told.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.conditioning import scaled
from worldsim.models.near import Near
from worldsim.models.packed import PackableConv2d

HELD = 4
"""What players have is shown in the lowest of so many parts of a frame."""

_POOLED, _MIDDLE = 4, 6

_LEAST = 3
"""Latents to a side of what is aimed at, at least."""

_SELDOM = -5.0
"""The logit that hands begin with: of events that come once in 150 ticks."""


class Hands(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) over frames, keys and events.

    What it remembers of a player are `width` numbers. `events` are told apart.
    """

    angles: Tensor

    def __init__(
        self,
        latent_channels: int,
        action_size: int,
        angles: Sequence[int],
        events: int,
        width: int = 256,
    ) -> None:
        super().__init__()
        self.register_buffer("angles", torch.tensor(list(angles)).long(), persistent=False)
        self.events = events
        self.look, self.aim = _wide(latent_channels, width), _close(latent_channels, width)
        self.own = _strip(latent_channels, width)
        self.norm = nn.LayerNorm(width)  # without it the memory saturates early, and stays so
        self.memory = nn.GRU(width + action_size + events, width, batch_first=True)
        last = nn.Linear(width, events)
        nn.init.constant_(last.bias, _SELDOM)
        self.out = nn.Sequential(nn.Linear(width + action_size, width), nn.GELU(), last)

    def start(self, b: int) -> Tensor:
        """Those (b, width) of `b` players who have seen nothing."""
        return torch.zeros(b, self.memory.hidden_size, device=self.angles.device)

    def forward(self, latents: Tensor, led: Tensor, events: Tensor, hands: Tensor) -> Tensor:
        """What becomes of hands (b, width) with each of some frames: (b, f, width).

        latents: (b, f, z, y, x). led: (b, f, a), the actions that led to each, zeros where none
        did. events: (b, f, k), 1 for what happened then; zeros where nobody knows.
        """
        rows = latents.flatten(0, 1).float()
        y, x = (min(side // 4, (side - _LEAST) // 2) for side in rows.shape[-2:])
        middle = rows[..., y : rows.shape[-2] - y, x : rows.shape[-1] - x]
        held = rows[..., rows.shape[-2] - rows.shape[-2] // HELD :, :]
        looked = self.look(rows) + self.aim(middle) + self.own(held)
        seen = self.norm(looked).unflatten(0, latents.shape[:2])
        told = torch.cat([seen, scaled(led, self.angles), events.to(seen.dtype)], -1)
        states: Tensor = self.memory(told, hands[None].contiguous())[0]
        return states

    def logits(self, hands: Tensor, actions: Tensor) -> Tensor:
        """The logits (..., k) of what hands (..., width) bring about by actions (..., a)."""
        told: Tensor = self.out(torch.cat([hands, scaled(actions, self.angles)], -1))
        return told.float()


def events_loss(logits: Tensor, happened: Tensor) -> Tensor:
    """The loss, a scalar, of logits (..., k) where events (..., k) happened or not."""
    return F.binary_cross_entropy_with_logits(logits, happened.to(logits.dtype))


def _wide(channels: int, width: int) -> nn.Sequential:
    """What a frame shows at large."""
    return nn.Sequential(
        PackableConv2d(channels, 32, 3, padding=1),
        nn.GELU(),
        PackableConv2d(32, 48, 3, stride=2, padding=1),
        Near(48),
        nn.GELU(),
        PackableConv2d(48, 64, 3, stride=2, padding=1),
        Near(64),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(_POOLED),
        nn.Flatten(),
        nn.Linear(64 * _POOLED**2, width),
    )


def _close(channels: int, width: int) -> nn.Sequential:
    """What is aimed at, and how far away that is."""
    return nn.Sequential(
        PackableConv2d(channels, 64, 3, padding=1),
        Near(64),
        Near(64),
        nn.GELU(),
        PackableConv2d(64, 48, 3),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(_MIDDLE),
        nn.Flatten(),
        nn.Linear(48 * _MIDDLE**2, width),
    )


def _strip(channels: int, width: int) -> nn.Sequential:
    """What is small and lies side by side, such as a hotbar's slots."""
    rows, columns, kinds = 4, 16, 24
    return nn.Sequential(
        PackableConv2d(channels, 64, 3, padding=1),
        Near(64),
        nn.GELU(),
        PackableConv2d(64, kinds, 3, padding=1),
        nn.GELU(),
        nn.AdaptiveAvgPool2d((rows, columns)),
        nn.Flatten(),
        nn.Linear(kinds * rows * columns, width),
    )
