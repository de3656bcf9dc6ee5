"""Command: the physical-consistency suite, a model measured against its exact twin.

Each probe's result is written as soon as it is there, so that an interrupted evaluation continues
with the same command. `consistency.json` holds everything, `report.html` shows it, and
`results.md` has the tables.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import torch

from worldsim.data.dataset import SPLITS, split_of
from worldsim.data.workers import check_stop, spread
from worldsim.device import pick_device
from worldsim.errors import UserError
from worldsim.evaluation import probes as shelf
from worldsim.evaluation.arms import Arms, Shown
from worldsim.evaluation.instances import Instance, list_hash
from worldsim.evaluation.judge import UNDECIDED, Ruler
from worldsim.evaluation.model import Dreamer, WorldModel, respawn_of
from worldsim.evaluation.probe import FAMILIES, Bench, Outcome, Probe, Row, trials
from worldsim.evaluation.probes.frames import as_table
from worldsim.evaluation.reached import decide_at_reached
from worldsim.evaluation.report import write_report
from worldsim.evaluation.results import Part, as_json, part_of, restored, totals
from worldsim.evaluation.stage import Frame, Stage
from worldsim.evaluation.summary import as_text, other_trials, probe_table, write_sheets
from worldsim.files import locked, write_atomic
from worldsim.progress import progress
from worldsim.suggest import did_you_mean
from worldsim.world import SHIPPED, load_world

SUITE_VERSION = 2
"""Raised whenever the trials or the judge change; results of different versions do not compare."""

TIERS = {"smoke": 1, "standard": 16, "full": 48}
"""Worlds a probe is run in; each gives a few trials. The smoke tier runs a few probes only.

In the full tier a probe of controls has 192 trials of a side: enough for a swap rate of 0.02.
"""

RESULT = "consistency.json"


@dataclass
class Config:
    """Settings of the command."""

    checkpoint: str | None = None
    """World file; null for the one that ships."""
    tier: str = "standard"
    """smoke (minutes), standard (an hour) or full (hours)."""
    families: list[str] = field(default_factory=list)
    """Only these families; empty: all."""
    probes: list[str] = field(default_factory=list)
    """Only these probes; empty: all."""
    exact: str = "WorldSim/Voxel-v0"
    seed: int = 800_000
    """First seed of the worlds."""
    batch: int = 16
    workers: int | None = None
    """Processes that measure probes side by side; null: one a core on CPUs, else 1."""
    steps: int | None = None
    """Sampling steps; null for the checkpoint's own."""
    device: str = "auto"
    dtype: str = "auto"
    out: str | None = None
    """Folder of the results; null: the run's."""


def run(config: Config, run_dir: Path) -> None:
    """Evaluate, or go on evaluating, into the folder.

    Raises:
        UserError: an unknown tier, family or probe, seeds not held out, or another evaluation's
            folder.
    """
    chosen = chosen_probes(config)
    worlds = TIERS[config.tier]
    refuse_seeds(config.seed, worlds)
    world = load_world(config.checkpoint, config.device, config.dtype, steps=config.steps)
    out = Path(config.out) if config.out else run_dir
    out.mkdir(parents=True, exist_ok=True)
    with locked(out, "evaluate"):
        parts = evaluate(Dreamer(world, config.checkpoint or SHIPPED), config, chosen, out)
    result = {**header(world.hash, config), **totals(parts)}
    result["probes"] = {part.probe: part.plain() for part in parts}
    result["other trials"] = other_trials(result)
    write_atomic(out / RESULT, as_json(result))
    write_report(out / "report.html", result, out / "pictures")
    frames = {
        part.probe.removeprefix("frames_"): part.details
        for part in parts
        if part.family == "frames"
    }
    if frames:
        (out / "frames.md").write_text(as_table(frames))
    write_sheets(parts, out)
    (out / "results.md").write_text(f"{as_text(result)}\n\n{probe_table(parts)}\n")
    print(as_text(result))
    if result["other trials"]:
        print(f"trials that are not the published ones: {', '.join(result['other trials'])}")
    print(f"{out / 'report.html'} shows it")


def chosen_probes(config: Config) -> list[Probe]:
    """The probes that the settings name.

    Raises:
        UserError: an unknown tier, family or probe.
    """
    known = [probe.name for probe in shelf.PROBES]
    refuse_unknown("tier", [config.tier], list(TIERS))
    refuse_unknown("family", config.families, FAMILIES)
    refuse_unknown("probe", config.probes, known)
    wanted = set(config.probes or (shelf.SMOKE if config.tier == "smoke" else known))
    return [
        probe
        for probe in shelf.PROBES
        if probe.name in wanted and (not config.families or probe.family in config.families)
    ]


def evaluate(model: WorldModel, config: Config, chosen: Sequence[Probe], out: Path) -> list[Part]:
    """The parts of all chosen probes; those that the folder has are not run again.

    Raises:
        UserError: the folder holds results of another model or other settings.
    """
    folder = out / "parts"
    folder.mkdir(exist_ok=True)
    _same_evaluation(folder / "settings.json", header(model.name, config))
    left = [probe for probe in chosen if not (folder / f"{probe.name}.json").exists()]
    walks = [probe.name for probe in left if probe.family == "horizon"]  # one walk serves several
    jobs = [walks] * bool(walks) + [[p.name] for p in left if p.name not in walks]
    with progress("probes", len(chosen), done=len(chosen) - len(left)) as bar:
        make, workers = _shared(model, config, len(jobs))
        threads = max(1, torch.get_num_threads() // workers)
        for frames in spread(partial(_Measuring, make, config, out, threads), jobs, workers):
            for count in frames:
                bar.advance(count)
    return [restored(json.loads((folder / f"{p.name}.json").read_text())) for p in chosen]


class _Measuring:
    """Measures some probes after others, into the folder; how many frames each asked for."""

    def __init__(
        self, make: Callable[[], WorldModel], config: Config, out: Path, threads: int
    ) -> None:
        self._stage, self._out = Stage(config.exact), out
        self._arms = Arms(make(), self._stage, config.batch)
        torch.set_num_threads(threads)  # after the model, which is made with all of them
        self._bench = Bench(self._stage, self._arms, TIERS[config.tier], config.seed)

    def __call__(self, names: Sequence[str]) -> list[int]:
        return [self._measure(name) for name in names]

    def _measure(self, name: str) -> int:
        check_stop()
        before = self._arms.frames
        (probe,) = (probe for probe in shelf.PROBES if probe.name == name)
        part = measure(probe, self._bench, self._out / "pictures")
        write_atomic(self._out / "parts" / f"{name}.json", as_json(part.plain()))
        return self._arms.frames - before

    def close(self) -> None:
        """There is nothing open."""


def _shared(model: WorldModel, config: Config, most: int) -> tuple[Callable[[], WorldModel], int]:
    """What makes the model in each of how many processes."""
    respawn = respawn_of(model)
    cores = torch.get_num_threads() if pick_device(config.device).type == "cpu" else 1
    workers = min(config.workers or cores, most)
    return (lambda: model, 1) if respawn is None or workers < 2 else (respawn, workers)


def measure(probe: Probe, bench: Bench, pictures: Path) -> Part:
    """One probe run on the bench's model; pictures of its best and worst trials into the folder."""
    if probe.run is not None:
        outcome = probe.run(bench)
        content = ""
    else:
        asked = trials(probe, bench)
        content = list_hash(asked)
        shown = bench.arms.run(asked)
        outcome = Outcome(rows=answers(bench.stage, asked, shown))
        outcome.strips = extremes(asked, shown, outcome.rows)
    pictures.mkdir(parents=True, exist_ok=True)
    for title, strip in outcome.strips.items():
        iio.imwrite(pictures / f"{probe.name}-{title}.png", strip)
    return part_of(probe, outcome, content)


def answers(stage: Stage, asked: Sequence[Instance], shown: dict[str, Shown]) -> list[Row]:
    """What the frames of every arm that is shown answer to every question."""
    rows: dict[str, list[Row]] = {arm: [] for arm in shown}
    for i, trial in enumerate(asked):
        for question in trial.questions:
            ruler = Ruler.of(question)
            for arm, theirs in shown.items():
                if question.at not in theirs[i]:
                    continue  # an arm that is asked in some of the worlds
                frame, supported = theirs[i][question.at], True
                if question.states and arm in ("free", "shuffled", "no-op"):
                    decision, supported, _ = decide_at_reached(stage, frame, question)
                else:
                    decision = ruler.decide(frame)
                answer = "" if decision.answer == UNDECIDED else question.names[decision.answer]
                row = Row(
                    seed=trial.seed,
                    case=trial.case,
                    split=trial.split,
                    arm=arm,
                    answer=answer if supported else "",
                    wanted=question.names[question.right],
                    margin=decision.margin,
                    supported=supported,
                )
                rows[arm].append(row)
    return [row for own in rows.values() for row in own]


def extremes(
    asked: Sequence[Instance], shown: dict[str, Shown], rows: Sequence[Row]
) -> dict[str, Frame]:
    """Pictures of the best and the worst trial: last frame seen, truth, dream; a row a question."""
    free = [row.margin for row in rows if row.arm == "free"]
    places = [(i, q) for i, trial in enumerate(asked) for q in trial.questions]
    out = {}
    for title, k in (("best", int(np.argmax(free))), ("worst", int(np.argmin(free)))):
        i, question = places[k]
        out[title] = np.concatenate(
            [asked[i].frames[-1], shown["truth"][i][question.at], shown["free"][i][question.at]], 1
        )
    return out


def header(model: str, config: Config) -> dict[str, Any]:
    """What two evaluations have to share to be compared, and whose this is."""
    return {
        "suite": SUITE_VERSION,
        "model": model,
        "tier": config.tier,
        "exact": config.exact,
        "seed": config.seed,
        "steps": config.steps,
    }


def refuse_unknown(what: str, names: Sequence[str], there: Sequence[str]) -> None:
    """Refuse names of something that is not there.

    Raises:
        UserError: one of them.
    """
    for name in names:
        if name not in there:
            hint = did_you_mean(name, there) or f"; there are {', '.join(there)}"
            raise UserError(f"no {what} is called {name}{hint}")


def refuse_seeds(first: int, worlds: int) -> None:
    """Refuse worlds that are not held out.

    Raises:
        UserError: some are of another split.
    """
    for seed in (first, first + 8 * worlds + 40):
        if split_of(seed) not in ("validation", "test"):
            raise UserError(
                f"seed {seed} is of the {split_of(seed)} split; probes are built in worlds "
                f"{SPLITS[0][1]} to {SPLITS[2][1] - 1} (choose another seed)"
            )


def _same_evaluation(path: Path, settings: dict[str, Any]) -> None:
    if not path.exists():
        write_atomic(path, json.dumps(settings).encode())
        return
    there = json.loads(path.read_text())
    for key, value in settings.items():
        if there.get(key) != value:
            raise UserError(
                f"{path.parent} holds results with {key}={there.get(key)}; this evaluation has "
                f"{value} (choose another out=)"
            )
