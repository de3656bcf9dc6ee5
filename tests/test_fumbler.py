"""Policies whose hands try what they cannot do."""

from collections import Counter

import gymnasium as gym

from agents.builder import Dropper, Fumbler, Reacher
from agents.explorer import Explorer


def _played(policy: Explorer, **options: bool) -> tuple[Counter[str], list[float]]:
    """What four episodes in playgrounds came to, and how far down eyes were at each use."""
    env = gym.make("envs:WorldSim/VoxelPlayground-v0", size=48, **options)
    counts, pitches = Counter(), []
    for seed in range(4):
        frame, info = env.reset(seed=seed)
        policy.reset(seed, env, info)
        for _ in range(200):
            action = policy.act(frame, info)
            if action["use"]:
                pitches.append(float(info["pitch"]))
            frame, _, ended, _, info = env.step(action)
            counts["tried"] += int(action["use"])
            counts["placed"] += int(info["events"]["block_placed"])
            counts["broken"] += int(info["events"]["block_broken"])
            counts["fell"] += int(info["events"]["block_fell"] > 0)
            if ended:
                break
    return counts, pitches


def test_the_fumbler_mostly_uses_its_hands_in_vain():
    counts, _ = _played(Fumbler())
    assert 0 < counts["placed"] < counts["tried"] / 2


def test_the_reacher_uses_and_digs_with_level_eyes_within_reach_and_beyond():
    counts, pitches = _played(Reacher())
    assert 0 < counts["placed"] < counts["tried"]
    assert counts["broken"] > 0
    assert sum(-15 < pitch < 30 for pitch in pitches) > 0.7 * len(pitches)


def test_the_dropper_puts_blocks_where_some_fall_and_some_do_not():
    counts, _ = _played(Dropper(), loose=True)
    assert 0 < counts["fell"] < counts["placed"] < counts["tried"]
