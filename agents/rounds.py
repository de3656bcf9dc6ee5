"""The loop that every way of learning shares: rounds of play and learning, with exams between.

Started again with the same folder it continues after the last checkpoint's round.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agents.exam import curve_of, draw_curves
from worldsim import checkpoint
from worldsim.errors import UserError
from worldsim.files import locked
from worldsim.footprint import resident_mb
from worldsim.training.journal import Journal, write_card
from worldsim.training.stopping import stop_signals

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class RoundsConfig:
    """How long to train; a run ends at `ticks` or `minutes`, whichever comes first."""

    ticks: int | None = 300_000
    """Ticks of experience, of whatever environment the training is in."""
    minutes: float | None = None
    """Training time without exams, summed over resumed runs."""
    exam_every: int = 50_000
    """Ticks of experience between exams."""
    checkpoint_minutes: float = 5.0
    tensorboard: bool = False


class Learner(Protocol):
    """A way of learning; a round's randomness comes from its number, nowhere else."""

    name: str

    def round(self, number: int) -> tuple[int, dict[str, float]]:
        """Play and learn once: the ticks of experience that it took, and figures."""

    def tensors(self) -> tuple[checkpoint.Tensors, dict[str, Any]]:
        """All that the next round depends on: tensors, and plain data."""

    def restore(self, tensors: checkpoint.Tensors, meta: Mapping[str, Any]) -> None:
        """Go on from what `tensors` gave."""


@dataclass
class Duties:
    """What the loop does for a learner besides rounds."""

    examine: Callable[[int], dict[str, float]]
    """Figures of an exam after that many ticks."""
    export: Callable[[int, dict[str, float]], None]
    """Writes the agent for use, after that many ticks and with the last exam's figures."""


def train_rounds(
    learner: Learner, duties: Duties, config: RoundsConfig, run_dir: Path, settings: dict[str, Any]
) -> dict[str, float]:
    """The last exam's figures after training in `run_dir`, from its checkpoint if it has one.

    `settings`, plain data, goes on the card, and a run that resumes needs the same but for how
    long it lasts. SIGTERM and SIGINT end the run with a checkpoint.

    Raises:
        UserError: no end is set, or the folder is in use or of other settings.
    """
    if config.ticks is None and config.minutes is None:
        raise UserError("neither ticks nor minutes is set: needed when to end (e.g. minutes=60)")
    with locked(run_dir, "train_agent"):
        run = _Run(learner, duties, config, run_dir, settings)
        run.resume()
        with Journal(run_dir, run.ticks, config.tensorboard) as journal, stop_signals() as stop:
            run.train(journal, stop)
            if stop.is_set():
                journal.say(f"stopped at tick {run.ticks:,}; the same command continues")
            elif run.examined != run.ticks:
                run.exam(journal)
            run.save()
        card = {"ticks": run.ticks, "minutes": run.seconds / 60, **run.figures}
        write_card(run_dir / "card.md", f"agent, {learner.name}", settings, card)
    return run.figures


class _Run:
    """A run's place in time, its checkpoints and its exams."""

    def __init__(
        self,
        learner: Learner,
        duties: Duties,
        config: RoundsConfig,
        run_dir: Path,
        settings: dict[str, Any],
    ) -> None:
        self.learner, self.duties, self.config = learner, duties, config
        self.run_dir, self.settings = run_dir, settings
        self.number = self.ticks = 0
        self.examined = -1
        self.seconds = 0.0
        self.figures: dict[str, float] = {}

    @property
    def done(self) -> float:
        """How much of the run is over, 0 to 1."""
        limits = ((self.ticks, self.config.ticks), (self.seconds / 60, self.config.minutes))
        return max(now / end if end else 1.0 for now, end in limits if end is not None)

    def train(self, journal: Journal, stop: threading.Event) -> None:
        """Rounds until the run is over or stopped; an exam before the first."""
        saved = self.seconds
        if self.examined < 0 and self.done < 1:
            self.exam(journal)
        while self.done < 1 and not stop.is_set():
            start = time.monotonic()
            ticks, figures = self.learner.round(self.number)
            took = time.monotonic() - start
            self.number, self.ticks = self.number + 1, self.ticks + ticks
            self.seconds += took
            self._tell(journal, figures, ticks / max(took, 1e-9))
            if self.ticks - self.examined >= self.config.exam_every and self.done < 1:
                self.exam(journal)
            if self.seconds - saved > 60 * self.config.checkpoint_minutes:
                self.save()
                saved = self.seconds

    def exam(self, journal: Journal) -> None:
        """Examine the agent, write the figures down and draw the curve."""
        self.figures = {
            f"exam_{name}": value for name, value in self.duties.examine(self.ticks).items()
        }
        self.examined = self.ticks
        journal.write(self.ticks, self.figures)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        journal.say(f"tick {self.ticks:,}: {shown}")
        draw_curves(self.run_dir / "curve.png", {self.learner.name: curve_of(self.run_dir)})

    def save(self) -> None:
        """Write the checkpoint to continue from, and the agent for use."""
        tensors, state = self.learner.tensors()
        own = {
            "ticks": self.ticks,
            "examined": self.examined,
            "seconds": self.seconds,
            "figures": self.figures,
        }
        meta = {"kind": "training", "config": self.settings, "step": self.number, **own}
        checkpoint.save(self.run_dir / CHECKPOINT, tensors, {**meta, "learner": state})
        self.duties.export(self.ticks, self.figures)

    def resume(self) -> None:
        """Continue from the folder's checkpoint, if there is one."""
        path = self.run_dir / CHECKPOINT
        if not path.exists():
            return
        tensors, meta = checkpoint.load(path, "training")
        checkpoint.refuse_other(meta["config"], self.settings, path)
        self.learner.restore(tensors, meta["learner"])
        self.number, self.ticks, self.examined = meta["step"], meta["ticks"], meta["examined"]
        self.seconds, self.figures = meta["seconds"], meta["figures"]

    def _tell(self, journal: Journal, figures: Mapping[str, float], speed: float) -> None:
        told = {**figures, "ticks_per_second": speed}
        process = {"seconds": self.seconds, "memory_mb": resident_mb()}
        journal.write(self.ticks, {**told, **process})
        left = self.seconds / self.done * (1 - self.done) if self.done else math.inf
        journal.show(self.done, left, {"tick": self.ticks, **told})
