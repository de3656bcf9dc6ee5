"""An evaluation as one HTML page that needs nothing beside it."""

import base64
import html
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from worldsim.evaluation import figures
from worldsim.evaluation.results import Part, restored
from worldsim.evaluation.statistics import interval
from worldsim.files import write_atomic

_STYLE = """
:root { color-scheme: light }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2433; max-width: 62rem; margin: 2.5rem auto;
       padding: 0 1.2rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2.4rem }
h3 { font-size: 1rem; margin: 1.6rem 0 .2rem }
.headline { font-size: 3rem; font-weight: 650; line-height: 1.1; color: #2f6fde }
.quiet { color: #6a7284 } .about { margin: .1rem 0 .5rem }
table { border-collapse: collapse; font-size: 13px; margin: .6rem 0 }
td, th { padding: .22rem .7rem .22rem 0; text-align: right; border-bottom: 1px solid #e7eaf0 }
td:first-child, th:first-child { text-align: left }
img { image-rendering: pixelated; max-width: 100% }
figure { display: inline-block; margin: 0 1rem 0 0 }
figcaption { font-size: 12px; color: #6a7284 } .plot { image-rendering: auto }
"""

_GAPS = "look_away_"


def write_report(path: Path, result: Mapping[str, Any], pictures: Path) -> None:
    """Write the page of a result (`consistency.json`) and the strips in the folder of pictures."""
    parts = [restored(data) for data in result["probes"].values()]
    body = [*_head(result), *_memory(parts), *_curves(parts)]
    for family in result["families"]:
        body.append(f"<h2>{family}</h2>")
        for part in parts:
            if part.family == family:
                body += _probe(part, pictures)
    title = f"Physical consistency of {html.escape(str(result['model']))[:12]}"
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<style>{_STYLE}</style><h1>{title}</h1>" + "\n".join(body) + "</html>"
    )
    write_atomic(path, page.encode())


def _head(result: Mapping[str, Any]) -> Iterable[str]:
    head = result["headline"]
    low, high = head["ci"]
    kind = f"tier {result['tier']}, suite {result['suite']}"
    if head["families"]:
        yield f"<div class=headline>{_number(head['score'])}</div>"
        kind = (
            f"mean of {', '.join(head['families'])}; 95 % interval over worlds {_number(low)} to "
            f"{_number(high)}; {kind}"
        )
    yield f"<p class=quiet>{kind}</p>"
    if not result["families"]:
        return
    yield _plot(
        figures.families(result),
        "score: (free - copy) / (ceiling - copy), with its interval; light mark: copy of the last "
        "frame, raw; dark mark: tokenizer reconstruction, raw",
    )
    rows = [
        [name, family["score"], *family["ci"], family["raw"], family["copy"], family["ceiling"],
         family["truth"], ", ".join(family["not carried by the tokenizer"])]
        for name, family in result["families"].items()
    ]  # fmt: skip
    names = ["family", "score", "low", "high", "raw", "copy", "ceiling", "truth", "not carried"]
    yield _table(names, rows)


def _memory(parts: Iterable[Part]) -> Iterable[str]:
    away = {int(p.probe.removeprefix(_GAPS)): p for p in parts if p.probe.startswith(_GAPS)}
    if len(away) < 2:
        return
    lines = {
        arm: [(float(gap), away[gap].mean(arm)) for gap in sorted(away) if arm in away[gap].arms]
        for arm in ("free", "reconstruction", "copy")
    }
    yield "<h2>Memory</h2>"
    yield _plot(
        figures.curves("right after looking away, by steps out of view", lines, logarithmic=True),
        "an edit made in the dream, out of view for a while, looked at again",
    )


def _curves(parts: Iterable[Part]) -> Iterable[str]:
    drawn = [part for part in parts if part.curves]
    if drawn:
        yield "<h2>Over time</h2>"
    for part in drawn:
        for name, points in part.curves.items():
            if points:
                yield _plot(figures.curves(f"{part.probe}: {name}", {name: points}), "")


def _probe(part: Part, pictures: Path) -> Iterable[str]:
    yield f"<h3>{part.probe.replace('_', ' ')}</h3><p class=about>{html.escape(part.about)}</p>"
    if part.carried:
        low, high = interval(part.draws())
        yield f"<p>score {_number(part.score())} ({_number(low)} to {_number(high)})</p>"
    else:
        yield "<p class=quiet>not carried by the tokenizer, or nothing that copy cannot do</p>"
    splits = list(part.splits)
    rows = [
        [
            arm,
            part.mean(arm),
            *part.interval(arm),
            *(part.splits[split].get(arm, math.nan) for split in splits),
        ]
        for arm in part.arms
    ]
    yield _table(["arm", "all", "low", "high", *splits], rows)
    if part.figures:
        yield _table(["figure", ""], [[name, value] for name, value in part.figures.items()])
    if 1 < len(part.confusion) <= 10:
        yield _plot(figures.confusion(part.confusion), "rows: asked for; columns: shown")
    for strip in sorted(pictures.glob(f"{part.probe}-*.png")):
        caption = strip.stem.removeprefix(f"{part.probe}-")
        yield (
            f'<figure><img src="{_data(strip.read_bytes())}"><figcaption>{html.escape(caption)}: '
            "last frame seen, truth, dream</figcaption></figure>"
        )


def _table(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    lines = (
        "<tr>" + "".join(f"<td>{_number(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _number(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"
    return html.escape(str(value))


def _plot(png: bytes, caption: str) -> str:
    return (
        f'<figure><img class=plot src="{_data(png)}"><figcaption>{html.escape(caption)}'
        "</figcaption></figure>"
    )


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
