"""What a block that is gone lays bare is told by what is seen beside it."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from envs.voxel.blocks import ID
from worldsim import actions, cubes
from worldsim.camera import CameraConfig
from worldsim.memory import bared
from worldsim.memory.outlined import fitted, scaled

SIZE = 128
CAMERA = CameraConfig(field_of_view=70.0, overlay=0.1875)
VISIBLE, TANGENT = CAMERA.visible(SIZE), CAMERA.tangent


@pytest.fixture(scope="module")
def free():
    """A block that stands free on level ground, how far away things are, and without the block."""
    env = gym.make("envs:WorldSim/Voxel-v0", size=SIZE).unwrapped
    env.reset(seed=11)
    x, y, z = (int(np.floor(part)) for part in env.pose()[:3])
    for dx in range(-3, 4):
        for dz in range(-1, 9):
            env.set_block(x + dx, y - 1, z + dz, ID["dirt"])
            for up in range(4):
                env.set_block(x + dx, y + up, z + dz, 0)
    env.set_block(x, y, z + 3, ID["planks"])
    env.place(np.array([x + 0.6, y, z + 0.4, 0.0, 22.0]))
    away = env.depth()
    _, _, info = env.apart(actions.make(attack=1), at_once=True, outlined=False)
    assert info["events"]["block_broken"]
    bare = env.depth()
    env.close()
    return torch.from_numpy(info["cube"]), away, bare


def test_what_is_around_a_free_block_is_seen_to_be_empty_whatever_is_thought(free):
    block, away, _ = free
    for thought in (True, False):
        told = bared.closed(block, away, VISIBLE, TANGENT, np.full(6, thought))
        named = dict(zip(cubes.EXITS, told.tolist(), strict=True))
        assert not any(named[side] for side in ("left", "right", "ahead"))
        assert named["down"]


def test_what_is_around_a_block_of_level_ground_is_seen_to_be_full(free):
    block, _, bare = free
    below = block + torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    told = bared.closed(below, bare, VISIBLE, TANGENT, np.zeros(6, np.bool_))
    named = dict(zip(cubes.EXITS, told.tolist(), strict=True))
    assert named["left"]
    assert named["right"]
    assert named["ahead"]
    assert not named["up"]


@pytest.mark.parametrize("aside", [(0.5, 0.0), (-0.4, 0.2), (0.0, 0.0)])
def test_a_free_block_is_found_by_its_outline(free, aside):
    block, away, _ = free
    wrong = block + torch.tensor([aside[0], 0.0, aside[1], 0.0, 0.0, 0.0])
    found = fitted(wrong, away, VISIBLE, TANGENT)
    assert (found - block)[:3].abs().max() < 0.21
    assert torch.equal(found[3:], block[3:])


def test_level_ground_moves_no_block(free):
    block, _, bare = free
    below = block + torch.tensor([0.3, 1.0, 0.2, 0.0, 0.0, 0.0])
    assert torch.equal(fitted(below, bare, VISIBLE, TANGENT), below)


def test_distances_are_scaled_to_the_block_in_the_middle(free):
    block, away, _ = free
    assert scaled(block, away * 1.2, TANGENT) == pytest.approx(away, rel=0.02)
    far = (away * 4).astype(np.float32)
    assert np.array_equal(scaled(block, far, TANGENT), far)  # it is another thing


def test_what_was_behind_looks_as_what_is_beside_it_and_no_nearer():
    away = np.full((4, 12), 8.0, np.float32)
    away[:, 8:10] = 2.0  # something near, right beside it
    gone = np.zeros((4, 12), np.bool_)
    gone[1:3, 5:8] = True
    far = np.array([5.0, 5.0, 9.0, 5.0], np.float32)
    like = bared.behind(away, ~gone, gone, far, 4)
    assert (like[~gone] == -1).all()
    assert like[1, 5:8].tolist() == [1, 0, 11]
    assert (away[2, like[2, 5:8]] == 8.0).all()  # nothing is so far: the farthest
    assert (bared.behind(away, np.zeros_like(gone), gone, far, 4) == -1).all()
