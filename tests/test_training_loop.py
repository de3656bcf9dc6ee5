import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from worldsim import checkpoint
from worldsim.errors import UserError
from worldsim.models.tokenizer import TokenizerConfig
from worldsim.trained import load_tokenizer
from worldsim.training.loop import CHECKPOINT, LoopConfig, rate_factor, step_generator, train
from worldsim.training.train_tokenizer import (
    WEIGHTS,
    Config,
    TokenizerTask,
    run,
)

SMALL = TokenizerConfig(
    encoder_widths=[8, 8], encoder_blocks=[0, 1], decoder_widths=[8, 8, 8], decoder_blocks=[0, 0, 1]
)
SHORT = Config(
    steps=6,
    warmup=2,
    batch=4,
    model=SMALL,
    dtype="float32",
    device="cpu",
    compile=False,
    tensorboard=False,
    log_every=2,
    evaluate_every=4,
    evaluate_frames=8,
)


class ArrayFrames:
    """Frames in memory, as `FrameDataset` offers them."""

    def __init__(self, count: int = 40, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        self._frames = generator.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self._frames)

    def frames(self, indices: Any) -> Any:
        return self._frames[indices]


class LineTask:
    """Fits one number; the step whose loss is spoilt, or at which it is interrupted, is given."""

    name = "line"
    frames_per_batch = 1
    device = torch.device("cpu")

    def __init__(self, spoilt: range = range(0), interrupted_at: int | None = None) -> None:
        torch.manual_seed(0)
        self.model = nn.Linear(1, 1)
        self.optimizers = [torch.optim.AdamW(self.model.parameters(), lr=0.1)]
        self.spoilt, self.interrupted_at = spoilt, interrupted_at
        self.calls, self.noise = 0, []

    def config(self) -> dict[str, Any]:
        return {"width": 1}

    def draw(self, generator: np.random.Generator) -> Tensor:
        return torch.from_numpy(generator.normal(size=(8, 1)).astype(np.float32))

    def loss(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        if self.calls == self.interrupted_at:
            os.kill(os.getpid(), signal.SIGTERM)
        self.noise.append(float(torch.rand((), generator=generator)))
        factor = float("nan") if self.calls in self.spoilt else 1.0
        self.calls += 1
        return factor * (self.model(batch) - 2 * batch - 1).square().mean(), {}

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        return {"weight": float(model.weight)}

    def export(self, model: nn.Module, run_dir: Path, step: int, figures: dict[str, float]) -> None:
        (run_dir / "exported").write_text(str(step))


def short_loop(**settings: Any) -> LoopConfig:
    return LoopConfig(**{"steps": 10, "warmup": 0, "tensorboard": False, **settings})


def tensors_of(run_dir: Path) -> dict[str, Tensor]:
    return checkpoint.load(run_dir / CHECKPOINT, "training")[0]


def metrics_of(run_dir: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_resumed_training_equals_uninterrupted_training_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(TokenizerTask(SHORT, ArrayFrames()), SHORT, tmp_path / "whole", {})

    broken_off = TokenizerTask(SHORT, ArrayFrames())
    original, calls = broken_off.loss, []

    def interrupted(batch: Tensor, generator: torch.Generator) -> Any:
        calls.append(batch)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(batch, generator)

    monkeypatch.setattr(broken_off, "loss", interrupted)
    train(broken_off, SHORT, tmp_path / "parts", {})
    assert checkpoint.read_meta(tmp_path / "parts" / CHECKPOINT)["step"] == 3

    train(TokenizerTask(replace(SHORT, seed=0), ArrayFrames()), SHORT, tmp_path / "parts", {})
    whole, parts = tensors_of(tmp_path / "whole"), tensors_of(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert any(name.startswith("optimizer1.") for name in whole)
    for name, tensor in whole.items():
        assert torch.equal(tensor, parts[name]), name


def test_one_task_reaches_the_answer_and_tells_about_it(tmp_path: Path) -> None:
    figures = train(LineTask(), short_loop(steps=150, evaluate_every=50), tmp_path, {"key": 1})
    assert figures["weight"] == pytest.approx(2, abs=0.1)
    assert (tmp_path / "exported").read_text() == "150"
    card = (tmp_path / "card.md").read_text()
    assert "frames seen | 150" in card
    assert '"key": 1' in card
    rows = metrics_of(tmp_path)
    logged = [row for row in rows if "loss" in row]
    assert [row["step"] for row in logged] == list(range(20, 141, 20))
    assert logged[-1]["loss"] < logged[0]["loss"]
    assert [row["step"] for row in rows if "weight" in row] == [50, 100, 150]


def test_training_time_is_a_limit_too(tmp_path: Path) -> None:
    train(LineTask(), short_loop(steps=None, minutes=1e-3), tmp_path, {})
    meta = checkpoint.read_meta(tmp_path / CHECKPOINT)
    assert meta["step"] > 0
    assert meta["seconds"] >= 0.06
    train(LineTask(), short_loop(steps=None, minutes=1e-3), tmp_path, {})
    assert checkpoint.read_meta(tmp_path / CHECKPOINT)["step"] == meta["step"]


def test_without_an_end_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither steps nor minutes"):
        train(LineTask(), LoopConfig(), tmp_path, {})


def test_more_steps_continue_a_finished_run(tmp_path: Path) -> None:
    train(LineTask(), short_loop(steps=4), tmp_path, {})
    task = LineTask()
    train(task, short_loop(steps=10), tmp_path, {})
    assert task.calls == 6


def test_signal_handlers_are_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    train(LineTask(interrupted_at=2), short_loop(), tmp_path, {})
    assert signal.getsignal(signal.SIGTERM) is before


def test_loop_runs_outside_the_main_thread(tmp_path: Path) -> None:
    worker = threading.Thread(target=train, args=(LineTask(), short_loop(), tmp_path, {}))
    worker.start()
    worker.join()
    assert checkpoint.read_meta(tmp_path / CHECKPOINT)["step"] == 10


def test_noise_depends_on_seed_and_step_alone(tmp_path: Path) -> None:
    whole, first, second = LineTask(), LineTask(), LineTask()
    train(whole, short_loop(steps=6), tmp_path / "whole", {})
    train(first, short_loop(steps=2), tmp_path / "parts", {})
    train(second, short_loop(steps=6), tmp_path / "parts", {})
    assert first.noise + second.noise == whole.noise
    assert len(set(whole.noise)) == 6
    seeds = {step_generator(*pair, LineTask.device).initial_seed() for pair in ((0, 1), (1, 0))}
    assert len(seeds) == 2


def test_another_model_in_the_folder_is_refused(tmp_path: Path) -> None:
    train(TokenizerTask(SHORT, ArrayFrames()), SHORT, tmp_path, {})
    other = replace(SHORT, model=replace(SMALL, latent_channels=4))
    with pytest.raises(UserError, match="a run with latent_channels=8; this run has 4"):
        train(TokenizerTask(other, ArrayFrames()), other, tmp_path, {})


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    class Nested(LineTask):
        def loss(self, batch: Tensor, generator: torch.Generator) -> Any:
            train(LineTask(), short_loop(), tmp_path, {})

    with pytest.raises(UserError, match="in use"):
        train(Nested(), short_loop(), tmp_path, {})


def test_steps_with_a_loss_that_is_not_finite_change_nothing(tmp_path: Path) -> None:
    task = LineTask(spoilt=range(0, 3))
    task.model = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
    task.evaluate = lambda *arguments: {}
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    train(task, short_loop(steps=3), tmp_path, {})
    for name, value in task.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert checkpoint.read_meta(tmp_path / CHECKPOINT)["step"] == 3


def test_many_such_steps_in_a_row_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not finite for 3 steps in a row, up to step 6"):
        train(LineTask(spoilt=range(4, 99)), short_loop(steps=50, max_skips=3), tmp_path, {})


def test_rate_rises_stays_and_falls() -> None:
    config = LoopConfig(warmup=10, cooldown=0.2)
    assert rate_factor(0, 0.0, config) == pytest.approx(0.1)
    assert rate_factor(9, 0.1, config) == 1
    assert rate_factor(500, 0.8, config) == pytest.approx(1)
    assert rate_factor(900, 0.9, config) == pytest.approx(0.5)
    assert rate_factor(999, 1.0, config) == 0
    assert rate_factor(0, 1.0, LoopConfig(warmup=0, cooldown=0)) == 1


def test_an_error_in_drawing_reaches_the_loop(tmp_path: Path) -> None:
    class Broken(LineTask):
        def draw(self, generator: np.random.Generator) -> Tensor:
            raise UserError("the data set is gone")

    with pytest.raises(UserError, match="data set is gone"):
        train(Broken(), short_loop(), tmp_path, {})


@pytest.fixture
def folders(recorded: Callable[..., Path]) -> Config:
    training = recorded("training", seed=10)
    held_out = recorded("held_out", seed=700_000)
    return replace(SHORT, data=[str(training)], held_out=[str(held_out)])


def test_command_trains_measures_and_exports(folders: Config, tmp_path: Path) -> None:
    run(folders, tmp_path / "run")
    model, meta = load_tokenizer(tmp_path / "run" / WEIGHTS)
    assert not model.training
    assert meta["figures"].keys() == {"held_out/psnr", "held_out/edges", "held_out/spread"}
    assert model.encode(torch.zeros(1, 3, 16, 16)).shape == (1, 8, 2, 2)
    pictures = sorted(path.name for path in (tmp_path / "run" / "samples").iterdir())
    assert pictures == ["0000004.png", "0000006.png"]


def test_command_refuses_held_out_seeds_for_training(folders: Config, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="700000"):
        run(replace(folders, data=folders.held_out), tmp_path)


def test_command_refuses_to_measure_on_what_it_trains_on(folders: Config, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seed 10 is in data and in held_out"):
        run(replace(folders, held_out=folders.data), tmp_path)


def test_command_refuses_frames_that_do_not_fit(folders: Config, tmp_path: Path) -> None:
    model = replace(SMALL, patch=16, decoder_widths=[8] * 5, decoder_blocks=[0] * 5)
    with pytest.raises(UserError, match=r"16x16 frames; .* multiples of 32"):
        run(replace(folders, model=model), tmp_path)
