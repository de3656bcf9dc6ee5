"""Digging, placing, the hotbar, falling sand, in the exact world."""

from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest

from envs.voxel.blocks import BLOCKS, HARDNESS, ID
from worldsim import actions

FLOOR = 50


@pytest.fixture
def world():
    """A player on a stone floor with ten planks in slot 1, looking down at the floor ahead."""
    env = gym.make("envs:WorldSim/Voxel-v0", size=16).unwrapped
    options = {"yaw": 0.0, "pitch": 55.0, "hotbar": [(ID["planks"], 10)], "time_of_day": 0.25}
    env.reset(seed=3, options=options)
    x, _, z = (int(np.floor(v)) for v in env.game.body[:3])
    for dx in range(-3, 4):
        for dz in range(-3, 8):
            for y in range(FLOOR, FLOOR + 9):
                env.set_block(x + dx, y, z + dz, 0)
            env.set_block(x + dx, FLOOR - 1, z + dz, ID["stone"])
    env.game.body[:6] = x + 0.5, FLOOR, z + 0.5, 0, 0, 0
    env.step(actions.make(hotbar=1))
    env.corner = x, z
    yield env
    env.close()


def hold(world, ticks, **controls):
    return [world.step(actions.make(**controls))[4] for _ in range(ticks)]


def test_there_are_enough_kinds_of_block():
    assert len(BLOCKS) - 1 >= 16


@pytest.mark.parametrize("name", ["oak_log", "dirt", "oak_leaves", "gold_ore"])
def test_a_block_breaks_after_its_hardness_and_goes_to_the_hotbar(world, name):
    x, y, z = (int(v) for v in world.step(actions.make())[4]["target"])
    world.set_block(x, y, z, ID[name])
    ticks = int(HARDNESS[ID[name]])
    before = hold(world, ticks - 1, attack=1)
    assert not any(info["events"]["block_broken"] for info in before)
    progress = [info["breaking"] for info in before]
    assert progress == sorted(progress)
    (after,) = hold(world, 1, attack=1)
    assert after["events"]["block_broken"] == 1
    assert after["events"]["log_collected"] == float("log" in name)
    assert world.block_at(x, y, z) == 0
    drop = ID["dirt" if name == "grass" else name]
    assert after["hotbar_block"][1] == drop
    assert after["hotbar_count"][1] == 1


def test_a_log_takes_half_a_second():
    assert HARDNESS[ID["oak_log"]] == 10


def test_letting_go_or_looking_away_starts_digging_anew(world):
    assert hold(world, 5, attack=1)[-1]["breaking"] > 0
    assert hold(world, 1)[-1]["breaking"] == 0
    first = hold(world, 5, attack=1)[-1]["breaking"]
    assert world.step(actions.make(attack=1, camera=(-20.0, 0.0)))[4]["breaking"] < first


def test_placing_takes_one_from_the_stack_and_only_on_a_free_cell(world):
    target = world.step(actions.make())[4]["target"]
    info = hold(world, 1, use=1)[-1]
    assert info["events"]["block_placed"] == 1
    assert info["hotbar_count"][0] == 9
    assert world.block_at(*(target + np.array([0, 1, 0]))) == ID["planks"]


def test_nothing_is_placed_inside_the_player(world):
    world.step(actions.make(camera=(20.0, 0.0)))
    world.step(actions.make(camera=(20.0, 0.0)))
    info = hold(world, 6, use=1)[-1]
    assert info["hotbar_count"][0] == 10


def test_nothing_is_placed_from_an_empty_slot(world):
    world.step(actions.make(hotbar=2))
    assert not any(info["events"]["block_placed"] for info in hold(world, 6, use=1))


def test_nothing_beyond_reach_is_touched(world):
    x, z = world.corner
    for dx in range(-3, 4):  # a pit five deep under the crosshair
        for dz in range(-3, 8):
            world.set_block(x + dx, FLOOR - 1, z + dz, 0)
    for y in range(FLOOR - 8, FLOOR - 1):
        for dx in range(-3, 4):
            for dz in range(-3, 8):
                world.set_block(x + dx, y, z + dz, 0)
    world.set_block(x, FLOOR - 1, z, ID["stone"])
    info = hold(world, 2, attack=1, sneak=1)[-1]
    assert info["target_block"] == 0
    assert info["breaking"] == 0


def test_held_use_places_every_fourth_tick(world):
    placed = [i for i, info in enumerate(hold(world, 9, use=1)) if info["events"]["block_placed"]]
    assert placed[0] == 0
    assert all(b - a == 4 for a, b in pairwise(placed))


def test_drop_and_slot_keys(world):
    info = world.step(actions.make(drop=1))[4]
    assert info["hotbar_count"][0] == 9
    assert info["events"]["item_dropped"] == 1
    assert world.step(actions.make(hotbar=7))[4]["selected"] == 6


def test_stacks_end_at_64_and_overflow_to_the_next_slot(world):
    world.game.blocks[0], world.game.counts[0] = ID["planks"], 64
    world.game.collect(ID["planks"], 1)
    assert world.game.counts[:2].tolist() == [64, 1]


def test_sand_falls_when_what_is_under_it_goes(world):
    x, z = world.corner
    for y in (FLOOR + 1, FLOOR + 2):
        world.set_block(x + 2, y, z + 2, ID["sand"])
    world.set_block(x + 2, FLOOR, z + 2, 0)
    hold(world, 10)
    column = [world.block_at(x + 2, y, z + 2) for y in range(FLOOR, FLOOR + 4)]
    assert column == [ID["sand"], ID["sand"], 0, 0]


def test_bedrock_and_water_cannot_be_broken(world):
    assert HARDNESS[ID["bedrock"]] == HARDNESS[ID["water"]] == 0
