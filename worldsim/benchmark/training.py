"""Frames a second that a dynamics model trains on: real steps, on latents made on the spot."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from worldsim.benchmark.operations import operations
from worldsim.benchmark.rows import Row, speed
from worldsim.benchmark.subject import Subject
from worldsim.data.latents import FACTS, Clips, LatentDataset
from worldsim.models.dynamics import DynamicsConfig
from worldsim.models.tokenizer import Tokenizer
from worldsim.training.loop import train
from worldsim.training.train_dynamics import Config, DynamicsTask

TRAINING = "training"
_WARM = 2  # steps that compile and touch memory for the first time

LARGE: dict[str, Any] = {"width": 256, "blocks": 12}
"""Changes that make about ten million parameters of a model."""


def training(subject: Subject, steps: int, compiles: bool, large: bool) -> Iterator[list[Row]]:
    """The row of training a model of the world's own size, and of a large one if asked for."""
    own = subject.simulator.dynamics.config
    shape = tuple(subject.world.contexts[0].latents.shape[1:])
    for config in [own, replace(own, **LARGE)] if large else [own]:
        yield [trained(subject, config, shape, steps, compiles)]


def trained(
    subject: Subject, model: DynamicsConfig, shape: tuple[int, ...], steps: int, compiles: bool
) -> Row:
    """The row of training such a model for that many steps, everything but drawing clips."""
    simulator = subject.simulator
    dtype = str(simulator.dtype).removeprefix("torch.")
    settings = Config(
        model=replace(model, latent_channels=shape[0]),
        steps=steps + _WARM,
        compile=compiles,
        tensorboard=False,
        device=str(simulator.device),
        dtype=dtype,
    )
    flops = _operations(Drill(replace(settings, compile=False), shape, simulator.tokenizer))
    task = Drill(settings, shape, simulator.tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        train(task, settings, Path(folder), {})
    taken = np.diff(task.times)[_WARM - 1 :].tolist()
    parameters = sum(p.numel() for p in task.model.parameters())
    told = {"batch": settings.batch, "clip": settings.frames, "parameters": parameters}
    told["compiled"] = compiles
    return speed(TRAINING, taken, task.frames_per_batch, told, flops, subject.peak)


def _operations(task: "Drill") -> float:
    """Operations of a step: those of a forward pass, and twice as many to go back."""
    batch = task.draw(np.random.default_rng(0))
    generator = torch.Generator(task.device).manual_seed(0)
    return 3 * operations(lambda: task.loss(batch, generator))


class Drill(DynamicsTask):
    """A training that needs no recordings; `times` has when each step began."""

    def __init__(self, config: Config, shape: tuple[int, ...], tokenizer: Tokenizer) -> None:
        super().__init__(config, MadeUp(config.model, shape), None, tokenizer, "")
        self.times: list[float] = []

    def loss(self, batch: Any, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """The training objective and its parts."""
        self.times.append(time.perf_counter())
        return super().loss(batch, generator)

    def export(self, model: nn.Module, run_dir: Path, step: int, figures: dict[str, float]) -> None:
        """Nothing: nobody plays it."""


class MadeUp(LatentDataset):
    """Clips of noise, with everything that recorded ones have."""

    def __init__(self, model: DynamicsConfig, shape: tuple[int, ...]) -> None:
        self.camera, self.depth, self.frames = model.camera, "", 0
        self._model, self._shape = model, shape

    def draw(self, rng: np.random.Generator, b: int, t: int, eventful: float = 0.0) -> Clips:
        """`b` windows of t frames."""
        z, *grid = self._shape
        latents = rng.standard_normal((b, t, z, *grid), np.float32)
        actions = (rng.random((b, t - 1, self._model.action_size)) < 0.2).astype(np.float32)
        facts = rng.random((b, t, len(FACTS)), np.float32)
        if not self.camera.field_of_view:
            return Clips(latents, actions, facts)
        known = rng.random((b, t, z + 3, *grid), np.float32)
        return Clips(latents, actions, facts, known)
