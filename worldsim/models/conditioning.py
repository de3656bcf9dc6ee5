"""What a frame is conditioned on as one vector: noise level, action, and optionally text."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

WAVES = 64
"""Numbers of `waves`."""

_SHORTEST = 0.02
_PERIODS = (5.0, 10.0, 20.0, 40.0, 80.0)
"""Degrees of turn after which a camera feature repeats: about half a token up to a whole view."""

CLEAN, NOISY = 0, 1
"""The stream a frame is in."""


class Conditioning(nn.Module):
    """Embeddings of width `d` of the action that led to a frame and of how noisy it is."""

    angles: Tensor

    def __init__(
        self, d: int, action_size: int, angles: Sequence[int], text_width: int, events: int = 0
    ) -> None:
        super().__init__()
        self.register_buffer("angles", torch.tensor(list(angles)).long(), persistent=False)
        features = action_size + (1 + 2 * len(_PERIODS)) * len(angles)
        self.action = nn.Sequential(nn.Linear(features, d), nn.SiLU(), nn.Linear(d, d))
        self.unknown = nn.Parameter(torch.zeros(d))
        self.level = nn.Sequential(nn.Linear(WAVES + 2, d), nn.SiLU(), nn.Linear(d, d))
        self.step = nn.Linear(WAVES, d, bias=False)
        nn.init.zeros_(self.step.weight)
        self.text = nn.Linear(text_width, d, bias=False) if text_width else None
        self.events = nn.Linear(events, d, bias=False) if events else None
        if self.events is not None:
            nn.init.zeros_(self.events.weight)

    def embed_actions(self, actions: Tensor, known: Tensor, events: Tensor | None = None) -> Tensor:
        """Embeddings (b, f, d) of the actions (b, f, a), in natural units, that led to frames.

        Frames that are not `known` (b, f) get the embedding of an unknown action instead. events:
        (b, f, k), 1 for what the actions brought about; nothing by default.
        """
        degrees = actions[..., self.angles]
        parts = [scaled(actions, self.angles), degrees.sign() * degrees.abs().log1p()]
        for period in _PERIODS:
            turn = degrees * (2 * math.pi / period)
            parts += [turn.sin(), turn.cos()]
        embedded: Tensor = self.action(torch.cat(parts, -1).to(self.unknown.dtype))
        embedded = torch.where(known[..., None], embedded, self.unknown.to(embedded.dtype))
        if self.events is None or events is None:
            return embedded
        told: Tensor = self.events(events.to(self.unknown.dtype))
        return embedded + told

    def forward(
        self,
        level: Tensor,
        stream: Tensor,
        action: Tensor,
        text: Tensor | None = None,
        step: Tensor | None = None,
    ) -> Tensor:
        """The condition (b, f, d) of frames.

        level: (b, f) noise level; stream: (f,) `CLEAN` or `NOISY`; action: (b, f, d) embeddings;
        text: (b, text width) embeddings; step: (b, f) size of the sampling step, if it is told;
        clean frames ignore it.
        """
        flags = torch.stack([stream == CLEAN, stream == NOISY], -1).expand(*level.shape, 2)
        features = torch.cat([waves(level), flags.float()], -1)
        c: Tensor = action + self.level(features.to(self.unknown.dtype))
        if step is not None:
            told = self.step(waves(step).to(self.unknown.dtype))
            c = c + told * (stream == NOISY)[:, None]
        if text is not None:
            if self.text is None:
                raise ValueError("text was given to a model of text_width 0; needed text=None")
            c = c + self.text(text.to(self.unknown.dtype))[:, None]
        return c


def scaled(actions: Tensor, angles: Tensor) -> Tensor:
    """Actions (..., a), float32, with the columns that are angles in tens of degrees."""
    return actions.float().index_copy(-1, angles, actions[..., angles].float() / 10)


def waves(values: Tensor) -> Tensor:
    """Cosines and sines (..., 64), float32, of values (...) in [0, 1], from slow to fast."""
    count = WAVES // 2
    lengths = torch.linspace(math.log(4), math.log(_SHORTEST), count, device=values.device).exp()
    angles = values.float()[..., None] * (2 * math.pi / lengths)
    return torch.cat([angles.cos(), angles.sin()], -1)
