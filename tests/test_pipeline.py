"""From recording to a world file in one tiny run of every command, and the files in between."""

import json
import shutil
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from pipeline import PLAIN, dynamics_config, encode_config, record_window
from safetensors.torch import load_file, save_file

from worldsim import actions, checkpoint, export, trained
from worldsim.camera import CameraConfig
from worldsim.data import encode
from worldsim.data.latents import LatentDataset
from worldsim.errors import UserError
from worldsim.memory.odometry import walked
from worldsim.memory.panoramas import pooled
from worldsim.memory.panoramas import recorded as known_before
from worldsim.training import train_dynamics
from worldsim.world import load_world


def test_training_leaves_pictures_metrics_and_cards(runs):
    for name in ("tokenizer", "dynamics"):
        folder = runs / name
        assert "frames seen" in (folder / "card.md").read_text()
        assert list((folder / "samples").glob("*.png"))
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        assert any(key.startswith("held_out/") for line in lines for key in line)
    assert list((runs / "dynamics" / "samples").glob("*.gif"))


def test_latents_are_rows_aligned_with_actions_and_facts(runs):
    data = LatentDataset([str(runs / "latents-train")])
    first = record_window(runs / "train", 0)
    clips = data.clips([(0, 3)], 6)
    assert np.array_equal(clips.actions[0], first.actions[3:8])
    places = clips.facts[0][:, 3:6]
    assert np.allclose(places, first.info["position"][3:9], atol=1e-2)
    model, _ = trained.load_tokenizer(runs / "tokenizer" / "tokenizer.safetensors")
    own = encode.Encoder(model, **PLAIN)(first.frames[3:9])
    assert np.allclose(clips.latents[0], own, atol=2e-2)


def test_events_are_counted_in_the_tick_that_led_to_a_frame(runs):
    data = LatentDataset([str(runs / "latents-train")])
    assert "block_broken" in data.events
    episode = record_window(runs / "train", 0)
    told = data.clips([(0, 3)], 6).events
    for column, name in enumerate(data.events):
        assert np.array_equal(told[0, :, column], episode.info[f"events.{name}"][3:9])


def test_latents_that_tell_of_other_events_are_not_mixed(runs, tmp_path):
    folder = tmp_path / "latents"
    shutil.copytree(runs / "latents-train", folder)
    index = json.loads((folder / "index.json").read_text())
    index["events"] = index["events"][1:]
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match=f"tells of .*; {folder} of "):
        LatentDataset([str(folder), str(runs / "latents-train")])


def test_priors_are_what_was_known_before_each_frame(runs):
    data = LatentDataset([str(runs / "latents-train")])
    assert data.camera.field_of_view == 70
    episode = record_window(runs / "train", 0)
    poses = np.column_stack([episode.info[name] for name in ("position", "yaw", "pitch")])
    depth, _ = trained.load_depth(runs / "depth" / "depth.safetensors")
    latents = torch.from_numpy(data.clips([(0, 0)], 9).latents[0])
    away = depth.ahead(latents, torch.from_numpy(poses[:9, 4]), episode.frames.shape[1:3])
    pictures, recents, _ = known_before(
        data.camera, episode.frames[:9], episode.actions[:8], poses, away.numpy()
    )
    clips = data.clips([(0, 3)], 6)
    assert clips.priors.shape[2] == clips.latents.shape[2] + 3
    model, _ = trained.load_tokenizer(runs / "tokenizer" / "tokenizer.safetensors")
    own = encode.Encoder(model, **PLAIN)(pictures[3:9])
    assert np.allclose(clips.priors[0, :, :-3], own, atol=2e-2)
    grid = clips.latents.shape[-2:]
    assert np.allclose(clips.priors[0, :, -3:], pooled(recents[3:9], grid), atol=1e-3)


def test_motions_were_measured_between_a_frame_and_the_one_before(runs):
    data = LatentDataset([str(runs / "latents-train")])
    episode = record_window(runs / "train", 0)
    pitches = episode.info["pitch"][:9]
    depth, _ = trained.load_depth(runs / "depth" / "depth.safetensors")
    latents = torch.from_numpy(data.clips([(0, 0)], 9).latents[0])
    away = depth.ahead(latents, torch.from_numpy(pitches), episode.frames.shape[1:3]).abs().numpy()
    own = walked(data.camera, episode.frames[:9], episode.actions[:8], pitches, away[1:])
    motions = data.clips([(0, 0)], 9).motions[0]
    assert np.isnan(motions[0]).all()
    assert np.allclose(motions[1:], own, atol=1e-2)


def test_a_camera_needs_to_be_followed_everywhere_or_nowhere(runs, recorded, tmp_path):
    config = encode_config(runs, "train")
    with pytest.raises(UserError, match="was made with camera"):
        encode.run(replace(config, camera=CameraConfig(), depth=""), tmp_path)
    plain = replace(config, camera=CameraConfig(), depth="", out=str(tmp_path / "plain"))
    encode.run(plain, tmp_path)
    plain_clips = LatentDataset([plain.out]).clips([(0, 0)], 2)
    assert all(part is None for part in (plain_clips.priors, plain_clips.motions))
    with pytest.raises(UserError, match="encoded with different cameras"):
        LatentDataset([plain.out, config.out])
    silent = replace(config, data=[str(recorded())])
    with pytest.raises(UserError, match="no `yaw` in its info"):
        encode.run(replace(silent, out=str(tmp_path / "silent")), tmp_path)


def test_training_goes_on_with_a_camera_from_a_world_without(runs, tmp_path):
    config = dynamics_config(runs, steps=1)
    out = str(tmp_path / "plain")
    without = replace(encode_config(runs, "train"), camera=CameraConfig(), depth="", out=out)
    encode.run(without, tmp_path)
    plain = replace(config, latents=[out], held_out=[], depth="")
    train_dynamics.run(plain, tmp_path / "without")
    begun = str(tmp_path / "without" / "dynamics.safetensors")
    train_dynamics.run(dynamics_config(runs, steps=1), tmp_path / "with")
    train_dynamics.run(replace(dynamics_config(runs, steps=1), init=begun), tmp_path / "after")
    model, _ = trained.load_dynamics(tmp_path / "after" / "dynamics.safetensors")
    assert model.prior is not None
    assert model.config.camera.field_of_view == 70


def test_a_world_file_holds_the_networks_that_were_exported(runs):
    world = runs / "world.safetensors"
    for load, name in (
        (trained.load_tokenizer, "tokenizer"),
        (trained.load_depth, "depth"),
        (trained.load_dynamics, "dynamics"),
    ):
        own, meta = load(runs / name / f"{name}.safetensors")
        shipped, shipped_meta = load(world)
        assert shipped_meta["config"] == meta["config"]
        assert shipped_meta["step"] == meta["step"]
        for key, value in own.state_dict().items():
            kept = value.bfloat16().float() if value.is_floating_point() else value
            assert torch.equal(shipped.state_dict()[key], kept)
    told = trained.load_dynamics(world)[1]
    assert told["tokenizer"] == trained.load_tokenizer(world)[1]["hash"]
    assert told["depth"] == trained.load_depth(world)[1]["hash"]


def test_what_is_not_made_anew_is_kept_of_a_world(runs, tmp_path):
    world, out = str(runs / "world.safetensors"), str(tmp_path / "world.safetensors")
    same = export.Config(tokenizer=world, dynamics=world, depth=world, contexts=[world], out=out)
    export.run(same, tmp_path)
    assert checkpoint.content_hash(checkpoint.load(out)[0]) == checkpoint.read_meta(world)["hash"]
    before, after = checkpoint.read_meta(world, "world"), checkpoint.read_meta(out, "world")
    assert before["contexts"] == after["contexts"]
    assert before["config"]["frame_shape"] == after["config"]["frame_shape"]
    assert before["step"] == after["step"]
    with pytest.raises(UserError, match="a world without vistas"):
        export.run(replace(same, vistas=[world]), tmp_path)
    with pytest.raises(UserError, match="go with tokenizer"):
        export._kept(same, "another")


def test_encoding_again_adds_nothing_and_drops_half_written_rows(runs, tmp_path):
    folder = tmp_path / "latents"
    shutil.copytree(runs / "latents-train", folder)
    before = (folder / "latents.f16").read_bytes()
    with (folder / "latents.f16").open("ab") as file:
        file.write(b"half a row")
    encode.run(replace(encode_config(runs, "train"), out=str(folder)), tmp_path)
    assert (folder / "latents.f16").read_bytes() == before


def test_eventful_clips_have_an_event_in_their_later_half(runs):
    data = LatentDataset([str(runs / "latents-train")])
    data.notice([])
    episode, frame = data._moments[0][0] if len(data._moments[0]) else (0, 6)
    data._moments = [np.array([[episode, max(frame, 6)]])]  # where nothing happened, in the sixth
    starts = []
    data.clips = lambda places, t: starts.extend(places)
    data.draw(np.random.default_rng(0), 16, 8, eventful=1.0)
    assert {i for i, _ in starts} == {episode}
    assert {max(frame, 6) - start for _, start in starts} <= {4, 5, 6, 7}


def test_a_press_of_a_switch_is_an_event(runs):
    data = LatentDataset([str(runs / "latents-train")])
    forward = data._arrays[0]["actions"][:, 0] != 0
    data.notice([0])
    (found,) = data._moments[-1:]
    first = np.array([start for _, start, _, _ in data.episodes])
    rows = first[found[:, 0]] + found[:, 1]
    assert len(rows) == forward.sum()
    assert forward[rows - 1].all()


def test_latents_of_another_tokenizer_are_refused(runs, tmp_path):
    folder = tmp_path / "latents"
    shutil.copytree(runs / "latents-train", folder)
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "tokenizer": "0" * 64}))
    with pytest.raises(UserError, match="encode them again"):
        train_dynamics.run(replace(dynamics_config(runs), latents=[str(folder)]), tmp_path / "run")
    with pytest.raises(UserError, match="encode into another folder"):
        encode.run(replace(encode_config(runs, "train"), out=str(folder)), tmp_path)


def test_held_out_latents_are_refused_for_training(runs, tmp_path):
    config = replace(dynamics_config(runs), latents=[str(runs / "latents-validation")])
    with pytest.raises(UserError, match="validation split"):
        train_dynamics.run(config, tmp_path / "run")


def test_dynamics_resume_equals_uninterrupted(runs, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_dynamics.run(replace(dynamics_config(runs, 4), cooldown=0.0), whole)
    for steps in (2, 4):
        train_dynamics.run(replace(dynamics_config(runs, steps), cooldown=0.0), parts)
    a, b = (load_file(folder / "dynamics.safetensors") for folder in (whole, parts))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_world_file_is_half_precision_and_holds_contexts(runs):
    tensors, meta = checkpoint.load(runs / "world.safetensors", "world")
    models = [
        t for n, t in tensors.items() if not n.startswith("contexts") and t.is_floating_point()
    ]
    assert {t.dtype for t in models} == {torch.bfloat16}
    world = load_world(runs / "world.safetensors", **PLAIN)
    assert len(world.contexts) == 3
    assert world.context_frames == 5
    assert world.contexts[0].origin.seed >= 700_000
    assert (runs / "world.md").read_text().startswith("# world")
    assert meta["frames_seen"] == 2 * 16


def test_context_is_where_the_exact_world_gets_with_the_actions_before(runs):
    world = load_world(runs / "world.safetensors", **PLAIN)
    context = world.contexts[1]
    origin = context.origin
    env = gym.make(f"envs:{origin.env_id}", **origin.env_options)
    _, info = env.reset(seed=origin.seed)
    for vector in origin.before:
        info = env.step(actions.from_vector(vector))[4]
    assert np.allclose([*info["position"], info["yaw"], info["pitch"]], context.pose)
    assert np.array_equal(origin.before[-4:], context.actions)


def test_world_files_that_are_wrong_are_refused(runs, tmp_path):
    good = runs / "world.safetensors"
    with pytest.raises(UserError, match="no such checkpoint"):
        load_world(tmp_path / "none.safetensors")
    with pytest.raises(UserError, match="needed 'world'"):
        load_world(runs / "tokenizer" / "tokenizer.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(UserError, match="truncated"):
        load_world(cut)
    alien = tmp_path / "alien.safetensors"
    save_file({"x": torch.zeros(1)}, alien)
    with pytest.raises(UserError, match="not one of worldsim"):
        load_world(alien)


def test_a_wall_close_by_shows_less_than_a_view():
    view = np.zeros((18, 16, 3), np.uint8)
    view[:8] = 200
    wall = np.random.default_rng(0).integers(90, 110, (18, 16, 3), np.uint8)
    assert export.variety(np.zeros_like(view)) == 0
    assert export.variety(wall) < export.variety(view)
