"""Exams of two agents in the same worlds, side by side.

In one world there is more to gain than in another, so two agents are told apart by their
differences world by world, in fewer worlds than by their means.
"""

import json
from pathlib import Path
from typing import Any

from worldsim.errors import UserError
from worldsim.evaluation.statistics import mean, paired_difference

EXAM = "exam.json"
"""What `worldsim train_agent` leaves of the last exam: where it was, and returns by seed."""


def compared(a: Path, b: Path) -> dict[str, float]:
    """Both mean returns of two exams' files, their paired difference a - b, and of how many worlds.

    Raises:
        UserError: a file is no exam's, or they are of different environments or no common seed.
    """
    first, second = _read(a), _read(b)
    for key, value in first["exam"].items():
        other = second["exam"].get(key)
        if value != other:
            raise UserError(
                f"the exams differ in {key}: {a} has {value}, {b} has {other}"
                " (examine both with the same settings)"
            )
    ours, theirs = first["returns"], second["returns"]
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        raise UserError(f"{a} and {b} share no seed; needed exams of the same exam.seed")
    means = [mean([exam[seed] for seed in shared]) for exam in (ours, theirs)]
    gaps = paired_difference(ours, theirs)
    return {"a": means[0], "b": means[1], **gaps, "worlds": len(shared)}


def as_sentence(table: dict[str, float]) -> str:
    """The comparison for a reader."""
    return (
        f"return a {table['a']:.3g}, b {table['b']:.3g}, a - b {table['difference']:+.3g}"
        f" ({table['low']:+.3g} to {table['high']:+.3g}, 95 %; p {table['p']:.2g}) in"
        f" {table['worlds']} worlds, in pairs"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        exam: dict[str, Any] = json.loads(path.read_text())
        returns = {int(seed): float(total) for seed, total in exam["returns"].items()}
        return {"exam": dict(exam["exam"]), "returns": returns}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no exam of `worldsim train_agent`: {error}") from error
