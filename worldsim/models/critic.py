"""A critic that tells predicted latents from true ones, so that predictions do not stay means.

What a frame newly reveals can look in many ways. The mean of all of them has the least squared
error, and it is a blur; two sampling steps hardly get away from it. A prediction that a critic
cannot tell from the truth has to look like one of them (Goodfellow et al. 2014, arXiv:1406.2661).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from worldsim.camera import CHANNELS

_NOISE = 0.15
"""Of what the critic sees, true or not: what is finer is not worth telling apart."""

_LEAST = 0.1
"""What a place that was known beforehand counts for; one that was not counts 1."""

_FROM = 0.45
"""Level of noise from which on a frame is criticised: below it, it is all but given."""


class Critic(nn.Module):
    """Latents (n, z, y, x) and what was known of them (n, z + 3, y, x) to logits (n, y/2, x/2).

    High ones for the truth. Convolutions; each logit sees about a third of the frame.
    """

    def __init__(self, latent_channels: int, width: int = 128, blocks: int = 3) -> None:
        super().__init__()
        self.begin = nn.Conv2d(2 * latent_channels + CHANNELS, width, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.shrink = nn.Conv2d(width, width, 4, stride=2, padding=1)
        self.end = nn.Conv2d(width, 1, 3, padding=1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, latents: Tensor, prior: Tensor) -> Tensor:
        """The logits, float32."""
        given = torch.cat([latents, prior.to(latents)], 1)
        x = self.begin(given.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.end(F.leaky_relu(self.shrink(F.leaky_relu(x, 0.2)), 0.2))
        return logits.float().squeeze(1)


class _Block(nn.Module):
    """A residual pair of convolutions; without a norm, which would hide how strong details are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, 0.2)), 0.2))
        return seen


def critic_losses(
    critic: Critic,
    predicted: Tensor,
    latents: Tensor,
    prior: Tensor | None,
    level: Tensor,
    share: float,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The hinge losses (Lim and Ye 2017, arXiv:1705.02894) of a critic, and of what it criticises.

    predicted, latents: (b, t, z, y, x), of which frame 0 does not count. prior: (b, t, z + 3, y,
    x), what was known. level: (b, t) of the noise that it was predicted from. share: size of the
    gradient by which predictions follow the critic, of that of their squared error.
    """
    chosen = level >= _FROM
    chosen[:, 0] = False
    if not chosen.any():
        nothing = critic.end.weight.sum() * 0
        return {"critic": nothing, "criticised": nothing}
    made, true = predicted[chosen], latents[chosen]
    if prior is None:
        known = made.new_zeros(len(made), made.shape[1] + CHANNELS, *made.shape[2:])
    else:
        known = prior[chosen]
    weight = F.avg_pool2d(1 - (1 - _LEAST) * known[:, -CHANNELS, None], 2).squeeze(1)
    weight = weight / weight.sum()
    noise = _NOISE * torch.randn(2, *made.shape, generator=generator, device=made.device)
    both = torch.cat([true + noise[0], made.detach() + noise[1]])
    right, wrong = critic(both, torch.cat([known, known])).chunk(2)
    told = (weight * (F.relu(1 - right) + F.relu(1 + wrong))).sum()
    followed: Tensor = _Scaled.apply(made, made.detach() - true, share)  # type: ignore[no-untyped-call]
    weights = {name: value.detach() for name, value in critic.named_parameters()}
    logits = functional_call(critic, weights, (followed + noise[1], known))
    return {"critic": told, "criticised": -(weight * logits).sum()}


class _Scaled(torch.autograd.Function):
    """The identity; its gradient is made so long as a share of that of a mean squared error."""

    @staticmethod
    def forward(ctx, made: Tensor, error: Tensor, share: float) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.length = 2 * share * float(error.norm()) / error.numel()
        return made.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        return gradient * (ctx.length / gradient.norm().clamp_min(1e-12)), None, None
