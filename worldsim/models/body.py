"""Where a player's camera points and how the player will move: a small recurrent network.

It stands beside the transformer, sees the same latents and actions, and is trained with it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.conditioning import scaled
from worldsim.models.level import Level

UNIT = 0.2
"""Blocks that count as one."""

_FARTHEST = 5.0
"""Blocks beyond which a target is cut: a teleport, not a motion."""

_LOST = 0.2
"""Share of the clips that are learnt from without measurements."""

_POOLED, _WALK = 4, 3

MEASURED = 7
"""Numbers in a measurement of `memory.odometry`."""

CELLS = 5, 5, 13
"""Cells around a player, of `memory.nearby`."""

NEAR = 3 * math.prod(CELLS)
"""Numbers of what is known of them: how full they are, how surely empty, how full of liquids."""

_SOLID = 2 * math.prod(CELLS)
"""The first of these, which say nothing of liquids."""


class Tracks(NamedTuple):
    """What `Body` makes of frames.

    bodies: (b, f, width + 3) after each. expected, felt: (b, f, 3), the motions that led to them,
    in blocks forward, right and up, before and after they were seen.
    """

    bodies: Tensor
    expected: Tensor
    felt: Tensor


class Body(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) over what frames show and keys do.

    What it remembers of a player is `width` numbers and, last, the motion (3) before. Motions that
    were measured between frames it weighs by how much it trusts them.
    """

    angles: Tensor

    def __init__(
        self,
        latent_channels: int,
        action_size: int,
        angles: Sequence[int],
        width: int = 128,
        liquids: bool = False,
    ) -> None:
        super().__init__()
        self.register_buffer("angles", torch.tensor(list(angles)).long(), persistent=False)
        self.look = nn.Sequential(
            nn.Conv2d(2 * latent_channels, 64, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
            nn.Linear(64 * _POOLED**2, width),
        )
        self.memory = nn.GRU(width + action_size + MEASURED + 1, width, batch_first=True)
        self.feel = _mlp(width + MEASURED + 1, width, 2 * _WALK)
        self.level = Level(latent_channels)
        self.near = nn.Linear(_SOLID, width)
        self.walk = _mlp(2 * width + action_size + _WALK, width, _WALK)
        self.wet = nn.Linear(NEAR - _SOLID, width) if liquids else None
        self.swim = _mlp(2 * width + action_size + _WALK, width, _WALK) if liquids else None
        if self.swim is not None:
            for weight in self.swim[-1].parameters():
                nn.init.zeros_(weight)

    def start(self, b: int) -> Tensor:
        """`b` bodies (b, width + 3) that have seen nothing and do not move."""
        size = self.memory.hidden_size + _WALK
        return torch.zeros(b, size, device=self.angles.device)

    def forward(
        self,
        latents: Tensor,
        led: Tensor,
        bodies: Tensor,
        before: Tensor | None = None,
        measured: Tensor | None = None,
        near: Tensor | None = None,
    ) -> Tracks:
        """What becomes of bodies (b, width + 3) as they see frames.

        latents: (b, f, z, y, x); led: (b, f, a), the actions that led to each, zeros where none
        did. before: (b, z, y, x), the frame before the first, which else counts as the first
        again. measured: (b, f, 7) as `memory.odometry` gives it, NaN where nothing was.
        near: (b, f, 975), what the cells around the player were before each frame, as
        `Panorama.nearby` has it.
        """
        first = latents[:, :1] if before is None else before[:, None]
        pairs = torch.cat([latents, latents - torch.cat([first, latents[:, :-1]], 1)], 2)
        seen = self.look(pairs.flatten(0, 1)).float().unflatten(0, latents.shape[:2])
        if measured is None:
            measured = seen.new_full((*seen.shape[:2], MEASURED), torch.nan)
        known = _scaled(measured)
        states, _ = self.memory(
            torch.cat([seen, scaled(led, self.angles), known], -1),
            bodies[None, :, :-_WALK].contiguous(),
        )
        trust, own = self.feel(torch.cat([states, known], -1)).float().chunk(2, -1)
        trust = trust.sigmoid() * known[..., -1:]
        felt = trust * measured[..., :_WALK].nan_to_num() + (1 - trust) * UNIT * own
        all_bodies = torch.cat([states.float(), felt], -1)
        earlier = torch.cat([bodies[:, None], all_bodies[:, :-1]], 1)
        expected = self.coming(earlier, led, near)
        return Tracks(all_bodies, expected, felt)

    def dreamed(self, led: Tensor, bodies: Tensor, motions: Tensor) -> Tensor:
        """The bodies after actions (b, a) led by motions (b, 3) to frames that tell nothing.

        A dream is no evidence of how the player moved: it is drawn from what was expected.
        """
        seen = led.new_zeros(len(led), self.memory.input_size - led.shape[1] - MEASURED - 1)
        told = torch.cat(
            [seen, scaled(led, self.angles), led.new_zeros(len(led), MEASURED + 1)], -1
        )
        states, _ = self.memory(told[:, None], bodies[None, :, :-_WALK].contiguous())
        return torch.cat([states[:, 0].float(), motions], -1)

    def walked(self, led: Tensor, bodies: Tensor, near: Tensor | None = None) -> Tensor:
        """The motions (b, t, 3) by which actions (b, t, a) lead bodies through a dream.

        near: (b, t, 975), what the cells around them are before each.
        """
        motions = []
        for i in range(led.shape[1]):
            around = None if near is None else near[:, i]
            motions.append(self.coming(bodies, led[:, i], around))
            bodies = self.dreamed(led[:, i], bodies, motions[-1])
        return torch.stack(motions, 1)

    def coming(self, bodies: Tensor, actions: Tensor, near: Tensor | None = None) -> Tensor:
        """Blocks forward, right and up (..., 3) that actions (..., a) will move bodies (..., n).

        near: (..., 975), what the cells around them are; neither full nor empty by default.
        """
        state, before = bodies[..., :-_WALK], motion_of(bodies) / UNIT
        known = state.new_zeros(NEAR) if near is None else near
        told = torch.cat([state, scaled(actions, self.angles), before], -1)
        solid = F.gelu(self.near(known[..., :_SOLID])).expand(*state.shape[:-1], -1)
        change: Tensor = self.walk(torch.cat([told, solid], -1)).float()
        if self.wet is not None and self.swim is not None:
            liquid = known[..., _SOLID:]
            wet = F.gelu(self.wet(liquid)).expand(*state.shape[:-1], -1)
            there = (liquid > 0).any(-1, keepdim=True)
            change = change + there * self.swim(torch.cat([told, wet], -1)).float()
        return UNIT * (before + change)


def motion_of(bodies: Tensor) -> Tensor:
    """The last motions (..., 3) of bodies (..., width + 3), in blocks forward, right and up."""
    return bodies[..., -_WALK:]


def walk_loss(coming: Tensor, motion: Tensor) -> Tensor:
    """The loss, a scalar, of motions (b, t, 3) where others (b, t, 3) came."""
    target = motion.clamp(-_FARTHEST, _FARTHEST)
    return F.smooth_l1_loss(coming / UNIT, target / UNIT, beta=0.1)


def partly_known(measured: Tensor, generator: torch.Generator) -> Tensor:
    """Measurements (b, t, 7) as `Body` is given them in training.

    NaN in the first frame, as at play, and in a few clips altogether.
    """
    b = len(measured)
    lost = torch.rand(b, 1, 1, generator=generator, device=measured.device) < _LOST
    lost = lost | (torch.arange(measured.shape[1], device=measured.device) == 0)[None, :, None]
    return torch.where(lost, torch.nan, measured)


def _scaled(measured: Tensor) -> Tensor:
    """Measurements (..., 7) as numbers around one, and (..., 8) whether there is one."""
    known = ~measured.isnan().any(-1, keepdim=True)
    motion, sure, left = torch.tensor_split(measured.nan_to_num(), (_WALK, 2 * _WALK), -1)
    parts = [motion / UNIT, (sure + 1e-3).log() / 3, 5 * left, torch.ones_like(left)]
    return torch.cat(parts, -1) * known


def _mlp(inputs: int, width: int, outputs: int) -> nn.Sequential:
    hidden = [nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width), nn.GELU()]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))
