"""The optimizers of a dynamics model: Muon for its blocks' matrices, AdamW for the rest."""

import torch
from torch import nn

from worldsim.models.dynamics import Dynamics
from worldsim.training.muon import ConvolutionMuon


def optimizers(
    model: Dynamics, rate: float, rate_matrices: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """Muon with `rate_matrices` and AdamW with `rate`; AdamW alone if the former is 0.

    The draft's convolutions have a Muon of their own.
    """
    matrices, rest = model.parameter_groups()
    adamw = {"lr": rate, "betas": (0.9, 0.95), "weight_decay": weight_decay}
    if not rate_matrices:
        return [torch.optim.AdamW([*matrices, *rest], **adamw)]  # type: ignore[arg-type]
    muon = torch.optim.Muon(
        matrices, lr=rate_matrices, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    drawn: list[nn.Parameter] = []
    if model.draft is not None:
        drawn = [weight for weight in model.draft.parameters() if weight.ndim > 1]
        chosen = {id(weight) for weight in drawn}
        rest = [weight for weight in rest if id(weight) not in chosen]
    both = [muon, torch.optim.AdamW(rest, **adamw)]  # type: ignore[arg-type]
    return [*both, ConvolutionMuon(drawn, rate_matrices)] if drawn else both
