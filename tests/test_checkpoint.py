import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from worldsim import checkpoint
from worldsim.errors import UserError

META: dict[str, Any] = {"kind": "tokenizer", "config": {"widths": [8, 16]}, "step": 7}


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    return {
        "weight": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
        "half": torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
        "count": torch.tensor(5),
        "transposed": torch.arange(6.0).reshape(2, 3).T,
    }


@pytest.fixture
def path(tmp_path: Path, tensors: dict[str, Tensor]) -> Path:
    checkpoint.save(tmp_path / "a.safetensors", tensors, META)
    return tmp_path / "a.safetensors"


def test_tensors_and_metadata_come_back(path: Path, tensors: dict[str, Tensor]) -> None:
    loaded, meta = checkpoint.load(path, "tokenizer")
    assert meta["config"] == META["config"]
    assert (meta["format"], meta["kind"], meta["step"]) == (checkpoint.FORMAT, "tokenizer", 7)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_hash_depends_on_content_not_on_order(tensors: dict[str, Tensor]) -> None:
    original = checkpoint.content_hash(tensors)
    assert checkpoint.content_hash(dict(reversed(tensors.items()))) == original
    tensors["weight"][0, 0] += 1
    assert checkpoint.content_hash(tensors) != original


def test_tensors_that_share_memory_are_saved(tmp_path: Path) -> None:
    tied = torch.ones(3)
    checkpoint.save(tmp_path / "tied", {"a": tied, "b": tied}, META)
    assert torch.equal(checkpoint.load(tmp_path / "tied")[0]["b"], tied)


@pytest.mark.parametrize("key", ["kind", "config", "step"])
def test_incomplete_metadata_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match=f"lacks {key}"):
        checkpoint.save(tmp_path / "a", {}, {k: v for k, v in META.items() if k != key})


def test_failed_save_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(descriptor: int) -> None:
        raise OSError("power cut")

    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", power_cut)
    with pytest.raises(UserError):
        checkpoint.save(path, {"weight": torch.zeros(1)}, META)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such checkpoint"):
        checkpoint.load(tmp_path / "absent")


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_truncated_file(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match="truncated"):
        checkpoint.load(path)


def test_pickle_is_not_opened(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pickle.pt")
    with pytest.raises(UserError, match="not a checkpoint"):
        checkpoint.load(tmp_path / "pickle.pt")


def test_altered_tensor(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="do not match its hash"):
        checkpoint.load(path)


def test_altered_metadata(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'\\"step\\": 7', b'\\"step\\": 8'))
    with pytest.raises(UserError, match="metadata does not match"):
        checkpoint.read_meta(path)


def test_foreign_safetensors(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(UserError, match="not one of worldsim"):
        checkpoint.load(tmp_path / "foreign.safetensors")


def test_other_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FORMAT", "worldsim-99")
    with pytest.raises(UserError, match=r"has format worldsim-1; .* reads worldsim-99"):
        checkpoint.load(path)


def test_other_kind(path: Path) -> None:
    with pytest.raises(UserError, match="holds a 'tokenizer' checkpoint; needed 'dynamics'"):
        checkpoint.load(path, "dynamics")


def test_file_is_readable_by_safetensors_alone(path: Path) -> None:
    assert torch.equal(load_file(path)["count"], torch.tensor(5))


def test_load_weights_names_what_does_not_fit() -> None:
    model = nn.Linear(3, 2)
    good = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
    checkpoint.load_weights(model, good, "file")
    assert torch.equal(model.weight, torch.ones(2, 3))
    with pytest.raises(UserError, match=r"file: weight has shape \(2, 4\); .* needs \(2, 3\)"):
        checkpoint.load_weights(model, good | {"weight": torch.ones(2, 4)}, "file")
    with pytest.raises(UserError, match="lacks bias"):
        checkpoint.load_weights(model, {"weight": torch.ones(2, 3)}, "file")
    with pytest.raises(UserError, match="has extra"):
        checkpoint.load_weights(model, good | {"extra": torch.ones(1)}, "file")


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
def test_optimizer_state_survives_flattening_and_json(kind: type[torch.optim.Optimizer]) -> None:
    model = nn.Linear(3, 2)
    optimizer = kind(model.parameters(), lr=0.1, weight_decay=0.01)  # type: ignore[call-arg]
    for _ in range(3):
        model(torch.ones(4, 3)).sum().backward()
        optimizer.step()
    state = optimizer.state_dict()
    tensors, rest = checkpoint.flatten_optimizer(state)
    back = checkpoint.unflatten_optimizer(tensors, json.loads(json.dumps(rest)))
    assert back["param_groups"] == state["param_groups"]
    assert back["state"].keys() == state["state"].keys()
    for index, entries in state["state"].items():
        for name, value in entries.items():
            assert back["state"][index][name] is value


def test_prefixes_are_inverse() -> None:
    tensors = {"a.b": torch.zeros(1), "c": torch.ones(1)}
    named = checkpoint.prefixed(tensors, "model") | {"modelled.x": torch.zeros(2)}
    assert checkpoint.with_prefix(named, "model") == tensors
