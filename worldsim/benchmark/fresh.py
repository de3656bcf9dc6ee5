"""What only a new process can tell: a cold start, the memory of play, another instruction set."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from worldsim.benchmark.rows import Row
from worldsim.errors import UserError

FIRST, MEMORY = "first frame", "memory of play"
STARTS = 2
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
"""Keeps oneDNN and torch to the instructions that an ordinary laptop has."""


def first_frame(checkpoint: str | None, device: str) -> Iterator[list[Row]]:
    """The row of a cold start: from the process's start to the first dreamt frame."""
    taken = [_run(["first", checkpoint or "", device])["frame_at"] for _ in range(STARTS)]
    yield [Row(FIRST, max(taken), "s", {"starts": STARTS})]


def play_memory(checkpoint: str | None, device: str, frames: int, out: Path) -> Iterator[list[Row]]:
    """The row of the most memory that headless `play` takes."""
    video = out / "play.mp4"
    keys = ["headless=true", f"frames={frames}", f"out={video}", "beside=true"]
    keys += [] if checkpoint is None else [f"checkpoint={checkpoint}"]
    keys += [] if device == "auto" else [f"device={device}"]
    told = _run(["play", *keys])
    video.unlink(missing_ok=True)
    yield [Row(MEMORY, told["peak_mb"], "MB", {"frames": frames, "worlds": 2})]


def limited(keys: Sequence[str], out: Path) -> dict[str, Any] | None:
    """What the same benchmark says under AVX2; None where the machine has other instructions."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    command = [sys.executable, "-m", "worldsim", "benchmark", f"out={out}", *keys]
    done = subprocess.run(command, env={**os.environ, **AVX2}, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise UserError(f"the benchmark under AVX2 ended with status {done.returncode}")
    told: dict[str, Any] = json.loads((out / "benchmark.json").read_text())
    return told


def _run(arguments: Sequence[str]) -> Mapping[str, float]:
    """What a new process of this module says."""
    command = [sys.executable, "-m", "worldsim.benchmark.fresh", str(time.time()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or ["nothing"]
        raise UserError(f"a process that measures {arguments[0]} failed and said: {complaint[-1]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _first(begun: float, checkpoint: str, device: str) -> dict[str, float]:
    from worldsim import actions
    from worldsim.data import environments

    options = {"checkpoint": checkpoint} if checkpoint else {}
    env = environments.make("WorldSim/Dream-v0", device=device, **options)
    env.reset(seed=0)
    env.step(actions.make(forward=1))
    return {"frame_at": time.time() - begun}


def _play(keys: Sequence[str]) -> dict[str, float]:
    from worldsim.cli import execute
    from worldsim.footprint import peak_mb

    status = execute(["play", *keys])
    if status:
        raise SystemExit(status)
    return {"peak_mb": peak_mb()}


def main(begun: str, what: str, *rest: str) -> None:
    """Measure and print it as the last line."""
    told = _first(float(begun), *rest) if what == "first" else _play(rest)
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
