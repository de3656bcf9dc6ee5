"""What is anywhere in a picture: attention among all places, for small convolutional networks."""

import torch
from einops import rearrange
from torch import Tensor, nn

from worldsim.models.layers import attend
from worldsim.models.packed import PackableConv2d

_HEADS = 4


class Everywhere(nn.Module):
    """Residual attention among all places: (n, width, y, x) to the same.

    beside: channels (n, beside, y, x) that queries, keys and values are told besides.
    """

    def __init__(self, width: int, beside: int = 0) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.ask = PackableConv2d(width + beside, 3 * width, 1)
        self.answer = PackableConv2d(width, width, 1)

    def forward(self, x: Tensor, beside: Tensor | None = None) -> Tensor:
        """The places with what they found in the others."""
        seen = self.norm(x)
        if beside is not None:
            seen = torch.cat([seen, beside.to(seen)], 1)
        asked = rearrange(self.ask(seen), "n (k h d) y x -> k n h (y x) d", k=3, h=_HEADS)
        queries, keys, values = asked
        found = attend(queries * queries.shape[-1] ** -0.5, keys, values, None)
        back = rearrange(found, "n h (y x) d -> n (h d) y x", y=x.shape[-2])
        answered: Tensor = x + self.answer(back)
        return answered


def places(picture: Tensor) -> Tensor:
    """Row and column (n, 2, y, x) of each place of pictures (n, z, y, x), from -1 to 1."""
    y, x = (torch.linspace(-1, 1, side, device=picture.device) for side in picture.shape[-2:])
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij"))
    return grid.to(picture.dtype).expand(len(picture), -1, -1, -1)
