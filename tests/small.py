"""Registers a smaller exact world, in any process: `small:Small/Voxel-v0`."""

import gymnasium as gym
from pipeline import SIZE

gym.register("Small/Voxel-v0", "envs.voxel.env:VoxelEnv", kwargs={"size": SIZE})
