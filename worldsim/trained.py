"""Trained models from their files, their own or a world's, ready for use on the CPU."""

import copy
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from worldsim import checkpoint
from worldsim.errors import UserError
from worldsim.models.depth import Depth, DepthConfig
from worldsim.models.dynamics import Dynamics, DynamicsConfig
from worldsim.models.tokenizer import Tokenizer, TokenizerConfig

Model = TypeVar("Model", bound=nn.Module)


def load_tokenizer(path: str | Path) -> tuple[Tokenizer, dict[str, Any]]:
    """A trained tokenizer, ready for use on the CPU, and its metadata.

    Raises:
        UserError: as `worldsim.checkpoint.load` and `load_weights`.
    """
    tensors, meta = _part(path, "tokenizer")
    return ready(Tokenizer(TokenizerConfig(**meta["config"])), tensors, path), meta


def load_dynamics(path: str | Path) -> tuple[Dynamics, dict[str, Any]]:
    """A trained dynamics model, ready for use on the CPU, and its metadata.

    Raises:
        UserError: as `worldsim.checkpoint.load` and `load_weights`.
    """
    tensors, meta = _part(path, "dynamics")
    return ready(Dynamics(DynamicsConfig(**meta["config"])), tensors, path), meta


def load_depth(path: str | Path) -> tuple[Depth, dict[str, Any]]:
    """A trained depth network, ready for use on the CPU, and its metadata.

    Raises:
        UserError: as `worldsim.checkpoint.load` and `load_weights`.
    """
    tensors, meta = _part(path, "depth")
    return ready(Depth(DepthConfig.of(meta["config"])), tensors, path), meta


def short(content: str) -> str:
    """A content hash as messages show it; "none" for none."""
    return content[:12] or "none"


def begin_from(model: nn.Module, path: str | Path, kind: str) -> None:
    """Copies trained weights of a kind, such as "dynamics", into a model of that shape.

    Parts of the model that the file lacks stay as they were made.

    Raises:
        UserError: as `worldsim.checkpoint.load` and `load_weights`.
    """
    tensors = {**model.state_dict(), **_part(path, kind)[0]}
    ready(model, tensors, path).train().requires_grad_(True)


def ready(model: Model, tensors: checkpoint.Tensors, path: str | Path) -> Model:
    """The model with the weights of a file, in float32, for use without gradients.

    Raises:
        UserError: as `worldsim.checkpoint.load_weights`.
    """
    exact = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    checkpoint.load_weights(model, exact, path)
    return model.eval().requires_grad_(False)


def played(model: Model) -> Model:
    """A copy of a model, for use without gradients; the model itself stays as it is."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def _part(path: str | Path, kind: str) -> tuple[checkpoint.Tensors, checkpoint.Meta]:
    """The tensors of one network and its metadata, as its own file would have them."""
    if checkpoint.read_meta(path)["kind"] != "world":
        return checkpoint.load(path, kind)
    tensors, meta = checkpoint.load(path)
    part = checkpoint.with_prefix(tensors, kind)
    if kind not in meta["config"]:
        raise UserError(f"{path} is a world without a {kind} network")
    others = {
        name: checkpoint.content_hash(checkpoint.with_prefix(tensors, name))
        for name in ("tokenizer", "depth")
        if name in meta["config"]
    }
    own = {"kind": kind, "config": meta["config"][kind], "hash": checkpoint.content_hash(part)}
    if kind == "tokenizer":
        return part, {**meta, **own, "step": meta["tokenizer_step"]}
    return part, {**meta, **others, **own, "sampling": meta["config"]["sampling"]}
