"""Which pixels the context had already shown, by the exact world's geometry."""

import gymnasium as gym
import numpy as np
import pytest

from worldsim import actions
from worldsim.evaluation.clips import collect, rays, view, visible
from worldsim.evaluation.images import blur, moved, overlap, psnr, row_mean, ssim


@pytest.fixture
def env():
    made = gym.make("envs:WorldSim/Voxel-v0", size=48)
    made.reset(seed=3, options={"pitch": 5.0, "time_of_day": 0.25})
    yield made
    made.close()


def turn(env, degrees):
    for _ in range(abs(degrees) // 15):
        env.step(actions.make(camera=(0.0, 15.0 * np.sign(degrees))))
    return view(env)


def test_standing_still_everything_was_seen(env):
    first = view(env)
    env.step(actions.make())
    assert visible(view(env), [first]).mean() > 0.97


def test_turning_right_reveals_the_right_of_the_picture_only(env):
    first = view(env)
    seen = visible(turn(env, 30), [first])
    columns = seen.mean(0)
    assert columns[:20].mean() > 0.9
    assert columns[-12:].mean() < 0.1


def test_what_lies_behind_was_not_seen_but_is_when_any_frame_showed_it(env):
    first = view(env)
    behind = turn(env, 180)
    assert not visible(behind, [first]).any()
    assert visible(behind, [first, behind]).mean() > 0.97


def test_rays_point_as_the_camera_does(env):
    directions = rays((48, 48), 0.7)
    assert np.allclose(directions[..., 0], 1)
    assert directions[0, 24, 2] > 0 > directions[-1, 24, 2]
    assert directions[24, 0, 1] < 0 < directions[24, -1, 1]


def test_clips_line_up_and_repeat(env):
    clips = collect(env, "explorer", range(790_000, 790_002), 4, 3, 2)
    again = collect(env, "explorer", range(790_000, 790_001), 4, 3, 2)
    assert clips[0].frames.shape == (7, 48, 48, 3)
    assert clips[0].actions.shape == (6, actions.SIZE)
    assert clips[0].seen.shape == (3, 48, 48)
    assert np.array_equal(clips[0].frames, again[0].frames)


def test_baselines_and_scores_by_hand():
    frame = np.zeros((24, 32, 3), np.uint8)
    frame[:, 16:] = 200
    assert (row_mean(frame) == 100).all()
    soft = blur(frame)
    assert soft[5, 0, 0] < 10
    assert 80 < soft[5, 16, 0] < 120
    assert psnr(255.0**2) == 0
    assert psnr(0) == psnr(0.01)


def test_similarity_is_one_for_the_same_picture_and_falls_with_noise():
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    noisy = np.clip(frame + rng.normal(0, 20, frame.shape), 0, 255).astype(np.uint8)
    assert ssim(frame, frame) == pytest.approx(1)
    assert 0.5 < ssim(frame, noisy) < 0.999
    assert ssim(frame, noisy) > ssim(frame, blur(frame))


def test_overlap_of_what_moved():
    still = np.zeros((8, 8, 3), np.uint8)
    one, other = still.copy(), still.copy()
    one[:4], other[2:6] = 200, 200
    first, second = moved(one[None], still), moved(other[None], still)
    assert first.sum() == 32
    assert overlap(first, second) == pytest.approx(16 / 48)
    assert overlap(~first & first, second & ~second) == 1
