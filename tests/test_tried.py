"""What would have happened had a key been held: asked of the world, encoded, learnt from."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from pipeline import PLAIN, SIZE, encode_config

from envs.voxel.blocks import ID
from worldsim import actions
from worldsim.data import encode
from worldsim.data.latents import LatentDataset
from worldsim.errors import UserError
from worldsim.models.hands import Hands
from worldsim.models.parts import Clip, hands_losses
from worldsim.training.clips import as_clip

ATTACK, USE = actions.INDEX["attack"], actions.INDEX["use"]


@pytest.fixture
def pair():
    """Two equal worlds; the player looks at the ground with blocks in hand."""
    made = [gym.make("envs:WorldSim/VoxelPlayground-v0", size=32).unwrapped for _ in range(2)]
    hotbar = [(ID["sand"], 2), (ID["planks"], 9)]
    for env in made:
        env.reset(seed=3, options={"pitch": 50.0, "hotbar": hotbar})
    yield made
    for env in made:
        env.close()


def scripts(count: int) -> list[actions.Action]:
    """Digging for a while, then other things, in turns, and at times a look elsewhere."""
    rng = np.random.default_rng(5)
    found = []
    for tick in range(count):
        digs = tick % 40 < 25
        keys = ["attack"] if digs else ["use", "forward", "left", "drop", "jump"]
        held: dict[str, int] = {key: 1 for key in keys if digs or rng.random() < 0.3}
        if rng.random() < 0.1:
            held["hotbar"] = int(rng.integers(1, 4))
        turn = (0.0, 0.0) if digs else tuple(rng.normal(0, 4, 2))
        found.append(actions.make(**held, camera=turn))
    return found


def test_what_would_happen_does_if_the_key_is_held_and_asking_leaves_no_trace(pair):
    asked, other = pair
    happened = {"block_broken": 0, "block_placed": 0}
    for action in scripts(300):
        would, state = asked.would(action), other.get_state()
        for key, name in ((ATTACK, "attack"), (USE, "use")):
            *_, info = other.step({**action, name: 1})
            for event in happened:
                assert would[key][event] == info["events"][event]
                happened[event] += info["events"][event] > 0
            other.set_state(state)
        (frame, *_, info), (same, *_, told) = asked.step(action), other.step(action)
        assert np.array_equal(frame, same)
        assert info["events"] == told["events"]
        assert asked.hotbar() == other.hotbar()
    assert min(happened.values()) > 3


def test_what_would_have_happened_is_encoded_beside_what_did(runs, recorded, tmp_path):
    world = {"env": "WorldSim/VoxelPlayground-v0", "env_options": {"size": SIZE}}
    busy = recorded("busy", **world, policy="fumbler", episodes=1, steps=150, seed=2)
    config = replace(encode_config(runs, "train"), data=[str(busy)], tried=True)
    config.out = str(tmp_path / "tried")
    encode.run(config, tmp_path)
    data = LatentDataset([config.out])
    assert data.keys == (ATTACK, USE)
    frames = min(length for _, _, length, _ in data.episodes)
    clips = data.clips([(0, 0)], frames)
    assert clips.tried.shape == (1, frames - 1, 2, len(data.events))
    broken, placed = data.events.index("block_broken"), data.events.index("block_placed")
    for i, (key, event) in enumerate(((ATTACK, broken), (USE, placed))):
        held = clips.actions[0, :, key] > 0
        assert held.any()
        assert np.array_equal(clips.tried[0, held, i, event], clips.events[0, 1:][held, event])
    clip = as_clip(clips, torch.device("cpu"))
    assert torch.equal(clip.tried, torch.from_numpy(clips.tried).float())


def test_folders_that_cannot_tell_are_mixed_in_and_leave_it_out(runs, tmp_path):
    config = replace(encode_config(runs, "train"), out=str(tmp_path / "tried"), tried=True)
    encode.run(config, tmp_path)
    data = LatentDataset([str(runs / "latents-train"), config.out])
    last = len(data.episodes) - 1
    assert data.clips([(last, 0)], 4).tried is not None
    assert data.clips([(0, 0), (last, 0)], 4).tried is None


def test_a_folder_is_not_gone_on_with_other_rows(runs, tmp_path):
    config = replace(encode_config(runs, "train"), out=str(tmp_path / "tried"), tried=True)
    encode.run(config, tmp_path)
    others = replace(config, data=[str(runs / "validation")], tried=False)
    with pytest.raises(UserError, match=r"would add .*another folder"):
        encode.run(others, tmp_path)


def test_an_environment_that_cannot_tell_is_named(runs, tmp_path, monkeypatch):
    monkeypatch.delattr("envs.voxel.twin.Twin.would")
    config = replace(encode_config(runs, "train"), out=str(tmp_path / "tried"), tried=True)
    with pytest.raises(UserError, match=r"does not tell what would happen.*would\(action\)"):
        encode.run(config, tmp_path)


def learn(hands: Hands, clip: Clip) -> None:
    """Train hands on a clip, with the same randomness every time."""
    g = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(hands.parameters(), 3e-3)
    for _ in range(150):
        loss = sum(hands_losses(hands, clip.latents, clip, g).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_hands_learn_from_keys_that_nobody_pressed() -> None:
    torch.manual_seed(0)
    hands = Hands(4, 6, [4, 5], 1)
    latents = torch.randn(8, 10, 4, 8, 8)
    clip = Clip(latents, torch.zeros(8, 9, 6), events=torch.zeros(8, 10, 1), keys=(2, 3))
    clip.tried = torch.zeros(8, 9, 2, 1)
    clip.tried[:, :, 1] = 1  # the second key would do it, the first would not
    learn(hands, clip)
    pressed = torch.zeros(8, 3, 6)
    pressed[:, 1, 2], pressed[:, 2, 3] = 1, 1
    states = hands(latents[:, :6], torch.zeros(8, 6, 6), clip.events[:, :6], hands.start(8))
    odds = hands.logits(states[:, -1:].expand(-1, 3, -1), pressed).sigmoid()[..., 0].mean(0)
    assert odds[2] > 0.9
    assert odds[:2].max() < 0.1


def test_hands_learn_how_far_they_reach_from_distances_alone() -> None:
    torch.manual_seed(0)
    hands = Hands(4, 6, [4, 5], 1)
    latents = torch.zeros(16, 10, 4, 8, 8)
    aims = 1 + 7 * torch.rand(16, 10)
    events = torch.zeros(16, 10, 1)
    events[:, 1:, 0] = (aims[:, :-1] < 4.5).float()  # what is aimed at is seen before it happens
    clip = Clip(latents, torch.zeros(16, 9, 6), events=events, aims=aims)
    learn(hands, clip)
    states = hands(latents[:1], torch.zeros(1, 10, 6), events[:1], hands.start(1))
    asked = states[:, 5].expand(4, -1), torch.zeros(4, 6)
    odds = hands.logits(*asked, torch.tensor([2.0, 3.5, 5.5, 7.0])).sigmoid()[:, 0]
    assert odds[:2].min() > 0.75
    assert odds[2:].max() < 0.25
    unsure = hands.logits(*asked).sigmoid()[0, 0]
    assert torch.equal(hands.logits(*asked, torch.zeros(4)), hands.logits(*asked))
    assert odds[2:].max() < unsure < odds[:2].min()


def test_settings_reach_the_command() -> None:
    assert encode.Config(**PLAIN).tried is False
