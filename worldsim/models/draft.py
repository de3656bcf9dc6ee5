"""What an event makes of a frame, drafted before it is dreamed.

A block that breaks or is placed, a crack, another slot: what such a thing looks like is all but
certain, once it is known that it happens and what was there before; but it is rare, and a
transformer that learns from everything draws the mean of all that could have happened. So a small
network that sees nothing but such moments draws them into what is known of the frame beforehand.
What is not certain, as what a hole lays bare, it draws from noise: the mean of all that could be
there is a blur. Where it is known which block is changed, it is told where the faces of that are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim import cubes
from worldsim.camera import CHANNELS
from worldsim.models.company import in_company
from worldsim.models.conditioning import WAVES, scaled, waves
from worldsim.models.everywhere import Everywhere, places
from worldsim.models.near import Near
from worldsim.models.packed import PackableConv2d
from worldsim.models.sampler import euler, schedule

_SEEN, _SURE = 0.05, 0.2
"""Mean squared change of a place's latents from which it counts as changed, and as certainly so."""


_STEPS = 2
"""Sampling steps of a draft: with more, what is not certain is drawn more decidedly, but no probe
of what dreams show tells the difference."""

_GUIDED, _GUIDANCE = 0.8, 2.5
"""Level of noise above which changes are guided, and how much: times what they are with an event,
as they are nothing without one."""

_VEIL = 0.7
"""Share of a frame whose change is none of places but a veil over all, as when one is hurt: that is
left to the transformer, and nothing of it is remembered."""


class Drafted(NamedTuple):
    """What is known of frames (b, f) once the events in them are drawn.

    prior: (b, f, z + 3, y, x). share: (b, f, 1, y, x), in [0, 1], of what an event has changed.
    """

    prior: Tensor
    share: Tensor

    def drawn(self, latents: Tensor) -> Tensor:
        """Latents (b, f, z, y, x) with the draft in their stead where there is something in it."""
        return torch.lerp(latents, self.prior[:, :, :-CHANNELS].to(latents), self.share.to(latents))


def undrawn(prior: Tensor) -> Drafted:
    """What is known of frames (b, f, z + 3, y, x) without events."""
    return Drafted(prior, torch.zeros_like(prior[:, :, :1]))


def changed(changes: Tensor) -> Tensor:
    """How surely (n, 1, y, x) changes of latents (n, z, y, x) are some, 0 to 1."""
    much = changes.square().mean(1, keepdim=True)
    return ((much - _SEEN) / (_SURE - _SEEN)).clamp(0, 1)


def happens(actions: Tensor, events: Tensor, switches: Sequence[int]) -> Tensor:
    """Where (...) an event (..., k) happens, or an action (..., a) has one of some switches."""
    return (events > 0).any(-1) | (actions[..., list(switches)] != 0).any(-1)


class Draft(nn.Module):
    """What was known (n, z + 3, y, x), actions (n, a) and events (n, k) to changes (n, z, y, x).

    A denoiser of the changes, as the transformer is of frames. Convolutions for what is near,
    attention for what is in hand. Begins by changing nothing. tangent: of half the vertical field
    of view, where blocks are in a grid; 0 where nothing is known of such.
    """

    angles: Tensor

    def __init__(
        self,
        latent_channels: int,
        action_size: int,
        angles: Sequence[int],
        switches: Sequence[int],
        events: int,
        tangent: float = 0.0,
        width: int = 160,
        blocks: int = 6,
    ) -> None:
        super().__init__()
        self.register_buffer("angles", torch.tensor(list(angles)).long(), persistent=False)
        self.switches = list(switches)
        self.begin = PackableConv2d(latent_channels + CHANNELS + 2, width, 3, padding=1)
        self.noisy = PackableConv2d(latent_channels, width, 3, padding=1)
        for weight in self.noisy.parameters():
            nn.init.zeros_(weight)
        self.tangent = tangent
        self.block = PackableConv2d(cubes.FACES, width, 1) if tangent else None
        if self.block is not None:
            nn.init.zeros_(self.block.weight)
        self.told = nn.Sequential(nn.Linear(action_size + events, width), nn.GELU())
        self.level = nn.Linear(WAVES, width, bias=False)
        nn.init.zeros_(self.level.weight)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.hands = nn.ModuleList(Everywhere(width) for _ in range(blocks // 2))
        self.end = PackableConv2d(width, latent_channels, 1)
        for weight in self.end.parameters():
            nn.init.zeros_(weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self,
        prior: Tensor,
        actions: Tensor,
        events: Tensor,
        noisy: Tensor,
        level: Tensor,
        placed: Tensor | None = None,
    ) -> Tensor:
        """The changes, of what is known only, given them with noise (n, z, y, x) at levels (n,).

        placed: (n, width, y, x), what `where` says of the blocks that are changed.
        """
        told = torch.cat([scaled(actions, self.angles), events.float()], -1)
        condition = in_company(self.told, told) + in_company(self.level, waves(level))
        given = torch.cat([prior, places(prior)], 1)
        x = self.begin(given.contiguous(memory_format=torch.channels_last))
        x = x + self.noisy(noisy.contiguous(memory_format=torch.channels_last))
        if placed is not None:
            x = x + placed.to(x.dtype)
        for i, block in enumerate(self.blocks):
            x = block(x, condition)
            if i % 2:
                x = self.hands[i // 2](x)
        changes: Tensor = self.end(F.gelu(x)).float()
        return changes * prior[:, -CHANNELS, None]

    def where(self, blocks: Tensor | None, grid: tuple[int, int]) -> Tensor | None:
        """What is told (n, width, y, x) of blocks (n, 6) of `worldsim.cubes`, on a grid (y, x)."""
        if blocks is None or self.block is None:
            return None
        faces = cubes.faces(blocks.float(), grid, self.tangent)
        told: Tensor = self.block(faces.contiguous(memory_format=torch.channels_last))
        return told * blocks[:, -1, None, None, None].to(told.dtype)

    def occasions(self, actions: Tensor, events: Tensor) -> Tensor:
        """Where (...) there is something to draw: after actions (..., a), with events (..., k)."""
        return happens(actions, events, self.switches)

    def drawn(
        self,
        prior: Tensor,
        actions: Tensor,
        events: Tensor,
        noise: Tensor,
        blocks: Tensor | None = None,
        bold: Tensor | None = None,
    ) -> Tensor:
        """The changes (n, z, y, x) that noise (n, z, y, x) becomes; blocks: (n, 6) that change.

        The first step, from noise alone, takes the mean; of what is not known for sure that is too
        faint to be seen, so it is led by classifier-free guidance (Ho and Salimans 2022,
        arXiv:2207.12598; only there: Kynkaanniemi et al. 2024, arXiv:2404.07724). bold: where (n,)
        it is; everywhere by default.
        """
        prior = prior.float()
        led: Tensor | float = _GUIDANCE
        if bold is not None:
            led = 1 + (_GUIDANCE - 1) * bold.to(prior)[:, None, None, None]
        placed = self.where(blocks, (prior.shape[-2], prior.shape[-1]))

        def denoise(noisy: Tensor, level: float) -> Tensor:
            levels = torch.full((len(noisy),), level, device=noisy.device)
            clean: Tensor = self(prior, actions, events, noisy, levels, placed)
            return clean * led if level > _GUIDED else clean

        return euler(denoise, noise[None].float(), schedule(_STEPS))

    def drafted(
        self,
        prior: Tensor,
        actions: Tensor,
        events: Tensor,
        noise: Tensor,
        blocks: Tensor | None = None,
        bold: Tensor | None = None,
    ) -> Drafted:
        """Priors (b, f, z + 3, y, x) with what actions (b, f, a) and events (b, f, k) change.

        noise: (b, f, z, y, x), of which that is drawn. blocks: (b, f, 6) that change, where known.
        bold: (b, f), as of `drawn`.
        """
        changes = torch.zeros_like(prior[:, :, :-CHANNELS])
        chosen = self.occasions(actions, events)
        if chosen.any():
            acts, told = actions[chosen], events[chosen]
            there = None if blocks is None else blocks[chosen]
            led = None if bold is None else bold[chosen]
            drawn = self.drawn(prior[chosen], acts, told, noise[chosen], there, led)
            changes[chosen] = drawn.to(changes)
        share = changed(changes.flatten(0, 1)).view_as(changes[:, :, :1])
        share = share * (share.mean((-3, -2, -1), keepdim=True) <= _VEIL)
        drawn = prior[:, :, :-CHANNELS] + share * changes
        return Drafted(torch.cat([drawn, prior[:, :, -CHANNELS:]], 2), share)


class _Block(Near):
    """What is near, told a condition (n, width)."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.told = nn.Linear(width, width)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x + in_company(self.told, condition)[..., None, None].to(x.dtype))
