"""A policy whose hands try what they cannot do."""

import gymnasium as gym

from agents.builder import Fumbler


def test_the_fumbler_mostly_uses_its_hands_in_vain():
    env, policy = gym.make("envs:WorldSim/VoxelPlayground-v0", size=48), Fumbler()
    tried = placed = 0
    for seed in range(4):
        frame, info = env.reset(seed=seed)
        policy.reset(seed, env, info)
        for _ in range(200):
            action = policy.act(frame, info)
            frame, _, ended, _, info = env.step(action)
            tried += int(action["use"])
            placed += int(info["events"]["block_placed"])
            if ended:
                break
    assert 0 < placed < tried / 2
