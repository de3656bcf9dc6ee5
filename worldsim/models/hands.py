"""What a player's actions bring about: blocks that break, blocks that are placed, blows.

Whether a block breaks in this tick is one question, what a hole looks like is another; a network
that answers both at once draws the mean of hole and block, which is neither. So a small network
beside the transformer says how likely each event is, one is drawn, and the transformer is told.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.conditioning import scaled
from worldsim.models.near import Near
from worldsim.models.packed import PackableConv2d
from worldsim.models.spans import Spans

HELD = 4
"""What players have is shown in the lowest of so many parts of a frame."""

_POOLED, _MIDDLE = 4, 6

_LEAST = 3
"""Latents to a side of what is aimed at, at least."""

_NEAREST, _FARTHEST, _MARKS = 0.5, 16.0, 24
"""Blocks between which hands tell how far away what is aimed at is, and by how many marks."""

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
        self.look, self.aim = _wide(latent_channels, width), close(latent_channels, width)
        self.own = strip(latent_channels, width)
        self.norm = nn.LayerNorm(width)  # without it the memory saturates early, and stays so
        self.memory = nn.GRU(width + action_size + events, width, batch_first=True)
        last = nn.Linear(width, events)
        nn.init.constant_(last.bias, _SELDOM)
        self.out = nn.Sequential(nn.Linear(width + action_size, width), nn.GELU(), last)
        self.reach = nn.Linear(_MARKS, width, bias=False)
        nn.init.zeros_(self.reach.weight)
        self.spans = Spans(events)

    def start(self, b: int) -> Tensor:
        """Those (b, width) of `b` players who have seen nothing."""
        return torch.zeros(b, self.memory.hidden_size, device=self.angles.device)

    def forward(self, latents: Tensor, led: Tensor, events: Tensor, hands: Tensor) -> Tensor:
        """What becomes of hands (b, width) with each of some frames: (b, f, width).

        latents: (b, f, z, y, x). led: (b, f, a), the actions that led to each, zeros where none
        did. events: (b, f, k), 1 for what happened then; zeros where nobody knows.
        """
        rows = latents.flatten(0, 1).float()
        held = rows[..., rows.shape[-2] - rows.shape[-2] // HELD :, :]
        looked = self.look(rows) + self.aim(middle(rows)) + self.own(held)
        seen = self.norm(looked).unflatten(0, latents.shape[:2])
        told = torch.cat([seen, scaled(led, self.angles), events.to(seen.dtype)], -1)
        states: Tensor = self.memory(told, hands[None].contiguous())[0]
        return states

    def logits(self, hands: Tensor, actions: Tensor, away: Tensor | None = None) -> Tensor:
        """The logits (..., k) of what hands (..., width) bring about by actions (..., a).

        away: (...), blocks to what is aimed at, 0 where nobody knows, as by default.
        """
        told: Tensor = self.out[0](torch.cat([hands, scaled(actions, self.angles)], -1))
        if away is not None:
            told = told + self.reach(_marked(away).to(told.dtype))
        odds: Tensor = self.out[1:](told)
        return odds.float()


def middle(latents: Tensor) -> Tensor:
    """The middle of frames (n, z, y, x), where what is aimed at is."""
    y, x = (min(side // 4, (side - _LEAST) // 2) for side in latents.shape[-2:])
    return latents[..., y : latents.shape[-2] - y, x : latents.shape[-1] - x]


def _marked(away: Tensor) -> Tensor:
    """How near (..., _MARKS) distances (...) are to each of some; all 0 where nobody knows."""
    step = math.log(_FARTHEST / _NEAREST) / (_MARKS - 1)
    there = (away.clamp(_NEAREST, _FARTHEST) / _NEAREST).log() / step
    marks = torch.arange(_MARKS, device=away.device)
    return (-0.5 * (there[..., None] - marks).square()).exp() * (away > 0)[..., None]


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


def close(channels: int, width: int) -> nn.Sequential:
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


def strip(channels: int, width: int) -> nn.Sequential:
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
