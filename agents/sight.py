"""What an agent sees of a frame: a small picture, or the latents of a world's tokenizer."""

from pathlib import Path
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from worldsim.errors import UserError

Frames = NDArray[np.uint8]
Sights = NDArray[Any]

KINDS = ("pixels", "latent")
SIDE = 64
"""Pixels of a side of the small picture."""


class Sight(Protocol):
    """From frames (n, h, w, 3) to what is seen of them (n, c, y, x)."""

    @property
    def kind(self) -> str:
        """One of `KINDS`."""

    @property
    def space(self) -> gym.spaces.Box:
        """The space of what is seen of one frame."""

    @property
    def tokenizer(self) -> str:
        """Hash of the tokenizer's tensors; "" without one."""

    def __call__(self, frames: Frames) -> Sights:
        """What is seen of the frames (n, c, y, x), of the space's type."""


class Pixels:
    """Small pictures (3, 64, 64) uint8, each pixel the mean of those it covers."""

    kind, tokenizer = "pixels", ""

    def __init__(self) -> None:
        self.space = gym.spaces.Box(0, 255, (3, SIDE, SIDE), np.uint8)

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


class Latents:
    """Latents (z, y, x) float32, as the tokenizer of a world file encodes frames."""

    kind = "latent"

    def __init__(self, checkpoint: str | Path | None = None) -> None:
        from worldsim.checkpoint import content_hash
        from worldsim.world import load_world

        world = load_world(checkpoint)
        self._encode = world.simulator.encode
        weights = world.simulator.tokenizer.state_dict()
        self.tokenizer = content_hash({name: part.cpu() for name, part in weights.items()})
        height, width = world.frame_shape
        shape = self(np.zeros((1, height, width, 3), np.uint8)).shape[1:]
        self.space = gym.spaces.Box(-np.inf, np.inf, shape, np.float32)

    def __call__(self, frames: Frames) -> Sights:
        """The latents of frames (n, h, w, 3)."""
        import torch

        with torch.inference_mode():
            return np.asarray(self._encode(frames).cpu(), np.float32)


def sight(kind: str, checkpoint: str | Path | None = None) -> Sight:
    """The sight of that kind; `checkpoint` is the world file whose tokenizer makes latents.

    Raises:
        UserError: no such kind, or no such world.
    """
    if kind not in KINDS:
        raise UserError(f"obs is {kind!r}; needed one of {', '.join(KINDS)}")
    return Pixels() if kind == "pixels" else Latents(checkpoint)
