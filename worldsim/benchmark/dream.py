"""Frames a second and latencies of dreams: one as it is played, and many side by side."""

import time
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from worldsim.actions import from_vector
from worldsim.benchmark.operations import operations
from worldsim.benchmark.rows import Row, latencies, speed, timed
from worldsim.benchmark.subject import Subject
from worldsim.footprint import resident_mb

BATCHES, CHUNKS, STEPS = (1, 8, 16, 32), (1, 4), (1, 2, 4, 8)
PLAYED = "dream, as played"
EARLY = 100
"""The frame from which cost and memory are to stay as they are."""


def played(subject: Subject, frames: int) -> tuple[list[Row], list[float]]:
    """The rows of one dream of that many frames through its environment, and all its seconds.

    From a key to the picture: the action as Gymnasium has it goes in, the frame comes out.
    """
    env = subject.env
    env.reset(seed=0, options={"start_index": 0})
    acts = [from_vector(row) for row in subject.actions(1, frames)[0]]
    taken, memory = [], {}
    for i, action in enumerate(acts, 1):
        begun = time.perf_counter()
        env.step(action)
        taken.append(time.perf_counter() - begun)
        if i in (EARLY, frames):
            memory[i] = resident_mb()
    settings = {"batch": 1, **subject.settings}
    flops = _operations(subject, 1, subject.settings["steps"])
    whole = speed(PLAYED, taken, 1, {**settings, "frames": frames}, flops, subject.peak)
    return [whole, *_drift(taken, memory)], taken


Counts = dict[tuple[int, int], float]
"""Operations of a call for one game, by frames drawn at once and by sampling steps."""


def counts(subject: Subject) -> Counts:
    """The operations of every chunk and number of sampling steps; batches multiply them."""
    return {
        (chunk, steps): _operations(subject, chunk, steps)
        for chunk, steps in product(CHUNKS, STEPS)
    }


def grid(subject: Subject, b: int, counted: Callable[[], Counts]) -> Iterator[list[Row]]:
    """A row for every chunk and number of sampling steps of a batch, together.

    A call draws `chunk` frames of `b` games and decodes them: its latency is what a player waits
    for. counted: gives `counts`.
    """
    rows, state = [], subject.games(b)
    for (chunk, steps), flops in counted().items():
        simulator = subject.simulator.with_steps(steps)
        acts = subject.actions(b, chunk)
        now = state

        def call() -> None:
            nonlocal now
            now, step = simulator.step(now, acts)  # noqa: B023  # called in this turn only
            _ = step.frames

        settings = {"batch": b, "chunk": chunk, "steps": steps}
        taken = timed(call, subject.seconds)
        rows.append(speed("dream", taken, b * chunk, settings, b * flops, subject.peak))
    yield rows


def _operations(subject: Subject, chunk: int, steps: int) -> float:
    """Operations of a call for one game."""
    simulator, state = subject.simulator.with_steps(steps), subject.games(1)
    acts = subject.actions(1, chunk)

    def call() -> None:
        _, step = simulator.step(state, acts)
        _ = step.frames

    return operations(call)


def _drift(taken: list[float], memory: dict[int, float]) -> list[Row]:
    """What a frame costs and how much memory there is, around frame 100 and at the end."""
    if len(taken) <= EARLY:
        return []
    rows = []
    for at in (EARLY, len(taken)):
        near = taken[max(0, at - EARLY) : at]
        value = 1000 * float(np.median(near))
        rows.append(Row("cost of a frame", value, "ms", {"frame": at}, None, latencies(near)))
        rows.append(Row("memory", memory[at], "MB", {"frame": at}))
    return rows
