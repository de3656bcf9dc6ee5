"""The player's measures in the exact world: speeds, jumps, walls, edges, falls, water."""

import gymnasium as gym
import numpy as np
import pytest

from envs.voxel.blocks import ID
from worldsim import actions

STONE = ID["stone"]
FLOOR = 50  # feet height on the test floor


@pytest.fixture
def world():
    env = gym.make("envs:WorldSim/Voxel-v0", size=16).unwrapped
    env.reset(seed=3, options={"yaw": 0.0, "pitch": 0.0, "time_of_day": 0.25})
    yield env
    env.close()


@pytest.fixture
def floor(world):
    """The world with a bare stone floor under the player, who looks along it; its corner x, z."""
    x, _, z = (int(np.floor(v)) for v in world.game.body[:3])
    for dx in range(-3, 4):
        for dz in range(-3, 30):
            for y in range(FLOOR, FLOOR + 9):
                world.set_block(x + dx, y, z + dz, 0)
            world.set_block(x + dx, FLOOR - 1, z + dz, STONE)
    place(world, x + 0.5, FLOOR, z + 0.5)
    run(world, 3)
    return x, z


def place(world, x, y, z):
    world.game.body[:6] = x, y, z, 0, 0, 0


def run(world, ticks, **controls):
    """Positions (ticks, 3) after each tick."""
    return np.array([world.step(actions.make(**controls))[4]["position"] for _ in range(ticks)])


@pytest.mark.parametrize(
    ("keys", "speed"),
    [({}, 4.317), ({"sprint": 1}, 5.612), ({"sneak": 1}, 1.31)],
    ids=["walk", "sprint", "sneak"],
)
def test_steady_speed_is_minecrafts(world, floor, keys, speed):
    positions = run(world, 45, forward=1, **keys)
    assert (positions[-1, 2] - positions[-21, 2]) == pytest.approx(speed, abs=0.005)


def test_jump_rises_a_block_and_a_quarter(world, floor):
    assert run(world, 14, jump=1)[:, 1].max() - FLOOR == pytest.approx(1.2522, abs=1e-4)


def test_one_block_is_climbed_by_jumping_two_are_not(world, floor):
    x, z = floor
    for dx in range(-3, 4):
        world.set_block(x + dx, FLOOR, z + 3, STONE)
    assert run(world, 30, forward=1, jump=1)[-1, 2] > z + 3.3
    place(world, x + 0.5, FLOOR, z + 0.5)
    for dx in range(-3, 4):
        world.set_block(x + dx, FLOOR + 1, z + 3, STONE)
    assert run(world, 40, forward=1, jump=1)[-1, 2] == pytest.approx(z + 2.7, abs=1e-6)


def test_a_wall_stops_and_lets_slide_along(world, floor):
    x, z = floor
    for dx in range(-3, 4):
        for dy in range(3):
            world.set_block(x + dx, FLOOR + dy, z + 3, STONE)
    positions = run(world, 30, forward=1)
    assert positions[-1, 2] == pytest.approx(z + 2.7, abs=1e-6)
    slid = run(world, 8, forward=1, left=1)
    assert slid[-1, 0] > positions[-1, 0] + 0.5  # left of +z is +x
    assert slid[-1, 2] == pytest.approx(z + 2.7, abs=1e-6)


def test_sneaking_stays_on_the_edge_and_walking_falls(world, floor):
    assert run(world, 150, back=1, sneak=1)[-1, 1] == FLOOR
    assert run(world, 20, back=1)[-1, 1] < FLOOR


@pytest.mark.parametrize(("height", "damage"), [(3, 0), (4, 1), (7, 4), (10, 7)])
def test_falls_hurt_beyond_three_blocks(world, floor, height, damage):
    x, z = floor
    place(world, x + 0.5, FLOOR + height, z + 0.5)
    hurt = sum(world.step(actions.make())[4]["events"]["damage"] for _ in range(40))
    assert hurt == damage
    assert world.game.health == 20 - damage


def test_a_deadly_fall_terminates(world, floor):
    x, z = floor
    place(world, x + 0.5, FLOOR + 13, z + 0.5)
    world.game.health = 4
    ends = [world.step(actions.make())[2:5] for _ in range(60)]
    first = next(i for i, (terminated, _, _) in enumerate(ends) if terminated)
    assert ends[first][2]["events"]["death"] == 1


def test_water_slows_floats_and_breaks_a_fall(world, floor):
    x, z = floor
    for dx in range(-3, 4):
        for dz in range(-3, 12):
            for y in range(FLOOR, FLOOR + 4):
                world.set_block(x + dx, y, z + dz, ID["water"])
    place(world, x + 0.5, FLOOR + 12, z - 0.5)
    run(world, 60)
    assert world.game.health == 20
    assert run(world, 40)[-1, 1] == pytest.approx(FLOOR, abs=1e-6)  # sinks without keys
    swum = run(world, 40, forward=1)
    assert (swum[-1, 2] - swum[-11, 2]) * 2 < 2.5
    assert run(world, 80, jump=1)[-20:, 1].min() > FLOOR + 3


def test_camera_turns_by_the_degrees_given_and_stops_at_the_poles(world):
    yaw = world.game.body[6]
    info = world.step(actions.make(camera=(5.0, 7.5)))[4]
    assert info["yaw"] == pytest.approx(yaw + 7.5)
    assert info["pitch"] == pytest.approx(5.0)
    for _ in range(10):
        info = world.step(actions.make(camera=(20.0, 0.0)))[4]
    assert info["pitch"] == 90.0


def test_opposite_keys_cancel(world, floor):
    start = world.game.body[:3].copy()
    assert np.allclose(run(world, 10, forward=1, back=1, left=1, right=1)[-1], start)
