"""What is laid over the view after an event: hearts, stacks and their numbers.

Unlike what a hole lays bare, it is certain: a block that is put down is one less in the stack that
is selected, one that breaks is one more of its kind. So it is told, not drawn from noise, by a
network that sees that part of a frame alone, and what is in the middle of the view.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.camera import CHANNELS
from worldsim.models.company import in_company
from worldsim.models.conditioning import scaled
from worldsim.models.draft import Drafted, changed, happens
from worldsim.models.everywhere import Everywhere, places
from worldsim.models.near import Near
from worldsim.models.packed import PackableConv2d

_ABOVE = 1
"""Rows of latents over what belongs to it that are seen, too: frames are told by convolutions."""

_POOLED = 2

_CHANGED, _WEIGHT = 0.05, 4.0
"""Mean squared change from which a place counts as changed, and for how much more then."""


class Overlay(nn.Module):
    """Latents (n, z, y, x), actions (n, a) and events (n, k) to changes (n, z, rows, x) below.

    share: of the height, at the bottom, that is laid over the view. Begins by changing nothing.
    """

    angles: Tensor

    def __init__(
        self,
        latent_channels: int,
        action_size: int,
        angles: Sequence[int],
        switches: Sequence[int],
        events: int,
        share: float,
        width: int = 80,
        blocks: int = 4,
    ) -> None:
        super().__init__()
        self.register_buffer("angles", torch.tensor(list(angles)).long(), persistent=False)
        self._switches, self._share = list(switches), share
        self.begin = PackableConv2d(latent_channels + 2, width, 3, padding=1)
        self.told = nn.Linear(action_size + events, width)
        self.middle = nn.Sequential(
            PackableConv2d(latent_channels, width, 3, padding=1),
            nn.GELU(),
            PackableConv2d(width, width, 3, stride=2, padding=1),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
            nn.Linear(width * _POOLED**2, width),
        )
        self.conditions = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.near = nn.ModuleList(Near(width) for _ in range(blocks))
        self.everywhere = nn.ModuleList(Everywhere(width) for _ in range(blocks - 1))
        self.end = PackableConv2d(width, latent_channels, 1)
        for weight in self.end.parameters():
            nn.init.zeros_(weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def occasions(self, actions: Tensor, events: Tensor) -> Tensor:
        """Where (...) there is something to tell: after actions (..., a), with events (..., k)."""
        return happens(actions, events, self._switches)

    def rows(self, height: int) -> int:
        """Rows of latents, of so many, that belong to it."""
        return round(height * self._share)

    def forward(self, latents: Tensor, actions: Tensor, events: Tensor) -> Tensor:
        """The changes, float32."""
        y, x = latents.shape[-2:]
        rows = self.rows(y)
        below = latents[:, :, y - rows - _ABOVE :]
        middle = latents[:, :, y // 4 : y - y // 4, x // 4 : x - x // 4]
        told = torch.cat([scaled(actions, self.angles), events.float()], -1)
        seen = self.middle(middle.contiguous(memory_format=torch.channels_last))
        condition = F.gelu(in_company(self.told, told) + seen.float())
        given = torch.cat([below, places(below)], 1)
        stream = self.begin(given.contiguous(memory_format=torch.channels_last))
        for i, (near, more) in enumerate(zip(self.near, self.conditions, strict=True)):
            stream = near(stream + in_company(more, condition)[..., None, None].to(stream.dtype))
            if i < len(self.everywhere):
                stream = self.everywhere[i](stream)
        changes: Tensor = self.end(F.gelu(stream)).float()
        return changes[:, :, _ABOVE:]

    def laid(self, drafted: Drafted, prior: Tensor, actions: Tensor, events: Tensor) -> Drafted:
        """Drafts (n, 1, ...) with what it tells of frames of which priors (n, 1, ...) were known.

        actions, events: (n, a) and (n, k), of which none is without an occasion.
        """
        channels = prior.shape[2] - CHANNELS
        changes = self(prior[:, 0, :channels], actions, events)
        rows, share = changes.shape[2], changed(changes)
        drawn, all_shares = drafted.prior.clone(), drafted.share.clone()
        below = prior[:, 0, :channels, -rows:] + (share * changes).to(prior)
        drawn[:, 0, :channels, -rows:], all_shares[:, 0, :, -rows:] = below, share.to(all_shares)
        return Drafted(drawn, all_shares)


def overlay_loss(told: Tensor, true: Tensor) -> Tensor:
    """The loss, a scalar, of changes (n, z, rows, x) where others were to be told.

    A place that changes counts as much as many that stay.
    """
    changed = (true.square().mean(1, keepdim=True) > _CHANGED).float()
    weight = 1 + _WEIGHT * changed
    return (weight * (told - true).square()).mean() + (weight * (told - true).abs()).mean()
