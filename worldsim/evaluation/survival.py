"""How long things last, when some have not failed by the time one stops looking."""

import math
from collections.abc import Sequence

Curve = list[tuple[float, float]]


def kaplan_meier(times: Sequence[float], failed: Sequence[bool]) -> Curve:
    """The share that lasts beyond each time at which one fails, beginning with (0, 1).

    times: when each failed or was last seen, failed: which of the two (Kaplan and Meier 1958,
    "Nonparametric estimation from incomplete observations"). The last point is where one stopped
    looking. What is lost sight of when another fails counts as having been there.
    """
    share, curve = 1.0, [(0.0, 1.0)]
    pairs = list(zip(times, failed, strict=True))
    for time in sorted({time for time, ended in pairs if ended}):
        there = sum(t >= time for t, _ in pairs)
        share *= 1 - sum(t == time and ended for t, ended in pairs) / there
        curve.append((float(time), share))
    last = float(max(times, default=0.0))
    return curve if last <= curve[-1][0] else [*curve, (last, share)]


def median(curve: Curve) -> float:
    """The time by which half have failed; infinite where fewer have."""
    return next((time for time, share in curve if share <= 0.5), math.inf)


def lasting(curve: Curve, limit: float) -> float:
    """The mean time to failure of a curve, in which all that pass the limit count as the limit."""
    total = 0.0
    for (begin, share), (end, _) in zip(curve, [*curve[1:], (limit, 0.0)], strict=True):
        total += share * max(0.0, min(end, limit) - min(begin, limit))
    return total
