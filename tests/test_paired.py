"""Dream and exact world under the same actions."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from dreamt import EXACT, MADE, make_world
from gymnasium.utils.env_checker import check_env

from worldsim import actions
from worldsim.errors import UserError

KEYS = [actions.make(forward=1, camera=(1.0, 4.0)), actions.make(jump=1), actions.make(left=1)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(make_world(tmp_path_factory.mktemp("world") / "w.safetensors", camera=True))


@pytest.fixture
def paired(path):
    name = "envs:WorldSim/Paired-v0"
    made = gym.make(name, checkpoint=path, render_mode="rgb_array", **MADE)
    yield made.unwrapped
    made.close()


def test_gymnasium_checker_passes(paired):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(paired, skip_render_check=True)


def test_both_worlds_take_the_same_actions_from_the_same_place(paired, path):
    frame, info = paired.reset(seed=4, options={"start_index": 1})
    alone = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, **MADE)
    assert np.array_equal(alone.reset(seed=4, options={"start_index": 1})[0], frame)
    origin, exact = paired.dream.origin, gym.make(EXACT)
    truth, there = exact.reset(seed=origin.seed)
    for vector in origin.before:
        truth, _, _, _, there = exact.step(actions.from_vector(vector))
    assert np.array_equal(info["truth"], truth)
    for action in KEYS:
        frame, _, _, _, info = paired.step(action)
        assert np.array_equal(alone.step(action)[0], frame)
        truth, _, _, _, there = exact.step(action)
        assert np.array_equal(info["truth"], truth)
    assert np.allclose(info["truth_pose"], [*there["position"], there["yaw"], there["pitch"]])
    assert np.array_equal(paired.render(), np.concatenate([frame, truth], 1))


def test_an_exact_seed_begins_both(paired):
    _, info = paired.reset(seed=0, options={"exact_seed": 700_005})
    assert np.allclose(info["truth_pose"], info["pose"])


def test_both_go_back_together(paired):
    paired.reset(seed=0, options={"start_index": 0})
    paired.step(KEYS[0])
    kept = paired.snapshot()
    first = [paired.step(action) for action in KEYS]
    paired.reset(seed=1, options={"start_index": 2})
    paired.restore(kept)
    again = [paired.step(action) for action in KEYS]
    for (frame, *_, info), (other, *_, there) in zip(first, again, strict=True):
        assert np.array_equal(frame, other)
        assert np.array_equal(info["truth"], there["truth"])
        assert np.array_equal(info["truth_pose"], there["truth_pose"])


def test_starts_without_a_place_in_the_exact_world_are_refused(paired):
    with pytest.raises(UserError, match="start_index or exact_seed"):
        paired.reset(options={"frames": np.zeros((1, 32, 32, 3), np.uint8)})
    with pytest.raises(RuntimeError, match="call reset"):
        _ = paired.exact
