"""The network that tells how far away things are, and where its truth comes from."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pipeline import (
    PLAIN,
    depth_config,
    dynamics_config,
    encode_config,
    export_config,
    record_window,
)

from worldsim import export, trained
from worldsim.camera import FAR, CameraConfig
from worldsim.coding import depths
from worldsim.data import encode
from worldsim.data.dataset import Dataset
from worldsim.errors import UserError
from worldsim.models.depth import Depth, DepthConfig, closeness_root
from worldsim.training import train_depth, train_dynamics

TINY = DepthConfig(latent_channels=2, field_of_view=90.0, widths=[4, 4], blocks=[1, 1])


def test_what_is_not_close_is_far_away(monkeypatch):
    network, roots = Depth(TINY), closeness_root(torch.tensor([[[3.0, 400.0], [5.0, 8.0]]]))
    monkeypatch.setattr(network, "both", lambda latents, pitch: (roots, roots * 0))
    away = network.ahead(torch.zeros(1, 2, 2, 2), torch.zeros(1), (4, 4))[0]
    expected = torch.tensor([[3.0, FAR], [5.0, 8.0]])
    assert torch.allclose(away, expected.repeat_interleave(2, 0).repeat_interleave(2, 1))
    assert (depths(None, torch.zeros(3, 2, 2, 2), np.zeros(3), (4, 6)) == FAR).all()


def test_what_is_near_is_drawn_wider_and_what_is_far_is_not(monkeypatch):
    blocks = torch.full((1, 8, 8), 20.0)
    blocks[0, :, 2], blocks[0, :, 6] = 0.8, 5.0
    network = Depth(TINY)
    roots = closeness_root(blocks)
    monkeypatch.setattr(network, "both", lambda latents, pitch: (roots, roots * 0))
    away = network.ahead(torch.zeros(1, 2, 2, 2), torch.zeros(1), (8, 8))[0, 4]
    assert torch.allclose(away, torch.tensor([20, 0.8, 0.8, 0.8, 20, 20, 5, 20]))


def test_the_surface_of_a_liquid_is_less_than_nothing_ahead():
    network = Depth(replace(TINY, liquid=True))
    torch.nn.init.normal_(network.decoder[-2].bias, 1.0)
    latents, pitches = torch.randn(3, 2, 4, 4), np.zeros(3)
    _, odds = network.both(latents, torch.zeros(3))
    dry = depths(Depth(TINY), latents, pitches, (16, 16))
    away = depths(network, latents, pitches, (16, 16))
    assert (dry > 0).all()
    assert odds.shape == away.shape
    assert (away < 0).any()
    assert np.array_equal(away < 0, (odds > 0).numpy() & (np.abs(away) < FAR))


def test_it_is_told_how_steeply_each_place_is_looked_at():
    network, latents = Depth(TINY), torch.zeros(2, 2, 3, 3)
    steep = network._steepness(latents, torch.tensor([0.0, 90.0]))[:, 0]
    assert steep[0, 1, 1] == 0
    assert torch.allclose(steep[0, 2], -steep[0, 0])
    assert steep[0, 2, 1] == pytest.approx(2 / 3 / np.sqrt(1 + 4 / 9))
    assert steep[1, 1, 1] == pytest.approx(1)


@pytest.mark.parametrize("attention", [0, 2])
def test_with_attention_every_place_sees_all_others(attention):
    network = Depth(replace(TINY, attention=attention))
    for layer in network.everywhere:
        torch.nn.init.normal_(layer.answer.weight)
    latents = torch.zeros(2, 2, 16, 16)
    latents[1, :, 15] = 5.0
    roots = network(latents, torch.zeros(2))
    assert torch.equal(roots[0, 0], roots[1, 0]) == (attention == 0)


def test_files_from_before_attention_have_none():
    plain = {"latent_channels": 2, "widths": [4, 4], "blocks": [1, 1]}
    assert len(Depth(DepthConfig.of(plain)).everywhere) == 0
    assert len(Depth(DepthConfig.of({**plain, "attention": 1})).everywhere) == 1


def test_its_latents_decide_alone_or_in_a_batch():
    network, latents = Depth(TINY), torch.randn(130, 2, 2, 2)
    torch.nn.init.normal_(network.decoder[-2].bias, 1.0)
    pitches = np.linspace(-90, 90, 130)
    away = depths(network, latents, pitches, (8, 8))
    alone = depths(network, latents[129:], pitches[129:], (8, 8))
    assert away.shape == (130, 8, 8)
    assert np.allclose(away[129:], alone, rtol=1e-4)


def test_it_learns_from_depths_of_the_frames_that_were_recorded(runs):
    episode = record_window(runs / "train", 0)
    entry = Dataset([str(runs / "train")]).entries[0]
    truth = np.stack([depth for depth, _ in train_depth.depths_of(entry.path)])
    assert truth.shape == episode.frames.shape[:3]
    examples = np.load(runs / "depth" / "train.depths.npy")
    latents = np.load(runs / "depth" / "train.latents.npy")
    assert np.array_equal(examples, truth[:, ::2, ::2].astype(np.float16))
    wet = np.stack([liquid for _, liquid in train_depth.depths_of(entry.path, liquid=True)])
    assert np.array_equal(np.load(runs / "depth" / "train.liquids.npy"), wet[:, ::2, ::2])
    tokenizer, _ = trained.load_tokenizer(runs / "tokenizer" / "tokenizer.safetensors")
    own = encode.Encoder(tokenizer, **PLAIN)(episode.frames)
    assert np.allclose(latents, own, atol=1e-2)
    pitches = np.load(runs / "depth" / "train.pitches.npy")
    assert np.array_equal(pitches, episode.info["pitch"])


def test_training_it_goes_on_without_playing_again(runs, tmp_path, monkeypatch):
    config = depth_config(runs)
    train_depth.run(config, tmp_path)
    monkeypatch.setattr(train_depth, "depths_of", None)
    train_depth.run(replace(config, steps=3), tmp_path)
    assert trained.load_depth(tmp_path / "depth.safetensors")[1]["step"] == 3


def test_a_world_without_depth_says_so(recorded, runs, tmp_path):
    with pytest.raises(UserError, match=r"knows no depth; needed a method depth\(\)"):
        train_depth.run(replace(depth_config(runs), data=[str(recorded())]), tmp_path)


def test_everything_that_follows_needs_the_same_network(runs, tmp_path):
    with pytest.raises(UserError, match="was made with depth network"):
        encode.run(replace(encode_config(runs, "train"), depth=""), tmp_path)
    with pytest.raises(UserError, match="latents were encoded with depth network"):
        train_dynamics.run(replace(dynamics_config(runs), depth=""), tmp_path)
    with pytest.raises(UserError, match="was trained with depth network"):
        export.run(replace(export_config(runs), depth=""), tmp_path)
    wide = replace(encode_config(runs, "train"), camera=CameraConfig(field_of_view=90.0))
    with pytest.raises(UserError, match=r"field_of_view is 90; .* was trained for 70"):
        encode.run(wide, tmp_path)
