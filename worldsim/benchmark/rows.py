"""What a benchmark says: rows with a figure each, and how seconds become figures."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

LEAST_CALLS = 3
PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "worst": 100.0}


@dataclass(frozen=True)
class Row:
    """One figure.

    settings: what it was measured at. share: of the speed of the machine's own matrix product,
    where multiplying is what takes the time. latency_ms: of single calls, by `PERCENTILES`.
    """

    name: str
    value: float
    unit: str
    settings: dict[str, Any] = field(default_factory=dict)
    share: float | None = None
    latency_ms: dict[str, float] | None = None

    def plain(self) -> dict[str, Any]:
        """The row as plain data."""
        return asdict(self)


def timed(call: Callable[[], object], seconds: float, most: int | None = None) -> list[float]:
    """Seconds of single calls, made for that many seconds after one that does not count.

    Three calls at least; `most` of them at most.
    """
    call()
    taken: list[float] = []
    while len(taken) < LEAST_CALLS or (sum(taken) < seconds and len(taken) != most):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return taken


def speed(
    name: str,
    taken: Sequence[float],
    frames: int,
    settings: Mapping[str, Any],
    flops: float = 0.0,
    peak: float = 0.0,
    unit: str = "frames/s",
) -> Row:
    """The row of calls that took these seconds and made `frames` each.

    flops: operations of a call. peak: operations a second that the machine is able to.
    """
    mean = float(np.mean(taken))
    share = flops / mean / peak if flops and peak else None
    return Row(name, frames / mean, unit, dict(settings), share, latencies(taken))


def latencies(taken: Sequence[float]) -> dict[str, float]:
    """Milliseconds by `PERCENTILES` of calls that took these seconds."""
    marks = 1000 * np.percentile(taken, list(PERCENTILES.values()))
    return dict(zip(PERCENTILES, map(float, marks), strict=True))


def find(rows: Sequence[Row], name: str, **settings: Any) -> Row | None:
    """The first row of a name that was measured at these settings, among others."""
    for row in rows:
        if row.name == name and all(row.settings.get(k) == v for k, v in settings.items()):
            return row
    return None
