"""The vector environment: Gymnasium's semantics, and rows that are strangers to one another."""

import gymnasium as gym
import numpy as np
import pytest
from dreamt import MADE, make_world
from gymnasium.vector import AutoresetMode

from envs.dream_vector import DreamVectorEnv
from worldsim import actions
from worldsim.errors import UserError


@pytest.fixture(scope="module", params=[True, False], ids=["camera", "plain"])
def path(request, tmp_path_factory):
    # Untrained worlds may turn on the last bit, in which batches differ; this one does not.
    file = tmp_path_factory.mktemp("world") / "w.safetensors"
    return str(make_world(file, request.param, seed=1))


@pytest.fixture
def make(path):
    def made(n=3, **options):
        name = "envs:WorldSim/Dream-v0"
        env = gym.make_vec(name, num_envs=n, checkpoint=path, **{**MADE, **options})
        assert isinstance(env, DreamVectorEnv)
        return env

    return made


def moves(n, tick):
    """Vectors (n, a): a row's is a function of its number."""
    vectors = np.zeros((n, actions.SIZE), np.float32)
    vectors[:, 0] = 1
    vectors[:, -1] = 3 * np.sin(np.arange(n) + tick)
    return vectors


def played(env, ticks=range(5)):
    return np.stack([env.step(moves(env.num_envs, tick))[0] for tick in ticks], 1)


def test_spaces_are_those_of_one_dream_batched(make, path):
    env = make()
    one = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, **MADE)
    assert env.single_action_space == one.action_space
    assert env.single_observation_space == one.observation_space
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    frames, infos = env.reset(seed=0)
    assert frames in env.observation_space
    frames, rewards, ended, cut, infos = env.step(env.action_space.sample())
    assert frames in env.observation_space
    assert rewards.shape == ended.shape == cut.shape == (3,)
    assert infos["pose"].shape == (3, 5)
    assert infos["_pose"].all()


def test_a_row_is_the_dream_of_its_seed(make, path):
    env = make()
    first = env.reset(seed=[5, 6, 7])[0]
    frames = played(env)
    one = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, **MADE)
    for row, seed in enumerate((5, 6, 7)):
        assert np.abs(one.reset(seed=seed)[0].astype(int) - first[row]).max() <= 1
        for tick in range(5):
            frame = one.step(actions.from_vector(moves(3, tick)[row]))[0]
            apart = np.abs(frame.astype(int) - frames[row, tick])
            # what is kept of a pixel, and what one is supposed to show, may turn on the last bit
            assert (apart.max(-1) > 9).mean() < 0.01
            assert apart.mean() < 0.5


def test_a_deterministic_row_has_equal_bits_whatever_its_neighbours_do(make):
    first, second = make(deterministic=True, obs="latent"), make(deterministic=True, obs="latent")
    first.reset(seed=[1, 2, 3])
    second.reset(seed=[9, 2, 8])
    mask = np.array([True, False, False])
    for tick in range(8):
        if tick in (2, 5):  # a neighbour begins anew, here only
            second.reset(seed=[tick] * 3, options={"reset_mask": mask})
        own = first.step(moves(3, tick))
        other = moves(3, tick)
        other[[0, 2], 0], other[0, -1] = 0, 11
        theirs = second.step(other)
        assert np.array_equal(own[0][1], theirs[0][1])
        assert own[1][1] == theirs[1][1]
        assert not np.allclose(own[0][0], theirs[0][0], atol=1e-2)


def test_a_batched_action_of_the_space_is_as_good_as_flat_vectors(make):
    env = make(2)
    batch = {name: np.array([1, 0]) * (name == "forward") for name in actions.BUTTONS}
    batch["camera"] = np.array([[1, 2], [3, 4]], np.float32)
    env.reset(seed=0)
    frames = env.step(batch)[0]
    env.reset(seed=0)
    one = actions.make(forward=1, camera=(1, 2)), actions.make(camera=(3, 4))
    assert np.array_equal(env.step(np.stack([actions.to_vector(a) for a in one]))[0], frames)


def test_a_partial_reset_begins_its_row_and_leaves_the_others(make):
    env = make()
    env.reset(seed=0)
    played(env)
    before = env.snapshot()
    on = played(env, range(5, 8))
    env.restore(before)
    frames, infos = env.reset(seed=[None, 4, None], options={"reset_mask": np.eye(3)[1] > 0})
    assert infos["_pose"].tolist() == [False, True, False]
    mixed = played(env, range(5, 8))
    assert np.abs(mixed[[0, 2]].astype(int) - on[[0, 2]]).max() <= 1
    assert np.abs(mixed[1].astype(int) - on[1]).max() > 1
    fresh = make().reset(seed=[0, 4, 0])[0]
    assert np.abs(fresh[1].astype(int) - frames[1]).max() <= 1


def test_a_truncated_row_begins_anew_in_the_same_step(make):
    env = make(max_episode_steps=3)
    env.reset(seed=0)
    env.step(moves(3, 0))
    env.reset(options={"reset_mask": np.array([False, True, False])})  # one step behind from here
    for tick in (1, 2):
        frames, _, ended, cut, infos = env.step(moves(3, tick))
    assert not ended.any()
    assert cut.tolist() == [True, False, True]
    assert infos["_final_obs"].tolist() == [True, False, True]
    assert infos["final_obs"][1] is None
    assert infos["final_obs"][0] in env.single_observation_space
    assert not np.array_equal(infos["final_obs"][0], frames[0])
    final = infos["final_info"]
    assert final["_p_terminate"].tolist() == [True, False, True]
    starts = [context.pose for context in env.world.contexts]
    assert any(np.array_equal(infos["pose"][0], pose) for pose in starts)
    assert not any(np.array_equal(final["pose"][0], pose) for pose in starts)
    _, _, _, cut, infos = env.step(moves(3, 3))
    assert cut.tolist() == [False, True, False]
    assert infos["final_obs"][0] is None


def test_a_terminated_row_begins_anew_too(tmp_path):
    path = make_world(tmp_path / "world.safetensors", camera=False, endless=False)
    env = DreamVectorEnv(2, str(path), obs="latent", **MADE)
    env.reset(seed=0)
    latents, _, ended, cut, infos = env.step(moves(2, 0))
    assert ended.all()
    assert not cut.any()
    assert (infos["final_info"]["p_terminate"] > 0.5).all()
    assert (infos["p_terminate"] == 0).all()
    starts = [context.latents[-1].numpy() for context in env.world.contexts]
    assert all(any(np.allclose(row, start) for start in starts) for row in latents)


def test_a_snapshot_goes_on_bit_for_bit_through_autoresets(make):
    env = make(max_episode_steps=4)
    env.reset(seed=3)
    played(env, range(2))
    kept = env.snapshot()
    shown = env.render() or env._shown(env.state)
    on = played(env, range(2, 8))
    assert np.array_equal(env.restore(kept), shown)
    assert np.array_equal(played(env, range(2, 8)), on)
    first, second = env.fork(2)
    env.restore(first)
    again = played(env, range(8, 10))
    env.restore(second)
    assert not np.array_equal(played(env, range(8, 10)), again)


def test_forks_of_one_dream_go_on_side_by_side(make, path):
    one = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, **MADE).unwrapped
    one.reset(seed=0)
    one.step(actions.make(forward=1))
    env = make()
    frames = env.restore(one.fork(3))
    assert np.abs(frames.astype(int) - one._frame).max() <= 1
    side = env.step(np.repeat(moves(1, 0), 3, 0))[0]
    own = one.step(actions.from_vector(moves(1, 0)[0]))[0]
    assert np.abs(side[0].astype(int) - own).max() <= 1
    assert np.abs(side[1].astype(int) - own).max() > 1
    with pytest.raises(UserError, match="hold 2 dreams; this environment has 3"):
        env.restore(one.fork(2))


def test_latents_are_observed_without_decoding(make):
    env = make(obs="latent")
    latents, _ = env.reset(seed=0)
    assert latents in env.observation_space
    assert np.array_equal(latents, env.state.latents.numpy())
    latents = env.step(moves(3, 0))[0]
    assert latents in env.observation_space
    pixels = make()
    pixels.reset(seed=0)
    shown = pixels.step(moves(3, 0))[0]
    assert np.array_equal(env.world.simulator.render(env.state), shown)


def test_every_row_has_its_own_start_and_noise(make):
    env = make(2, obs="latent")
    env.reset(seed=[0, 1], options={"start_index": 0})
    latents = env.step(np.repeat(moves(1, 0), 2, 0))[0]
    assert not np.allclose(latents[0], latents[1], atol=1e-2)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"num_envs": 0}, "num_envs is 0"),
        ({"obs": "depth"}, "obs is 'depth'; needed one of pixels, latent"),
        ({"max_episode_steps": 0}, "max_episode_steps is 0"),
        ({"render_mode": "human"}, "render_mode is 'human'"),
    ],
)
def test_bad_settings_are_refused(options, problem):
    with pytest.raises(UserError, match=problem):
        DreamVectorEnv(**{"num_envs": 1, **options})


def test_bad_input_is_refused(make):
    env = make(2)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(moves(2, 0))
    with pytest.raises(UserError, match="3 seeds; needed 2"):
        env.reset(seed=[1, 2, 3])
    for mask in (np.array([True]), np.array([1, 0])):
        with pytest.raises(UserError, match="reset_mask has shape"):
            env.reset(options={"reset_mask": mask})
    with pytest.raises(UserError, match="false everywhere"):
        env.reset(options={"reset_mask": np.zeros(2, bool)})
    with pytest.raises(UserError, match="no option 'start'"):
        env.reset(options={"start": 1})
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions have shape \(3, 21\)"):
        env.step(moves(3, 0))
    with pytest.raises(ValueError, match="camera is nan"):
        env.step(np.where(np.arange(actions.SIZE) == 20, np.nan, moves(2, 0)))
    sample = env.action_space.sample()
    with pytest.raises(ValueError, match="lacks jump"):
        env.step({name: sample[name] for name in sample if name != "jump"})
    with pytest.raises(ValueError, match=r"camera has shape \(2,\)"):
        env.step({**sample, "camera": sample["camera"][0]})
