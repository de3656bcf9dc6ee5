"""Motion measured between two pictures of the exact world, against where the player went."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from worldsim import actions
from worldsim.camera import FAR, CameraConfig
from worldsim.memory.odometry import walked
from worldsim.models.heads import body_motion

CAMERA = CameraConfig(field_of_view=70.0)
TICKS = 10


@pytest.fixture(scope="module")
def walk():
    """Frames, actions, poses and depths of a walk that turns."""
    env = gym.make("envs:WorldSim/Voxel-v0")
    frame, info = env.reset(seed=3)
    frames, led, away, infos = [frame], [], [env.unwrapped.depth()], [info]
    for tick in range(TICKS):
        action = actions.make(forward=1, jump=tick == 5, camera=(1.0, 3.0))
        led.append(actions.to_vector(action))
        frame, *_, info = env.step(action)
        frames.append(frame)
        away.append(env.unwrapped.depth())
        infos.append(info)
    env.close()
    poses = np.array([[*info["position"], info["yaw"], info["pitch"]] for info in infos])
    return np.stack(frames), np.stack(led), poses, np.minimum(away, FAR).astype(np.float32)


def test_a_walk_is_measured_to_a_hundredth_of_a_block(walk):
    frames, led, poses, away = walk
    motion = body_motion(torch.from_numpy(poses)[None])[0, :, :3].numpy()
    measured = walked(CAMERA, frames, led, poses[:, 4], away[1:])
    assert measured.shape == (TICKS, 7)
    assert np.abs(motion).max() > 0.2
    error = np.abs(measured[:, :3] - motion)
    assert np.median(error) < 0.01
    assert error.mean() < 0.02
    assert (measured[:, 3:6] > 0).all()


def test_a_guess_carries_a_measurement_on(walk):
    frames, led, poses, away = walk
    whole = walked(CAMERA, frames, led, poses[:, 4], away[1:])
    rest = walked(CAMERA, frames[4:], led[4:], poses[4:, 4], away[5:], whole[3, :3])
    assert np.allclose(rest, whole[4:], atol=1e-5)


def test_where_nothing_is_near_the_guess_stays(walk):
    frames, led, poses, away = walk
    far = np.full_like(away, FAR)
    measured = walked(CAMERA, frames, led, poses[:, 4], far[1:], np.array([0.1, 0.0, -0.2]))
    assert np.allclose(measured[:, :3], (0.1, 0.0, -0.2), atol=1e-6)
    assert (measured[:, 3:] == 1).all()


def test_a_jump_is_found_from_rest():
    env = gym.make("envs:WorldSim/Voxel-v0")
    env.reset(seed=3)
    for _ in range(10):
        before, *_, info = env.step(actions.make(camera=(3.0, 0.0)))
    action = actions.make(jump=1)
    after, *_, jumped = env.step(action)
    away = np.minimum(env.unwrapped.depth(), FAR)[None].astype(np.float32)
    pitches = np.array([info["pitch"], jumped["pitch"]])
    led = actions.to_vector(action)[None]
    measured = walked(CAMERA, np.stack([before, after]), led, pitches, away)[0]
    up = jumped["position"][1] - info["position"][1]
    assert up > 0.4
    assert measured[:3] == pytest.approx([0, 0, up], abs=0.03)
