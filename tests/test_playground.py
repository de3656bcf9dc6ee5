"""Playgrounds: much to walk into near the start, by seed alone."""

import gymnasium as gym
import numpy as np
import pytest

from worldsim import actions


@pytest.fixture
def env():
    made = gym.make("envs:WorldSim/VoxelPlayground-v0").unwrapped
    yield made
    made.close()


def test_a_seed_makes_the_same_playground_again(env):
    frame, _ = env.reset(seed=5)
    state = env.state_hash()
    assert np.array_equal(env.reset(seed=5)[0], frame)
    assert env.state_hash() == state
    env.reset(seed=6)
    assert env.state_hash() != state


def test_there_is_much_around_the_player_and_nothing_on_it(env):
    built = []
    for seed in range(8):
        _, info = env.reset(seed=seed)
        assert info["on_ground"] or info["in_water"]
        x, y, z = np.floor(info["position"]).astype(int)
        assert env.block_at(x, y, z) == env.block_at(x, y + 1, z) == 0
        assert env.block_at(x, y - 1, z) != 0
        edits = env.game.world.edits
        assert all(max(abs(i - x), abs(k - z)) <= 20 for i, _, k in edits)
        built.append(len(edits))
    assert min(built) > 10


def test_players_walk_into_things_there(env):
    stopped = 0
    for seed in range(6):
        env.reset(seed=seed)
        for _ in range(60):
            *_, info = env.step(actions.make(forward=1))
        stopped += np.hypot(*info["velocity"][[0, 2]]) < 0.05
    assert stopped >= 1


def test_a_loose_kit_mostly_has_what_falls_and_always_something_that_does_not():
    made = gym.make("envs:WorldSim/VoxelPlayground-v0", loose=True).unwrapped
    falls = {made.block_names.index(name) for name in ("sand", "gravel")}
    kits = []
    for seed in range(12):
        _, info = made.reset(seed=seed)
        held = zip(info["hotbar_block"], info["hotbar_count"], strict=True)
        kits.append({int(kind) for kind, count in held if count})
    made.close()
    assert all(kit - falls for kit in kits)
    assert sum(bool(kit & falls) for kit in kits) > 4
