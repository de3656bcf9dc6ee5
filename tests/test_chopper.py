import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest

from agents.chopper import Chopper
from agents.moves import MOVES, REPEAT, VECTORS, nearest
from agents.trained import SHIPPED, TrainedAgent
from worldsim import actions
from worldsim.errors import UserError


@pytest.fixture(scope="module")
def forest():
    return gym.make("envs:WorldSim/VoxelChop-v0", size=16)


def play(env, policy, ticks=240, seed=700_001):
    """The vectors played and the logs felled."""
    frame, info = env.reset(seed=seed)
    policy.reset(seed, env, info)
    played, logs = [], 0.0
    for _ in range(ticks):
        action = policy.act(frame, info)
        played.append(actions.to_vector(action))
        frame, reward, _, _, info = env.step(action)
        logs += reward
    return np.stack(played), logs


def test_the_chopper_fells_trees_as_well_as_it_is_told_to(forest):
    logs = [play(forest, Chopper(skill))[1] for skill in (0.0, 1.0)]
    assert logs[0] <= 1
    assert logs[1] >= 6


def test_a_chopper_who_has_to_look_for_trees_fells_some(forest):
    assert play(forest, Chopper(sighted=True, moves=True))[1] >= 4


def test_equal_seeds_play_equally_and_other_seeds_do_not(forest):
    first, again = (play(forest, Chopper(0.5), 60)[0] for _ in range(2))
    assert np.array_equal(first, again)
    skills = []
    for seed in (1, 2):
        policy = Chopper(None)
        play(forest, policy, 1, seed)
        skills.append(policy.skill)
    assert skills[0] != skills[1]


def test_a_chopper_of_moves_plays_nothing_else_and_holds_each(forest):
    played, logs = play(forest, Chopper(0.8, moves=True))
    assert logs >= 2
    assert (played[:, None] == VECTORS).all(-1).any(-1).all()
    held = played.reshape(-1, REPEAT, actions.SIZE)
    assert (held == held[:, :1]).all()


def test_what_a_chopper_intends_is_what_it_does_but_for_lapses(forest):
    frame, info = forest.reset(seed=700_002)
    for skill, share in ((1.0, 1.0), (0.5, 0.5), (0.0, 0.1)):
        policy, same = Chopper(skill, moves=True), 0
        policy.reset(0, forest, info)
        for _ in range(320):
            action = policy.act(frame, info)
            same += np.array_equal(*map(actions.to_vector, (action, policy.intended)))
            frame, *_, info = forest.step(action)
        assert same / 320 == pytest.approx(share, abs=0.2 if skill < 1 else 0)


def test_a_pupil_plays_where_skill_lapses_and_is_told_what_to_do():
    forest = gym.make("envs:WorldSim/VoxelChop-v0")
    shipped = str(SHIPPED)
    alone = play(forest, TrainedAgent(shipped), 48)[0]
    taught = Chopper(0.0, moves=True, sighted=True, pupil=shipped)
    assert np.array_equal(play(forest, taught, 48)[0], alone)
    teacher = Chopper(1.0, moves=True, sighted=True)
    own = play(forest, teacher, 48)[0]
    watched = Chopper(1.0, moves=True, sighted=True, pupil=shipped)
    assert np.array_equal(play(forest, watched, 48)[0], own)
    assert not np.array_equal(own, alone)
    frame, info = forest.reset(seed=700_001)
    for policy in (taught, teacher):
        policy.reset(700_001, forest, info)
        policy.act(frame, info)
    assert np.array_equal(*(actions.to_vector(p.intended) for p in (taught, teacher)))


def test_scripts_alone_do_without_torch():
    asked = "import agents.chopper, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_every_move_is_the_one_nearest_to_itself():
    for i, vector in enumerate(VECTORS):
        assert nearest(vector, vector[actions.CAMERA] * REPEAT) == i
    name = MOVES[nearest(np.zeros(actions.SIZE), np.array([0.0, 170.0]))][0]
    assert name == "right"


def test_a_skill_that_is_no_share_and_a_world_without_blocks_are_refused():
    with pytest.raises(UserError, match=r"skill is 1\.5"):
        Chopper(1.5)
    with pytest.raises(UserError, match="moves=true"):
        Chopper(pupil="somebody")
    with pytest.raises(UserError, match="lapse is 0"):
        Chopper(lapse=0)
    env = gym.make("CartPole-v1")
    with pytest.raises(UserError, match="block_at"):
        Chopper().reset(0, env, {})
