"""The pictures of a report, as PNG bytes."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from worldsim.evaluation.stage import Frame

matplotlib.use("Agg")

_WIDE, _DOTS = 378, 90
"""Pixels of a column of strips in a sheet, and an inch of it."""

INK, DREAM, FLOOR, CEILING = "#1d2433", "#2f6fde", "#c9cfdb", "#7b8494"

Curve = Sequence[tuple[float, float]]


def families(result: Mapping[str, Any]) -> bytes:
    """A bar a family: its score and interval; raw, copy and ceiling as marks."""
    names = list(result["families"])
    figure, axes = _figure(7.2, 0.5 + 0.42 * len(names))
    for row, name in enumerate(names):
        family = result["families"][name]
        low, high = family["ci"]
        axes.barh(row, family["score"], color=DREAM, height=0.55)
        axes.plot([low, high], [row, row], color=INK, linewidth=1.4)
        axes.plot(family["copy"], row, "|", color=FLOOR, markersize=16, markeredgewidth=3)
        axes.plot(family["ceiling"], row, "|", color=CEILING, markersize=16, markeredgewidth=3)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(min(0.0, *(result["families"][n]["score"] for n in names)), 1.02)
    return _png(figure)


def curves(title: str, lines: Mapping[str, Curve], logarithmic: bool = False) -> bytes:
    """One or several curves against a common axis."""
    figure, axes = _figure(5.2, 2.6)
    for i, (name, points) in enumerate(lines.items()):
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, marker="o", markersize=3, linewidth=1.6, color=f"C{i}", label=name)
    if logarithmic:
        axes.set_xscale("log", base=2)
    axes.set_title(title, fontsize=9, loc="left", color=INK)
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize=8)
    return _png(figure)


def confusion(table: Mapping[str, Mapping[str, int]]) -> bytes:
    """Rows: what was wanted; columns: what was shown, undecided last."""
    wanted = list(table)
    shown = [*wanted, *sorted({a for line in table.values() for a in line} - {*wanted, ""}), ""]
    counts = np.array([[line.get(name, 0) for name in shown] for line in table.values()], float)
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    figure, axes = _figure(1.2 + 0.55 * len(shown), 0.9 + 0.42 * len(wanted))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share > 0.6 else INK
        axes.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=7, color=color)
    names = [name or "undecided" for name in shown]
    axes.set_xticks(range(len(shown)), names, rotation=35, ha="right")
    axes.set_yticks(range(len(wanted)), wanted)
    return _png(figure)


def sheet(rows: Mapping[str, Mapping[str, Frame]]) -> bytes:
    """A JPEG with a row of strips (h, w, 3) for each name, their titles above the first row's."""
    columns = max(len(strips) for strips in rows.values())
    high = [max(map(_height, strips.values())) for strips in rows.values()]
    size = (_WIDE * columns / _DOTS, sum(high) / _DOTS + 0.3)
    figure = Figure(figsize=size, dpi=_DOTS, layout="compressed")
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=high)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, (name, strips) in zip(grid, rows.items(), strict=True):
        for axes, (title, strip) in zip(line, strips.items(), strict=False):
            axes.imshow(strip, interpolation="lanczos")
            axes.set_title(f"{name}: {title}", fontsize=8, loc="left", color=INK, pad=3)
    return _bytes(figure, "jpg")


def _height(strip: Frame) -> float:
    """How high a strip (h, w, 3) is in a column of a sheet."""
    return len(strip) * min(1.0, _WIDE / int(strip.shape[1]))


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
    return figure, axes


def _png(figure: Figure) -> bytes:
    return _bytes(figure, "png")


def _bytes(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind)
    return buffer.getvalue()
