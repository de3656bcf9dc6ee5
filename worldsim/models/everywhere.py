"""What is anywhere in a picture: attention among all places, for small convolutional networks."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, scaled_dot_product_attention

from worldsim.models.packed import PackableConv2d

_HEADS = 4


class Everywhere(nn.Module):
    """Residual attention among all places: (n, width, y, x) to the same.

    beside: channels (n, beside, y, x) that queries, keys and values are told besides. coarser: a
    side, in places, of the squares that are looked at as one; it has to divide both sides.
    """

    def __init__(self, width: int, beside: int = 0, coarser: int = 1) -> None:
        super().__init__()
        self._coarser = coarser
        self.norm = nn.GroupNorm(1, width)
        self.ask = PackableConv2d(width + beside, 3 * width, 1)
        self.answer = PackableConv2d(width, width, 1)

    def forward(self, x: Tensor, beside: Tensor | None = None) -> Tensor:
        """The places with what they found in the others."""
        seen = self.norm(x)
        if beside is not None:
            seen = torch.cat([seen, beside.to(seen)], 1)
        queries, others = self.ask(seen).tensor_split([x.shape[1]], 1)
        if self._coarser > 1:
            others = avg_pool2d(others, self._coarser)
        asked = rearrange(queries, "n (h d) y x -> n h (y x) d", h=_HEADS)
        keys, values = rearrange(others, "n (k h d) y x -> k n h (y x) d", k=2, h=_HEADS)
        found = scaled_dot_product_attention(asked, keys, values)
        back = rearrange(found, "n h (y x) d -> n (h d) y x", y=x.shape[-2])
        answered: Tensor = x + self.answer(back)
        return answered


def places(picture: Tensor) -> Tensor:
    """Row and column (n, 2, y, x) of each place of pictures (n, z, y, x), from -1 to 1."""
    y, x = (torch.linspace(-1, 1, side, device=picture.device) for side in picture.shape[-2:])
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij"))
    return grid.to(picture.dtype).expand(len(picture), -1, -1, -1)
