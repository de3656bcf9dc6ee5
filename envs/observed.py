"""What dreams are observed as: pictures, or the latents that pictures are decoded from."""

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from worldsim.errors import UserError
from worldsim.state import State
from worldsim.trail import Kept
from worldsim.world import World

KINDS = ("pixels", "latent")


def check(obs: str) -> None:
    """Refuse a kind of observation that does not exist.

    Raises:
        UserError: it is neither "pixels" nor "latent".
    """
    if obs not in KINDS:
        raise UserError(f"obs is {obs!r}; needed one of {', '.join(KINDS)}")


def space(world: World, obs: str) -> gym.spaces.Box:
    """The space of one dream's observation."""
    if obs == "pixels":
        return gym.spaces.Box(0, 255, (*world.frame_shape, 3), np.uint8)
    return gym.spaces.Box(-np.inf, np.inf, world.latent_shape, np.float32)


def shown(world: World, state: State | Kept, obs: str) -> NDArray[Any]:
    """The observations (b, ...) of the frames on show."""
    return world.simulator.render(state) if obs == "pixels" else numbers(state.latents)


def numbers(latents: Tensor) -> NDArray[np.float32]:
    """Latents as observations of their own."""
    return latents.float().cpu().numpy().copy()
