"""Where a player's camera points and how the player will move: a small recurrent network.

It stands beside the transformer, sees the same latents and actions, and is trained with it.
"""

from collections.abc import Sequence
from typing import NamedTuple

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


class Tracks(NamedTuple):
    """What `Body` makes of frames.

    bodies: (b, width + 3) after them. pitches: (b, f) in degrees. expected, felt: (b, f, 3), the
    motions that led to them, in blocks forward, right and up, before and after they were seen.
    """

    bodies: Tensor
    pitches: Tensor
    expected: Tensor
    felt: Tensor


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
            nn.Conv2d(2 * latent_channels, 64, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(_CELLS),
            nn.Flatten(),
            nn.Linear(64 * _CELLS**2, width),
        )
        self.memory = nn.GRUCell(width + action_size + _WALK, width)
        self.felt = nn.Linear(width, _WALK)
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
        self,
        latents: Tensor,
        led: Tensor,
        bodies: Tensor,
        before: Tensor | None = None,
        moved: Tensor | None = None,
    ) -> Tracks:
        """What becomes of bodies (b, width + 3) as they see frames.

        latents: (b, f, z, y, x); led: (b, f, a), the actions that led to each, zeros where none
        did. before: (b, z, y, x), the frame before the first, which else counts as the first
        again. moved: (b, f, 3), in training, the motions that led to them, where not NaN.
        """
        first = latents[:, :1] if before is None else before[:, None]
        pairs = torch.cat([latents, latents - torch.cat([first, latents[:, :-1]], 1)], 2)
        seen = self.look(pairs.flatten(0, 1)).float().unflatten(0, latents.shape[:2])
        states, motions, felt = [], [], []
        for i in range(latents.shape[1]):
            motion = self.coming(bodies, led[:, i])
            given = torch.cat([seen[:, i], self._scaled(led[:, i]), motion / UNIT], -1)
            state = self.memory(given, bodies[:, :-_WALK]).float()
            states.append(state)
            motions.append(motion)
            felt.append(motion + UNIT * self.felt(state).float())
            known = felt[-1]
            if moved is not None:
                known = torch.where(moved[:, i].isnan(), known, moved[:, i])
            bodies = torch.cat([state, known], -1)
        pitches = _TILT * self.tilt(torch.stack(states, 1)).squeeze(-1)
        return Tracks(bodies, pitches.float(), torch.stack(motions, 1), torch.stack(felt, 1))

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
