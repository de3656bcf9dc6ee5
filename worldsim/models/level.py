"""How far down a camera points, told from one frame by a small convolutional network."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.tokenizer import Block

_UNIT = 15.0
"""Degrees that count as one."""

_POOLED = 4

_SUREST = -4.0
"""Least logarithm of the error to be expected, in those units."""


class Tilts(NamedTuple):
    """Degrees down (n,), and the mean error (n,), in degrees, that is to be expected of each."""

    pitches: Tensor
    unsure: Tensor


class Level(nn.Module):
    """Latents (n, z, y, x) to `Tilts`.

    Some frames show little but sky or ground; so it says how sure it is, and who has seen several
    frames, and knows the turns between them, goes by the surest.
    """

    def __init__(self, latent_channels: int, width: int = 64) -> None:
        super().__init__()
        wide = 2 * width
        self.begin = nn.Conv2d(latent_channels + 1, width, 3, padding=1)
        self.near = nn.Sequential(Block(width), Block(width))
        self.shrink = nn.Conv2d(width, wide, 2, stride=2)
        self.far = nn.Sequential(Block(wide), Block(wide))
        self.tell = nn.Sequential(
            nn.AdaptiveAvgPool2d(_POOLED), nn.Flatten(), nn.Linear(wide * _POOLED**2, wide),
            nn.GELU(), nn.Linear(wide, 2),
        )  # fmt: skip

    def forward(self, latents: Tensor) -> Tilts:
        """What each frame tells, float32."""
        rows = torch.linspace(-1, 1, latents.shape[-2], device=latents.device).to(latents.dtype)
        place = rows[:, None].expand(len(latents), 1, *latents.shape[-2:])
        given = torch.cat([latents, place], 1).contiguous(memory_format=torch.channels_last)
        x = self.far(self.shrink(self.near(self.begin(given))))
        told, unsure = self.tell(F.leaky_relu(x, 0.2)).float().unbind(-1)
        return Tilts(_UNIT * told, _UNIT * unsure.clamp_min(_SUREST).exp())


def level_loss(told: Tilts, pitches: Tensor) -> Tensor:
    """The loss, a scalar, where cameras point to pitches (n,): a Laplace distribution's."""
    return ((told.pitches - pitches).abs() / told.unsure + (told.unsure / _UNIT).log()).mean()
