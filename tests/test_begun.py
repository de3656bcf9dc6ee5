"""Training that begins from what was trained before, all of it or a part."""

from dataclasses import replace

import pytest
import torch
from pipeline import dynamics_config

from worldsim import checkpoint, trained
from worldsim.errors import UserError
from worldsim.models.dynamics import DynamicsConfig
from worldsim.training import train_dynamics


def test_training_can_begin_from_a_world_file(runs, tmp_path):
    config = replace(dynamics_config(runs, steps=1), init=str(runs / "world.safetensors"))
    config.rate = config.rate_matrices = 0.0
    config.warmup = 0
    train_dynamics.run(config, tmp_path)
    begun, _ = trained.load_dynamics(tmp_path / "dynamics.safetensors")
    shipped, _ = trained.load_dynamics(runs / "world.safetensors")
    for key, value in shipped.state_dict().items():
        assert torch.equal(begun.state_dict()[key], value)


def test_what_is_begun_from_a_file_has_its_shape_unless_told_otherwise(runs, tmp_path):
    begun = str(runs / "dynamics" / "dynamics.safetensors")
    own = trained.load_dynamics(begun)[0].config
    plain = replace(dynamics_config(runs, steps=1), init=begun, model=DynamicsConfig())
    assert plain.model.width != own.width
    train_dynamics.run(plain, tmp_path)
    assert trained.load_dynamics(tmp_path / "dynamics.safetensors")[0].config == own
    other = replace(plain, model=DynamicsConfig(registers=own.registers + 1))
    with pytest.raises(UserError, match="registers has shape"):
        train_dynamics.run(other, tmp_path / "other")


@pytest.mark.parametrize("part", ["trunk", "body", "hands"])
def test_a_part_can_be_trained_alone(runs, tmp_path, part):
    begun = str(runs / "dynamics" / "dynamics.safetensors")
    config = replace(dynamics_config(runs, steps=2), init=begun, part=part, warmup=0)
    train_dynamics.run(config, tmp_path)
    old, new = (
        trained.load_dynamics(path)[0].state_dict()
        for path in (begun, tmp_path / "dynamics.safetensors")
    )
    changed = {key.split(".")[0] for key in old if not torch.equal(old[key], new[key])}
    beside = {"body", "hands", "draft"}
    assert changed & beside == {part} & beside
    assert ("blocks" in changed) == (part == "trunk")


def test_only_what_tells_where_a_camera_points_can_be_trained(runs, tmp_path):
    begun = str(runs / "dynamics" / "dynamics.safetensors")
    config = replace(dynamics_config(runs, steps=2), init=begun, part="level", warmup=0)
    train_dynamics.run(config, tmp_path)
    old, new = (
        trained.load_dynamics(path)[0].state_dict()
        for path in (begun, tmp_path / "dynamics.safetensors")
    )
    changed = {key for key in old if not torch.equal(old[key], new[key])}
    assert changed
    assert all(key.startswith("body.level.") for key in changed)


def test_what_is_kept_of_the_beginning_stays_in_the_weights(runs, tmp_path):
    begun = str(runs / "dynamics" / "dynamics.safetensors")
    config = replace(dynamics_config(runs, steps=2), init=begun, part="hands", warmup=0)
    train_dynamics.run(config, tmp_path / "all")
    train_dynamics.run(replace(config, kept=0.25), tmp_path / "kept")
    old, new, mean = (
        trained.load_dynamics(path)[0].state_dict()
        for path in (begun, *(tmp_path / run / "dynamics.safetensors" for run in ("all", "kept")))
    )
    weight = "hands.memory.weight_ih_l0"
    assert not torch.equal(old[weight], new[weight])
    for name, value in mean.items():
        expected = 0.25 * old[name] + 0.75 * new[name]
        torch.testing.assert_close(value, expected.to(value), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("part", "steps"), [("hands", 2), ("trunk", 0)])
def test_a_transformer_that_is_not_trained_stays_distilled(runs, tmp_path, part, steps):
    tensors, meta = checkpoint.load(runs / "dynamics" / "dynamics.safetensors", "dynamics")
    meta["sampling"]["distilled"] = 2
    begun = tmp_path / "distilled.safetensors"
    checkpoint.save(begun, tensors, meta)
    config = replace(dynamics_config(runs, steps=1), init=str(begun), part=part)
    train_dynamics.run(config, tmp_path)
    told = checkpoint.read_meta(tmp_path / "dynamics.safetensors")
    assert told["sampling"]["distilled"] == steps


@pytest.mark.parametrize(
    ("wrong", "needed"),
    [
        ({"kept": 0.5, "init": ""}, "kept=0.5 is a share of what init was"),
        ({"kept": 1.0}, "kept=1.0 is a share of what init was; needed 0 to less than 1"),
        ({"part": "legs"}, "part is 'legs'; needed one of all, trunk, body, level"),
        ({"part": "body", "init": ""}, "part=body without init; needed a dynamics file"),
    ],
)
def test_training_refuses_a_part_that_cannot_be_trained(runs, tmp_path, wrong, needed):
    init = str(runs / "dynamics" / "dynamics.safetensors")
    config = replace(dynamics_config(runs), **{"init": init, **wrong})
    with pytest.raises(UserError, match=needed):
        train_dynamics.run(config, tmp_path)


def test_training_refuses_to_begin_from_another_model(runs, tmp_path):
    config = replace(dynamics_config(runs), init=str(runs / "tokenizer" / "tokenizer.safetensors"))
    with pytest.raises(UserError, match="holds a 'tokenizer' checkpoint; needed 'dynamics'"):
        train_dynamics.run(config, tmp_path)
