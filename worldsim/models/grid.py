"""How a camera stands in the grid of a world's blocks, told from one frame.

Textures, edges and the outline of what is aimed at say where blocks begin. An angle that cannot be
told comes out short: the mean of all directions it may have.
"""

import math

import torch
from torch import Tensor, nn

from worldsim.camera import EYE
from worldsim.models.everywhere import Everywhere, places
from worldsim.models.near import Near
from worldsim.models.packed import PackableConv2d

READ = 4
"""Angles that are read of a frame: four times the yaw, and how far ahead, right and down the eye is
from the planes of the grid; ahead is the axis of the grid that is nearest to where it looks."""

_WIDTHS = 64, 96, 128
_POOLED = 4
_AFTER = 5, 6, 9
"""Layers after which places see all others."""


class Grid(nn.Module):
    """Latents (n, z, y, x) and pitches (n,), in degrees, to angles (n, 4, 2) of `READ`.

    Each is a cosine and a sine. attention: whether its places see each other, so that what many
    edges tell a little of is told by all of them.
    """

    def __init__(self, latent_channels: int, attention: bool = False) -> None:
        super().__init__()
        fine, middle, coarse = _WIDTHS
        self.body = nn.Sequential(
            PackableConv2d(latent_channels + 3, fine, 3, padding=1),
            Near(fine),
            Near(fine),
            nn.GELU(),
            PackableConv2d(fine, middle, 3, stride=2, padding=1),
            Near(middle),
            Near(middle),
            nn.GELU(),
            PackableConv2d(middle, coarse, 3, stride=2, padding=1),
            Near(coarse),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
            nn.Linear(coarse * _POOLED**2, 256),
            nn.GELU(),
            nn.Linear(256, 2 * READ),
        )
        widths = (middle, middle, coarse) if attention else ()
        self.everywhere = nn.ModuleList(Everywhere(width, 2) for width in widths)
        for layer in self.everywhere.children():
            nn.init.zeros_(layer.answer.weight)  # type: ignore[union-attr,arg-type]
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, latents: Tensor, pitches: Tensor) -> Tensor:
        """What each frame tells, float32."""
        n, _, y, x = latents.shape
        pitch = torch.deg2rad(pitches.float())[:, None, None, None].expand(n, 1, y, x)
        given = torch.cat([latents, places(latents), pitch.to(latents)], 1)
        seeing = dict(zip(_AFTER, self.everywhere, strict=False))
        told = given.contiguous(memory_format=torch.channels_last)
        for i, layer in enumerate(self.body):
            told = layer(told)
            if i in seeing:
                told = seeing[i](told, places(told))
        return told.float().view(n, READ, 2)


def standing(poses: Tensor) -> Tensor:
    """What `Grid` is to tell (..., 4, 2) of poses (..., 5): x, y (up), z, yaw (90 to -x), pitch."""
    x, y, z, yaw = poses.double().unbind(-1)[:4]
    quarter = torch.round(yaw / 90) * (math.pi / 2)
    ahead = -x * quarter.sin() + z * quarter.cos()
    right = -x * quarter.cos() - z * quarter.sin()
    turns = [4 * yaw / 360, ahead, right, -(y + EYE)]
    angles = 2 * math.pi * torch.stack(turns, -1)
    return torch.stack([angles.cos(), angles.sin()], -1).float()


def seen_from(blocks: Tensor) -> Tensor:
    """Poses (..., 5) as `standing` takes them, from which blocks (..., 6) of `cubes` are seen."""
    right, down, ahead, yaw, pitch = blocks[..., :5].unbind(-1)
    return torch.stack([right, down - EYE, -ahead, yaw, pitch], -1)


def grid_loss(told: Tensor, poses: Tensor) -> Tensor:
    """The loss, a scalar, of what frames tell (n, 4, 2) where cameras stand at poses (n, 5)."""
    return (told - standing(poses)).square().sum((-2, -1)).mean()
