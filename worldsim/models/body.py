"""Where a player's camera points and how the player will move: a small recurrent network.

It stands beside the transformer, sees the same latents and actions, and is trained with it.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

UNIT = 0.2
"""Blocks that count as one."""

_TILT = 15.0
"""Degrees that count as one."""

_FARTHEST = 5.0
"""Blocks beyond which a target is cut: a teleport, not a motion."""

_CELLS, _WALK = 4, 3


class Body(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) over what frames show and keys do.

    What it remembers of a player is `width` numbers and, last, the motion (3) before.
    """

    angles: Tensor

    def __init__(
        self, latent_channels: int, action_size: int, angles: Sequence[int], width: int = 128
    ) -> None:
        super().__init__()
        self.register_buffer("angles", torch.tensor(list(angles)).long(), persistent=False)
        self.look = nn.Sequential(
            nn.Conv2d(latent_channels, 48, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(48, 64, 3, stride=2, padding=1),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(_CELLS),
            nn.Flatten(),
            nn.Linear(64 * _CELLS**2, width),
        )
        self.memory = nn.GRUCell(width + action_size + _WALK, width)
        self.tilt = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.walk = nn.Sequential(
            nn.Linear(width + action_size + _WALK, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, _WALK),
        )

    def start(self, b: int) -> Tensor:
        """`b` bodies (b, width + 3) that have seen nothing and do not move."""
        size = self.memory.hidden_size + _WALK
        return torch.zeros(b, size, device=self.memory.weight_ih.device)

    def forward(
        self, latents: Tensor, led: Tensor, bodies: Tensor, moved: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The bodies after frames, their pitches (b, f) in degrees, and the motions (b, f, 3).

        latents: (b, f, z, y, x); led: (b, f, a), the actions that led to each, zeros where none
        did; bodies: (b, width + 3), before. Motions are those that led to the frames: as the body
        expected them itself, or, in training, as they are given (b, f, 3), where not NaN.
        """
        seen = self.look(latents.flatten(0, 1)).float().unflatten(0, latents.shape[:2])
        states, motions = [], []
        for i in range(latents.shape[1]):
            motion = self.coming(bodies, led[:, i])
            motions.append(motion)
            if moved is not None:
                motion = torch.where(moved[:, i].isnan(), motion, moved[:, i])
            given = torch.cat([seen[:, i], self._scaled(led[:, i]), motion / UNIT], -1)
            state = self.memory(given, bodies[:, :-_WALK]).float()
            bodies = torch.cat([state, motion], -1)
            states.append(state)
        pitches = _TILT * self.tilt(torch.stack(states, 1)).squeeze(-1)
        return bodies, pitches.float(), torch.stack(motions, 1)

    def coming(self, bodies: Tensor, actions: Tensor) -> Tensor:
        """Blocks forward, right and up (b, 3) that actions (b, a) will move bodies (b, ...)."""
        state, before = bodies[:, :-_WALK], bodies[:, -_WALK:] / UNIT
        change: Tensor = self.walk(torch.cat([state, self._scaled(actions), before], -1))
        return UNIT * (before + change.float())

    def _scaled(self, actions: Tensor) -> Tensor:
        small = actions[..., self.angles].float() / 10
        return actions.float().index_copy(-1, self.angles, small)


def walk_loss(coming: Tensor, motion: Tensor) -> Tensor:
    """The loss, a scalar, of motions (b, t, 3) where others (b, t, 3) came."""
    target = motion.clamp(-_FARTHEST, _FARTHEST)
    return F.smooth_l1_loss(coming / UNIT, target / UNIT, beta=0.1)


def pitch_loss(told: Tensor, pitch: Tensor) -> Tensor:
    """The loss, a scalar, of pitches (b, t) in degrees."""
    return F.smooth_l1_loss(told / _TILT, pitch / _TILT, beta=0.1)


def partly_told(motion: Tensor, generator: torch.Generator) -> Tensor:
    """Motions (b, t, 3) as `Body` is given them in training: not exact, and half of them NaN.

    So that it learns from the truth and to go on from its own guesses.
    """
    told = torch.rand(*motion.shape[:2], 1, generator=generator, device=motion.device) < 0.5
    noise = torch.randn(motion.shape, generator=generator, device=motion.device)
    return torch.where(told, motion + 0.05 * UNIT * noise, torch.nan)
