"""The optimizers of a dynamics model: Muon for its blocks' matrices, AdamW for the rest."""

import torch

from worldsim.models.dynamics import Dynamics
from worldsim.training.muon import ConvolutionMuon


def optimizers(
    model: Dynamics, rate: float, rate_matrices: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """Muon with `rate_matrices` and AdamW with `rate`; AdamW alone if the former is 0.

    Convolutions of what stands beside the blocks have a Muon of their own, the critic an AdamW.
    """
    matrices, rest = model.parameter_groups()
    adamw = {"lr": rate, "betas": (0.9, 0.95), "weight_decay": weight_decay}
    made: list[torch.optim.Optimizer] = []
    if rate_matrices:
        made.append(
            torch.optim.Muon(
                matrices,
                lr=rate_matrices,
                weight_decay=weight_decay,
                adjust_lr_fn="match_rms_adamw",
            )
        )
        convolutions = [parameter for parameter in rest if parameter.ndim == 4]
        if convolutions:
            made.append(ConvolutionMuon(convolutions, rate_matrices))
        matrices, rest = [], [parameter for parameter in rest if parameter.ndim != 4]
    made.append(torch.optim.AdamW([*matrices, *rest], **adamw))  # type: ignore[arg-type]
    if model.critic is not None:
        critic = model.critic.parameters()
        made.append(torch.optim.AdamW(critic, rate / 2, (0.5, 0.95), weight_decay=weight_decay))
    return made
