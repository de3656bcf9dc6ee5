"""Command: the suite itself, tested by the exact world with one planted fault at a time.

    worldsim audit

The whole world has to score 1.0 on every probe. Each fault has to be found by the families that
are there to find it and must not be seen by those that have nothing to do with it: `EXPECTED` says
which; it was written before the results, and one cell was taken back after them (exchanged sides
and the HUD). The command fails where the results are otherwise.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worldsim.errors import UserError
from worldsim.evaluation import probes as shelf
from worldsim.evaluation.arms import Arms
from worldsim.evaluation.instances import Instance
from worldsim.evaluation.oracle import FAULTS, Oracle
from worldsim.evaluation.probe import FAMILIES, Bench, Outcome, Probe, trials
from worldsim.evaluation.results import part_of
from worldsim.evaluation.stage import Stage
from worldsim.evaluation.suite import answers, refuse_seeds, refuse_unknown
from worldsim.files import locked, write_atomic
from worldsim.progress import progress

FOUND, CLEAR = "found", "clear"

EXPECTED: dict[str, dict[str, str]] = {
    "": dict.fromkeys(
        ("controls", "physics", "persistence", "hud", "horizon", "diffusion", "engineering",
         "decisions"), CLEAR
    ),
    "swaps left and right": {"controls": FOUND, "physics": FOUND, "horizon": FOUND,
                             "engineering": CLEAR, "decisions": CLEAR},
    "forgets edits": {"persistence": FOUND, "controls": CLEAR, "hud": CLEAR, "horizon": CLEAR,
                      "diffusion": CLEAR, "engineering": CLEAR, "decisions": CLEAR},
    "passes walls": {"physics": FOUND, "controls": CLEAR, "persistence": CLEAR, "hud": CLEAR,
                     "diffusion": CLEAR, "engineering": CLEAR},
    "floats": {"physics": FOUND, "controls": CLEAR, "hud": CLEAR, "diffusion": CLEAR,
               "engineering": CLEAR, "decisions": CLEAR},
    "drifts": {"horizon": FOUND, "persistence": FOUND, "engineering": CLEAR, "decisions": CLEAR},
    "blurs": {"horizon": FOUND, "engineering": CLEAR, "decisions": CLEAR},
    "delays keys": {"controls": FOUND, "engineering": CLEAR},
    "doubles counts": {"hud": FOUND, "controls": CLEAR, "physics": CLEAR, "persistence": CLEAR,
                       "horizon": CLEAR, "diffusion": CLEAR, "engineering": CLEAR,
                       "decisions": CLEAR},
    "spawns blocks": {"persistence": FOUND, "hud": CLEAR, "engineering": CLEAR},
    "deaf to noise": {"diffusion": FOUND, "controls": CLEAR, "physics": CLEAR,
                      "persistence": CLEAR, "hud": CLEAR, "horizon": CLEAR, "engineering": CLEAR,
                      "decisions": CLEAR},
}  # fmt: skip
"""For each fault ("" for none) what families have to say; those not named may notice or not."""

_LOST, _WHOLE = 0.5, 1.0  # the lowest score of a family's probes: at most, and at least
_WORDS = {"": "nothing wrong"}

Matrix = dict[str, dict[str, dict[str, float]]]
"""Fault -> family -> probe -> score."""


@dataclass
class Config:
    """Settings of the command."""

    faults: list[str] = field(default_factory=list)
    """Only these faults; empty: all, and the whole world besides."""
    families: list[str] = field(default_factory=list)
    """Only these families; empty: all that ask questions."""
    worlds: int = 2
    exact: str = "WorldSim/Voxel-v0"
    seed: int = 800_000
    """First seed of the worlds."""
    batch: int = 4
    out: str | None = None
    """Folder of the results; null: the run's."""


def run(config: Config, run_dir: Path) -> None:
    """Measure every fault, write matrix.json and matrix.md, and compare with what is expected.

    Raises:
        UserError: an unknown fault or family, seeds not held out, or results that are not those
            expected.
    """
    faults, families = _chosen(config)
    refuse_seeds(config.seed, config.worlds)
    out = Path(config.out) if config.out else run_dir
    out.mkdir(parents=True, exist_ok=True)
    with locked(out, "audit"):
        matrix = measured(config, faults, families, out / "matrix.json")
    text = as_text(matrix)
    (out / "matrix.md").write_text(text + "\n")
    print(text)
    wrong = surprises(matrix)
    if wrong:
        raise UserError("not as expected:\n  " + "\n  ".join(wrong))
    print(f"{len(faults)} rows as expected; {out / 'matrix.md'} has them")


def measured(config: Config, faults: Sequence[str], families: Sequence[str], path: Path) -> Matrix:
    """The scores of all faults, a probe at a time; what the file has is not measured again."""
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    settings = [config.worlds, config.exact, config.seed]
    if kept.setdefault("settings", settings) != settings:
        raise UserError(f"{path} has other worlds: {kept['settings']} (choose another out=)")
    stage = Stage(config.exact)
    arms = {fault: Arms(Oracle(fault), stage, config.batch) for fault in faults}
    chosen = [probe for probe in shelf.PROBES if probe.family in families]
    matrix: Matrix = kept.setdefault("matrix", {})
    with progress("probes", len(chosen)) as bar:
        for probe in chosen:
            asked: list[Instance] = []
            for fault in faults:
                row = matrix.setdefault(fault, {}).setdefault(probe.family, {})
                if probe.name in row:
                    continue
                bench = Bench(stage, arms[fault], config.worlds, config.seed)
                asked = asked or (trials(probe, bench) if probe.make else [])
                row[probe.name] = score(probe, bench, asked)
            write_atomic(path, json.dumps(kept, indent=1).encode())
            bar.advance(sum(arm.frames for arm in arms.values()) - bar.frames)
    return matrix


def score(probe: Probe, bench: Bench, asked: Sequence[Instance]) -> float:
    """The score of the bench's model on a probe, running free."""
    if probe.run is not None:
        return part_of(probe, probe.run(bench), "").mean("free")
    ats = [sorted({q.at for q in trial.questions}) for trial in asked]
    shown = bench.arms.play(asked, [trial.script for trial in asked], ats)
    rows = answers(bench.stage, asked, {"free": shown})
    return part_of(probe, Outcome(rows=rows), "").mean("free")


def surprises(matrix: Matrix) -> list[str]:
    """Where results are not those expected, a sentence each."""
    out = []
    for fault, row in matrix.items():
        for family, wanted in EXPECTED[fault].items():
            if family in row and verdict(row[family]) != wanted:
                name, value = lowest(row[family])
                out.append(
                    f"{_WORDS.get(fault, fault)}: {family} should be {wanted}; "
                    f"its lowest probe, {name}, has {value:.2f}"
                )
    return out


def verdict(scores: Mapping[str, float]) -> str:
    """What a family's scores say of a fault: found, clear, or something between."""
    _, value = lowest(scores)
    return FOUND if value <= _LOST else CLEAR if value >= _WHOLE else "between"


def lowest(scores: Mapping[str, float]) -> tuple[str, float]:
    """The probe with the lowest score, and that."""
    return min(scores.items(), key=lambda item: item[1])


def as_text(matrix: Matrix) -> str:
    """The lowest score of each family for each fault, as a Markdown table.

    In bold where the fault has to be found; in brackets where nothing is expected.
    """
    families = list(dict.fromkeys(family for row in matrix.values() for family in row))
    lines = [f"| fault | {' | '.join(families)} |", "|---" * (1 + len(families)) + "|"]
    for fault, row in matrix.items():
        cells = [_cell(fault, family, row[family]) for family in families]
        lines.append(f"| {_WORDS.get(fault, fault)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(fault: str, family: str, scores: Mapping[str, float]) -> str:
    name, value = lowest(scores)
    said = f"{value:.2f}" if value >= _WHOLE else f"{value:.2f} {name.replace('_', ' ')}"
    wanted = EXPECTED[fault].get(family)
    return f"**{said}**" if wanted == FOUND else said if wanted else f"({said})"


def _chosen(config: Config) -> tuple[list[str], list[str]]:
    known = [family for family in FAMILIES if family in EXPECTED[""]]
    refuse_unknown("fault", config.faults, list(FAULTS))
    refuse_unknown("family", config.families, known)
    return config.faults or ["", *FAULTS], config.families or known
