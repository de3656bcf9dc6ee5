"""What an agent sees of a frame: a small picture, or the latents of a world's tokenizer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from worldsim.errors import UserError

Frames = NDArray[np.uint8]
Sights = NDArray[Any]

KINDS = ("pixels", "latent")
SIDE = 64
"""Pixels of a side of the small picture."""

_DEGREES = 30.0
"""Degrees down that count as 1 beside latents, whose own spread is about that."""


class Sight(ABC):
    """From frames (n, h, w, 3) to what is seen of them (n, c, y, x).

    tilt: how far down one looks is seen too, as one more plane. A picture of bare ground does not
    tell whether it is a floor or a wall, and who cannot tell looks down for ever.
    """

    kind: str
    """One of `KINDS`."""
    tokenizer: str = ""
    """Hash of the tokenizer's tensors; "" without one."""
    bare: gym.spaces.Box
    """The space of what is seen of one frame, without the tilt."""

    def __init__(self, tilt: bool) -> None:
        self.tilt = tilt

    @property
    def space(self) -> gym.spaces.Box:
        """The space of all that is seen at a time."""
        if not self.tilt:
            return self.bare
        low, high = (np.concatenate([x, x[:1]]) for x in (self.bare.low, self.bare.high))
        return gym.spaces.Box(low, high, dtype=self.bare.dtype.type)

    @abstractmethod
    def __call__(self, frames: Frames) -> Sights:
        """What is seen of the frames (n, c, y, x), without the tilt."""

    def tilted(self, bare: Sights, down: NDArray[np.floating]) -> Sights:
        """What is seen of frames (n, c, y, x), with the degrees (n,) down beside it if wanted."""
        if not self.tilt:
            return bare
        plane = np.asarray(down, np.float32)[:, None, None, None]
        plane = np.broadcast_to(self._plane(plane), (len(bare), 1, *bare.shape[2:]))
        return np.concatenate([bare, plane.astype(bare.dtype)], 1)

    @abstractmethod
    def _plane(self, down: NDArray[np.float32]) -> NDArray[np.float32]:
        """Degrees down in numbers as large as those of what is seen."""


class Pixels(Sight):
    """Small pictures (3, 64, 64) uint8, each pixel the mean of those it covers."""

    kind = "pixels"

    def __init__(self, tilt: bool = False) -> None:
        super().__init__(tilt)
        self.bare = gym.spaces.Box(0, 255, (3, SIDE, SIDE), np.uint8)

    def __call__(self, frames: Frames) -> Sights:
        """The small pictures of frames (n, h, w, 3)."""
        n, h, w, _ = frames.shape
        if h % SIDE or w % SIDE:
            raise UserError(
                f"frames are {h}x{w}; agents that see pixels need sides that {SIDE} divides"
            )
        parts = frames.reshape(n, SIDE, h // SIDE, SIDE, w // SIDE, 3)
        small = parts.mean((2, 4), dtype=np.float32).round().astype(np.uint8)
        return np.ascontiguousarray(small.transpose(0, 3, 1, 2))

    def _plane(self, down: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((down + 90) * (255 / 180)).round().clip(0, 255)


class Latents(Sight):
    """Latents (z, y, x) float32, as the tokenizer of a world file encodes frames."""

    kind = "latent"

    def __init__(self, checkpoint: str | Path | None = None, tilt: bool = False) -> None:
        from worldsim.checkpoint import content_hash
        from worldsim.world import load_world

        super().__init__(tilt)
        world = load_world(checkpoint)
        self._encode = world.simulator.encode
        weights = world.simulator.tokenizer.state_dict()
        self.tokenizer = content_hash({name: part.cpu() for name, part in weights.items()})
        height, width = world.frame_shape
        shape = self(np.zeros((1, height, width, 3), np.uint8)).shape[1:]
        self.bare = gym.spaces.Box(-np.inf, np.inf, shape, np.float32)

    def __call__(self, frames: Frames) -> Sights:
        """The latents of frames (n, h, w, 3)."""
        import torch

        with torch.inference_mode():
            return np.asarray(self._encode(frames).cpu(), np.float32)

    def _plane(self, down: NDArray[np.float32]) -> NDArray[np.float32]:
        return down / _DEGREES


def down_of(infos: Mapping[str, Any], n: int) -> NDArray[np.float64]:
    """The degrees (n,) down that players look, of the infos of so many games; 0 if untold.

    The exact world tells its `pitch`, a dream its `pose`, which ends with it.
    """
    if "pitch" in infos:
        return np.asarray(infos["pitch"], np.float64).reshape(n)
    if "pose" in infos:
        return np.asarray(infos["pose"], np.float64).reshape(n, -1)[:, -1]
    return np.zeros(n)


def sight(kind: str, checkpoint: str | Path | None = None, tilt: bool = False) -> Sight:
    """The sight of that kind; `checkpoint` is the world file whose tokenizer makes latents.

    tilt: how far down one looks is seen too.

    Raises:
        UserError: no such kind, or no such world.
    """
    if kind not in KINDS:
        raise UserError(f"obs is {kind!r}; needed one of {', '.join(KINDS)}")
    return Pixels(tilt) if kind == "pixels" else Latents(checkpoint, tilt)
