"""What training that begins from a trained dynamics model takes over from it."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from worldsim.models.dynamics import DynamicsConfig
from worldsim.trained import load_dynamics


def begun_as(path: str, model: DynamicsConfig) -> tuple[DynamicsConfig, int]:
    """The shape of the dynamics in a file, but for what of `model` is not as it comes.

    And the number of steps that its transformer was distilled to, 0 if it was not.

    Raises:
        UserError: as `worldsim.checkpoint.read_meta`; a file of something else.
    """
    (begun, meta), plain = load_dynamics(path), DynamicsConfig()
    asked = {name: value for name, value in vars(model).items() if value != getattr(plain, name)}
    return replace(begun.config, **asked), meta["sampling"].get("distilled", 0)


def between(path: str, weights: Mapping[str, Tensor], kept: float) -> dict[str, Tensor]:
    """Weights on the way back to those in a file, as far as `kept`, in [0, 1], says.

    What the mean of both can do is more than either (Wortsman et al. 2022, arXiv:2109.01903).
    Those that the file does not have stay out.
    """
    first = load_dynamics(path)[0].state_dict()
    return {
        name: weight.lerp(first[name].to(weight), kept)
        for name, weight in weights.items()
        if name in first and weight.is_floating_point()
    }
