"""The benchmark at toy size: every figure is there, and what it compares is comparable."""

import json
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from toys import tiny_dynamics

from worldsim import benchmark
from worldsim.benchmark import dream, fresh, parts, window
from worldsim.benchmark.operations import operations
from worldsim.benchmark.pixels import PixelModel
from worldsim.benchmark.rows import Row, find, speed, timed
from worldsim.benchmark.subject import opened
from worldsim.errors import UserError
from worldsim.footprint import peak_mb, resident_mb
from worldsim.ledger import Ledger
from worldsim.models.packed import PackableConv2d, PackableLinear

TOY = {"frames": 4, "seconds": 1e-3, "batches": 8, "clips": 1, "train_steps": 1, "large": False}
SLOW = {"compile": False, "fresh": False, "avx2": False}


@pytest.fixture(scope="module")
def config(runs):
    where = {"checkpoint": str(runs / "world.safetensors"), "device": "cpu", "dtype": "float32"}
    return benchmark.Config(**where, **TOY, **SLOW)


@pytest.fixture(scope="module")
def result(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    benchmark.run(config, folder)
    assert (folder / "benchmark.png").stat().st_size > 0
    return json.loads((folder / "benchmark.json").read_text())


def test_the_figures_that_count_are_at_the_top(result):
    new_processes = {"first_frame_s", "play_memory_mb"}
    wanted = {"voxel_steps_per_s", "dream_fps_batch1", "dream_p95_ms_batch1", "dream_fps_batch16"}
    wanted |= {"cache_speedup", "train_fps", "pixel_unet_fps", *new_processes}
    assert set(result) - {"machine", "rows"} == wanted - new_processes - {"dream_fps_batch16"}
    assert all(value > 0 for value in result.values() if isinstance(value, float))


def test_every_batch_chunk_and_number_of_steps_has_a_row(result):
    rows = [Row(**row) for row in result["rows"]]
    dreams = [row.settings for row in rows if row.name == "dream"]
    assert len(dreams) == 2 * len(dream.CHUNKS) * len(dream.STEPS)
    assert all(set(settings) == {"batch", "chunk", "steps"} for settings in dreams)
    one = find(rows, "dream", batch=1, chunk=1, steps=2)
    assert one is not None
    assert list(one.latency_ms) == ["p50", "p95", "p99", "worst"]
    assert one.share > 0
    for steps in parts.QUALITY:
        assert find(rows, "PSNR", steps=steps, frame=16) is not None


def test_a_benchmark_that_was_interrupted_goes_on(config, tmp_path, monkeypatch):
    lean = replace(config, clips=0, train_steps=0, batches=1)
    with monkeypatch.context() as patched:
        patched.setattr(parts, "exact_world", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            benchmark.run(lean, tmp_path)
    before = json.loads((tmp_path / benchmark.LEDGER).read_text())["measured"]
    assert set(before) == {"played", "window", "batch 1"}
    benchmark.run(lean, tmp_path)
    rows = json.loads((tmp_path / "benchmark.json").read_text())["rows"]
    assert [row for row in rows if row["name"] == "dream"] == before["batch 1"]
    assert find([Row(**row) for row in rows], parts.EXACT) is not None
    assert not (tmp_path / benchmark.LEDGER).exists()


def test_what_was_measured_of_something_else_does_not_count(tmp_path):
    path = tmp_path / "measured.json"
    assert Ledger(path, {"batch": (1, 2)}).told("speed", lambda: 1) == 1
    assert Ledger(path, {"batch": (1, 2)}).told("speed", lambda: 2) == 1
    assert Ledger(path, {"batch": (1, 3)}).told("speed", lambda: 2) == 2


def _interrupted(_):
    raise KeyboardInterrupt


def test_what_is_played_has_the_settings_of_play(config):
    subject = opened(config.checkpoint, "cpu", "float32", 0.0)
    assert subject.settings == {"chunk": 1, "steps": 2}
    rows, taken = dream.played(subject, 3)
    assert len(taken) == 3
    assert rows[0].settings == {"batch": 1, "chunk": 1, "steps": 2, "frames": 3}
    assert subject.simulator is subject.env.world.simulator


@pytest.mark.parametrize("changes", [{}, {"window": 6, "local_frames": 2}])
def test_a_cached_pass_says_what_the_whole_window_says(changes):
    dynamics = tiny_dynamics(**changes).eval()
    clip = window.made_clip(dynamics, torch.zeros(2, 8, 8), frames=20)
    assert window.difference(dynamics, clip) < 1e-4
    wrong = replace(clip, past=clip.past.flip(1))
    with torch.inference_mode():
        right, other = (window.recomputed(dynamics, past) for past in (clip, wrong))
    assert (right - other).abs().max() > 1e-2


def test_operations_of_packed_and_plain_products_are_counted():
    linear, x = PackableLinear(16, 32), torch.randn(5, 16)
    with torch.inference_mode():
        assert operations(lambda: linear(x)) == 2 * 5 * 16 * 32
        linear.pack()
        assert operations(lambda: linear(x)) == 2 * 5 * 16 * 32
    convolution, picture = PackableConv2d(4, 8, 3, padding=1), torch.randn(2, 4, 6, 5)
    with torch.inference_mode():
        plain = operations(lambda: convolution(picture))
        convolution.pack()
        assert operations(lambda: convolution(picture)) == plain == 2 * 2 * 6 * 5 * 8 * 4 * 9


def test_speed_is_frames_by_seconds_and_its_share_of_the_peak():
    row = speed("thing", [0.1, 0.3], 4, {}, flops=10.0, peak=100.0)
    assert (row.value, row.share) == (pytest.approx(20), pytest.approx(0.5))
    assert row.latency_ms["worst"] == pytest.approx(300)
    assert row.latency_ms["p50"] == pytest.approx(200)


def test_calls_are_timed_after_one_that_does_not_count():
    calls = []
    assert len(timed(lambda: calls.append(1), 0.0)) == 3
    assert len(calls) == 4


def test_the_pixel_model_has_the_published_size():
    model = PixelModel()
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(4.4e6, rel=0.01)
    noisy, past = torch.zeros(1, 3, 64, 64), torch.zeros(1, 12, 64, 64)
    actions = torch.zeros(1, 4, dtype=torch.long)
    with torch.inference_mode():
        shown = [model(noisy, past, actions, torch.full((1, 1), level)) for level in (0.1, 1.0)]
    assert shown[0].shape == noisy.shape
    assert not torch.equal(*shown)


def test_a_new_process_dreams_its_first_frame(config):
    told = fresh._run(["first", config.checkpoint, "cpu"])
    assert 0 < told["frame_at"] < 600


def test_a_process_that_fails_is_told_of(tmp_path):
    with pytest.raises(UserError, match=r"measures first failed and said: .*nowhere"):
        fresh._run(["first", str(tmp_path / "nowhere.safetensors"), "cpu"])


def test_the_limited_benchmark_runs_the_same_with_fewer_instructions(config, tmp_path, monkeypatch):
    asked = []

    def run(command, env, **options):
        asked.append((command, env))
        (tmp_path / "avx2").mkdir()
        (tmp_path / "avx2" / "benchmark.json").write_text('{"rows": []}')
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(fresh.platform, "machine", lambda: "x86_64")
    assert benchmark._limited(replace(config, avx2=True, frames=9000), tmp_path) == {"rows": []}
    command, env = asked[0]
    assert env["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert {"dtype=float32", "avx2=False", "fresh=False", "frames=500", "batches=8"} <= {*command}
    monkeypatch.setattr(fresh.platform, "machine", lambda: "arm64")
    assert benchmark._limited(replace(config, avx2=True), tmp_path) is None
    assert benchmark._limited(config, tmp_path) is None


def test_memory_is_counted_in_megabytes():
    before = resident_mb()
    kept = np.ones(200_000_000, np.uint8)  # so much that it is not found among what was let go
    assert 150 < resident_mb() - before < 400
    assert peak_mb() >= kept.nbytes / 1e6


def test_settings_out_of_range_are_refused(config, tmp_path):
    with pytest.raises(UserError, match="seconds is -1"):
        benchmark.run(replace(config, seconds=-1.0), tmp_path)
