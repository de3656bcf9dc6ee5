"""Command: teach a dynamics model to draw in a few steps what it draws in many.

A few large steps draw the mean of what could be there, which is dull, and what is dull looks near.
The student learns where the teacher's many small steps lead, from the teacher's own dreams, and it
is told that its steps are large: in any other number of steps it draws as before.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.camera import CHANNELS
from worldsim.data.latents import Clips, LatentDataset, refuse_held_out
from worldsim.device import autocast, pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.files import locked
from worldsim.models.dynamics import Dynamics
from worldsim.models.rehearsed import Rehearsed
from worldsim.models.sampler import level_weight, noised, schedule, towards
from worldsim.models.tokenizer import Tokenizer
from worldsim.simulator import SimulatorConfig
from worldsim.trained import begin_from
from worldsim.training import train_dynamics
from worldsim.training.loop import train
from worldsim.training.models import models_of
from worldsim.training.teaching import KEPT, Plan, Rollouts, Teacher, collect

Batch = tuple[Clips, int] | Rehearsed | dict[str, Tensor]
"""Recorded clips, as `train_dynamics` has them, or the rows of rollouts."""

_OWN = 0.7
"""Share of the steps after the first that do so, in batches where they may."""

_HELD_OUT = 32
"""Clips that are not learnt from but measured on, at most a quarter of all."""


@dataclass
class Config(train_dynamics.Config):
    """Settings of the command; the shape of the model is that of `init`."""

    init: str | None = "runs/dynamics/dynamics.safetensors"
    """The teacher, and where the student begins."""
    student_steps: int = 2
    teacher_steps: int = 16
    rollouts: int = 40_000
    """Frames that the teacher dreams."""
    length: int = 32
    """Frames of a rollout, after a context of `frames`."""
    dream_batch: int = 32
    """Rollouts that are dreamed side by side."""
    pupils: int = 2
    """Rollouts in a batch of the training."""
    own: float = 0.5
    """Share of batches in which most steps go on from where the student's own step before led."""
    truth: float = 0.2
    """Share of batches that are recordings, learnt from as in `train_dynamics`: the heads, and
    other numbers of steps, stay as they are."""
    rate: float = 3e-4
    rate_matrices: float = 6e-4
    warmup: int = 100
    cooldown: float = 0.4
    part: str = "trunk"


class DistillTask(train_dynamics.DynamicsTask):
    """The training of a student on its teacher's rollouts; see `worldsim.training.loop.Task`."""

    name = "distill"
    settings: Config

    def __init__(
        self,
        config: Config,
        data: LatentDataset,
        tokenizer: Tokenizer,
        tokenizer_hash: str,
        rollouts: Rollouts,
    ) -> None:
        stops = rollouts.stops
        config.sampling = replace(config.sampling, steps=stops, distilled=stops)
        super().__init__(config, data, None, tokenizer, tokenizer_hash)
        self.lessons, self.levels = rollouts, torch.tensor(schedule(stops), device=self.device)
        self.measured = min(_HELD_OUT, rollouts.clips // 4)
        self.frames_per_batch = config.pupils * config.length

    def draw(self, generator: np.random.Generator) -> Batch:  # type: ignore[override]
        """Random rollouts, or clips of recordings."""
        if generator.random() < self.settings.truth:
            return super().draw(generator)
        chosen = generator.integers(self.measured, self.lessons.clips, self.settings.pupils)
        return self.lessons.rows(chosen)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """How far the student's steps lead from where the teacher's led."""
        if not isinstance(batch, dict):
            return super().loss(batch, generator)
        own = float(torch.rand((), generator=generator, device=self.device)) < self.settings.own
        with autocast(self.device, self.dtype):
            return self.missed(self.model, batch, own, generator)

    def missed(
        self, model: Dynamics, rows: dict[str, Tensor], own: bool, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of rollouts (see `Rollouts`), and the squared error of each step, by name.

        In all places, and in those of which nothing was known. own: steps after the first begin for
        the most part where the student's own step before led.
        """
        rows = {name: part.to(self.device) for name, part in rows.items()}
        points, levels = _curves(rows), self.levels
        (b, t), device = points.shape[:2], self.device
        step = self._step_of(model, rows, generator)
        stop = torch.randint(self.lessons.stops, (b, t), generator=generator, device=device)
        begins = _at(points, stop)
        if own:
            before = (stop - 1).clamp(min=0)
            x, level = _at(points, before), levels[before]
            led = towards(x, step(x, level).detach(), _wide(level), _wide(levels[before + 1]))
            drawn = torch.rand(b, t, generator=generator, device=device)
            begins = torch.where(_wide((drawn < _OWN) & (stop > 0)), led, begins)
        level = levels[stop]
        error = (step(begins, level) - goal(points, stop, levels)).square().mean(2)[:, KEPT:]
        new = torch.ones_like(error)
        if "shares" in rows:  # what is drafted is not drawn
            error = error * (1 - rows["shares"])
            new = new - rows["priors"][:, KEPT:, -CHANNELS]
        weight = level_weight(level, self.settings.flow.weight_limit)[:, KEPT:, None, None]
        with torch.no_grad():
            figures = self._figures(error, stop[:, KEPT:], new)
        return (weight * error).mean(), figures

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """The errors of the steps of a student that goes its own way, on held-out rollouts."""
        assert isinstance(model, Dynamics)
        generator = torch.Generator(self.device).manual_seed(0)
        means: dict[str, list[float]] = {}
        for first in range(0, self.measured, self.settings.pupils):
            last = min(self.measured, first + self.settings.pupils)
            rows = self.lessons.rows(np.arange(first, last))
            with autocast(self.device, self.dtype):
                figures = self.missed(model, rows, True, generator)[1]
            for name, figure in figures.items():
                if figure.isfinite():  # some rollouts have nothing that was not known
                    means.setdefault(f"held_out/{name}", []).append(float(figure))
        return {name: float(np.mean(values)) for name, values in means.items()}

    def _step_of(
        self, model: Dynamics, rows: dict[str, Tensor], generator: torch.Generator
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """The student's step in rollouts: noisy latents (b, t, ...) and levels (b, t) to clean."""
        latents = rows["latents"]
        b, t = latents.shape[:2]
        committed = self.settings.flow.context_noise * torch.rand(
            b, t, generator=generator, device=self.device
        )
        noise = torch.randn(latents.shape, generator=generator, device=self.device)
        past, size = noised(latents, noise, committed), 1 / self.lessons.stops
        events = rows["events"][:, 1:] if "events" in rows else None

        def step(noisy: Tensor, level: Tensor) -> Tensor:
            clean: Tensor = model(
                *(past, noisy, committed, level, rows["actions"]),
                prior=rows.get("priors"),
                step=torch.full_like(level, size),
                events=events,
            ).latents.float()
            return clean

        return step

    def _figures(self, error: Tensor, stop: Tensor, new: Tensor) -> dict[str, Tensor]:
        figures = {}
        for i in range(self.lessons.stops):
            chosen = (stop == i)[:, :, None, None].expand_as(error).float()
            figures[f"step_{i + 1}"] = (chosen * error).sum() / chosen.sum()
            figures[f"step_{i + 1}_new"] = (chosen * new * error).sum() / (chosen * new).sum()
        return figures


def run(config: Config, run_dir: Path) -> None:
    """Dream with the teacher, then train the student, or go on with either, in `run_dir`.

    Raises:
        UserError: models or latents that do not belong together; numbers of steps that do not.
    """
    if config.teacher_steps % config.student_steps or config.student_steps < 1:
        raise UserError(
            f"teacher_steps={config.teacher_steps} is no multiple of"
            f" student_steps={config.student_steps}; needed one, so that they meet at every step"
        )
    data = LatentDataset(config.latents)
    refuse_held_out(data, DistillTask.name)
    tokenizer, meta, dynamics, told, depth = models_of(config, data)
    config.model = dynamics.config
    data.notice(config.model.switches)
    device = pick_device(config.device)
    dtype = pick_dtype(device, config.dtype)
    sampling = SimulatorConfig(steps=config.teacher_steps)
    away = None if depth is None else depth.to(device)
    teacher = Teacher(tokenizer.to(device), dynamics.to(device), sampling, dtype, away)
    teacher.stops = config.student_steps
    with locked(run_dir, DistillTask.name):
        rollouts = collect(teacher, data, _plan(config, told["hash"]), run_dir)
    task = DistillTask(config, data, tokenizer, meta["hash"], rollouts)
    begin_from(task.model, str(config.init), "dynamics")
    train(task, config, run_dir, asdict(config))


def _plan(config: Config, teacher: str) -> Plan:
    batches = max(1, round(config.rollouts / (config.length * config.dream_batch)))
    return Plan(
        teacher=teacher,
        clips=batches * config.dream_batch,
        frames=config.length,
        context=config.frames,
        batch=config.dream_batch,
        steps=config.teacher_steps,
        stops=config.student_steps,
        eventful=config.eventful,
        seed=config.seed,
    )


def goal(points: Tensor, stop: Tensor, levels: Tensor) -> Tensor:
    """What a step has to take for clean (b, t, ...) to get where the teacher's curve does.

    points: (b, t, stops + 1, ...) on the curve; stop: (b, t), where the step begins; levels:
    (stops + 1,).
    """
    part = _wide(levels[stop + 1] / levels[stop])
    return (_at(points, stop + 1) - part * _at(points, stop)) / (1 - part)


def _curves(rows: dict[str, Tensor]) -> Tensor:
    """The points (b, t, stops + 1, ...) of rollouts, the frames among them; zeros before those."""
    frames = rows["latents"][:, KEPT:, None]
    return F.pad(torch.cat([rows["points"], frames], 2), (0, 0, 0, 0, 0, 0, 0, 0, KEPT, 0))


def _at(points: Tensor, stop: Tensor) -> Tensor:
    """Of points (b, t, stops + 1, ...) those (b, t, ...) at a stop (b, t) of each frame."""
    index = stop.view(*stop.shape, 1, *[1] * (points.ndim - 3)).expand(-1, -1, 1, *points.shape[3:])
    return points.gather(2, index).squeeze(2)


def _wide(value: Tensor) -> Tensor:
    """A value (b, t) of each frame, for latents (b, t, z, y, x)."""
    return value[:, :, None, None, None]
