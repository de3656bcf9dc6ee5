"""An evaluation in short: its tables in Markdown, its pictures on a sheet a family."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as iio

from worldsim.evaluation import figures
from worldsim.evaluation.probe import FAMILIES
from worldsim.evaluation.results import Part
from worldsim.files import write_atomic

_PUBLISHED = Path(__file__).with_name("trials.json")
"""The hash of each probe's trials, by tier, with the default seed and exact world."""


def as_text(result: dict[str, Any]) -> str:
    """The headline and the families, as a Markdown table."""
    lines = ["| family | score (95 %) | raw | copy | ceiling |", "|---|---|---|---|---|"]
    for name, family in result["families"].items():
        scores = " | ".join(f"{family[key]:.2f}" for key in ("raw", "copy", "ceiling"))
        lines.append(f"| {name} | {_with_interval(family, '')} | {scores} |")
    if result["headline"]["families"]:
        lines.append(f"| **consistency** | {_with_interval(result['headline'], '**')} | | | |")
    return "\n".join(lines)


def probe_table(parts: Sequence[Part]) -> str:
    """What each probe asks and what it found, as a Markdown table; scores are raw."""
    lines = ["| probe | what it asks | dream (95 %) | copy | ceiling |", "|---|---|---|---|---|"]
    for part in parts:
        free, copy, ceiling = (
            f"{part.mean(arm):.2f}" for arm in ("free", "copy", "reconstruction")
        )
        low, high = part.interval("free")
        name = part.probe.replace("_", " ")
        lines.append(
            f"| {part.family}: {name} | {part.about} | {free} ({low:.2f} to {high:.2f}) | {copy} "
            f"| {ceiling} |"
        )
    return "\n".join(lines)


def write_sheets(parts: Sequence[Part], out: Path) -> None:
    """One picture a family with the strips of its probes, FAMILY.jpg."""
    for family in FAMILIES:
        rows = {}
        for name in (part.probe for part in parts if part.family == family):
            strips = sorted((out / "pictures").glob(f"{name}-*.png"))
            if strips:
                titles = (path.stem.removeprefix(f"{name}-") for path in strips)
                rows[name.replace("_", " ")] = dict(
                    zip(titles, map(iio.imread, strips), strict=True)
                )
        if rows:
            write_atomic(out / f"{family}.jpg", figures.sheet(rows))


def other_trials(result: dict[str, Any]) -> list[str]:
    """The probes whose trials are not those of the published results, as far as there are any.

    Other worlds were asked for, or the machine draws a pixel of theirs otherwise.
    """
    published = json.loads(_PUBLISHED.read_text()).get(result["tier"], {})
    probes = result["probes"].items()
    return [name for name, part in probes if part["hash"] != published.get(name, part["hash"])]


def _with_interval(figure: dict[str, Any], mark: str) -> str:
    low, high = figure["ci"]
    return f"{mark}{figure['score']:.2f}{mark} ({low:.2f} to {high:.2f})"
