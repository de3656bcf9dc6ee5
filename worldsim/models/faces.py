"""What a block looks like that a player puts down, or the hole of one that breaks, before it is.

Once it is known which block it will be, and how the camera stands, all that is left to know of it
are the pictures on its sides and the light they are in; of a hole, those of what is beyond it. A
network that draws all of a frame learns that last: so a small one says just this. Pictures are sums
of some that are learnt, each times how much of it what is in hand, or aimed at, has; the light is
that of the frame before.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from worldsim.cubes import EXITS, FELL, PLACED, SHOWN, SIDES
from worldsim.models.hands import HELD, close, middle, strip
from worldsim.models.near import Near
from worldsim.models.packed import PackableConv2d

TEXELS = 16
"""Squares to a side of a picture."""

_SOON = 1
"""Ticks after which what falls has begun to."""

_LIT = 2, 2, 3
"""Of the light on a side: corners, and colours."""


class Looks(NamedTuple):
    """What blocks look like: pictures (n, s, TEXELS, TEXELS, 3) and light (n, s, 2, 2, 3).

    Of each of `SIDES` and then, of the hole that is left of what is aimed at, `EXITS`. The light is
    that on each one's corners. closed: (n, exits), the logits of whether a block is beyond each.
    """

    pictures: Tensor
    light: Tensor
    closed: Tensor


class Faces(nn.Module):
    """Of frames (n, z, y, x) what blocks will look like after them; see `looks`.

    parts: pictures that each side's is a sum of. events: of a game in which some blocks fall, what
    can happen in a tick.
    """

    def __init__(
        self, latent_channels: int, parts: int = 48, width: int = 96, events: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._placed, self._fell = (
            [i for i, name in enumerate(events) if name in kinds] for kinds in (PLACED, FELL)
        )
        self.loose = nn.Linear(width + parts, 1) if events else None
        self.held = strip(latent_channels, width)
        self.kind = nn.Sequential(
            nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, parts)
        )
        self.parts = nn.Parameter(0.1 * torch.randn(parts, len(SIDES), TEXELS, TEXELS, 3))
        self.aim = close(latent_channels, width)
        self.told = [len(EXITS) * count for count in (parts, math.prod(_LIT), 1)]
        self.beyond = nn.Sequential(
            nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, sum(self.told))
        )
        self.seen = nn.Sequential(
            PackableConv2d(latent_channels, 32, 3, padding=1),
            Near(32),
            nn.GELU(),
            PackableConv2d(32, 48, 3, stride=2, padding=1),
            Near(48),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(48 * 16, width),
            nn.GELU(),
            nn.Linear(width, len(SIDES) * math.prod(_LIT)),
        )

    def falls(self, latents: Tensor) -> Tensor:
        """How likely (n,) what is in hand in frames (n, z, y, x) falls, put down over nothing.

        As likely as not where nobody has learnt which do.
        """
        if self.loose is None:
            return torch.full((len(latents),), 0.5, device=latents.device)
        return self._falling(self.loose, latents).sigmoid()

    def _falling(self, loose: nn.Linear, latents: Tensor) -> Tensor:
        """Log-odds (n,); what it looks like is not learnt from what falls."""
        rows = latents.float()
        with torch.no_grad():
            seen = self.held(rows[..., rows.shape[-2] - rows.shape[-2] // HELD :, :])
            known = torch.cat([seen, self.kind(seen)], 1)
        told: Tensor = loose(known)
        return told[:, 0]

    def falls_loss(self, latents: Tensor, events: Tensor) -> Tensor | None:
        """The log loss of what is put down in clips (b, t, z, y, x), with events (b, t, k).

        It falls if anything did by `_SOON` ticks later. None where nothing is put down.
        """
        if self.loose is None or latents.shape[1] <= _SOON + 1:
            return None
        last = latents.shape[1] - _SOON
        put = (events[:, 1:last, self._placed] > 0).any(-1)
        if not put.any():
            return None
        fell = (events[..., self._fell] > 0).any(-1).unfold(1, _SOON + 1, 1).any(-1)[:, 1:]
        told = self._falling(self.loose, latents[:, : last - 1][put])
        return F.binary_cross_entropy_with_logits(told, fell[put].float())

    def looks(self, latents: Tensor) -> Looks:
        """What blocks will look like after frames (n, z, y, x)."""
        rows = latents.float()
        held = rows[..., rows.shape[-2] - rows.shape[-2] // HELD :, :]
        shares = self.kind(self.held(held))
        outer = torch.einsum("nk,ksijc->nsijc", shares, self.parts)
        beyond, lit, closed = self.beyond(self.aim(middle(rows))).split(self.told, 1)
        shares = rearrange(beyond, "n (s k) -> n s k", s=len(EXITS))
        shown = self.parts[:, SHOWN]
        inner = torch.einsum("nsk,ksijc->nsijc", shares, shown)
        light = torch.cat([self.seen(rows), lit], 1).exp()
        light = rearrange(light, "n (s i j c) -> n s i j c", i=2, j=2, c=3)
        return Looks(0.5 + torch.cat([outer, inner], 1), light, closed)


def colors(looks: Looks, points: Tensor) -> Tensor:
    """The colours (n, p, 3) that blocks with such looks show at points (n, p, 3+)."""
    n = torch.arange(len(points), device=points.device)[:, None]
    side, across, along = points[..., 0].long(), points[..., 1], points[..., 2]
    i, j = ((part * TEXELS).long().clamp(0, TEXELS - 1) for part in (along, across))
    across, along = across[..., None], along[..., None]
    lit = looks.light[n, side]  # (n, p, 2, 2, 3)
    upper = torch.lerp(lit[..., 0, 0, :], lit[..., 0, 1, :], across)
    lower = torch.lerp(lit[..., 1, 0, :], lit[..., 1, 1, :], across)
    return looks.pictures[n, side, i, j] * torch.lerp(upper, lower, along)


def faces_loss(faces: Faces, latents: Tensor, points: Tensor) -> Tensor:
    """The loss, a scalar, where blocks show colours at points (n, p, 8) after frames (n, ...).

    Points: place, colour, 1 if known, 1 if what is seen from inside is a block right beyond.
    """
    looks = faces.looks(latents)
    known, inner = points[..., 6], points[..., 0] >= len(SIDES)
    exits = (points[..., 0].long() - len(SIDES)).clamp(0)
    odds = looks.closed.gather(1, exits)
    asked = known * inner
    wrong = F.binary_cross_entropy_with_logits(odds, points[..., 7], reduction="none")
    closed = (wrong * asked).sum() / asked.sum().clamp_min(1)
    there = (known * torch.where(inner, points[..., 7], 1.0))[..., None]
    off = F.smooth_l1_loss(colors(looks, points), points[..., 3:6], reduction="none", beta=0.05)
    return 10 * (off * there).sum() / there.sum().clamp_min(1) + closed
