"""The exact twin of a dreamed task: both begin in the same place, and go on by the same clock."""

import gymnasium as gym
import numpy as np
import pytest
from pipeline import PLAIN, SIZE

from agents.games import make_games
from agents.sight import sight
from worldsim import actions
from worldsim.data.dataset import Dataset
from worldsim.data.environments import make
from worldsim.errors import UserError

RECORDED = {"exact": "WorldSim/Voxel-v0", "exact_options": {"size": SIZE}}


@pytest.fixture
def shared(runs):
    return {
        "checkpoint": str(runs / "world.safetensors"),
        "contexts": [str(runs / "latents-train")],
        "horizon": 3,
    }


@pytest.fixture
def twin(shared):
    env = make("WorldSim/DreamChopTwin-v0", **shared, **RECORDED)
    yield env
    env.close()


@pytest.mark.parametrize("context", [None, 11])
def test_both_begin_in_the_same_place_and_begin_anew_in_the_same_next_one(shared, context):
    shared = {**shared, "context": context}
    twin = make("WorldSim/DreamChopTwin-v0", **shared, **RECORDED)
    dream = gym.make("envs:WorldSim/DreamChop-v0", **shared, **PLAIN)
    (_, there), (_, here) = dream.reset(seed=11), twin.reset(seed=11)
    for seed in (None, None, 12):
        assert np.allclose(there["pose"], [*here["position"], here["yaw"], here["pitch"]])
        (_, there), (_, here) = dream.reset(seed=seed), twin.reset(seed=seed)
    twin.close()


def test_it_shows_the_recorded_frame_and_goes_on_as_the_exact_world_does(shared, twin, runs):
    first, _ = twin.reset(seed=3)
    episodes = [record.frames for record in map(Dataset([runs / "train"]).window, range(2))]
    assert any(np.array_equal(first, frame) for frames in episodes for frame in frames)
    over = [twin.step(actions.make(forward=1))[3] for _ in range(3)]
    assert over == [False, False, True]
    assert np.array_equal(twin.reset(seed=3)[0], first)
    assert not twin.step(actions.make())[3]


def test_agents_play_it_like_any_other_game(shared):
    options = {**shared, **RECORDED, "horizon": 8}
    seen = sight("latent", shared["checkpoint"])
    games = make_games("WorldSim/DreamChopTwin-v0", 2, seen, 4, options, history=2)
    first, _ = games.reset(seed=[1, 2])
    assert first.shape == (2, *games.single_observation_space.shape)
    assert not games.step(np.zeros(2, np.int64))[3].any()
    assert games.step(np.zeros(2, np.int64))[3].all()


def test_what_leads_elsewhere_now_is_refused(shared, twin):
    with pytest.raises(UserError, match="names no encoded recordings"):
        make("WorldSim/DreamChopTwin-v0", **{**shared, "contexts": []})
    other = make("WorldSim/DreamChopTwin-v0", **shared, exact_options={"size": SIZE})
    with pytest.raises(UserError, match=r"leads to .*, recorded was .*record them anew"):
        other.reset(seed=1)
    other.close()
    with pytest.raises(UserError, match="knows no option 'start_index'"):
        twin.reset(options={"start_index": 1})
