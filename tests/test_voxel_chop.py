"""Where games of chopping begin."""

import gymnasium as gym
import numpy as np
import pytest

from envs.voxel.generate import FOREST, column


@pytest.mark.parametrize("seed", [7, 700_100, 700_122, 700_136, 700_151])
def test_chop_begins_under_the_sky_of_a_forest(seed):
    """Of these seeds all but the first have a tree where the first forest's column is."""
    env = gym.make("envs:WorldSim/VoxelChop-v0", size=16)
    _, info = env.reset(seed=seed)
    x, y, z = (int(v) for v in np.floor(info["position"]))
    ground, biome = column(env.unwrapped.game.world.seed, x, z)
    assert biome == FOREST
    assert y == ground + 1
    assert info["engine_version"] == 2
