"""What is kept of floors and walls within a step."""

import gymnasium as gym
import numpy as np
import pytest

from worldsim import actions
from worldsim.camera import FAR, CameraConfig
from worldsim.memory.nearby import (
    FRAMES,
    RESTS,
    nowhere,
    occupied,
    rested,
    restless,
    scan,
    seen_through,
    unseen,
)
from worldsim.memory.panoramas import blank, recorded
from worldsim.memory.rays import facing
from worldsim.models.body import CELLS

CAMERA = CameraConfig(field_of_view=70.0)
FEET = 1.62  # blocks below the eye
UNKNOWN = np.zeros(CELLS, np.float32)


def level_of(down: float) -> int:
    """The cell's number from below, of what is that far below the eye."""
    return CELLS[2] - 1 - int(np.floor((down + 0.5) / 0.25))


def flat_floor(height: float, pitch: float, size: int = 64) -> np.ndarray:
    """How far ahead a camera that looks down sees a floor below it."""
    rows = (np.arange(size) + 0.5) / size * 2 - 1
    down = np.sin(pitch) + rows * CAMERA.tangent * np.cos(pitch)
    away = np.where(down > 1e-3, height / np.maximum(down, 1e-3), FAR)
    return np.broadcast_to(np.minimum(away, FAR)[:, None], (size, size)).astype(np.float32)


def test_a_floor_looked_down_at_fills_the_cells_at_its_height():
    points = nowhere((64, 64, 3), 64)
    assert len(points) == FRAMES
    assert not occupied(points, restless(), UNKNOWN, np.zeros(3), 0.0).any()
    pitch = np.radians(80)
    scan(points[0], flat_floor(FEET, pitch), 64, np.zeros(3), 0.0, pitch, CAMERA.tangent)
    cells = occupied(points, restless(), UNKNOWN, np.zeros(3), 0.0)[0]
    assert cells.shape == CELLS
    assert cells[2, 2].argmax() == level_of(FEET)
    assert cells.sum((0, 1)).argmax() == level_of(FEET)


def test_cells_turn_and_move_with_the_player():
    points = nowhere((64, 64, 3), 64)
    points[0, :10] = 1.0, 0.5, 0.0, 0.0  # right of the start, below the eye

    def full(eye: tuple[float, float, float], yaw: float) -> np.ndarray:
        return occupied(points, restless(), UNKNOWN, np.array(eye), yaw)[0]

    level = level_of(0.5)
    assert full((0, 0, 0), 0.0)[4, 2, level] == 1
    assert full((0, 0, 0), np.pi / 2)[2, 4, level] == 1  # now ahead
    assert full((1, 0, 0), 0.0)[2, 2, level] == 1
    assert full((1, -0.75, 0), 0.0)[2, 2, level_of(1.25)] == 1


def test_liquids_are_told_from_what_is_solid():
    points, pitch = nowhere((64, 64, 3), 64), np.radians(80)
    scan(points[0], -flat_floor(FEET, pitch), 64, np.zeros(3), 0.0, pitch, CAMERA.tangent)
    full, liquid = occupied(points, restless(), UNKNOWN, np.zeros(3), 0.0)
    assert not full.any()
    assert liquid[2, 2].argmax() == level_of(FEET)
    scan(points[0], flat_floor(FEET, pitch), 64, np.zeros(3), 0.0, pitch, CAMERA.tangent)
    solid, none = occupied(points, restless(), UNKNOWN, np.zeros(3), 0.0)
    assert np.array_equal(solid, liquid)
    assert not none.any()


def test_what_an_eye_rested_on_counts_as_full_below_it():
    rests = restless()
    rests[0] = 0.0
    cells = occupied(nowhere((64, 64, 3), 64), rests, UNKNOWN, np.zeros(3), 0.0)[0]
    assert cells[2, 2, level_of(FEET)] == 1
    assert cells.sum() == cells[:, :, level_of(FEET)].sum()
    through, _ = occupied(nowhere((64, 64, 3), 64), rests, UNKNOWN + 1, np.zeros(3), 0.0)
    assert not through.any()
    above, _ = occupied(nowhere((64, 64, 3), 64), rests, UNKNOWN, np.array([0.0, -1.0, 0.0]), 0.0)
    assert above[2, 2, level_of(FEET + 1)] == 1  # seen from the top of a jump


def test_an_eye_rests_where_its_height_stays_for_two_ticks():
    rests, even, eye = restless(), 0, np.zeros(3)
    for down in (0.3, 0.0, 0.0):  # falls, lands, stays
        after = np.add(eye, (0.2, down, 0.0))
        rests, even = rested(rests, after, eye, even)
        eye = after
    assert even == 2
    assert np.allclose(rests[0], eye)
    once, even = rested(rests, np.add(eye, (0.1, 0.0, 0.0)), eye, even)  # hardly another place
    assert np.array_equal(once, rests)
    assert even == 3
    twice, even = rested(rests, np.add(eye, (1.0, -0.4, 0.0)), eye, even)  # jumps
    assert np.array_equal(twice, rests)
    assert even == 0
    assert len(rested(rests, np.add(eye, (1.0, 0.0, 0.0)), eye, 3)[0]) == RESTS


@pytest.mark.parametrize("turn", [0.0, 6.0])
def test_a_walk_over_level_ground_remembers_what_it_stands_on(turn):
    env = gym.make("envs:WorldSim/Voxel-v0")
    _, info = env.reset(seed=3, options={"pitch": 40.0})
    frames, led, poses, away = [], [], [], []
    for _ in range(25):
        action = actions.make(forward=1, camera=(0.0, turn))
        frame, *_, info = env.step(action)
        frames.append(frame)
        led.append(actions.to_vector(action))
        poses.append([*info["position"], info["yaw"], info["pitch"]])
        away.append(np.minimum(env.unwrapped.depth(), FAR))
    seen = np.stack(frames), np.stack(led)[1:], np.array(poses), np.array(away, np.float32)
    *_, cells = recorded(CAMERA, *seen)
    assert cells.dtype == np.uint8
    below = cells[-1].reshape(3, *CELLS)[0, 2, 2]
    assert info["on_ground"]
    assert abs(int(below.argmax()) - level_of(FEET)) <= 1


def ledge(depth: float) -> tuple[np.ndarray, np.ndarray]:
    """The cells full and empty of a player before whom the floor ends, so much lower."""
    pitch, points, stood = np.radians(40), nowhere((64, 64, 3), 64), unseen()
    away = flat_floor(FEET + depth, pitch)
    for slot in range(2):
        scan(points[slot], away, 64, np.zeros(3), 0.0, pitch, CAMERA.tangent)
        stood[slot] = 0, 0, 0, *facing(0.0, pitch)
    full, _ = occupied(points, restless(), UNKNOWN, np.zeros(3), 0.0)
    told = points, stood, away.shape, CAMERA.tangent, np.zeros(3), 0.0
    return full, seen_through(*told)


def test_cells_that_something_was_seen_through_count_as_empty():
    full, empty = ledge(3.0)
    assert empty[2, 4, level_of(FEET + 0.3)] == 1  # a block ahead, where there is no floor
    assert not full[2, 4].any()
    full, empty = ledge(0.0)
    assert empty[2, 4, level_of(FEET + 0.3)] == 0
    assert empty[2, 4, level_of(FEET - 0.6)] == 1
    assert full[2, 4, level_of(FEET)] == 1


def test_nothing_was_seen_through_what_was_not_looked_at():
    shape = 64, 64
    nothing = nowhere((*shape, 3), 64), unseen(), shape, CAMERA.tangent, np.zeros(3), 0.0
    assert not seen_through(*nothing).any()
    _, empty = ledge(3.0)
    assert not empty[:, :2].any()  # behind


@pytest.mark.parametrize(("depth", "holds"), [(0.0, True), (3.0, False)])
def test_an_eye_does_not_rest_on_what_it_was_seen_through(depth, holds):
    pitch = 40.0
    game = blank(CAMERA, (64, 64, 3), pitch)
    away = flat_floor(FEET + depth, np.radians(pitch))
    for _ in range(3):  # looks ahead
        game = game.turned(np.zeros(actions.SIZE)).seen(game.frame, away)
    for _ in range(4):  # and is moved there without falling
        game = game.standing(np.add(game.eye, (0.0, 0.0, 0.5)))
    ahead = game.nearby()[0, 2, 2, level_of(FEET)]
    assert (ahead > 0) == holds
