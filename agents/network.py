"""The agents' network: a few convolutions, then what to do and what that is worth."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class NetworkConfig:
    """The shape of an agent's network."""

    shape: list[int] = field(default_factory=lambda: [3, 64, 64])
    """Channels, height, width of what it sees."""
    scale: float = 255.0
    """What numbers seen are divided by."""
    moves: int = 15
    width: int = 256
    channels: int = 32
    blocks: int = 0
    """Residual blocks after each convolution."""


class Block(nn.Module):
    """Adds to maps (b, c, y, x), nothing at first (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        for part in self.second.parameters():
            nn.init.zeros_(part)

    def forward(self, x: Tensor) -> Tensor:
        """The maps, and what is added."""
        added: Tensor = self.second(F.silu(self.first(F.silu(x))))
        return x + added


class Eyes(nn.Module):
    """Features (b, width) of what is seen (b, c, y, x), of any numeric type."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.scale = config.scale
        channels, side, _ = config.shape
        layers: list[nn.Module] = []
        wide = config.channels
        while side > 4:
            layers += [nn.Conv2d(channels, wide, 3, 2, 1)]
            layers += [Block(wide) for _ in range(config.blocks)] + [nn.SiLU()]
            channels, side, wide = wide, (side + 1) // 2, min(2 * wide, 2 * config.channels)
        self.convolutions = nn.Sequential(*layers)
        with torch.no_grad():
            flat = self.convolutions(torch.zeros(1, *config.shape)).numel()
        self.linear = nn.Linear(flat, config.width)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, seen: Tensor) -> Tensor:
        """The features."""
        x = self.convolutions(seen.float() / self.scale)  # (b, c, 4, 4)
        features: Tensor = F.silu(self.norm(self.linear(x.flatten(1))))  # (b, width)
        return features


class Network(nn.Module):
    """Log-odds of the moves (b, moves) and the symlog of the return (b,) from what is seen."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.eyes = Eyes(config)
        self.actor = nn.Linear(config.width, config.moves)
        self.critic = nn.Linear(config.width, 1)
        nn.init.orthogonal_(self.actor.weight, 0.01)
        nn.init.zeros_(self.critic.weight)
        nn.init.zeros_(self.actor.bias)
        nn.init.zeros_(self.critic.bias)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Log-odds (b, moves) and symlog return (b,)."""
        features = self.eyes(seen)
        return self.actor(features), self.critic(features).squeeze(-1)
