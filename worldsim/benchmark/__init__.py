"""Command: how fast this machine is at everything: frames a second, latencies, memory, starts.

`benchmark.json` has the figures that count at its top level and every row below `rows`; the same
under `avx2`, limited to the instructions of an ordinary laptop and to float32. `benchmark.png`
shows frames a second and latencies. Nothing else should run on the machine meanwhile. When it is
interrupted, the same command goes on.
"""

# Reading order: subject (what is measured), rows (how a figure is made), then what each measures:
# dream, window, parts, pixels, training, fresh; report says it.

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worldsim.progress import progress

if TYPE_CHECKING:
    from worldsim.benchmark.rows import Row
    from worldsim.benchmark.subject import Subject
    from worldsim.ledger import Ledger

__all__ = ["Config", "run"]

LEDGER = "measured.json"
"""What is measured already, of a benchmark that is not yet through."""

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
    from worldsim.benchmark.subject import opened
    from worldsim.ledger import Ledger
    from worldsim.pace import kept

    _check(config)
    out = Path(config.out) if config.out else run_dir
    out.mkdir(parents=True, exist_ok=True)
    subject = opened(config.checkpoint, config.device, config.dtype, config.seconds)
    facts = report.machine(subject)
    same = {name: facts[name] for name in report.SAME}
    ledger = Ledger(out / LEDGER, {**vars(config), **same, "out": str(out)})
    rows, taken = measured(config, subject, ledger, out)
    limited = ledger.told("avx2", lambda: _limited(config, out))
    facts[f"play fps={PACE}"] = str(kept(subject.world, PACE)[1])
    result = {
        **report.headline(rows, subject.settings["steps"]),
        "machine": facts,
        "rows": _plain(rows),
    }
    if limited is not None:
        result["avx2"] = limited
    report.write(out, result)
    report.draw(out / report.PICTURE, rows, taken)
    report.show(result, rows, _rows((limited or {}).get("rows", [])))
    ledger.close()
    print(f"saved {out / report.RESULT}, {out / report.PICTURE}")


def measured(
    config: Config, subject: "Subject", ledger: "Ledger", out: Path
) -> tuple["list[Row]", list[float]]:
    """All rows, and the seconds of single frames as played."""
    from worldsim.benchmark import dream

    def played() -> dict[str, Any]:
        rows, taken = dream.played(subject, config.frames)
        return {"rows": _plain(rows), "taken": taken}

    sections = list(_sections(config, subject, out))
    with progress("measurements", 1 + len(sections)) as bar:
        first = ledger.told("played", played)
        rows = _rows(first["rows"])
        bar.advance()
        for name, section in sections:
            rows += _rows(ledger.told(name, partial(_taken, section)))
            bar.advance()
    return rows, first["taken"]


def _sections(
    config: Config, subject: "Subject", out: Path
) -> "Iterator[tuple[str, Callable[[], Iterator[list[Row]]]]]":
    """The parts of the benchmark by name, and what measures their rows, in groups."""
    from worldsim.benchmark import dream, fresh, parts, pixels, training, window

    counted = cache(lambda: dream.counts(subject))
    yield "window", lambda: iter([window.window_rows(subject)])
    for b in dream.BATCHES:
        if b <= config.batches:
            yield f"batch {b}", partial(dream.grid, subject, b, counted)
    yield "exact", lambda: parts.exact_world(subject)
    yield "tokenizer", lambda: parts.tokenizer(subject)
    yield "pixels", lambda: pixels.pixel_model(subject)
    if config.clips:
        yield "quality", lambda: parts.quality(subject, config.clips)
    if config.train_steps:
        settings = config.train_steps, config.compile, config.large
        yield "training", lambda: training.training(subject, *settings)
    if config.fresh:
        where = config.checkpoint, config.device
        yield "first frame", lambda: fresh.first_frame(*where)
        yield "memory", lambda: fresh.play_memory(*where, min(config.frames, 200), out)


def _limited(config: Config, out: Path) -> dict[str, Any] | None:
    """What the benchmark says under AVX2, if that is wanted and possible."""
    from worldsim.benchmark import fresh

    if not config.avx2 or config.device not in ("auto", "cpu"):
        return None
    told = {**vars(config), "out": None, "avx2": False, "fresh": False, "dtype": "float32"}
    told["frames"] = min(config.frames, 500)
    return fresh.limited([f"{k}={v}" for k, v in told.items() if v is not None], out / "avx2")


def _taken(section: "Callable[[], Iterator[list[Row]]]") -> list[dict[str, Any]]:
    return _plain(chain.from_iterable(section()))


def _plain(rows: "Iterable[Row]") -> list[dict[str, Any]]:
    return [row.plain() for row in rows]


def _rows(plain: list[dict[str, Any]]) -> "list[Row]":
    from worldsim.benchmark.rows import Row

    return [Row(**row) for row in plain]


def _check(config: Config) -> None:
    from worldsim.errors import UserError

    for name in ("frames", "seconds", "batches"):
        value = getattr(config, name)
        if not value > 0:
            raise UserError(f"{name} is {value}; needed more than 0")
