"""Command: two evaluations side by side, world by world; or two exams of agents.

    worldsim compare a=runs/evaluate/one b=runs/evaluate/two

Both have to be of the same suite, tier and worlds; then every world is a pair, and the difference
has an interval much narrower than either score's.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.errors import UserError
from worldsim.evaluation.exams import EXAM, as_sentence, compared
from worldsim.evaluation.results import Part, as_json, restored
from worldsim.evaluation.statistics import holm, paired_difference
from worldsim.evaluation.suite import RESULT
from worldsim.files import write_atomic

_SHARED = ("suite", "tier", "exact", "seed")


@dataclass
class Config:
    """Settings of the command."""

    a: str = ""
    """Folder of an evaluation, or its consistency.json; or of an agent's exam."""
    b: str = ""
    """The other one."""


def run(config: Config, run_dir: Path) -> None:
    """Print the differences a - b and write them to compare.json.

    Raises:
        UserError: a result is missing, or the two do not compare.
    """
    exams = [Path(folder) / EXAM for folder in (config.a, config.b)]
    if all(exam.is_file() for exam in exams):
        told = compared(*exams)
        write_atomic(run_dir / "compare.json", as_json(told))
        print(as_sentence(told))
        return
    first, second = read(config.a, "a"), read(config.b, "b")
    for key in _SHARED:
        if first[key] != second[key]:
            raise UserError(
                f"the evaluations differ in {key}: {config.a} has {first[key]}, {config.b} has "
                f"{second[key]} (evaluate both with the same settings)"
            )
    table = differences(first, second)
    run_dir.mkdir(parents=True, exist_ok=True)
    write_atomic(run_dir / "compare.json", as_json(table))
    print(as_text(table))


def read(path: str, key: str) -> dict[str, Any]:
    """The result of an evaluation.

    Raises:
        UserError: there is none.
    """
    file = Path(path) if path.endswith(".json") else Path(path) / RESULT
    if not path or not file.is_file():
        raise UserError(f"{key} is {path or 'not given'}; needed a folder of `worldsim evaluate`")
    try:
        result: dict[str, Any] = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise UserError(f"{file} is no result of an evaluation: {error}") from error
    return result


def differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, dict[str, float]]:
    """For each probe both have: both raw scores, their paired difference, and p after Holm."""
    ours = {name: restored(data) for name, data in first["probes"].items()}
    theirs = {name: restored(data) for name, data in second["probes"].items()}
    table = {
        name: {
            "a": part.mean("free"),
            "b": theirs[name].mean("free"),
            **paired_difference(part.arms["free"], theirs[name].arms["free"]),
        }
        for name, part in ours.items()
        if name in theirs and _comparable(part, theirs[name])
    }
    for name, p in holm({name: row["p"] for name, row in table.items()}).items():
        table[name]["p"] = p
    return table


def as_text(table: dict[str, dict[str, float]]) -> str:
    """The differences as a Markdown table; a star marks p < 0.05 after Holm's correction."""
    lines = ["| probe | a | b | a - b (95 %) | |", "|---|---|---|---|---|"]
    for name, row in table.items():
        star = "*" if row["p"] < 0.05 else ""
        known = not np.isnan(row["low"])
        around = f" ({row['low']:+.2f} to {row['high']:+.2f})" if known else ""
        lines.append(
            f"| {name} | {row['a']:.2f} | {row['b']:.2f} | {row['difference']:+.2f}{around} "
            f"| {star} |"
        )
    gaps = [row["difference"] for row in table.values() if not np.isnan(row["difference"])]
    lines.append(f"\n{len(table)} probes, mean difference {np.mean(gaps) if gaps else 0:+.3f}")
    return "\n".join(lines)


def _comparable(a: Part, b: Part) -> bool:
    return a.hash == b.hash and "free" in a.arms and "free" in b.arms
