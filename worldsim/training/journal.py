"""What a training run tells: metrics in a file and TensorBoard, progress on screen, a card."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor

LINE_SECONDS = 30.0
"""Time between two lines of progress where there is no terminal."""


class Journal:
    """Writes `metrics.jsonl` and `tensorboard/` in the run's folder and shows progress.

    Lines after `step`, left by a run that ended between two checkpoints, are dropped.
    """

    def __init__(self, run_dir: Path, step: int, tensorboard: bool = True) -> None:
        self._path = run_dir / "metrics.jsonl"
        _drop_after(self._path, step)
        self._board = _board(run_dir, step) if tensorboard else None
        self._sums: dict[str, Tensor | float] = {}
        self._counts: dict[str, int] = {}
        self._shown = time.monotonic()
        self._bar = _bar() if sys.stderr.isatty() else None

    def add(self, metrics: Mapping[str, Tensor | float]) -> None:
        """Takes the metrics of one step; averaged until they are asked for."""
        for name, value in metrics.items():
            kept = value.detach() if isinstance(value, Tensor) else value
            self._sums[name] = self._sums.get(name, 0.0) + kept
            self._counts[name] = self._counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """The averages of the metrics since they were last asked for."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Appends one line of figures for the step."""
        with self._path.open("a") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)

    def show(self, done: float, seconds_left: float, figures: Mapping[str, float]) -> None:
        """Shows how far the run is: `done` of 1; a bar on a terminal, else a line now and then."""
        text = " ".join(f"{name} {_short(value)}" for name, value in figures.items())
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, description=text)
        elif time.monotonic() - self._shown >= LINE_SECONDS:
            self._shown = time.monotonic()
            line = f"{text} | {done:.1%}, {seconds_left / 60:.1f} min left"
            print(line, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Prints a line beside the progress."""
        if self._bar is not None:
            self._bar.console.print(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> "Journal":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._board is not None:
            self._board.close()


def write_card(path: Path, title: str, settings: Any, figures: Mapping[str, float]) -> None:
    """Writes the run's card: what was trained, on how much, how well, and its configuration."""
    rows = "\n".join(f"| {name} | {_short(value)} |" for name, value in figures.items())
    config = json.dumps(settings, indent=2)
    path.write_text(
        f"# {title}\n\n| figure | value |\n|---|---|\n{rows}\n\n## Configuration\n\n"
        f"```json\n{config}\n```\n"
    )


def _short(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _bar() -> Progress:
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar.add_task("starting", total=1.0)
    return bar


def _board(run_dir: Path, step: int) -> Any:
    """TensorBoard's writer, or None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(run_dir / "tensorboard"), purge_step=step)


def _drop_after(path: Path, step: int) -> None:
    if path.exists():
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        path.write_text("".join(kept))
