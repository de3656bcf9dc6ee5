"""World files of untrained models, of both kinds, made in a moment: with a camera and without."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pipeline import DYNAMICS, PLAIN, SIZE, TOKENIZER

from worldsim import actions
from worldsim.camera import CameraConfig
from worldsim.models.depth import Depth, DepthConfig
from worldsim.models.dynamics import Dynamics, DynamicsConfig
from worldsim.models.tokenizer import Tokenizer
from worldsim.world import Context, Origin, save_world

CONTEXTS = 3
FRAMES = 3
EXACT = "small:Small/Voxel-v0"
MADE = {**PLAIN, "exact": EXACT}


def make_world(path: Path, camera: bool, seed: int = 0, endless: bool = True) -> Path:
    """Write a world file whose weights, zero ones too, are stirred at random.

    endless: no dream ends; otherwise every step ends one.
    """
    torch.manual_seed(seed)
    config = {**vars(DYNAMICS), "camera": CameraConfig(70.0 if camera else 0.0, resolution=0.5)}
    config["events"] = ["broken", "placed"] if camera else []
    tokenizer, dynamics = Tokenizer(TOKENIZER), Dynamics(DynamicsConfig(**config))
    depth = Depth(DepthConfig(widths=[8, 8], blocks=[1, 1])) if camera else None
    with torch.no_grad():
        for parameter in dynamics.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        dynamics.heads.out.bias[2] = -10.0 if endless else 10.0
        blank = tokenizer.encode(torch.zeros(1, 3, SIZE, SIZE))
    settings: dict[str, Any] = {"sampling": {"steps": 2}, "frame_shape": [SIZE, SIZE]}
    card = {"step": 1, "figures": {}}
    contexts = [_context(i, blank.shape[1:]) for i in range(CONTEXTS)]
    save_world(path, tokenizer, dynamics, contexts, settings, card, depth)
    return path


def _context(i: int, shape: torch.Size) -> Context:
    led = np.zeros((FRAMES - 1, actions.SIZE), np.float32)
    led[:, -1] = i
    origin = Origin(EXACT, {}, 700_000 + i, led)
    pose = np.array([i, 2, 3, 90, 10], np.float64)
    return Context(torch.randn(FRAMES, *shape), led, pose, origin)
