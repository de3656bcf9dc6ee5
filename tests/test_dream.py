"""The dream environment: Gymnasium's contract, determinism, starts, independence of its twin."""

import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pipeline import PLAIN, SIZE, record_window

from worldsim import actions
from worldsim.data.frames import read_video
from worldsim.errors import UserError
from worldsim.viewer import headless
from worldsim.viewer.config import Config as ViewerConfig
from worldsim.world import load_world


@pytest.fixture
def dream(runs):
    made = gym.make("envs:WorldSim/Dream-v0", checkpoint=str(runs / "world.safetensors"), **PLAIN)
    yield made.unwrapped
    made.close()


def _dreamt(env, options=None, seed=0, ticks=6):
    frames = [env.reset(seed=seed, options=options)[0]]
    frames += [env.step(actions.make(forward=1, camera=(0.0, 3.0)))[0] for _ in range(ticks)]
    return np.stack(frames)


def test_gymnasium_checker_passes(dream):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(dream, skip_render_check=True)


def test_dream_spaces_are_those_of_the_exact_world(dream):
    exact = gym.make("envs:WorldSim/Voxel-v0", size=SIZE)
    assert dream.action_space == exact.action_space
    assert dream.observation_space == exact.observation_space


def test_equal_seeds_dream_equal_frames_and_other_seeds_others(dream):
    start = {"start_index": 0}
    first = _dreamt(dream, start)
    assert np.array_equal(_dreamt(dream, start), first)
    assert not np.array_equal(_dreamt(dream, start, seed=1), first)


def test_info_tells_pose_end_and_model_and_nothing_of_the_clock(dream):
    infos = []
    for _ in range(2):
        dream.reset(seed=3)
        infos.append(dream.step(actions.make(forward=1))[4])
    assert sorted(infos[0]) == ["model_hash", "p_ground", "p_terminate", "pose"]
    assert all(np.array_equal(infos[0][key], infos[1][key]) for key in infos[0])


def test_dream_starts_from_frames_and_actions_and_from_the_exact_world(dream, runs):
    episode = record_window(runs / "validation", 0)
    given = {"frames": episode.frames[:6], "actions": episode.actions[:5]}
    assert _dreamt(dream, given).shape == (7, SIZE, SIZE, 3)
    assert _dreamt(dream, {"frames": episode.frames[:1]}).shape == (7, SIZE, SIZE, 3)
    dream._exact = "small:Small/Voxel-v0"
    dream.reset(seed=0, options={"exact_seed": 700_001})
    exact = gym.make("small:Small/Voxel-v0")
    _, info = exact.reset(seed=700_001)
    assert np.allclose(dream._pose[3:], [info["yaw"], info["pitch"]])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"start": 1}, "start_index"),
        ({"frames": np.zeros((2, 8, 8, 3), np.uint8)}, "32, 32, 3"),
        ({"frames": np.zeros((2, SIZE, SIZE, 3), np.float32)}, "uint8"),
        ({"frames": np.zeros((3, SIZE, SIZE, 3), np.uint8)}, "one between each frame"),
    ],
)
def test_bad_starts_are_refused(dream, options, problem):
    with pytest.raises(UserError, match=problem):
        dream.reset(options=options)


def test_the_dream_never_asks_its_twin(runs):
    code = f"""
import sys
import gymnasium as gym
sys.modules["envs.voxel"] = None
sys.modules["envs.voxel.env"] = None
path = {str(runs / "world.safetensors")!r}
env = gym.make("envs:WorldSim/Dream-v0", checkpoint=path, device="cpu")
env.reset(seed=0)
from worldsim import actions
for _ in range(3):
    env.step(actions.make(forward=1))
print("dreamt")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, cwd=Path.cwd()
    )
    assert done.stdout.strip() == "dreamt", done.stderr


def test_headless_play_shows_the_exact_world_beside_from_the_same_place(runs, tmp_path):
    config = ViewerConfig(
        checkpoint=str(runs / "world.safetensors"),
        env_options=PLAIN,
        headless=True,
        beside=True,
        starts=2,
        start_index=0,
        frames=3,
        scale=1,
        out=str(tmp_path / "both.gif"),
    )
    headless.run(config, tmp_path)
    frames, _ = read_video(tmp_path / "both.gif")
    assert frames.shape == (3, 2 * SIZE + headless.GAP, 2 * SIZE + headless.GAP, 3)
    world = load_world(runs / "world.safetensors", **PLAIN)
    origin = world.contexts[1].origin
    env = gym.make(f"envs:{origin.env_id}", **origin.env_options)
    frame, _ = env.reset(seed=origin.seed)
    for vector in origin.before:
        frame = env.step(actions.from_vector(vector))[0]
    shown = frames[0, SIZE + headless.GAP :, SIZE + headless.GAP :].astype(int)
    assert np.abs(shown - frame).mean() < 6  # a GIF has 256 colours
