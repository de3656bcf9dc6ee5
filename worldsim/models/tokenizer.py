"""The tokenizer: one frame <-> one small grid of latents, convolutional, a frame at a time.

frames in [-1, 1] -> encoder -> raw latents -> `normalise` -> unit-variance latents -> decoder.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.packed import PackableConv2d

_LEAK = 0.2


@dataclass
class TokenizerConfig:
    """The shape of a tokenizer; widths and blocks are listed from fine to coarse."""

    channels: int = 3
    latent_channels: int = 8
    patch: int = 4
    """Pixels of a side that the encoder's first layer takes together."""
    encoder_widths: list[int] = field(default_factory=lambda: [64, 128])
    encoder_blocks: list[int] = field(default_factory=lambda: [1, 1])
    decoder_widths: list[int] = field(default_factory=lambda: [32, 64, 128])
    decoder_blocks: list[int] = field(default_factory=lambda: [1, 2, 3])
    noise: float = 0.1
    """Standard deviation of the noise that training adds to the unit-variance latents."""

    @property
    def factor(self) -> int:
        """Pixels of a side that one latent stands for."""
        return int(self.patch * 2 ** (len(self.encoder_widths) - 1))


class Block(nn.Module):
    """Two 3x3 convolutions beside the identity: (b c h w) -> (b c h w).

    Without a norm: the second convolution starts at zero, so the stack starts as the identity
    (Zhang et al. 2019, "Fixup Initialization", arXiv:1901.09321).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv3(width, width)
        self.second = PackableConv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output (b c h w)."""
        inner: Tensor = self.second(self.first(F.leaky_relu(x, _LEAK), _LEAK))
        return x + inner


class Tokenizer(nn.Module):
    """Frames (b c h w) in [-1, 1] <-> latents (b z y x) with mean 0 and variance 1."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        if 2 ** len(config.decoder_widths) != config.factor:
            raise ValueError(
                f"the encoder shrinks {config.factor} times, the decoder grows"
                f" {2 ** len(config.decoder_widths)} times; needed the same: patch *"
                " 2^(encoder levels - 1) = 2^(decoder levels)"
            )
        self.config = config
        self.encoder = _encoder(config)
        self.normalise = nn.BatchNorm2d(config.latent_channels, momentum=0.05, affine=False)
        self.decoder = decoder(
            config.latent_channels, config.decoder_widths, config.decoder_blocks, config.channels
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, frames: Tensor) -> Tensor:
        """The unit-variance latents (b z y x), float32.

        Raises:
            ValueError: a side of the frames is no multiple of `config.factor`.
        """
        factor = self.config.factor
        if frames.shape[-1] % factor or frames.shape[-2] % factor:
            raise ValueError(
                f"frames are {frames.shape[-2]}x{frames.shape[-1]}; the tokenizer needs sides"
                f" that are multiples of {factor}"
            )
        latents: Tensor = self.normalise(self.encoder(_fast_layout(frames)).float())
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """The frames (b c h w) in [-1, 1], float32."""
        return self._decode(latents).clamp(-1, 1)

    def forward(self, frames: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The reconstruction (b c h w), not clamped, and the latents (b z y x) it was made from.

        `noise` (b z y x), of unit variance, is scaled by `config.noise` and added to the latents:
        the decoder learns to forgive the small errors of a dreamed latent.
        """
        latents = self.encode(frames)
        noisy = latents if noise is None else latents + self.config.noise * noise
        return self._decode(noisy), latents

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """The shape (z, y, x) of the latents of a frame of that size."""
        factor = self.config.factor
        return self.config.latent_channels, height // factor, width // factor

    def _decode(self, latents: Tensor) -> Tensor:
        frames: Tensor = self.decoder(_fast_layout(latents)).float()
        return frames


@dataclass
class ReconstructionLoss:
    """The weights of the terms of the tokenizer's loss; called, the loss itself."""

    absolute: float = 1.0
    squared: float = 1.0
    edges: float = 1.0

    def __call__(self, output: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of (b c h w) against (b c h w), a scalar, and its parts by name."""
        error = output - target
        parts = {
            "absolute": error.abs().mean(),
            "squared": error.square().mean(),
            "edges": error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean(),
        }
        loss = torch.stack([getattr(self, name) * part for name, part in parts.items()]).sum()
        return loss, parts


def psnr(output: Tensor, target: Tensor) -> Tensor:
    """The peak signal-to-noise ratio (b,) in dB of frames (b c h w) in [-1, 1]."""
    error = (output.clamp(-1, 1) - target).square().mean(dim=(-3, -2, -1))
    return 10 * torch.log10(4 / error.clamp_min(1e-10))


def _encoder(config: TokenizerConfig) -> nn.Sequential:
    """(b c h w) -> (b z y x): pixels to patches, then blocks and halvings."""
    widths, blocks = config.encoder_widths, config.encoder_blocks
    layers: list[nn.Module] = [
        nn.PixelUnshuffle(config.patch),
        _conv3(config.channels * config.patch**2, widths[0]),
    ]
    for level, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        if level:
            layers.append(PackableConv2d(widths[level - 1], width, 2, stride=2))
        layers += [Block(width) for _ in range(count)]
    layers += [nn.LeakyReLU(_LEAK), PackableConv2d(widths[-1], config.latent_channels, 1)]
    return nn.Sequential(*layers)


def decoder(
    latent_channels: int, widths: list[int], blocks: list[int], channels: int
) -> nn.Sequential:
    """(b z y x) -> (b c h w), twice as large for each width: blocks and doublings, then pixels.

    widths, blocks: from fine to coarse.
    """
    widths, blocks = widths[::-1], blocks[::-1]
    layers: list[nn.Module] = [_conv3(latent_channels, widths[0])]
    for level, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        if level:
            layers += [PackableConv2d(widths[level - 1], 4 * width, 1), nn.PixelShuffle(2)]
        layers += [Block(width) for _ in range(count)]
    layers += [nn.LeakyReLU(_LEAK), _conv3(widths[-1], 4 * channels), nn.PixelShuffle(2)]
    return nn.Sequential(*layers)


def _conv3(inputs: int, outputs: int) -> PackableConv2d:
    """A 3x3 convolution that keeps the variance of what comes out of an activation."""
    convolution = PackableConv2d(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(convolution.weight, a=_LEAK, nonlinearity="leaky_relu")
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return convolution


def _fast_layout(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
