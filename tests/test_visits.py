"""Visits: another place every few ticks, by the world and the tick alone."""

import gymnasium as gym
import numpy as np
import pytest

from envs.voxel.generate import HEIGHT
from envs.voxel.visits import visit
from worldsim import actions


@pytest.fixture
def env():
    made = gym.make("envs:WorldSim/VoxelVisits-v0", size=32).unwrapped
    yield made
    made.close()


def played(env, ticks):
    return [env.step(actions.make(forward=1)) for _ in range(ticks)]


def test_every_few_ticks_the_player_looks_at_something_else(env):
    _, info = env.reset(seed=3)
    poses = [(*info["position"], info["yaw"], info["pitch"])]
    poses += [(*i["position"], i["yaw"], i["pitch"]) for *_, i in played(env, 80)]
    there = np.array(poses)
    turned = np.flatnonzero(there[1:, 3] != there[:-1, 3]) + 1
    assert (turned % 4 == 0).all()
    assert len(turned) == 20
    gone = np.linalg.norm(np.diff(there[:, :3], axis=0), axis=1)
    assert (gone[np.arange(80) % 4 != 3] < 2).all()  # in between it walks, or falls
    assert 8 <= (gone > 2).sum() <= 20
    assert there[:, 4].min() < 0 < 30 < there[:, 4].max()


def test_nobody_stands_inside_of_a_block(env):
    for seed in range(4):
        env.reset(seed=seed)
        for *_, info in played(env, 40)[3::4]:
            x, y, z = np.floor(info["position"]).astype(int)
            assert not {env.block_at(x, y, z), env.block_at(x, y + 1, z)} & set(env.placeable)


def test_a_seed_makes_the_same_visits_again_and_so_does_a_state(env):
    env.reset(seed=5)
    first = played(env, 12)
    state = env.get_state()
    later = played(env, 12)
    env.reset(seed=5)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, played(env, 12), strict=True))
    env.set_state(state)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(later, played(env, 12), strict=True))


def test_ticks_that_nobody_looks_at_lead_to_the_same_places(env):
    env.reset(seed=5)
    seen = played(env, 12)[-1][0]
    env.reset(seed=5)
    for _ in range(12):
        env.advance(actions.make(forward=1))
    assert np.array_equal(env.observe(), seen)


def test_nothing_is_built_above_the_world(env):
    env.reset(seed=3)
    high, (x, _, z) = HEIGHT - 1, env.game.body[:3]
    for i in range(-30, 31):
        for j in range(-30, 31):
            env.game.world.set(int(x) + i, high, int(z) + j, env.placeable[0])
    laid = len(env.game.world.edits)
    for tick in range(40):  # on top of that there is no room for anything
        env.game.tick = tick
        env.game.body[:3] = x, HEIGHT, z
        visit(env.game)
    assert len(env.game.world.edits) == laid


def test_a_stay_is_at_least_a_tick():
    with pytest.raises(ValueError, match="stay is 0; needed at least 1"):
        gym.make("envs:WorldSim/VoxelVisits-v0", stay=0)
    short = gym.make("envs:WorldSim/VoxelVisits-v0", stay=1, size=32).unwrapped
    short.reset(seed=1)
    yaws = [info["yaw"] for *_, info in played(short, 6)]
    assert len(set(yaws)) == 6
