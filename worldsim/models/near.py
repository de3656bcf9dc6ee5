"""What is near in a picture: the residual convolutions of the small networks beside the trunk."""

from torch import Tensor, nn

from worldsim.models.packed import PackableConv2d


class Near(nn.Module):
    """A residual pair of convolutions: (n width y x) to the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Sequential(
            nn.GroupNorm(1, width),
            nn.GELU(),
            PackableConv2d(width, width, 3, padding=1),
            nn.GELU(),
            PackableConv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        seen: Tensor = x + self.near(x)
        return seen
