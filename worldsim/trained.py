"""Trained models from their files, ready for use on the CPU."""

from pathlib import Path
from typing import Any

from worldsim import checkpoint
from worldsim.models.dynamics import Dynamics, DynamicsConfig
from worldsim.models.tokenizer import Tokenizer, TokenizerConfig


def load_tokenizer(path: str | Path) -> tuple[Tokenizer, dict[str, Any]]:
    """A trained tokenizer, ready for use on the CPU, and its file's metadata.

    Raises:
        UserError: as `worldsim.checkpoint.load` and `load_weights`.
    """
    tensors, meta = checkpoint.load(path, "tokenizer")
    model = Tokenizer(TokenizerConfig(**meta["config"]))
    checkpoint.load_weights(model, tensors, path)
    return model.eval().requires_grad_(False), meta


def load_dynamics(path: str | Path) -> tuple[Dynamics, dict[str, Any]]:
    """A trained dynamics model, ready for use on the CPU, and its file's metadata.

    Raises:
        UserError: as `worldsim.checkpoint.load` and `load_weights`.
    """
    tensors, meta = checkpoint.load(path, "dynamics")
    model = Dynamics(DynamicsConfig(**meta["config"]))
    checkpoint.load_weights(model, tensors, path)
    return model.eval().requires_grad_(False), meta
