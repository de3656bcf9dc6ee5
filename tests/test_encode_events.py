"""Moments in which something happens, beside the same without it."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from pipeline import PLAIN, SIZE

from envs.voxel.blocks import ID
from worldsim import actions
from worldsim.camera import CHANNELS, CameraConfig
from worldsim.data import encode_events
from worldsim.data.latents import LatentDataset
from worldsim.errors import UserError


@pytest.fixture
def pair():
    """Two equal worlds; the player looks at the ground with planks in hand."""
    made = [gym.make("envs:WorldSim/Voxel-v0", size=128).unwrapped for _ in range(2)]
    for env in made:
        env.reset(seed=11, options={"pitch": 50.0, "hotbar": [(ID["planks"], 7)]})
        env.step(actions.make(hotbar=1))
    yield made
    for env in made:
        env.close()


@pytest.mark.parametrize(
    ("did", "idle"),
    [
        ({"use": 1, "camera": (1.0, 3.0)}, {"camera": (1.0, 3.0)}),
        ({"hotbar": 4, "forward": 1}, {"forward": 1}),
        ({"drop": 1}, {}),
    ],
)
def test_apart_shows_a_tick_with_and_without_what_hands_did(pair, did, idle):
    one, other = pair
    frame, without, info = one.apart(actions.make(**did))
    expected, *_ = other.step(actions.make(**idle))
    assert np.array_equal(without, expected)
    assert not np.array_equal(frame, without)
    assert np.array_equal(frame, one.observe())
    assert info["selected"] == (3 if "hotbar" in did else 0)


def test_a_world_goes_on_from_a_tick_apart_as_from_any(pair):
    one, other = pair
    for held in ({"use": 1}, {}, {"attack": 1}, *[{"attack": 1}] * 12):
        one.apart(actions.make(**held))
        frame, *_ = other.step(actions.make(**held))
        assert np.array_equal(one.observe(), frame)
    assert one.state_hash() == other.state_hash()
    assert other.hotbar()[0][1] == 7  # placed and dug again


def test_nothing_is_shown_apart_where_nothing_happened(pair):
    assert pair[0].apart(actions.make(forward=1))[1] is None


def test_a_block_breaks_at_once_and_without_cracks(pair):
    one, other = pair
    frame, idle, info = one.apart(actions.make(attack=1), at_once=True)
    assert info["events"]["block_broken"] == 1
    untouched, *_ = other.step(actions.make())
    assert np.array_equal(idle, untouched)
    assert not np.array_equal(frame, idle)


def test_what_is_aimed_at_need_not_be_outlined(pair):
    one, other = pair
    frame, idle, _ = one.apart(actions.make(attack=1), outlined=False)
    other.step(actions.make())
    other._target = type(other._target)()
    view = ~one.overlay()
    assert np.array_equal(idle[view], other._seen()[0][view])
    assert np.array_equal(frame, one.observe())  # which is outlined


def test_nothing_is_left_of_what_is_tried_at_a_glance(pair):
    one, other = pair
    kept = one.state_hash()
    found = list(encode_events._glances(one, np.random.default_rng(0)))
    assert one.state_hash() == kept == other.state_hash()
    assert np.array_equal(one.observe(), other.observe())
    told = [info["events"] for *_, info in found]
    assert {"block_broken", "block_placed"} <= {k for e in told for k, n in e.items() if n}
    assert all(not np.array_equal(frame, idle) for _, frame, idle, _ in found)


@pytest.fixture
def config(runs, tmp_path):
    return encode_events.Config(
        env_options={"size": SIZE},
        worlds=2,
        moments=4,
        tokenizer=str(runs / "tokenizer" / "tokenizer.safetensors"),
        depth=str(runs / "depth" / "depth.safetensors"),
        camera=CameraConfig(field_of_view=70.0),
        out=str(tmp_path / "events"),
        **PLAIN,
    )


def test_pairs_lie_in_turns_beside_other_latents(config, runs, tmp_path):
    encode_events.run(config, tmp_path)
    data = LatentDataset([config.out, str(runs / "latents-train")])
    assert len(data.episodes) == 4
    arrays, count = data._arrays[0], data.episodes[0][2]
    happened = arrays["events"][:count].sum(1) + (arrays["actions"][:count, 10:19] != 0).sum(1)
    assert not arrays["events"][:count:2].any()
    assert not arrays["priors"][:count:2].any()
    assert not arrays["actions"][1:count:2].any()
    pressed = (arrays["actions"][:count:2, 10:19] != 0).any(1)
    assert ((arrays["events"][1:count:2] > 0).any(1) | pressed).all()
    assert happened.any()
    assert np.array_equal(arrays["priors"][1:count:2, :-CHANNELS], arrays["latents"][:count:2])
    assert (arrays["priors"][1:count:2, -CHANNELS] == 1).all()
    placed, broken = (
        arrays["events"][:count, data.events.index(name)] > 0
        for name in ("block_placed", "block_broken")
    )
    colored = (arrays["points"][:count, :, 6] > 0).any(1)
    assert (colored & placed).any()
    assert (colored & broken).any()
    assert not (colored & ~placed & ~broken).any()
    assert data._arrays[1]["aims"].min() > 0
    data.notice(range(10, 19))
    clips = data.draw(np.random.default_rng(0), 8, 2, eventful=1.0)
    assert clips.priors is not None


def test_trying_again_adds_nothing(config, tmp_path, capsys):
    encode_events.run(replace(config, worlds=1), tmp_path)
    first = capsys.readouterr().out
    encode_events.run(replace(config, worlds=1), tmp_path)
    assert capsys.readouterr().out == first
    assert "1 worlds" in first


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seed": 699_999}, "not all for training"),
        ({"env": "CartPole-v1", "env_options": {}}, "unwrapped.apart"),
    ],
)
def test_worlds_that_do_not_serve_are_refused(config, tmp_path, wrong, said):
    with pytest.raises(UserError, match=said):
        encode_events.run(replace(config, **wrong), tmp_path)
