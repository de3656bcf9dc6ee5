"""The Minecraft-style controller: names, Gymnasium space, flat vector and discrete views.

Names and units are MineRL's: buttons are 0 or 1, `camera` is `[pitch, yaw]` in degrees a tick,
pitch positive down, yaw positive to the right (Guss et al. 2019, "MineRL", arXiv:1907.13440).
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

HOTBAR = tuple(f"hotbar.{slot}" for slot in range(1, 10))
BUTTONS = (
    *("forward", "back", "left", "right", "jump", "sneak", "sprint", "attack", "use", "drop"),
    *HOTBAR,
)
CAMERA_LIMIT = 20.0
"""Largest turn in one tick, in degrees, of either camera axis and either sign."""

NAMES = (*BUTTONS, "camera.pitch", "camera.yaw")
SIZE = len(NAMES)
INDEX = {name: i for i, name in enumerate(NAMES)}
CAMERA = slice(len(BUTTONS), SIZE)

Action: TypeAlias = dict[str, Any]
Vector: TypeAlias = NDArray[np.float32]

CAMERA_BINS = np.array([-20, -10, -5, -2, -0.5, 0, 0.5, 2, 5, 10, 20], np.float32)
"""Degrees of the camera bins of the `MultiDiscrete` view; the middle one is still."""

_GROUPS: tuple[tuple[str, ...], ...] = (
    ("forward", "back"),
    ("left", "right"),
    ("jump",),
    ("sneak", "sprint"),
    ("attack", "use", "drop"),
    HOTBAR,
)

DISCRETE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("noop", {}),
    ("forward", {"forward": 1}),
    ("back", {"back": 1}),
    ("left", {"left": 1}),
    ("right", {"right": 1}),
    ("forward+jump", {"forward": 1, "jump": 1}),
    ("forward+sprint", {"forward": 1, "sprint": 1}),
    ("turn left", {"camera": (0.0, -10.0)}),
    ("turn right", {"camera": (0.0, 10.0)}),
    ("turn left a little", {"camera": (0.0, -3.0)}),
    ("turn right a little", {"camera": (0.0, 3.0)}),
    ("look up", {"camera": (-6.0, 0.0)}),
    ("look down", {"camera": (6.0, 0.0)}),
    ("attack", {"attack": 1}),
    ("use", {"use": 1}),
)
"""The curated `Discrete` view: a name and the controls that differ from a no-op, an index each."""


def space() -> gym.spaces.Dict:
    """The Gymnasium space of one action: a button each, and `camera` of shape (2,)."""
    buttons: dict[str, gym.Space[Any]] = {name: gym.spaces.Discrete(2) for name in BUTTONS}
    camera = gym.spaces.Box(-CAMERA_LIMIT, CAMERA_LIMIT, (2,), np.float32)
    return gym.spaces.Dict({**buttons, "camera": camera})


def make(**controls: Any) -> Action:
    """An action with the controls named set and all others at rest; `hotbar=3` selects a slot.

    Raises:
        ValueError: a control that does not exist.
    """
    action: Action = {name: 0 for name in BUTTONS}
    action["camera"] = np.zeros(2, np.float32)
    for name, value in controls.items():
        if name == "camera":
            action["camera"] = np.asarray(value, np.float32)
        elif name == "hotbar":
            action[f"hotbar.{int(value)}"] = 1
        elif name in action:
            action[name] = int(value)
        else:
            raise ValueError(f"no control is called {name!r}; there are {', '.join(NAMES)}")
    return action


def to_vector(action: Mapping[str, Any]) -> Vector:
    """The action as one float32 vector (a,), in the order of `NAMES`; checked.

    Raises:
        ValueError: a control is missing, has the wrong shape, is NaN or out of range.
    """
    missing = [name for name in (*BUTTONS, "camera") if name not in action]
    if missing:
        raise ValueError(
            f"action lacks {', '.join(missing)}; start from worldsim.actions.make(), which sets all"
        )
    camera = np.asarray(action["camera"], np.float32)
    if camera.shape != (2,):
        raise ValueError(f"camera has shape {camera.shape}; needed (2,): [pitch, yaw] in degrees")
    buttons = np.array([action[name] for name in BUTTONS], np.float32)
    return check(np.concatenate([buttons, camera]))


def from_vector(vector: Sequence[float] | Vector) -> Action:
    """The action of one flat vector (a,); the inverse of `to_vector`, lossless."""
    flat = check(np.asarray(vector, np.float32))
    if flat.ndim != 1:
        raise ValueError(f"an action vector has shape {flat.shape}; needed ({SIZE},)")
    action: Action = {name: int(flat[i]) for name, i in INDEX.items() if i < CAMERA.start}
    action["camera"] = flat[CAMERA].copy()
    return action


def check(vectors: NDArray[Any]) -> Vector:
    """The vectors (..., a) as float32, unchanged, when every one is an action.

    Raises:
        ValueError: wrong width, NaN, a button that is not 0 or 1, a camera beyond its limit.
    """
    flat = np.asarray(vectors, np.float32)
    if flat.ndim == 0 or flat.shape[-1] != SIZE:
        raise ValueError(f"actions have shape {flat.shape}; needed (..., {SIZE})")
    buttons, camera = flat[..., : CAMERA.start], flat[..., CAMERA]
    wrong = ~((buttons == 0) | (buttons == 1))
    if wrong.any():
        column = int(np.argwhere(wrong)[0][-1])
        value = buttons[wrong][0]
        raise ValueError(f"button {NAMES[column]} is {value}; needed 0 or 1")
    if not (np.abs(camera) <= CAMERA_LIMIT).all():  # NaN fails here too
        value = camera[~(np.abs(camera) <= CAMERA_LIMIT)][0]
        raise ValueError(
            f"camera is {value} degrees; needed -{CAMERA_LIMIT:g} to {CAMERA_LIMIT:g} (clip it)"
        )
    return flat


def from_columns(names: Sequence[str], table: NDArray[Any]) -> Vector:
    """Recorded input (t, columns) with VPT-like column names as checked vectors (t, a).

    Columns that this controller has no name for (inventory, ESC, ...) are left out;
    `camera_pitch_deg` and `camera_yaw_deg` are clipped to `CAMERA_LIMIT`.
    """
    aliases = {"camera_pitch_deg": "camera.pitch", "camera_yaw_deg": "camera.yaw"}
    vectors = np.zeros((len(table), SIZE), np.float32)
    for column, name in enumerate(names):
        target = INDEX.get(aliases.get(name, name))
        if target is not None:
            vectors[:, target] = table[:, column]
    vectors[:, CAMERA] = vectors[:, CAMERA].clip(-CAMERA_LIMIT, CAMERA_LIMIT)
    return check(vectors)


class DiscreteActions(gym.ActionWrapper[Any, Any, Any]):
    """The environment with the curated `Discrete` view: index i plays `DISCRETE[i]`."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.action_space = gym.spaces.Discrete(len(DISCRETE))

    def action(self, action: Any) -> Action:
        """The full action behind an index."""
        return make(**DISCRETE[int(action)][1])


class MultiDiscreteActions(gym.ActionWrapper[Any, Any, Any]):
    """The environment with a `MultiDiscrete` view: six groups of keys, pitch bin, yaw bin.

    Group values count from 0, nothing pressed; camera bins index `CAMERA_BINS`.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        sizes = [len(group) + 1 for group in _GROUPS]
        self.action_space = gym.spaces.MultiDiscrete([*sizes, len(CAMERA_BINS), len(CAMERA_BINS)])

    def action(self, action: Any) -> Action:
        """The full action behind the eight indices."""
        *keys, pitch, yaw = (int(value) for value in action)
        pressed = [group[key - 1] for group, key in zip(_GROUPS, keys, strict=True) if key]
        full = make(camera=(CAMERA_BINS[pitch], CAMERA_BINS[yaw]))
        full.update(dict.fromkeys(pressed, 1))
        return full
