"""Tasks in a dream: Gymnasium's contract, truncation, partial resets, uncertainty, bad input."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from pipeline import PLAIN

from worldsim import actions
from worldsim.errors import UserError

ID = "envs:WorldSim/DreamChop-v0"


@pytest.fixture(scope="module")
def make(runs):
    def made(n=0, **task):
        base = {"checkpoint": str(runs / "world.safetensors"), **PLAIN, "obs": "latent"}
        task = {**base, "rewards": {}, **task}
        if n:
            env = gym.make_vec(ID, n, vectorization_mode="vector_entry_point", **task)
        else:
            env = gym.make(ID, **task).unwrapped
        with torch.no_grad():  # the untrained head of ends would end half of the dreams
            env.dreams.world.simulator.dynamics.heads.out.bias[2] = -20.0
        return env

    return made


def ahead(n):
    walk = actions.make(forward=1)
    return {name: np.stack([value] * n) for name, value in walk.items()}


@pytest.mark.parametrize("obs", ["latent", "pixels"])
def test_gymnasium_checker_passes(make, obs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is.*infinity.*")
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(make(obs=obs), skip_render_check=True)


@pytest.mark.parametrize("obs", ["latent", "pixels"])
def test_the_checker_of_stable_baselines_passes(make, obs):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checker.check_env(actions.DiscreteActions(make(obs=obs)), skip_render_check=True)


@pytest.mark.parametrize("name", ["Voxel", "VoxelChop", "VoxelNavigate"])
def test_the_checker_of_stable_baselines_passes_on_exact_worlds(name):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gym.make(f"envs:WorldSim/{name}-v0", size=48)
    checker.check_env(actions.DiscreteActions(env), skip_render_check=True)


def test_torchrl_rolls_out(make):
    torchrl = pytest.importorskip("torchrl.envs.libs.gym")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = torchrl.GymWrapper(make(horizon=4, repeat=2))
        env.set_seed(3)
        told = env.rollout(3, break_when_any_done=False)
    assert told["next", "truncated"].squeeze(-1).tolist() == [False, True, False]
    assert not told["next", "terminated"].any()
    assert torch.equal(told["next", "observation"][0], told["observation"][1])
    assert not torch.equal(told["next", "observation"][1], told["observation"][2])  # begun anew


def test_spaces_are_those_of_the_exact_twin(make):
    dream = make(obs="pixels")
    size = dream.dreams.world.frame_shape
    exact = gym.make("envs:WorldSim/VoxelChop-v0", size=size)
    assert dream.action_space == exact.action_space
    assert dream.observation_space == exact.observation_space


def test_a_dream_depends_on_its_own_seed_alone(make):
    games = make(3, horizon=100)
    first, _ = games.reset(seed=[5, 6, 7])
    for _ in range(3):
        first, *_ = games.step(ahead(3))
    alone = make(horizon=100)
    alone.reset(seed=6)
    for _ in range(3):
        last, *_ = alone.step(actions.make(forward=1))
    assert np.allclose(first[1], last, atol=1e-4)
    assert not np.allclose(first[0], last, atol=1e-2)


def test_the_horizon_truncates_and_the_next_dream_begins_in_the_same_step(make):
    games = make(2, horizon=4, repeat=2)
    assert games.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    games.reset(seed=3)
    _, _, terminated, truncated, infos = games.step(ahead(2))
    assert not truncated.any()
    assert "final_obs" not in infos
    before = games.dreams.state.latents
    seen, _, terminated, truncated, infos = games.step(ahead(2))
    assert truncated.all()
    assert not terminated.any()
    assert infos["_final_obs"].all()
    assert not np.array_equal(infos["final_obs"][0], seen[0])
    assert not np.array_equal(infos["final_obs"][0], before[0].numpy())
    assert infos["final_info"]["p_reward"].any()
    assert not infos["p_reward"].any()
    *_, truncated, _ = games.step(ahead(2))
    assert not truncated.any()


def test_a_mask_resets_only_some(make):
    games = make(2, horizon=100)
    games.reset(seed=1)
    before, *_ = games.step(ahead(2))
    after, _ = games.reset(seed=[9, 9], options={"reset_mask": np.array([False, True])})
    assert np.array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])


def test_rewards_of_held_ticks_add_up_and_small_ones_do_not_count(make):
    one, four, none = make(repeat=1, least=0.0), make(repeat=4, least=0.0), make(least=2.0)
    for env in (one, four, none):
        env.reset(seed=2)
    assert four.step(actions.make(attack=1))[1] != 0
    assert one.step(actions.make(attack=1))[1] != 0
    assert none.step(actions.make(attack=1))[1] == 0


def test_an_action_that_is_held_is_as_many_steps(make):
    held, single = make(repeat=3, least=0.0), make(repeat=1, least=0.0)
    for env in (held, single):
        env.reset(seed=2)
    action = actions.make(attack=1, forward=1)
    frame, reward, *_, info = held.step(action)
    steps = [single.step(action) for _ in range(3)]
    assert np.array_equal(frame, steps[-1][0])
    assert reward == pytest.approx(sum(step[1] for step in steps))
    assert np.array_equal(info["pose"], steps[-1][-1]["pose"])


def test_what_happens_is_worth_what_it_is_said_to_be(make):
    dream = make(repeat=4, rewards={"log_collected": 2.0, "block_broken": 0.5})
    simulator = dream.dreams.world.simulator
    with torch.no_grad():
        odds = simulator._happenings._hands.out[-1].bias
        odds[:] = -50.0
        odds[simulator.dynamics.config.events.index("log_collected")] = 50.0
    dream.reset(seed=2)
    _, reward, *_, info = dream.step(actions.make(attack=1))
    assert reward == 8.0
    assert info["p_reward"] == 2.0


def test_an_event_that_the_world_does_not_tell_leaves_rewards_to_the_head(make):
    head, unknown = make(least=0.0), make(least=0.0, rewards={"cake_eaten": 1.0})
    rewards = []
    for env in (head, unknown):
        env.reset(seed=2)
        rewards.append(env.step(actions.make(attack=1))[1])
    assert rewards[0] == rewards[1] != 0


def test_two_samples_say_how_unsure_the_model_is_and_a_limit_truncates(make):
    told = make(uncertainty=True)
    _, info = told.reset(seed=4)
    assert info["uncertainty"] == 0
    *_, truncated, info = told.step(actions.make(forward=1))
    assert info["uncertainty"] > 0
    assert not truncated
    cut = make(limit=info["uncertainty"] / 2, least=0.0)
    cut.reset(seed=4)
    _, reward, terminated, truncated, _ = cut.step(actions.make(forward=1))
    assert truncated
    assert (reward, terminated) == (0.0, False)


def test_what_cannot_be_dreamed_is_refused(make, runs):
    for wrong, said in (
        ({"obs": "sound"}, "obs is 'sound'"),
        ({"horizon": 0}, "horizon is 0"),
        ({"gravity": 2}, "no 'gravity'"),
        ({"contexts": ["/nowhere"]}, "holds no latents"),
        ({"context": 32}, "context is 32; needed .* recordings"),
        ({"contexts": [str(runs / "latents-train")], "context": 0}, "context is 0"),
        (
            {"contexts": [str(runs / "latents-train")], "seeds": [5, 9]},
            "no episode of seeds 5 to 9",
        ),
    ):
        with pytest.raises(UserError, match=said):
            make(**wrong)
    games = make(2)
    with pytest.raises(UserError, match="start_index"):
        games.reset(options={"start_index": 1})
    games.reset(seed=0)
    wrong = ahead(2)
    wrong["camera"] = np.full((2, 2), np.nan, np.float32)
    with pytest.raises(ValueError, match="camera"):
        games.step(wrong)


def test_dreams_begin_inside_encoded_recordings(make, runs):
    games = make(2, contexts=[str(runs / "latents-train")], seeds=[1, 1])
    first, infos = games.reset(seed=11)
    again, _ = games.reset(seed=11)
    assert np.array_equal(first, again)
    assert np.abs(infos["pose"]).max() > 0
