"""A benchmark as JSON, as a table and as a picture."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from worldsim import __version__
from worldsim.benchmark import dream, fresh, parts, pixels, training
from worldsim.benchmark.rows import PERCENTILES, Row, find
from worldsim.benchmark.subject import Subject
from worldsim.files import write_atomic

RESULT, PICTURE = "benchmark.json", "benchmark.png"
SAME = ("version", "model", "processor", "threads", "instructions", "onednn", "torch", "device")
"""What `machine` says that is to be the same in all of a benchmark."""

_FPS = [mark * 10**power for power in range(-1, 5) for mark in (1, 2, 5)]


def headline(rows: Sequence[Row], steps: int) -> dict[str, float]:
    """The figures that a benchmark is quoted by; those that were not measured are left out."""
    sixteen = find(rows, "dream", batch=16, chunk=1, steps=steps)
    found = {
        "voxel_steps_per_s": find(rows, parts.EXACT),
        "dream_fps_batch1": find(rows, dream.PLAYED),
        "dream_fps_batch16": sixteen,
        "first_frame_s": find(rows, fresh.FIRST),
        "play_memory_mb": find(rows, fresh.MEMORY),
        "cache_speedup": find(rows, "cache speedup"),
        "train_fps": find(rows, training.TRAINING),
        "pixel_unet_fps": find(rows, pixels.NAME),
    }
    figures = {}
    for name, row in found.items():
        if row is not None:
            figures[name] = row.value
            if row.name == dream.PLAYED and row.latency_ms is not None:
                figures["dream_p95_ms_batch1"] = row.latency_ms["p95"]
    return figures


def machine(subject: Subject) -> dict[str, Any]:
    """What was measured, on what."""
    simulator = subject.simulator
    return {
        "version": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": subject.world.hash[:12],
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "onednn": os.environ.get("ONEDNN_MAX_CPU_ISA", "all"),
        "system": platform.platform(terse=True),
        "torch": torch.__version__,
        "device": str(simulator.device),
        "dtype": str(simulator.dtype).removeprefix("torch."),
        "sampling": asdict(simulator.config),
        "peak_gflops": subject.peak / 1e9,
    }


def write(out: Path, result: Mapping[str, Any]) -> None:
    """Writes the result as JSON."""
    text = json.dumps(result, indent=1, allow_nan=True)
    write_atomic(out / RESULT, text.encode())


def table(title: str, rows: Sequence[Row]) -> Table:
    """The rows as a table for a terminal."""
    made = Table("", "at", "", "unit", "peak", *PERCENTILES, title=title, title_justify="left")
    for column in made.columns[2:]:
        column.justify = "right"
    for row in rows:
        at = ", ".join(f"{name} {value}" for name, value in row.settings.items())
        share = "" if row.share is None else f"{100 * row.share:.0f} %"
        ms = row.latency_ms or {}
        marks = [f"{ms[name]:.1f}" if name in ms else "" for name in PERCENTILES]
        made.add_row(row.name, at, f"{row.value:.4g}", row.unit, share, *marks)
    return made


def show(result: Mapping[str, Any], rows: Sequence[Row], limited: Sequence[Row]) -> None:
    """Prints everything."""
    console = Console(width=None if Console().is_terminal else 140)
    facts = result["machine"]
    head = f"{facts['processor']}, {facts['threads']} threads, {facts['dtype']}"
    console.print(table(f"{head}, {facts['peak_gflops']:.0f} GFLOP/s (percentiles in ms)", rows))
    if limited:
        console.print(table("the same, AVX2 and float32", limited))
    console.print(*(f"{name}: {said}" for name, said in facts.items() if name.startswith("play")))
    for name, value in result.items():
        if isinstance(value, float):
            console.print(f"{name}: {value:.4g}")


def draw(path: Path, rows: Sequence[Row], taken: Sequence[float]) -> None:
    """Draws frames a second by batch, and how long single frames took."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    dreams = [row for row in rows if row.name == "dream"]
    for i, (steps, chunk) in enumerate(product(dream.STEPS, dream.CHUNKS)):
        at = {"chunk": chunk, "steps": steps}
        line = {r.settings["batch"]: r.value for r in dreams if r.settings.items() >= at.items()}
        left.plot(
            list(line),
            list(line.values()),
            "o-" if chunk == 1 else "x:",
            color=f"C{i // len(dream.CHUNKS)}",
            label=f"{steps} sampling steps" + f", {chunk} frames at once" * (chunk > 1),
        )
    left.set(xlabel="games side by side", ylabel="frames/s", xscale="log", yscale="log")
    for axis, marks in ((left.xaxis, dream.BATCHES), (left.yaxis, _FPS)):
        axis.set_major_locator(FixedLocator(marks))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    left.legend(fontsize="x-small")
    right.hist([1000 * seconds for seconds in taken], bins=60)
    right.set(xlabel="ms from key to picture, one game", ylabel="frames")
    figure.savefig(path, dpi=120)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
