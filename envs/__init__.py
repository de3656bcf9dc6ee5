"""Gymnasium environments: the exact voxel world, and the learned world beside it.

Importing this package registers the ids; `gymnasium.make("envs:WorldSim/Voxel-v0")` imports it.
"""

import gymnasium as gym

gym.register("WorldSim/Voxel-v0", "envs.voxel.env:VoxelEnv")
gym.register("WorldSim/VoxelChop-v0", "envs.voxel.tasks:ChopEnv", max_episode_steps=1000)
gym.register("WorldSim/VoxelNavigate-v0", "envs.voxel.tasks:NavigateEnv", max_episode_steps=1000)
gym.register("WorldSim/VoxelPlayground-v0", "envs.voxel.playground:PlaygroundEnv")
gym.register("WorldSim/VoxelVisits-v0", "envs.voxel.visits:VisitsEnv")
gym.register(
    "WorldSim/Dream-v0",
    "envs.dream:DreamEnv",
    vector_entry_point="envs.dream_vector:DreamVectorEnv",
)
gym.register(
    "WorldSim/DreamChop-v0",
    "envs.dream_tasks:DreamTaskEnv",
    vector_entry_point="envs.dream_tasks:DreamTaskVectorEnv",
    kwargs={"rewards": {"log_collected": 1.0}},
)
gym.register("WorldSim/DreamChopTwin-v0", "envs.dream_twin:DreamTwinEnv")
gym.register("WorldSim/Paired-v0", "envs.paired:PairedEnv")
