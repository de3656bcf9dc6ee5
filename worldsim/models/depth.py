"""How far away is what a frame shows: read from its latents by a small convolutional network."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from worldsim.camera import FAR
from worldsim.models.everywhere import Everywhere, places
from worldsim.models.tokenizer import decoder

_NEAR, _EDGE = 0.5, 1.5
"""Closeness from which, and times that of what is beside it, the edge of a thing is drawn wider."""

_WAVES = 4
"""Multiples of a quarter turn across half a picture by which places are told apart."""

_LAST = 3
"""Layers of a decoder that make pixels of features."""

_FARTHEST = 0.15
"""Root of the closeness below which everything counts as far away: 44 blocks."""


@dataclass
class DepthConfig:
    """The shape of a depth network; widths and blocks are listed from fine to coarse."""

    latent_channels: int = 8
    field_of_view: float = 70.0
    """Of the camera, vertical, in degrees."""
    widths: list[int] = field(default_factory=lambda: [48, 128])
    blocks: list[int] = field(default_factory=lambda: [1, 5])
    attention: int = 2
    """Layers of attention among all places, spread evenly between the coarsest blocks."""
    liquid: bool = False
    """Whether it tells liquids, into which one sinks, from what is solid."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "DepthConfig":
        """As a file has it; the first ones know of no attention."""
        return cls(**{"attention": 0, **plain})

    @property
    def factor(self) -> int:
        """Pixels of depth that a side of one latent becomes."""
        return int(2 ** len(self.widths))


class Depth(nn.Module):
    """Latents (b z y x) to the root of closeness (b 4y 4x): of 1 / blocks along the view axis.

    The root, since what a step shifts on the screen grows with closeness, and near and far are to
    count alike. It is told how steeply each place is looked at: who stands on level ground need not
    know more. How far away a thing is that stands there, its foot tells; so places see each other.
    """

    def __init__(self, config: DepthConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = decoder(config.latent_channels + 1, config.widths, config.blocks, 1)
        n, coarsest = config.attention, config.widths[-1]
        layers = [Everywhere(coarsest, 4 * _WAVES) for _ in range(n)]
        for weight in (weight for layer in layers for weight in layer.answer.parameters()):
            nn.init.zeros_(weight)
        self.everywhere = nn.ModuleList(layers)
        if config.liquid:
            self.liquids = decoder(config.widths[0], config.widths[:1], [0], 1)[1:]
        self._after = [round((i + 1) * config.blocks[-1] / (n + 1)) for i in range(n)]
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, latents: Tensor, pitch: Tensor) -> Tensor:
        """The root of closeness (b, h, w), float32, about 0 for the sky.

        pitch: (b,) of the camera, in degrees down.
        """
        return self.both(latents, pitch)[0]

    def both(self, latents: Tensor, pitch: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, and log-odds (b, h, w) of a liquid; zeros where it does not tell them."""
        given = torch.cat([latents, self._steepness(latents, pitch)], 1)
        x = given.contiguous(memory_format=torch.channels_last)
        where = _where(latents) if self.everywhere else None
        features = x
        for i, layer in enumerate(self.decoder):
            features = x if i == len(self.decoder) - _LAST else features
            x = layer(x)
            for attention, after in zip(self.everywhere, self._after, strict=True):
                if i == after:
                    x = attention(x, where)
        roots = x.float().squeeze(1)
        liquid = self.liquids(features).float().squeeze(1) if self.config.liquid else roots * 0
        return roots, liquid

    def ahead(self, latents: Tensor, pitch: Tensor, size: tuple[int, int]) -> Tensor:
        """Blocks (b, h, w) along the view axis to what frames of that size (h, w) show.

        Less than 0, so many times -1, where that is the surface of a liquid.
        """
        roots, liquid = self.both(latents, pitch)
        shown = torch.stack([_outlined(roots[:, None])[:, 0], liquid], 1)
        roots, liquid = nn.functional.interpolate(shown, size).unbind(1)
        away = roots.square().reciprocal()
        return torch.where(roots > _FARTHEST, torch.where(liquid > 0, -away, away), FAR)

    def _steepness(self, latents: Tensor, pitch: Tensor) -> Tensor:
        """Sine of the angle (b 1 y x) below level at which each place is looked at."""
        rows, columns = latents.shape[-2:]
        tangent = math.tan(math.radians(self.config.field_of_view / 2))
        row = torch.arange(rows, device=latents.device)
        column = torch.arange(columns, device=latents.device)
        down = (((row + 0.5) / rows * 2 - 1) * tangent)[:, None]
        right = ((column + 0.5) / columns * 2 - 1) * tangent * columns / rows
        tilt = torch.deg2rad(pitch.float())[:, None, None]
        length = (1 + down.square() + right.square()).sqrt()
        return ((down * tilt.cos() + tilt.sin()) / length)[:, None].to(latents.dtype)


def _where(latents: Tensor) -> Tensor:
    """Row and column (b, 4 * _WAVES, y, x) of each place: cosines and sines of multiples."""
    grid = places(latents)
    turns = torch.cat([grid * (math.pi / 2 * 2**k) for k in range(_WAVES)], 1)
    return torch.cat([turns.cos(), turns.sin()], 1)


def _outlined(roots: Tensor) -> Tensor:
    """Roots of closeness (b, 1, h, w) with what is near drawn wider by one row and column.

    What lies a pixel beyond an edge passes with what is behind it, and would be left there when the
    edge moves on: a thing's ghost. A seam of the background that goes with the thing is no harm.
    """
    near = nn.functional.max_pool2d(roots, 3, 1, 1)
    far = -nn.functional.max_pool2d(-roots, 3, 1, 1)
    closeness = near.square()
    edge = (closeness > _NEAR) & (closeness > _EDGE * far.square())
    return torch.where(edge, near, roots)


def closeness_root(blocks: Tensor) -> Tensor:
    """What `Depth` is to say of depths (b, h, w) in blocks; the farther the nearer to 0."""
    return blocks.clamp_min(0.1).rsqrt()
