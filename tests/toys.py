"""Tiny models with every weight in use, and a world of one moving dot."""

import torch
from torch import Tensor, nn

from worldsim.models.dynamics import Dynamics, DynamicsConfig

torch.set_num_threads(1)  # models this small only lose by sharing work


def tiny_dynamics(seed: int = 0, **changes: object) -> Dynamics:
    """A model of 2 latent channels whose weights, zero ones too, are stirred at random."""
    sizes = {"width": 32, "blocks": 3, "heads_space": 2, "heads_time": 2, "head_width": 16}
    shape = {"latent_channels": 2, "action_size": 3, "angles": [2], "switches": [1]}
    shape |= {"registers": 2, "window": 8}
    torch.manual_seed(seed)
    model = Dynamics(DynamicsConfig(**{**sizes, **shape, **changes}))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


class PoolingTokenizer(nn.Module):
    """Stands in for the tokenizer: two channels of the frame, shrunk four times."""

    def encode(self, frames: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(frames[:, :2], 4)

    def decode(self, latents: Tensor) -> Tensor:
        return torch.tanh(nn.functional.interpolate(latents[:, [0, 1, 1]], scale_factor=4.0))


def dot_world(b: int, t: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Latents (b, t, 1, 8, 8) of a 2x2 dot, and the actions (b, t-1, 2) that move it.

    An action is how many times two cells the dot goes down and right; it stops at the edge.
    """
    places = [torch.randint(4, (b, 2), generator=generator)]
    actions = torch.randint(-1, 2, (b, t - 1, 2), generator=generator)
    for action in actions.unbind(1):
        places.append((places[-1] + action).clamp(0, 3))
    place = torch.stack(places, 1)
    grid = torch.zeros(b, t, 16)
    grid.scatter_(2, (4 * place[..., 0] + place[..., 1])[..., None], 4.0)
    cells = grid.view(b, t, 4, 4).repeat_interleave(2, -1).repeat_interleave(2, -2)
    return cells[:, :, None] - 0.25, actions.float()
