"""What is known of a frame beforehand: told to the transformer, and copied where it trusts it."""

import torch
from torch import Tensor, nn

from worldsim.camera import CHANNELS


class Prior(nn.Module):
    """Between priors in patches (..., numbers + 3 patch^2) and tokens of width `d`.

    numbers: of a patch's latents, first of all in it; then come where they are known, and how
    recent. Begins without any influence on tokens, and half believed.
    """

    def __init__(self, numbers: int, patch: int, d: int) -> None:
        super().__init__()
        self.numbers, self.cells = numbers, patch**2
        self.embed = nn.Linear(numbers + CHANNELS * self.cells, d, bias=False)
        self.trust = nn.Linear(d, numbers)
        nn.init.zeros_(self.embed.weight)
        nn.init.zeros_(self.trust.weight)
        nn.init.zeros_(self.trust.bias)

    def mixed(self, predicted: Tensor, x: Tensor, prior: Tensor) -> Tensor:
        """Predicted latents (..., numbers), float32, drawn to those known as tokens x say.

        A gate, as in pointer networks that copy (See et al. 2017, arXiv:1704.04368, equation 9).
        """
        latents, known, _ = torch.split(
            prior.float(), [self.numbers, self.cells, (CHANNELS - 1) * self.cells], -1
        )
        gate = self.trust(x).float().sigmoid().unflatten(-1, (-1, self.cells))
        share = (gate * known.unsqueeze(-2)).flatten(-2)
        return torch.lerp(predicted, latents, share)
