"""What a dynamics model learns from its own dreams: what they should have shown."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from worldsim.camera import CHANNELS
from worldsim.models.dynamics import Dynamics
from worldsim.models.flow import FlowConfig, draw_levels, with_blurred_prior
from worldsim.models.parts import Clip
from worldsim.models.sampler import level_weight, noised


@dataclass
class Rehearsed:
    """Dreams along recorded ways; see `worldsim.data.rehearsals`.

    latents, truths: (b, t, z, y, x); priors: (b, t, z + 3, y, x); shares, apart: (b, t, y, x);
    actions: (b, t-1, a). Where they are told: events (b, t, k), aims (b, t), and tried (b, t-1, s,
    k), of s columns `keys` of actions.
    """

    latents: Tensor
    truths: Tensor
    priors: Tensor
    shares: Tensor
    apart: Tensor
    actions: Tensor
    events: Tensor | None = None
    aims: Tensor | None = None
    tried: Tensor | None = None
    keys: tuple[int, ...] = ()

    def to(self, device: torch.device) -> "Rehearsed":
        """The same on a device."""
        tensors: dict[str, Any] = {
            name: part.to(device) for name, part in vars(self).items() if isinstance(part, Tensor)
        }
        return replace(self, **tensors)

    @property
    def clip(self) -> Clip:
        """What is learnt from: latents as they were dreamed, with what truly happened."""
        return Clip(
            self.latents,
            self.actions,
            prior=self.priors,
            events=self.events,
            tried=self.tried,
            keys=self.keys,
            aims=self.aims,
        )

    def weight(self, alike: float, astray: float) -> Tensor:
        """How much errors weigh, (b, t, y, x) in [0, 1]; see `FlowConfig`.

        Nothing where a draft was drawn, nor where the dream means something else than the truth
        shows: what it made up is not wrong, and is to stay. All where nothing was known.
        """
        same = ((astray - self.apart) / (astray - alike)).clamp(0, 1)
        known = self.priors[:, :, -CHANNELS]
        return (1 - self.shares) * (known * same + 1 - known)


def rehearsal_loss(
    dynamics: Dynamics, dreams: Rehearsed, law: FlowConfig, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted error of the truth predicted from dreams, a scalar, and figures by name.

    Of frames drawn from pure noise, the squared error of what is predicted (`rehearsed`) and of
    what was known beforehand (`rehearsed_known`).
    """
    truths, device = dreams.truths, dreams.truths.device
    b, t = truths.shape[:2]
    clean_level, noisy_level = draw_levels(b, t, 1, law, generator)
    noise = torch.randn(2, *truths.shape, generator=generator, device=device)
    clip = with_blurred_prior(dreams.clip, law, generator)
    predicted = dynamics(
        noised(dreams.latents, noise[0], clean_level),
        noised(truths, noise[1], noisy_level),
        clean_level,
        noisy_level,
        clip.actions,
        prior=clip.prior,
        events=clip.brought,
    ).latents
    error = (predicted.float() - truths).square().mean(2)
    weight = dreams.weight(law.alike, law.astray)
    level = level_weight(noisy_level, law.weight_limit)[:, :, None, None]
    with torch.no_grad():
        pure = (weight * (noisy_level == 1)[:, :, None, None])[:, 1:]
        known = (dreams.priors[:, :, :-CHANNELS] - truths).square().mean(2)
        figures = {
            name: (pure * part[:, 1:]).sum() / pure.sum()
            for name, part in (("rehearsed", error), ("rehearsed_known", known))
            if pure.sum() > 0
        }
    return (level * weight * error)[:, 1:].mean(), figures
