import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import numpy as np
import pytest

from worldsim.data import dataset, episode, rebuild
from worldsim.data.record import Config, run
from worldsim.errors import UserError

TESTS = Path(__file__).parent


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.h5")}


def test_every_episode_has_its_own_seed(recorded):
    folder = recorded(seed=30, episodes=3)
    headers = [episode.read_header(path) for path in sorted(folder.glob("*.h5"))]
    assert [header.seed for header in headers] == [30, 31, 32]
    assert headers[0].env_id == "Tiny-v0"
    assert headers[0].engine_version == 1
    assert (headers[0].length, headers[0].frame_shape) == (20, (16, 16))


def test_the_recorders_limit_truncates_and_the_environments_end_terminates(recorded):
    cut = episode.read(recorded("cut", episodes=1, steps=20) / "episode_000000.h5")
    whole = episode.read(recorded("whole", episodes=1, steps=100) / "episode_000000.h5")
    assert cut.truncated[-1]
    assert not cut.terminated.any()
    assert len(whole.actions) == 40
    assert whole.terminated[-1]
    assert not whole.truncated.any()


@pytest.mark.parametrize("policy", ["random", "tiny:Cycle"])
def test_the_same_command_makes_the_same_bytes(recorded, policy):
    assert contents(recorded("a", policy=policy)) == contents(recorded("b", policy=policy))


def test_the_number_of_workers_changes_nothing(recorded):
    alone = recorded("alone", episodes=4, env="tiny:Tiny-v0")
    together = recorded("together", episodes=4, env="tiny:Tiny-v0", workers=2)
    assert contents(alone) == contents(together)


def test_resume_records_only_what_is_missing_or_damaged(recorded, capsys):
    folder = recorded(episodes=4)
    before = contents(folder)
    times = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.h5")}
    (folder / "episode_000001.h5").unlink()
    (folder / "episode_000002.h5").write_bytes(before["episode_000002.h5"][:999])
    (folder / "episode_000003.h5.partial").write_bytes(b"half")
    recorded(episodes=4)
    assert contents(folder) == before
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.h5")}
    assert sorted(name for name in times if times[name] == after[name]) == [
        "episode_000000.h5",
        "episode_000003.h5",
    ]
    assert not list(folder.glob("*.partial"))
    assert "episode_000002.h5 is damaged" in capsys.readouterr().out


def test_a_recording_can_be_made_longer_and_does_not_shrink(recorded):
    recorded(episodes=2)
    folder = recorded(episodes=3)
    assert len(dataset.Dataset(folder)) == 3
    recorded(episodes=1)
    assert len(dataset.Dataset(folder)) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"env": "tiny:Slow-v0"},
        {"policy": "random"},
        {"policy_options": {"stride": 2}},
        {"env_options": {"size": 8}},
        {"seed": 1},
        {"steps": 21},
        {"frames": False},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_recording_in_the_folder_is_refused(recorded, other):
    before = contents(recorded())
    with pytest.raises(UserError, match=f"data was recorded with {next(iter(other))}="):
        recorded(**other)
    assert contents(recorded()) == before


def test_without_its_manifest_a_folder_is_still_not_mixed(recorded):
    folder = recorded()
    (folder / dataset.MANIFEST).unlink()
    with pytest.raises(UserError, match=r"episode_000000\.h5 was recorded with seed=0, not 4"):
        recorded(seed=4)


def test_two_recorders_do_not_share_a_folder(recorded):
    folder = recorded()
    with filelock.FileLock(folder / ".lock"), pytest.raises(UserError, match="in use by another"):
        recorded(episodes=3)


def test_a_full_disk_loses_nothing_that_was_written(recorded, monkeypatch, tmp_path):
    whole = contents(recorded("whole", episodes=4))
    sync, written = os.fsync, []

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 6:  # file and folder of the manifest, then of two episodes
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr("worldsim.files.os.fsync", full)
    with pytest.raises(UserError, match="no space left on the disk"):
        recorded("full", episodes=4)
    monkeypatch.undo()
    folder = tmp_path / "full"
    assert sorted(contents(folder)) == ["episode_000000.h5", "episode_000001.h5"]
    assert not list(folder.glob("*.partial"))
    recorded("full", episodes=4)
    assert contents(folder) == whole


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_stops_cleanly_and_the_same_command_resumes(tmp_path, workers):
    settings = "env=tiny:Slow-v0 policy=tiny:Cycle episodes=40 steps=20"
    command = [sys.executable, "-m", "worldsim", "record", *settings.split()]
    command += [f"out={tmp_path}/data", f"workers={workers}"]
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "data"
    while not (folder / "episode_000001.h5").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1] == "worldsim record: stopped"
    kept = contents(folder)
    assert 2 <= len(kept) < 40
    assert not list(folder.glob("*.partial"))
    for name in kept:
        episode.verify(folder / name)


def test_coverage_is_summed_over_all_episodes_and_shown(recorded, tmp_path, capsys):
    recorded(episodes=1)
    settings = {"env": "Tiny-v0", "policy": "tiny:Cycle", "episodes": 3, "steps": 20}
    run(Config(out=str(tmp_path / "data"), **settings), tmp_path)
    assert dataset.read_manifest(tmp_path / "data")["coverage"] == {"zero": 12, "other": 48}
    assert "zero" in capsys.readouterr().out


def test_a_dict_observation_is_recorded_by_its_image(recorded):
    nested = recorded("nested", env_options={"as_dict": True})
    plain = recorded("plain")
    left, right = (dataset.Dataset(folder).window(0) for folder in (nested, plain))
    np.testing.assert_array_equal(left.frames, right.frames)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"episodes": 0}, "episodes is 0; needed 1 or more"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 699_999}, "run from the train into the validation split"),
        ({"policy": "rndom"}, "did you mean random"),
        ({"policy": "tiny:Nobody"}, "tiny has no 'Nobody'"),
        ({"policy_options": {"strid": 2}}, "does not take these options"),
        ({"env": "CartPole-v1"}, "needed a uint8 image"),
    ],
)
def test_wrong_settings_are_explained(recorded, settings, message):
    with pytest.raises(UserError, match=message):
        recorded(**settings)


def test_frames_can_be_left_out_and_rebuilt(recorded):
    kept, archive = recorded("kept"), recorded("archive", frames=False)
    size = sum(map(len, contents(archive).values()))
    assert size < sum(map(len, contents(kept).values()))
    rebuild.run(rebuild.Config(data=str(archive)), archive)
    assert contents(archive) == contents(kept)
    assert rebuild.rebuild(rebuild.Config(data=str(archive))) == 0
    assert rebuild.rebuild(rebuild.Config(data=str(archive), verify=True, workers=1)) == 2
    np.testing.assert_array_equal(
        dataset.FrameDataset(archive).frames([30]), dataset.FrameDataset(kept).frames([30])
    )


def test_rebuild_refuses_other_rules(recorded, monkeypatch):
    folder = recorded(frames=False)
    monkeypatch.setattr("tiny.Tiny.__init__.__defaults__", (16, False, 2))
    with pytest.raises(UserError, match="engine version 1; this is 2"):
        rebuild.rebuild(rebuild.Config(data=str(folder)))


def test_rebuild_finds_a_replay_that_differs(recorded, monkeypatch):
    folder = recorded(frames=False)
    monkeypatch.setattr("tiny.Tiny.step", lambda self, action: (*self._look()[:1], 0, 0, 0, {}))
    with pytest.raises(UserError, match="sha256 differs"):
        rebuild.rebuild(rebuild.Config(data=str(folder)))
    assert not episode.read_header(folder / "episode_000000.h5").has_frames
