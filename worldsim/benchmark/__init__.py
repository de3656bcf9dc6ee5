"""Command: how fast this machine is at everything: frames a second, latencies, memory, starts.

`benchmark.json` has the figures that count at its top level and every row below `rows`; the same
under `avx2`, limited to the instructions of an ordinary laptop and to float32. `benchmark.png`
shows frames a second and latencies. Nothing else should run on the machine meanwhile.
"""

# Reading order: subject (what is measured), rows (how a figure is made), then what each measures:
# dream, window, parts, pixels, training, fresh; report says it.

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worldsim.progress import Progress, progress

if TYPE_CHECKING:
    from worldsim.benchmark.rows import Row
    from worldsim.benchmark.subject import Subject

__all__ = ["Config", "run"]

PACE = 20
"""Frames a second at which the benchmark says what `play` would give up for them."""


@dataclass
class Config:
    """Settings of the command."""

    checkpoint: str | None = None
    """World file; null for the one that ships."""
    frames: int = 2000
    """Frames of the dream that is played one by one; 20000 shows whether its cost stays flat."""
    seconds: float = 1.0
    """Least time of every other measurement."""
    batches: int = 32
    """Most games side by side; of 1, 8, 16 and 32."""
    clips: int = 8
    """Held-out clips on which few and many sampling steps are compared; 0 leaves it out."""
    train_steps: int = 6
    """Steps of training that are timed; 0 leaves it out."""
    compile: bool = True
    """Training on compiled blocks, as `train_dynamics` does by default."""
    large: bool = True
    """Train a model of about ten million parameters too."""
    fresh: bool = True
    """Measure what needs new processes: the first frame, and the memory of play."""
    avx2: bool = True
    """Measure once more under AVX2 and float32, in a process of its own."""
    device: str = "auto"
    dtype: str = "auto"
    out: str | None = None
    """Folder of the results; null: the run's."""


def run(config: Config, run_dir: Path) -> None:
    """Measure everything and say it.

    Raises:
        UserError: a world without start contexts, or a setting that is out of range.
    """
    from worldsim.benchmark import report

    _check(config)
    out = Path(config.out) if config.out else run_dir
    out.mkdir(parents=True, exist_ok=True)
    result, rows, taken = measured(config, out)
    limited = _limited(config, out)
    if limited is not None:
        result["avx2"] = limited
    report.write(out, result)
    report.draw(out / report.PICTURE, rows, taken)
    report.show(result, rows, [_row(row) for row in (limited or {}).get("rows", [])])
    print(f"saved {out / report.RESULT}, {out / report.PICTURE}")


def measured(config: Config, out: Path) -> tuple[dict[str, Any], "list[Row]", list[float]]:
    """The result as plain data, its rows, and the seconds of single frames as played."""
    from worldsim.benchmark import dream, report
    from worldsim.benchmark.subject import opened
    from worldsim.pace import kept

    subject = opened(config.checkpoint, config.device, config.dtype, config.seconds)
    sections = list(_sections(config, subject, out))
    with progress("measurements", 1 + sum(count for count, _ in sections)) as bar:
        rows, taken = dream.played(subject, config.frames)
        bar.advance(config.frames)
        for _, section in sections:
            rows += _taken(section, bar)
    facts = report.machine(subject)
    facts[f"play fps={PACE}"] = str(kept(subject.world, PACE)[1])
    result = {
        **report.headline(rows, subject.settings["steps"]),
        "machine": facts,
        "rows": [row.plain() for row in rows],
    }
    return result, rows, taken


def _sections(
    config: Config, subject: "Subject", out: Path
) -> "Iterator[tuple[int, Callable[[], Iterator[list[Row]]]]]":
    """How many groups of rows each part of the benchmark brings, and what measures them."""
    from worldsim.benchmark import dream, fresh, parts, pixels, training, window

    batches = tuple(b for b in dream.BATCHES if b <= config.batches)
    yield 1, lambda: iter([window.window_rows(subject)])
    yield len(batches), lambda: dream.grid(subject, batches)
    yield 1, lambda: parts.exact_world(subject)
    yield len(parts.BATCHES), lambda: parts.tokenizer(subject)
    yield 1, lambda: pixels.pixel_model(subject)
    if config.clips:
        yield len(parts.QUALITY), lambda: parts.quality(subject, config.clips)
    if config.train_steps:
        settings = config.train_steps, config.compile, config.large
        yield 1 + config.large, lambda: training.training(subject, *settings)
    if config.fresh:
        where = config.checkpoint, config.device
        yield 1, lambda: fresh.first_frame(*where)
        yield 1, lambda: fresh.play_memory(*where, min(config.frames, 200), out)


def _taken(section: "Callable[[], Iterator[list[Row]]]", bar: Progress) -> "list[Row]":
    rows = []
    for group in section():
        rows += group
        bar.advance(0)
    return rows


def _limited(config: Config, out: Path) -> dict[str, Any] | None:
    """What the benchmark says under AVX2, if that is wanted and possible."""
    from worldsim.benchmark import fresh

    if not config.avx2 or config.device not in ("auto", "cpu"):
        return None
    told = {**vars(config), "out": None, "avx2": False, "fresh": False, "dtype": "float32"}
    told["frames"] = min(config.frames, 500)
    return fresh.limited([f"{k}={v}" for k, v in told.items() if v is not None], out / "avx2")


def _row(plain: dict[str, Any]) -> "Row":
    from worldsim.benchmark.rows import Row

    return Row(**plain)


def _check(config: Config) -> None:
    from worldsim.errors import UserError

    for name in ("frames", "seconds", "batches"):
        value = getattr(config, name)
        if not value > 0:
            raise UserError(f"{name} is {value}; needed more than 0")
