"""A diffusion model in pixels, for comparison only: of the shape that DIAMOND has on Atari.

Frames of 64x64, the last four and the action given; a U-Net of four levels of 64 channels with two
blocks each, whose group norms are told the noise level and the actions; three Euler steps a frame
(Alonso et al. 2024, "Diffusion for World Modeling", arXiv:2405.12399, appendix D). Its weights are
random: how fast it is does not depend on them.
"""

from collections.abc import Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.benchmark.operations import operations
from worldsim.benchmark.rows import Row, speed, timed
from worldsim.benchmark.subject import Subject
from worldsim.device import autocast
from worldsim.models.sampler import euler, schedule

NAME = "pixel U-Net"
SIZE, PAST, CHANNELS, LEVELS, LAYERS, STEPS = 64, 4, 64, 4, 2, 3
_CONDITION, _GROUP, _HEAD, _ACTIONS = 256, 32, 8, 18


class Normed(nn.Module):
    """Group norm whose scale and shift the condition gives."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.groups = max(1, width // _GROUP)
        self.told = nn.Linear(_CONDITION, 2 * width)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Normalised x (b c h w)."""
        scale, shift = self.told(condition)[:, :, None, None].chunk(2, 1)
        return torch.addcmul(shift, F.group_norm(x, self.groups), 1 + scale)


class Layer(nn.Module):
    """Two convolutions beside the identity, and attention over all places where asked for."""

    def __init__(self, inputs: int, outputs: int, attention: bool = False) -> None:
        super().__init__()
        same = inputs == outputs
        self.beside = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1)
        self.norms = nn.ModuleList([Normed(inputs), Normed(outputs)])
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.qkv = nn.Conv2d(outputs, 3 * outputs, 1) if attention else None
        self.out = nn.Conv2d(outputs, outputs, 1) if attention else None

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """The layer's output (b c h w)."""
        inner = self.first(F.silu(self.norms[0](x, condition)))
        inner = self.second(F.silu(self.norms[1](inner, condition)))
        x = self.beside(x) + inner
        if self.qkv is None or self.out is None:
            return x
        b, c, h, w = x.shape
        normed = F.group_norm(x, max(1, c // _GROUP))
        qkv = self.qkv(normed).reshape(b, 3, c // _HEAD, _HEAD, h * w).transpose(3, 4)
        q, k, v = qkv.unbind(1)
        read = F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(b, c, h, w)
        mixed: Tensor = x + self.out(read)
        return mixed


class PixelModel(nn.Module):
    """Noisy frames (b, 3, 64, 64), the four before them and their actions to clean frames."""

    def __init__(self) -> None:
        super().__init__()
        c = CHANNELS
        self.level = nn.Linear(1, _CONDITION)
        self.action = nn.Embedding(_ACTIONS, _CONDITION // PAST)
        self.condition = nn.Sequential(
            nn.Linear(_CONDITION, _CONDITION), nn.SiLU(), nn.Linear(_CONDITION, _CONDITION)
        )
        self.first = nn.Conv2d(3 * (PAST + 1), c, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.smaller, self.larger = nn.ModuleList(), nn.ModuleList()
        for _ in range(LEVELS):
            self.down.append(nn.ModuleList(Layer(c, c) for _ in range(LAYERS)))
            self.up.append(nn.ModuleList(Layer(2 * c, c) for _ in range(LAYERS + 1)))
        for _ in range(LEVELS - 1):
            self.smaller.append(nn.Conv2d(c, c, 3, stride=2, padding=1))
            self.larger.append(nn.Conv2d(c, c, 3, padding=1))
        self.middle = nn.ModuleList(Layer(c, c, attention=True) for _ in range(2))
        self.last = nn.Conv2d(c, 3, 3, padding=1)

    def forward(self, noisy: Tensor, past: Tensor, actions: Tensor, level: Tensor) -> Tensor:
        """Clean frames; past: (b, 12, 64, 64); actions: (b, 4) long; level: (b, 1)."""
        told = self.level(level) + self.action(actions).flatten(1)
        condition = self.condition(told)
        x = self.first(torch.cat([noisy, past], 1))
        kept = []
        for i, layers in enumerate(self.down):
            x = self.smaller[i - 1](x) if i else x
            kept.append(x)
            for layer in cast(nn.ModuleList, layers):
                x = layer(x, condition)
                kept.append(x)
        for layer in self.middle:
            x = layer(x, condition)
        for i, layers in enumerate(self.up):
            if i:
                x = self.larger[i - 1](F.interpolate(x, scale_factor=2.0))
            for layer in cast(nn.ModuleList, layers):
                x = layer(torch.cat([x, kept.pop()], 1), condition)
        out: Tensor = self.last(F.silu(F.group_norm(x, max(1, CHANNELS // _GROUP))))
        return out


def pixel_model(subject: Subject) -> Iterator[list[Row]]:
    """Frames a second of the model in pixels, one game, in the precision of the world."""
    device, dtype = subject.simulator.device, subject.simulator.dtype
    torch.manual_seed(0)
    model = PixelModel().to(device).eval().requires_grad_(False)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    past = torch.randn(1, 3 * PAST, SIZE, SIZE, device=device)
    noise = torch.randn(STEPS, 1, 3, SIZE, SIZE, device=device)
    actions = torch.zeros(1, PAST, dtype=torch.long, device=device)

    def denoise(noisy: Tensor, level: float) -> Tensor:
        told = torch.full((1, 1), level, device=device)
        return model(noisy, past, actions, told).float()  # type: ignore[no-any-return]

    def frame() -> Tensor:
        with torch.inference_mode(), autocast(device, dtype):
            return euler(denoise, noise, schedule(STEPS))

    settings = {
        "batch": 1,
        "size": f"{SIZE}x{SIZE}",
        "steps": STEPS,
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    taken = timed(frame, subject.seconds)
    yield [speed(NAME, taken, 1, settings, operations(frame), subject.peak)]
