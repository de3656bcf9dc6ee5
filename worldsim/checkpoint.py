"""Files of trained things: safetensors with JSON metadata, written atomically, verified on load.

A file holds tensors and plain data only; nothing in it is ever executed or unpickled. Its metadata
always has `format`, `kind`, `config`, `step` and `hash` (of the tensors).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor, nn

from worldsim.errors import UserError
from worldsim.files import write_atomic

FORMAT = "worldsim-1"
KINDS = ("tokenizer", "depth", "dynamics", "training", "world", "dream", "agent")

Tensors: TypeAlias = dict[str, Tensor]
Meta: TypeAlias = dict[str, Any]

_META, _META_HASH = "worldsim", "worldsim.sha256"


def save(path: str | Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> str:
    """The content hash of the file written at `path`; an older file is replaced only when complete.

    `meta` is plain JSON data and needs `kind`, `config` and `step`; `format` and `hash` are added.

    Raises:
        ValueError: the metadata lacks a key, its kind is unknown, or it is not JSON.
    """
    missing = [key for key in ("kind", "config", "step") if key not in meta]
    if missing:
        raise ValueError(f"checkpoint metadata lacks {', '.join(missing)}")
    if meta["kind"] not in KINDS:
        raise ValueError(f"checkpoint kind is {meta['kind']!r}; needed one of {', '.join(KINDS)}")
    plain = {name: _plain(tensor) for name, tensor in tensors.items()}
    content = content_hash(plain)
    text = json.dumps({**meta, "format": FORMAT, "hash": content}, sort_keys=True)
    header = {_META: text, _META_HASH: _sha256(text)}
    write_atomic(Path(path), serialize(plain, header))
    return content


def load(path: str | Path, kind: str | None = None) -> tuple[Tensors, Meta]:
    """The tensors (on the CPU) and the metadata of a file, verified against its hashes.

    Raises:
        UserError: not found, truncated, altered, of another format version or of another `kind`.
    """
    path = Path(path)
    meta = read_meta(path, kind)
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if content_hash(tensors) != meta["hash"]:
        raise UserError(f"{path}: its tensors do not match its hash: altered or damaged; {_FRESH}")
    return tensors, meta


def read_meta(path: str | Path, kind: str | None = None) -> Meta:
    """The metadata alone, without reading the tensors; raises like `load`."""
    path = Path(path)
    with _opened(path) as file:
        header = file.metadata() or {}
    if _META not in header:
        raise UserError(f"{path}: a safetensors file, but not one of worldsim; {_FRESH}")
    if _sha256(header[_META]) != header.get(_META_HASH):
        raise UserError(f"{path}: its metadata does not match its hash: altered; {_FRESH}")
    meta: Meta = json.loads(header[_META])
    if meta["format"] != FORMAT:
        raise UserError(
            f"{path}: has format {meta['format']}; this version of worldsim reads {FORMAT}"
            " (use the version that wrote it)"
        )
    if kind is not None and meta["kind"] != kind:
        raise UserError(f"{path}: holds a {meta['kind']!r} checkpoint; needed {kind!r}")
    return meta


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Copies tensors into the model; every name and shape has to match.

    Raises:
        UserError: a tensor is missing, superfluous or of another shape; `source` is named.
    """
    expected = model.state_dict()
    missing = sorted(set(expected) - set(tensors))
    extra = sorted(set(tensors) - set(expected))
    if missing or extra:
        lacks = f"lacks {missing[0]} and {len(missing) - 1} more" if missing else ""
        spare = f"has {extra[0]} and {len(extra) - 1} more to spare" if extra else ""
        detail = ", ".join(part for part in (lacks, spare) if part)
        raise UserError(f"{source}: weights of another model: {detail} (use its own config)")
    for name, tensor in expected.items():
        if tensors[name].shape != tensor.shape:
            raise UserError(
                f"{source}: {name} has shape {tuple(tensors[name].shape)}; this model needs"
                f" {tuple(tensor.shape)} (use the config it was trained with)"
            )
    model.load_state_dict(dict(tensors))


def prefixed(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """The tensors renamed `prefix.name`."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """The tensors whose name starts with `prefix.`, without it; the inverse of `prefixed`."""
    start = f"{prefix}."
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}


def flatten_optimizer(state: Mapping[str, Any]) -> tuple[Tensors, Meta]:
    """An optimizer's `state_dict()` as tensors `<param index>.<name>` and the rest as JSON data."""
    tensors: Tensors = {}
    scalars: dict[str, Any] = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            target = tensors if isinstance(value, Tensor) else scalars
            target[f"{index}.{name}"] = value
    return tensors, {"scalars": scalars, "param_groups": state["param_groups"]}


def unflatten_optimizer(tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> dict[str, Any]:
    """The `state_dict()` that `flatten_optimizer` took apart; JSON's lists are tuples again."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**meta["scalars"], **tensors}.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups = [
        {k: tuple(v) if isinstance(v, list) and k != "params" else v for k, v in group.items()}
        for group in meta["param_groups"]
    ]
    return {"state": state, "param_groups": groups}


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of names, types, shapes and bytes; the order of the names does not matter."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


_FRESH = "get a fresh copy"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(tensor: Tensor) -> Tensor:
    """The tensor as safetensors takes it: on the CPU, dense, sharing memory with no other."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _opened(path: Path) -> Any:
    """The safetensors file, open; its header has been checked against the length of the file."""
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError) as problem:
        raise UserError(f"{path}: truncated or not a checkpoint ({problem}); {_FRESH}") from problem


def refuse_other(theirs: Mapping[str, Any], ours: Mapping[str, Any], path: str | Path) -> None:
    """Refuse to go on from a file that was trained with other settings.

    Raises:
        UserError: one differs, or only one of the two has it.
    """
    ours = json.loads(json.dumps(ours))
    for key in sorted(set(ours) | set(theirs)):
        if ours.get(key) != theirs.get(key):
            raise UserError(
                f"{path} is of a run with {key}={theirs.get(key)}; this run has {ours.get(key)}"
                " (use the same, or another run folder)"
            )
