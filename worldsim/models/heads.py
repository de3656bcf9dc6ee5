"""What the model says of a frame besides its picture: reward, end, motion; targets and losses."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOTION_UNITS = (0.2, 0.2, 0.2, 5.0, 5.0)
"""What counts as one in the motion head: blocks forward, right, up; degrees of yaw, pitch."""

_FARTHEST = 25.0
"""Motion in those units beyond which a target is cut: a teleport, not a motion."""


@dataclass
class Outlook:
    """What the heads say of frames (b, f): of the step that led to each.

    reward_logit: log-odds that the reward is not zero.
    reward_size: symlog of the reward if it is not zero.
    end_logit: log-odds that the episode terminated with this frame.
    ground_logit: log-odds of standing on the ground.
    motion: (b, f, 5), `body_motion` since the frame before, in blocks and degrees.
    """

    reward_logit: Tensor
    reward_size: Tensor
    end_logit: Tensor
    ground_logit: Tensor
    motion: Tensor

    @property
    def reward(self) -> Tensor:
        """The expected reward (b, f)."""
        return self.reward_logit.sigmoid() * symexp(self.reward_size)


@dataclass
class Facts:
    """What was true of the steps (b, t-1) between the frames of a clip; None where not known.

    motion is (b, t-1, 5) as `body_motion` gives it; pitch (b, t-1) degrees, of the later frames.
    """

    reward: Tensor | None = None
    terminated: Tensor | None = None
    on_ground: Tensor | None = None
    motion: Tensor | None = None
    pitch: Tensor | None = None


class Heads(nn.Module):
    """An MLP from the registers of a committed frame to an `Outlook`."""

    def __init__(self, registers: int, d: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(registers * d, d)
        self.out = nn.Linear(d, 4 + len(MOTION_UNITS))
        self.register_buffer("units", torch.tensor(MOTION_UNITS), persistent=False)

    def forward(self, registers: Tensor) -> Outlook:
        """The outlook of registers (b, f, r, d), in float32."""
        told = F.layer_norm(registers, registers.shape[-1:]).flatten(2)
        x = self.out(F.gelu(self.hidden(told))).float()
        reward_logit, reward_size, end_logit, ground_logit = x[..., :4].unbind(-1)
        motion = x[..., 4:] * self.units.float()
        return Outlook(reward_logit, reward_size, end_logit, ground_logit, motion)


def outlook_losses(outlook: Outlook, facts: Facts) -> dict[str, Tensor]:
    """The loss of each head that there are facts for; frame 0 of the outlook has none."""
    losses = {}
    if facts.reward is not None:
        happened = facts.reward != 0
        losses["reward"] = _binary(outlook.reward_logit, happened)
        error = (outlook.reward_size[:, 1:] - symlog(facts.reward)).square()
        losses["reward_size"] = (error * happened).sum() / happened.sum().clamp(min=1)
    if facts.terminated is not None:
        losses["end"] = _binary(outlook.end_logit, facts.terminated)
    if facts.on_ground is not None:
        losses["ground"] = _binary(outlook.ground_logit, facts.on_ground)
    if facts.motion is not None:
        units = outlook.motion.new_tensor(MOTION_UNITS)
        target = (facts.motion / units).clamp(-_FARTHEST, _FARTHEST)
        losses["motion"] = F.smooth_l1_loss(outlook.motion[:, 1:] / units, target)
    return losses


def body_motion(poses: Tensor) -> Tensor:
    """The motion (b, t-1, 5) between poses (b, t, 5) as the body at the earlier one feels it.

    A pose is x, y (up), z in blocks, then yaw and pitch in degrees, yaw 0 towards +z and 90
    towards -x. A motion is blocks forward, right and up, degrees of yaw (within +-180) and pitch.
    """
    before, change = poses[:, :-1], poses.diff(dim=1)
    yaw = torch.deg2rad(before[..., 3])
    x, y, z, turn, tilt = change.unbind(-1)
    forward = -yaw.sin() * x + yaw.cos() * z
    right = -yaw.cos() * x - yaw.sin() * z
    return torch.stack([forward, right, y, (turn + 180) % 360 - 180, tilt], -1)


def moved(pose: Tensor, motion: Tensor) -> Tensor:
    """The pose (..., 5) after a motion (..., 5); undoes `body_motion`."""
    x, y, z, yaw, pitch = pose.unbind(-1)
    forward, right, up, turn, tilt = motion.unbind(-1)
    angle = torch.deg2rad(yaw)
    x = x - angle.sin() * forward - angle.cos() * right
    z = z + angle.cos() * forward - angle.sin() * right
    return torch.stack([x, y + up, z, yaw + turn, pitch + tilt], -1)


def symlog(x: Tensor) -> Tensor:
    """sign(x) log(1 + |x|) (Hafner et al. 2023, arXiv:2301.04104, equation 9)."""
    return x.sign() * x.abs().log1p()


def symexp(x: Tensor) -> Tensor:
    """The inverse of `symlog`."""
    return x.sign() * x.abs().expm1()


def _binary(logits: Tensor, happened: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits[:, 1:], happened.to(logits.dtype))
