"""Any Gymnasium environment that shows images: made by id, its frames and actions as arrays."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from worldsim import actions
from worldsim.errors import UserError
from worldsim.imports import load_module, refuse_stranger
from worldsim.suggest import did_you_mean

Env: TypeAlias = gym.Env[Any, Any]
Frame: TypeAlias = NDArray[np.uint8]

OUR_PREFIX = "WorldSim/"

_CONTROLS = {*actions.BUTTONS, "camera"}


def make(env_id: str, **options: Any) -> Env:
    """The environment of a Gymnasium id; ids of this project need no module before them.

    Raises:
        UserError: no such environment, an option it does not take, or a missing dependency.
    """
    if env_id.startswith(OUR_PREFIX):
        refuse_stranger("envs")
        env_id = f"envs:{env_id}"
    module, colon, name = env_id.rpartition(":")
    if colon:
        load_module(module)
    try:
        return gym.make(name, disable_env_checker=True, **options)
    except gym.error.UnregisteredEnv as error:
        known = [key for key in gym.registry if key.startswith(OUR_PREFIX) or not module]
        raise UserError(f"no environment is called {name}{did_you_mean(name, known)}") from error
    except gym.error.DependencyNotInstalled as error:
        raise UserError(f"{name} cannot start: {error}") from error
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise UserError(f"{name} does not take these options: {error}") from error


def image_key(space: gym.Space[Any], key: str | None = None, name: str = "the environment") -> str:
    """The key of the image in a Dict observation, or "" where the observation is the image.

    Raises:
        UserError: no uint8 image (h, w, 3) there, or several and none chosen.
    """
    if isinstance(space, gym.spaces.Dict):
        images = [entry for entry, part in space.spaces.items() if _is_image(part)]
        if key is None and len(images) == 1:
            return images[0]
        if key in images:
            return key
        if images:
            raise UserError(
                f"{name} shows {', '.join(space.spaces)}; choose the picture with image_key="
                f"{' or '.join(images)}"
            )
    elif key is None and _is_image(space):
        return ""
    raise UserError(
        f"{name} shows {space}; needed a uint8 image of shape (height, width, 3) at "
        f"image_key={key or 'null'}"
    )


def frame_of(observation: Any, key: str = "") -> Frame:
    """The image (h, w, 3) uint8 of an observation, a copy that the environment cannot change."""
    image = observation[key] if key else observation
    return np.array(image, np.uint8)


def frame_shape(space: gym.Space[Any], key: str = "") -> tuple[int, int]:
    """Height and width, in pixels, of the frames of an observation space."""
    image = space[key] if isinstance(space, gym.spaces.Dict) else space
    height, width, _ = image.shape or (0, 0, 0)
    return int(height), int(width)


def action_columns(space: gym.Space[Any]) -> tuple[str, ...]:
    """The names of an action vector's columns: the controller's, or `action.0` and so on.

    Raises:
        UserError: the actions have no fixed number of columns.
    """
    if _is_controller(space):
        return actions.NAMES
    try:
        return tuple(f"action.{i}" for i in range(gym.spaces.flatdim(space)))
    except (ValueError, NotImplementedError) as error:
        raise UserError(f"actions of {space} have no fixed size; they cannot be stored") from error


def to_vector(space: gym.Space[Any], action: Any) -> actions.Vector:
    """The action as a flat float32 vector (a,)."""
    if _is_controller(space):
        return actions.to_vector(action)
    return np.asarray(gym.spaces.flatten(space, action), np.float32)


def from_vector(space: gym.Space[Any], vector: actions.Vector) -> Any:
    """The action of a flat vector (a,): what `step` takes."""
    if _is_controller(space):
        return actions.from_vector(vector)
    return gym.spaces.unflatten(space, vector)


def numbers(info: Mapping[str, Any], prefix: str = "") -> dict[str, NDArray[Any]]:
    """The numeric entries of an info dict as arrays; keys of nested dicts joined with a dot."""
    found: dict[str, NDArray[Any]] = {}
    for key, value in info.items():
        name = f"{prefix}{key}".replace("/", ".")
        if isinstance(value, Mapping):
            found |= numbers(value, f"{name}.")
        elif isinstance(value, bool | int | float | np.ndarray | np.generic):
            array = np.asarray(value)
            if array.dtype.kind in "biuf":
                found[name] = array
    return found


def engine_version(info: Mapping[str, Any]) -> int:
    """The version of the rules that made a frame, as the environment reports it; 0 if it does not.

    Seed and actions give the same frames again only under the same version.
    """
    return int(info.get("engine_version", 0))


def _is_controller(space: gym.Space[Any]) -> bool:
    """Whether the space is the controller's or lies inside it; cheap enough for every step."""
    if not isinstance(space, gym.spaces.Dict) or space.spaces.keys() != _CONTROLS:
        return False
    camera = space["camera"]
    return (
        isinstance(camera, gym.spaces.Box)
        and camera.shape == (2,)
        and bool((np.maximum(-camera.low, camera.high) <= actions.CAMERA_LIMIT).all())
    )


def _is_image(space: gym.Space[Any]) -> bool:
    shape = space.shape or ()
    return (
        isinstance(space, gym.spaces.Box)
        and space.dtype == np.uint8
        and len(shape) == 3
        and shape[-1] == 3
    )
