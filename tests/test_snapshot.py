"""Dreams that are kept: gone back to, forked, saved, and small."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dreamt import MADE, make_world

from envs.dream import DreamEnv
from worldsim import actions, checkpoint, trail
from worldsim.errors import UserError

PLAN = [actions.make(left=1, camera=(1.0, -2.0)), actions.make(forward=1, camera=(0.0, 3.0))]


@pytest.fixture(scope="module", params=[True, False], ids=["camera", "plain"])
def path(request, tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world") / "w.safetensors", request.param)


@pytest.fixture
def dream(path):
    env = DreamEnv(path, **MADE)
    env.reset(seed=0)
    return env


def played(env, ticks=4):
    steps = [env.step(PLAN[tick % 2]) for tick in range(ticks)]
    return np.stack([frame for frame, *_ in steps]), steps[-1][-1]["pose"]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("longest", [4, 96])
def test_every_state_of_a_long_dream_can_be_gone_back_to(dream, monkeypatch, longest):
    monkeypatch.setattr(trail, "LONGEST", longest)
    kept, frames = [], []
    for tick in range(20):
        kept.append(dream.snapshot())
        frames.append(dream.step(PLAN[tick % 2])[0])
    for back in (17, 3, 4, 10, 18):
        dream.restore(kept[back])
        for tick in (back, back + 1):
            assert np.array_equal(dream.step(PLAN[tick % 2])[0], frames[tick])


def test_going_back_shows_the_frame_and_the_pose_and_forgets_the_rest(dream):
    frame, pose = played(dream)
    here = dream.snapshot()
    first = played(dream)
    dream.reset(seed=9)
    assert np.array_equal(dream.restore(here), frame[-1])
    assert same(played(dream), first)
    dream.restore(here)
    assert np.array_equal(dream._pose.numpy(), pose)
    dream.reset()
    drawn = dream._frame
    dream.restore(here)
    dream.reset()
    assert np.array_equal(dream._frame, drawn)


def test_a_caller_that_reuses_its_arrays_does_not_change_what_is_kept(dream):
    dream.snapshot()
    action = actions.make(camera=(0.0, 5.0))
    dream.step(action)
    here = dream.snapshot()
    first = played(dream)
    action["camera"][:] = -5.0
    dream.restore(here).fill(0)
    assert same(played(dream), first)


def test_consecutive_snapshots_cost_kilobytes(dream):
    first = dream.snapshot()
    dream.step(PLAN[0])
    second = dream.snapshot()
    assert second.kept.trail.start is first.kept.trail.start
    (move,) = second.kept.trail.moves
    assert move.latents.nbytes + move.actions.nbytes < 10_000
    assert move.latents.untyped_storage().nbytes() == move.latents.nbytes


def test_forks_share_the_past_and_part_by_their_noise(dream):
    played(dream)
    shown = dream._frame
    futures = dream.fork(3)
    straight = played(dream)
    seen = []
    for future in futures:
        assert np.array_equal(dream.restore(future), shown)
        seen.append(played(dream)[0])
    assert np.array_equal(seen[0], straight[0])
    assert not np.array_equal(seen[1], seen[0])
    assert not np.array_equal(seen[2], seen[1])
    dream.restore(futures[2])
    assert np.array_equal(played(dream)[0], seen[2])
    one, other = dream.fork(2, seeds=[5, 5])
    dream.restore(one)
    first = played(dream)
    dream.restore(other)
    assert same(played(dream), first)


def test_a_saved_dream_goes_on_in_another_process(dream, path, tmp_path):
    played(dream)
    file = tmp_path / "here.safetensors"
    dream.save(file)
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import torch
torch.set_num_threads(1)
import numpy as np
from test_snapshot import DreamEnv, MADE, played
env = DreamEnv({str(path)!r}, **MADE)
env.load({str(file)!r})
frames, pose = played(env)
env.reset()
np.savez({str(tmp_path / "theirs.npz")!r}, frames=frames, pose=pose, reset=env._frame)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=110)
    theirs = np.load(tmp_path / "theirs.npz")
    frames, pose = played(dream)
    dream.reset()
    assert np.array_equal(theirs["frames"], frames)
    assert np.array_equal(theirs["pose"], pose)
    assert np.array_equal(theirs["reset"], dream._frame)


def test_a_loaded_dream_knows_its_origin_and_can_be_saved_again(dream, tmp_path):
    dream.save(tmp_path / "a")
    origin = dream.origin
    dream.load(tmp_path / "a")
    dream.save(tmp_path / "b")
    (first, meta), (second, other) = (checkpoint.load(tmp_path / name) for name in "ab")
    assert meta == other
    assert first.keys() == second.keys()
    assert np.array_equal(dream.origin.before, origin.before)
    assert (dream.origin.env_id, dream.origin.seed) == (origin.env_id, origin.seed)


def test_dreams_of_another_model_and_damaged_files_are_refused(dream, path, tmp_path):
    dream.save(tmp_path / "here")
    other = DreamEnv(make_world(tmp_path / "other", camera=False, seed=1), **MADE)
    before = other.reset(seed=0)[0]
    for go in (lambda: other.load(tmp_path / "here"), lambda: other.restore(dream.snapshot())):
        with pytest.raises(UserError, match=r"of model .*; this environment plays"):
            go()
    assert np.array_equal(other.restore(other.snapshot()), before)
    with pytest.raises(UserError, match="holds a 'world' checkpoint; needed 'dream'"):
        dream.load(path)
    whole = (tmp_path / "here").read_bytes()
    (tmp_path / "here").write_bytes(whole[:-50])
    with pytest.raises(UserError, match="truncated"):
        dream.load(tmp_path / "here")
    with pytest.raises(UserError, match="no such checkpoint"):
        dream.load(tmp_path / "nowhere")


def test_forks_that_make_no_sense_and_dreams_not_begun_are_refused(dream, path):
    with pytest.raises(UserError, match="n=0"):
        dream.fork(0)
    with pytest.raises(UserError, match="n=3 and 2 seeds"):
        dream.fork(3, seeds=[1, 2])
    with pytest.raises(RuntimeError, match="call reset"):
        DreamEnv(path, **MADE).snapshot()
