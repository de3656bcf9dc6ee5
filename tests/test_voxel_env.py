"""The exact world as an environment: checker, determinism, state, picture, tasks."""

import hashlib
import json
import subprocess
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from agents.builder import Builder
from agents.explorer import Explorer
from agents.replay import Replay, traces
from envs.voxel.blocks import BEACON, ID, LOGS
from envs.voxel.env import RENDER_VERSION
from envs.voxel.generate import BIOMES, column
from worldsim import actions

IDS = tuple(f"WorldSim/Voxel{task}-v0" for task in ("", "Chop", "Navigate", "Playground", "Visits"))

PICTURES = "38ef34d8ac444ac52de6dc6fa9d0ed292683da2fde38f795c202925a79cab93f"
"""Of the frames of `_gallery`, for `RENDER_VERSION` 1: the picture of a state never changes."""


@pytest.fixture
def env():
    made = gym.make("envs:WorldSim/Voxel-v0").unwrapped
    yield made
    made.close()


def _play(env, seed, ticks):
    """Frames, infos of the explorer's play."""
    frame, info = env.reset(seed=seed)
    policy = Explorer()
    policy.reset(seed, env, info)
    frames, infos = [frame], [info]
    for _ in range(ticks):
        frame, _, ended, _, info = env.step(policy.act(frame, info))
        frames.append(frame)
        infos.append(info)
        if ended:
            break
    return frames, infos


def _digest(env, seed, ticks):
    frames, _ = _play(env, seed, ticks)
    return hashlib.sha256(np.stack(frames).tobytes()).hexdigest() + env.state_hash()


def _gallery(env):
    """Frames of many places, hours and situations."""
    out = []
    for seed in range(12):
        env.reset(seed=seed, options={"time_of_day": seed / 12})
        position = env.game.body[:3].copy()
        for yaw, pitch in ((0.0, 0.0), (137.0, 35.0), (-60.0, -40.0)):
            out.append(env.render_at(position, yaw, pitch))
        out.append(env.render_at(position + np.array([0, 12, 0]), 20.0, 60.0, size=(48, 80)))
    return out


@pytest.mark.parametrize("name", IDS)
def test_gymnasium_checker_passes(name):
    made = gym.make(f"envs:{name}", render_mode="rgb_array", size=32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")
        check_env(made.unwrapped)


def test_the_picture_of_a_state_is_frozen(env):
    assert RENDER_VERSION == "1"
    digest = hashlib.sha256(b"".join(frame.tobytes() for frame in _gallery(env))).hexdigest()
    assert digest == PICTURES


def test_equal_seeds_and_actions_are_equal_in_two_processes(env):
    code = (
        "import gymnasium as gym; from tests.test_voxel_env import _digest;"
        "print(_digest(gym.make('envs:WorldSim/Voxel-v0').unwrapped, 11, 60))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert other.stdout.strip() == _digest(env, 11, 60)


def test_reset_leaves_no_trace(env):
    first = _digest(env, 5, 30)
    _play(env, 6, 40)
    assert _digest(env, 5, 30) == first


def test_a_state_set_again_goes_on_bit_for_bit(env):
    _play(env, 4, 50)
    kept, frame = env.get_state(), env.observe()
    plan = [actions.make(forward=1, attack=1, camera=(1.0, 3.0)) for _ in range(25)]
    first = [env.step(action)[0] for action in plan]
    end = env.state_hash()
    _play(env, 9, 20)
    env.set_state(kept)
    assert np.array_equal(env.observe(), frame)
    again = [env.step(action)[0] for action in plan]
    assert np.array_equal(first, again)
    assert env.state_hash() == end
    env.set_state(kept)
    for action in plan:
        env.advance(action)  # nobody looks on the way
    assert env.state_hash() == end
    assert np.array_equal(env.observe(), first[-1])


def test_a_state_opens_in_another_environment(env):
    _play(env, 4, 30)
    other = gym.make("envs:WorldSim/Voxel-v0").unwrapped
    frame, _ = other.reset(seed=0, options={"state": env.get_state()})
    assert np.array_equal(frame, env.observe())
    assert other.state_hash() == env.state_hash()


def test_a_damaged_state_is_refused(env):
    env.reset(seed=0)
    with pytest.raises(ValueError, match="get_state"):
        env.set_state(b"nonsense")


def test_render_at_moves_nothing_and_agrees_with_the_frame(env):
    frame, info = env.reset(seed=8)
    before = env.state_hash()
    seen = env.render_at(info["position"], info["yaw"], info["pitch"])
    env.render_at(info["position"] + [30.0, 5.0, 30.0], 90.0, 10.0)
    assert env.state_hash() == before
    assert np.array_equal(seen, frame)


def test_block_ids_and_depth_know_what_the_crosshair_is_on(env):
    env.reset(seed=2, options={"pitch": 60.0})
    info = env.step(actions.make())[4]
    h, w = env.block_ids().shape
    assert env.block_ids()[h // 2, w // 2] == info["target_block"]
    assert env.depth()[h // 2, w // 2] == pytest.approx(info["target_distance"], abs=0.1)


def test_edits_survive_walking_away_and_back(env):
    env.reset(seed=2)
    start = env.game.body[:3].copy()
    x, y, z = (int(v) for v in np.floor(start))
    env.set_block(x + 2, y + 3, z, ID["bricks"])
    env.game.world.load_around(x + 500, z)
    assert env.block_at(x + 2, y + 3, z) == ID["bricks"]
    env.game.world.load_around(x, z)
    assert env.block_at(x + 2, y + 3, z) == ID["bricks"]


def test_set_block_out_of_the_world_is_refused(env):
    env.reset(seed=2)
    with pytest.raises(ValueError, match="height"):
        env.set_block(0, 64, 0, 1)
    with pytest.raises(ValueError, match="kind"):
        env.set_block(0, 10, 0, 99)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"camera": np.array([np.nan, 0], np.float32)}, "nan"),
        ({"camera": np.array([0, 21], np.float32)}, "21"),
        ({"camera": np.zeros(3, np.float32)}, "shape"),
        ({"jump": 2}, "jump"),
    ],
)
def test_bad_actions_are_refused_and_change_nothing(env, change, problem):
    env.reset(seed=1)
    before = env.state_hash()
    with pytest.raises(ValueError, match=problem):
        env.step({**actions.make(), **change})
    with pytest.raises(ValueError, match="lacks camera"):
        env.step({name: 0 for name in actions.BUTTONS})
    assert env.state_hash() == before


@pytest.mark.parametrize("size", [16, 64, (72, 128), 200])
def test_any_size_shows_the_same_world(size):
    made = gym.make("envs:WorldSim/Voxel-v0", size=size)
    frame, _ = made.reset(seed=3, options={"time_of_day": 0.2})
    assert frame.shape[:2] == ((size, size) if isinstance(size, int) else size)
    assert frame.std() > 5


def test_every_biome_is_found_near_some_start():
    found = {column(seed, x, 0)[1] for seed in range(30) for x in range(0, 400, 40)}
    assert found == set(range(len(BIOMES)))


def test_the_world_goes_on_far_from_its_middle(env):
    env.reset(seed=1, options={"yaw": 0.0})
    env.game.body[:3] = 3_000_000.5, 60, -2_000_000.5
    for _ in range(10):
        env.step(actions.make(forward=1))
    assert env.game.body[2] > -2_000_000.5
    assert env.block_at(3_000_000, 0, -2_000_000) == ID["bedrock"]


def test_night_is_darker_than_day(env):
    means = [
        env.reset(seed=3, options={"time_of_day": hour, "pitch": 0.0})[0].mean()
        for hour in (0.25, 0.75)
    ]
    assert means[1] < 0.6 * means[0]


def test_chop_rewards_each_log():
    made = gym.make("envs:WorldSim/VoxelChop-v0", size=16)
    env = made.unwrapped
    made.reset(seed=1, options={"pitch": 0.0})
    x, y, z = (int(v) for v in np.floor(env.game.body[:3]))
    yaw = np.radians(env.game.body[6])
    ahead = int(np.round(-2 * np.sin(yaw))), int(np.round(2 * np.cos(yaw)))
    for dx in (-1, 0, 1):
        for dz in (-1, 0, 1):
            for dy in (0, 1, 2):
                env.set_block(x + ahead[0] + dx, y + dy, z + ahead[1] + dz, LOGS[0])
    rewards = [made.step(actions.make(attack=1))[1] for _ in range(12)]
    assert sum(rewards) == 1.0
    assert rewards.index(1.0) == 9


def test_navigate_ends_at_the_beacon_in_view():
    made = gym.make("envs:WorldSim/VoxelNavigate-v0")
    env = made.unwrapped
    made.reset(seed=5)
    assert (env.block_ids() == BEACON).any()
    x, z = env._beacon
    env.game.body[:3] = x + 1.9, env.game.body[1] + 8, z + 0.5
    _, reward, terminated, _, info = made.step(actions.make())
    assert (reward, terminated, info["events"]["beacon_reached"]) == (1.0, True, 1.0)


def _coverage(policy, env, ticks=400):
    """What a policy says that it did in the world of seed 0."""
    frame, info = env.reset(seed=0)
    policy.reset(0, env, info)
    for _ in range(ticks):
        frame, _, ended, _, info = env.step(policy.act(frame, info))
        if ended:
            break
    return policy.coverage()


def test_the_explorer_covers_and_counts(env):
    counts = _coverage(Explorer(), env)
    assert counts["ticks"] == 400
    assert sum(v for k, v in counts.items() if k.startswith("skill.")) == 400
    assert len([k for k in counts if k.startswith("skill.")]) >= 5
    with pytest.raises(ValueError, match="fly"):
        Explorer({"fly": 1.0})


def test_the_builder_has_busier_hands_than_the_explorer(env):
    builder, explorer = (_coverage(policy(), env) for policy in (Builder, Explorer))
    edits = ("event.block_placed", "event.block_broken")
    assert sum(builder[edit] for edit in edits) > 2 * sum(explorer[edit] for edit in edits)
    assert builder == _coverage(Builder(), env)
    with pytest.raises(ValueError, match="mine"):
        Builder({"mine": 1.0})


def test_the_replay_plays_recorded_input_as_it_is_or_perturbed(env):
    recorded = traces()["explore"]
    frame, info = env.reset(seed=0)
    exact, varied = Replay(perturb=False, trace="explore"), Replay()
    exact.reset(0, env, info)
    played = [actions.to_vector(exact.act(frame, info)) for _ in range(50)]
    assert np.array_equal(played, recorded[:50])
    varied.reset(3, env, info)
    assert not np.array_equal(
        [actions.to_vector(varied.act(frame, info)) for _ in range(50)], recorded[:50]
    )


def test_info_is_plain_numbers_of_constant_shape(env):
    _, infos = _play(env, 3, 20)

    def shapes(info):
        flat = {**{k: v for k, v in info.items() if k != "events"}, **info["events"]}
        return json.dumps(
            {k: [list(np.shape(v)), np.asarray(v).dtype.kind] for k, v in flat.items()}
        )

    assert {shapes(info) for info in infos} == {shapes(infos[0])}
