"""The training loop that every network shares: a `Task` says what, `train` does it.

Started again with the same folder it continues where the last checkpoint was, to the same bits.
"""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from worldsim import checkpoint
from worldsim.errors import UserError
from worldsim.files import locked
from worldsim.training.average import Average
from worldsim.training.batches import Batches
from worldsim.training.journal import Journal, write_card
from worldsim.training.stopping import stop_signals

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class LoopConfig:
    """How long and how to train; a run ends at `steps` or `minutes`, whichever comes first."""

    steps: int | None = None
    minutes: float | None = None
    """Training time, summed over resumed runs."""
    init: str | None = None
    """Trained weights to begin from: a file of such a network, or a world file that has one."""
    seed: int = 0
    warmup: int = 200
    """Steps over which the learning rate rises from zero."""
    cooldown: float = 0.15
    """Last part of the run over which the learning rate falls to zero; 0 keeps it constant."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    average: float = 0.999
    """Decay of the moving average of the weights."""
    log_every: int = 20
    evaluate_every: int = 500
    checkpoint_minutes: float = 5.0
    loader_threads: int = 2
    max_skips: int = 10
    """Steps in a row whose loss may be not finite (they change nothing) before the run fails."""
    tensorboard: bool = True


class Task(Protocol):
    """What is trained. Randomness comes from the generators given, nowhere else."""

    name: str
    frames_per_batch: int
    device: torch.device

    @property
    def model(self) -> nn.Module:
        """The network; its averaged weights are what is evaluated and exported."""

    @property
    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """The optimisers, each with the learning rate that it has after the warm-up."""

    def config(self) -> dict[str, Any]:
        """The model's configuration as plain data; a resumed run needs the same."""

    def draw(self, generator: np.random.Generator) -> Any:
        """A batch; called in threads."""

    def loss(self, batch: Any, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss, a scalar, and further metrics of a batch; `model` is in training mode."""

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """Figures on held-out data of `model` (the averaged weights); pictures into the folder."""

    def export(self, model: nn.Module, run_dir: Path, step: int, figures: dict[str, float]) -> None:
        """Writes `model` (the averaged weights) for use; called with every checkpoint."""


def train(task: Task, config: LoopConfig, run_dir: Path, settings: Any) -> dict[str, float]:
    """The last figures of the task after training in `run_dir`, from its checkpoint if it has one.

    `settings`, plain data, goes on the card. SIGTERM and SIGINT end the run with a checkpoint.

    Raises:
        UserError: neither steps nor minutes is set, the folder belongs to another model or is in
            use, or the loss stays not finite.
    """
    if config.steps is None and config.minutes is None:
        raise UserError("neither steps nor minutes is set: needed when to end (e.g. minutes=60)")
    with locked(run_dir, task.name):
        run = _Run(task, config, run_dir)
        run.resume()
        with (
            Journal(run_dir, run.step, config.tensorboard) as journal,
            Batches(task.draw, config.seed, run.step, config.loader_threads) as batches,
            stop_signals() as stop,
        ):
            run.train(batches, journal, stop)
            if stop.is_set():
                journal.say(f"stopped at step {run.step:,}; the same command continues")
            else:
                run.evaluate(journal)
            run.save()
            card = {"steps": run.step, "frames seen": run.frames, "minutes": run.seconds / 60}
            write_card(run_dir / "card.md", task.name, settings, {**card, **run.figures})
    return run.figures


class _Run:
    """A run's place in time: its step, its clock, its averaged weights, its checkpoints."""

    def __init__(self, task: Task, config: LoopConfig, run_dir: Path) -> None:
        self.task, self.config, self.run_dir = task, config, run_dir
        self.step = self.frames = self.skips = 0
        self.seconds = 0.0
        self.figures: dict[str, float] = {}
        self.average = Average(task.model, config.average)
        self.rates = [[group["lr"] for group in o.param_groups] for o in task.optimizers]

    @property
    def done(self) -> float:
        """How much of the run is over, 0 to 1, by steps or by minutes."""
        limits = ((self.step, self.config.steps), (self.seconds / 60, self.config.minutes))
        return max(0.0, *(now / end if end else 1.0 for now, end in limits if end is not None))

    def train(self, batches: Batches, journal: Journal, stop: threading.Event) -> None:
        """Steps until the run is over or stopped, with log lines, evaluations and checkpoints."""
        config = self.config
        saved = self.seconds
        began = time.monotonic() - self.seconds
        while self.done < 1 and not stop.is_set():
            start = time.monotonic()
            metrics = self.update(batches.take())
            journal.add({**metrics, "step_seconds": time.monotonic() - start})
            self.seconds = time.monotonic() - began
            if self.step % config.log_every == 0:
                self._log(journal)
            if self.step % config.evaluate_every == 0 and self.done < 1:
                self.evaluate(journal)
            if self.seconds - saved > 60 * config.checkpoint_minutes:
                self.save()
                saved = self.seconds

    def update(self, batch: Any) -> dict[str, Tensor | float]:
        """The metrics of one optimisation step; one without finite gradients changes nothing."""
        task = self.task
        factor = rate_factor(self.step, self.done, self.config)
        for optimizer, rates in zip(task.optimizers, self.rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        task.model.train()
        statistics = [(buffer, buffer.clone()) for buffer in task.model.buffers()]
        loss, metrics = task.loss(batch, step_generator(self.config.seed, self.step, task.device))
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(task.model.parameters(), self.config.clip)
        finite = bool(torch.isfinite(loss)) and bool(torch.isfinite(norm))
        for optimizer in task.optimizers:
            if finite:
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if finite:
            self.average.update(task.model, self.step)
        else:
            for buffer, value in statistics:
                buffer.copy_(value)
        self._count_skips(finite)
        self.step += 1
        self.frames += task.frames_per_batch
        return {"loss": loss, **metrics, "gradient": norm} if finite else {"skipped": 1.0}

    def evaluate(self, journal: Journal) -> None:
        """Evaluates the averaged weights and writes the figures down."""
        samples = self.run_dir / "samples"
        samples.mkdir(exist_ok=True)
        with torch.no_grad():
            self.figures = self.task.evaluate(self.average.model, samples, self.step)
        if not self.figures:
            return
        journal.write(self.step, self.figures)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        journal.say(f"step {self.step:,}: {shown}")

    def save(self) -> None:
        """Writes the checkpoint to continue from, and the averaged weights for use."""
        tensors = {
            **checkpoint.prefixed(self.task.model.state_dict(), "model"),
            **checkpoint.prefixed(self.average.model.state_dict(), "average"),
            "rng.torch": torch.get_rng_state(),
        }
        optimizers = []
        for i, optimizer in enumerate(self.task.optimizers):
            state, rest = checkpoint.flatten_optimizer(optimizer.state_dict())
            tensors |= checkpoint.prefixed(state, f"optimizer{i}")
            optimizers.append(rest)
        meta = {"kind": "training", "config": self.task.config(), "step": self.step}
        progress = {"frames": self.frames, "seconds": self.seconds, "figures": self.figures}
        path = self.run_dir / CHECKPOINT
        checkpoint.save(path, tensors, {**meta, **progress, "optimizers": optimizers})
        self.task.export(self.average.model, self.run_dir, self.step, self.figures)

    def resume(self) -> None:
        """Continues from the folder's checkpoint, if there is one.

        Rates and other settings of the optimisers are those of this run's configuration.
        """
        path = self.run_dir / CHECKPOINT
        if not path.exists():
            return
        tensors, meta = checkpoint.load(path, "training")
        checkpoint.refuse_other(meta["config"], self.task.config(), path)
        checkpoint.load_weights(self.task.model, checkpoint.with_prefix(tensors, "model"), path)
        averaged = checkpoint.with_prefix(tensors, "average")
        checkpoint.load_weights(self.average.model, averaged, path)
        for i, optimizer in enumerate(self.task.optimizers):
            state = checkpoint.with_prefix(tensors, f"optimizer{i}")
            _restore(optimizer, checkpoint.unflatten_optimizer(state, meta["optimizers"][i]))
        torch.set_rng_state(tensors["rng.torch"])
        self.step, self.frames, self.seconds = meta["step"], meta["frames"], meta["seconds"]
        self.figures = meta["figures"]

    def _log(self, journal: Journal) -> None:
        means = journal.means()
        speed = self.task.frames_per_batch / max(means.pop("step_seconds"), 1e-9)
        rate = max(group["lr"] for o in self.task.optimizers for group in o.param_groups)
        times = {"frames_per_second": speed, "frames": self.frames, "seconds": self.seconds}
        journal.write(self.step, {**means, "rate": rate, **times})
        left = self.seconds / self.done * (1 - self.done) if self.done else math.inf
        shown = {"step": self.step, **means, "frames/s": speed, "frames": self.frames}
        journal.show(self.done, left, shown)

    def _count_skips(self, finite: bool) -> None:
        self.skips = 0 if finite else self.skips + 1
        if self.skips >= self.config.max_skips:
            raise UserError(
                f"{self.run_dir}: the loss was not finite for {self.skips} steps in a row, up to"
                f" step {self.step}; lower the learning rate and continue from the last checkpoint"
            )


def rate_factor(step: int, done: float, config: LoopConfig) -> float:
    """What the learning rate is multiplied with: rising, then 1, then falling to 0 at the end."""
    rise = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    fall = min(1.0, (1 - done) / config.cooldown) if config.cooldown else 1.0
    return rise * max(0.0, fall)


def step_generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    """The generator of a step's noise: a function of the seed and the step alone."""
    (value,) = np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(value >> 1))


def _restore(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Loads the moments, keeping this run's settings and every parameter's memory layout."""
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state["state"], "param_groups": groups})
    for parameter, entries in optimizer.state.items():
        for name, value in entries.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                entries[name] = torch.empty_like(parameter).copy_(value)
