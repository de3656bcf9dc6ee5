"""A student that draws in two steps what its teacher draws in many: rollouts, lessons, weights."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from pipeline import dynamics_config, export_config

from worldsim import checkpoint, export
from worldsim.data.latents import LatentDataset
from worldsim.errors import UserError
from worldsim.models.sampler import schedule, towards
from worldsim.simulator import Simulator, SimulatorConfig
from worldsim.trained import load_depth, load_dynamics, load_tokenizer
from worldsim.training import distill
from worldsim.training.teaching import KEPT, Plan, Rollouts, Teacher, collect
from worldsim.world import load_world

PLAN = Plan("a", clips=8, frames=4, context=6, batch=4, steps=4, stops=2, eventful=0.3, seed=0)


def models(runs):
    world = runs / "world.safetensors"
    return load_tokenizer(world)[0], load_dynamics(world)[0], load_depth(world)[0]


@pytest.fixture
def teacher(runs):
    tokenizer, dynamics, depth = models(runs)
    made = Teacher(tokenizer, dynamics, SimulatorConfig(steps=4), depth=depth)
    made.stops = 2
    return made


def config(runs, **changes):
    plain = distill.Config(
        **{
            **vars(dynamics_config(runs, steps=3)),
            "init": str(runs / "dynamics" / "dynamics.safetensors"),
            "part": "trunk",
            "teacher_steps": 4,
            "rollouts": 32,
            "length": 4,
            "dream_batch": 4,
            "frames": 6,
        }
    )
    return replace(plain, **changes)


def test_a_teacher_draws_what_a_simulator_does_and_remembers_the_way(runs, teacher):
    tokenizer, dynamics, depth = models(runs)
    simulator = Simulator(tokenizer, dynamics, SimulatorConfig(steps=4), depth=depth)
    clips = LatentDataset([str(runs / "latents-train")]).clips([(0, 0), (1, 3)], 6)
    given = clips.latents[:, :5], clips.actions[:, :4], [3, 4]
    frames = [
        one.step(one.reset(*(torch.as_tensor(given[0]), *given[1:])), clips.actions[:, 4:])[1]
        for one in (simulator, teacher)
    ]
    assert torch.equal(frames[0].latents, frames[1].latents)
    noise, halfway, end = teacher.path
    assert torch.equal(end, frames[1].latents)
    assert noise.std() == pytest.approx(1, abs=0.2)
    assert not torch.equal(halfway, noise)


def test_rollouts_begin_with_what_was_recorded_and_fit_together(runs, teacher, tmp_path):
    data = LatentDataset([str(runs / "latents-train")])
    rollouts = collect(teacher, data, PLAN, tmp_path)
    rows = rollouts.rows(np.arange(4))
    clips = data.draw(np.random.default_rng((0, 0)), 4, 10, 0.3)
    assert np.array_equal(rows["latents"][:, :KEPT], clips.latents[:, 2:6])
    assert np.array_equal(rows["actions"], clips.actions[:, 2:])
    assert rows["latents"].shape[:2] == rows["priors"].shape[:2] == rows["events"].shape[:2]
    assert rows["latents"].shape[1] == KEPT + 4
    assert rows["points"].shape[:3] == (4, 4, 2)
    assert rows["points"][:, :, 0].std() == pytest.approx(1, abs=0.05)


def test_interrupted_rollouts_go_on_to_the_same_bits(runs, teacher, tmp_path, monkeypatch):
    data = LatentDataset([str(runs / "latents-train")])
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = collect(teacher, data, PLAN, tmp_path / "whole")
    drawn = LatentDataset.draw
    calls = []

    def breaks(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return drawn(*given)

    monkeypatch.setattr(LatentDataset, "draw", breaks)
    with pytest.raises(KeyboardInterrupt):
        collect(teacher, data, PLAN, tmp_path / "parts")
    assert json.loads((tmp_path / "parts" / "plan.json").read_text())["done"] == 4
    rest = collect(teacher, data, PLAN, tmp_path / "parts")
    assert len(calls) == 3  # the first batch is not dreamed again
    for name, array in whole.arrays.items():
        assert np.array_equal(array, rest.arrays[name]), name
    collect(teacher, data, PLAN, tmp_path / "parts")
    assert len(calls) == 3


def test_rollouts_of_another_plan_are_not_taken(runs, teacher, tmp_path):
    data = LatentDataset([str(runs / "latents-train")])
    collect(teacher, data, PLAN, tmp_path)
    with pytest.raises(UserError, match="frames=4, not 3"):
        collect(teacher, data, replace(PLAN, frames=3), tmp_path)


def test_where_a_step_has_to_point_leads_to_the_next_stop(runs, teacher, tmp_path):
    rollouts = collect(teacher, LatentDataset([str(runs / "latents-train")]), PLAN, tmp_path)
    rows = rollouts.rows(np.arange(4))
    points = torch.cat([rows["points"], rows["latents"][:, KEPT:, None]], 2)
    levels = torch.tensor(schedule(2))
    for stop in (0, 1):
        at = torch.full(points.shape[:2], stop)
        goal = distill.goal(points, at, levels)
        led = towards(points[:, :, stop], goal, float(levels[stop]), float(levels[stop + 1]))
        assert torch.allclose(led, points[:, :, stop + 1], atol=1e-5)


def test_a_student_learns_resumes_and_says_in_how_many_steps(runs, tmp_path):
    distill.run(config(runs, truth=0.0, steps=2), tmp_path / "student")
    distill.run(config(runs, truth=0.0, steps=4), tmp_path / "student")
    distill.run(config(runs, truth=0.0, steps=4), tmp_path / "whole")
    student, meta = checkpoint.load(tmp_path / "student" / "dynamics.safetensors", "dynamics")
    whole, _ = checkpoint.load(tmp_path / "whole" / "dynamics.safetensors", "dynamics")
    assert meta["sampling"]["distilled"] == 2
    assert meta["figures"]["held_out/step_2_new"] > 0
    for name, tensor in whole.items():
        assert torch.equal(tensor, student[name]), name
    out = tmp_path / "world.safetensors"
    dynamics = str(tmp_path / "student" / "dynamics.safetensors")
    export.run(replace(export_config(runs), dynamics=dynamics, out=str(out)), tmp_path)
    assert load_world(out).simulator.config.distilled == 2


def test_recordings_are_learnt_from_as_well(runs, tmp_path):
    distill.run(config(runs, truth=1.0), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert any("held_out/step_1" in line for line in lines)


def test_more_lessons_bring_the_student_nearer(runs, tmp_path):
    weights, meta = checkpoint.load(runs / "dynamics" / "dynamics.safetensors", "dynamics")
    noise = torch.Generator().manual_seed(0)
    for tensor in weights.values():  # one that draws something, and curves
        if tensor.is_floating_point():
            tensor += 0.1 * torch.randn(tensor.shape, generator=noise)
    teacher = str(tmp_path / "teacher.safetensors")
    checkpoint.save(tmp_path / "teacher.safetensors", weights, meta)
    far = config(runs, init=teacher, truth=0.0, steps=1, warmup=0, rate=0.0, rate_matrices=0.0)
    near = replace(far, steps=40, cooldown=0.0, average=0.5, rate=3e-4, rate_matrices=6e-4)
    figures = []
    for name, settings in (("far", far), ("near", near)):
        distill.run(settings, tmp_path / name)
        _, meta = checkpoint.load(tmp_path / name / "dynamics.safetensors", "dynamics")
        figures.append(meta["figures"])
    assert figures[1]["held_out/step_1"] < 0.9 * figures[0]["held_out/step_1"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"teacher_steps": 5}, "no multiple"), ({"init": "absent"}, "absent")],
)
def test_what_cannot_be_taught_is_refused(runs, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        distill.run(config(runs, **changes), tmp_path)


def test_only_the_steps_that_were_learnt_are_told_how_large_they_are(runs):
    tokenizer, dynamics, depth = models(runs)
    with torch.no_grad():
        dynamics.conditioning.step.weight.normal_()
    clips = LatentDataset([str(runs / "latents-train")]).clips([(0, 0)], 6)
    given = torch.as_tensor(clips.latents[:, :5]), clips.actions[:, :4], [0]

    def drawn(steps, distilled):
        settings = SimulatorConfig(steps=steps, distilled=distilled)
        one = Simulator(tokenizer, dynamics, settings, depth=depth)
        return one.step(one.reset(*given), clips.actions[:, 4:])[1].latents

    assert not torch.equal(drawn(2, 2), drawn(2, 0))
    assert torch.equal(drawn(4, 2), drawn(4, 0))


def test_rollouts_are_read_as_they_were_written(runs, teacher, tmp_path):
    written = collect(teacher, LatentDataset([str(runs / "latents-train")]), PLAN, tmp_path)
    again = Rollouts(tmp_path)
    assert again.clips == 8
    assert again.stops == 2
    assert torch.equal(again.rows(np.array([5]))["points"], written.rows(np.array([5]))["points"])


def test_another_depth_network_than_the_latents_is_refused(runs, tmp_path):
    weights, meta = checkpoint.load(runs / "dynamics" / "dynamics.safetensors", "dynamics")
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, weights, {**meta, "depth": "0" * 64})
    with pytest.raises(UserError, match="init was trained with depth network 000000000000"):
        distill.run(config(runs, init=str(other)), tmp_path)
