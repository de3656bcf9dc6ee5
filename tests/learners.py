"""Runs of agents that take seconds, for tests."""

import torch

from agents.actor_critic import ActorCriticConfig
from agents.exam import ExamConfig
from agents.settings import Config

FOREST = {"size": 64}
torch.set_num_threads(1)


def small(**changes):
    """A run of seconds in the exact world."""
    exam = ExamConfig(episodes=1, ticks=12, options=FOREST)
    own = {"env": "WorldSim/VoxelChop-v0", "env_options": FOREST, "obs": "pixels", "width": 16}
    learning = ActorCriticConfig(horizon=4, passes=1, batch=8)
    rest = {"games": 2, "exam_every": 64, "exam": exam, "videos": False, "dream_ac": learning}
    return Config(**{**own, **rest, "ticks": 64, **changes})
