"""How near dreamed frames are to the exact world's, beside what needs no model.

Clips of held-out seeds are played by policies in the exact world; the model gets their first frames
and all their actions. Scores are PSNR in dB on the pixels that the context had shown, since a dream
may invent what nobody has seen; all pixels, SSIM and the overlap of what moves stand beside them.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from einops import rearrange

from worldsim.actions import Vector
from worldsim.evaluation import perceptual
from worldsim.evaluation.clips import ExactClip, collect
from worldsim.evaluation.images import Frames, blur, moved, overlap, psnr, row_mean, ssim
from worldsim.evaluation.model import WorldModel
from worldsim.evaluation.probe import Bench, Outcome, Probe
from worldsim.evaluation.statistics import by_seed, interval, mean, resampled

CONTEXT, HORIZONS, WAIT = 16, (1, 4, 8, 16), 40
"""Frames shown, frames scored, and ticks played before."""

_POLICIES = ("explorer", "replay")
_CLIPS = 4  # a policy, for every world of other probes
_LEAST_SEEN = 0.05  # share of the frame below which a clip says nothing of visible pixels
_DELTA_AT = 4  # Bruce et al. 2024, "Genie", arXiv:2402.15391, section 3.2


def _measure(bench: Bench, policy: str) -> Outcome:
    count = _CLIPS * bench.worlds
    first = bench.first_seed + _POLICIES.index(policy) * count
    seeds = range(first, first + count)
    clips = collect(bench.stage.env, policy, seeds, CONTEXT, max(HORIZONS), WAIT)
    arms = all_arms(bench, clips)
    table = scores(arms, clips)
    at_end = {
        name: {clip.seed: row["visible"] for clip, row in zip(clips, rows, strict=True)}
        for name, horizons in table.items()
        for rows in [horizons[max(HORIZONS)]]
    }
    kept = [s for s in at_end["free"] if not np.isnan(at_end["free"][s])]
    return Outcome(
        scores={name: {s: values[s] for s in kept} for name, values in at_end.items()},
        figures={**_figures(table), **_perceptual(arms, clips)},
        details={name: _summary(horizons) for name, horizons in table.items()},
        strips={"clips": strips(arms, clips)},
    )


def all_arms(bench: Bench, clips: Sequence[ExactClip]) -> dict[str, list[Frames]]:
    """For each arm, the frames (t, h, w, 3) it puts in place of each clip's future."""
    futures = [clip.frames[CONTEXT:] for clip in clips]
    lasts = [clip.frames[CONTEXT - 1] for clip in clips]
    led = [clip.actions for clip in clips]
    ahead = slice(CONTEXT - 1, None)
    others = [clip.actions[ahead] for clip in (*clips[1:], clips[0])]
    still = {"copy": lambda f: f, "row mean": row_mean, "blur": blur}
    return {
        "free": dreams(bench, clips, [own[ahead] for own in led]),
        "shuffled": dreams(bench, clips, others),
        "no-op": dreams(bench, clips, [0 * own[ahead] for own in led]),
        **{
            name: [np.repeat(made(f)[None], len(t), 0) for f, t in zip(lasts, futures, strict=True)]
            for name, made in still.items()
        },
        "reconstruction": [bench.arms.model.reconstruct(future) for future in futures],
    }


def dreams(bench: Bench, clips: Sequence[ExactClip], led: Sequence[Vector]) -> list[Frames]:
    """The frames that the model shows after each clip's context, led by the actions given."""
    model: WorldModel = bench.arms.model
    out: list[Frames] = []
    for i in range(0, len(clips), bench.arms.batch):
        part = clips[i : i + bench.arms.batch]
        model.reset(
            np.stack([clip.frames[:CONTEXT] for clip in part]),
            np.stack([clip.actions[: CONTEXT - 1] for clip in part]),
            [clip.seed for clip in part],
            [clip.state for clip in part],
        )
        acts = np.stack(led[i : i + len(part)])
        frames = [model.step(acts[:, t]).copy() for t in range(acts.shape[1])]
        bench.arms.frames += len(part) * len(frames)
        out += list(np.stack(frames, 1))
    return out


def scores(
    arms: Mapping[str, Sequence[Frames]], clips: Sequence[ExactClip]
) -> dict[str, dict[int, list[dict[str, float]]]]:
    """For each arm and horizon, each clip's PSNR (all and visible pixels), SSIM and overlap."""
    return {
        name: {
            horizon: [
                _row(future, clip, horizon) for future, clip in zip(futures, clips, strict=True)
            ]
            for horizon in HORIZONS
        }
        for name, futures in arms.items()
    }


def as_table(details: Mapping[str, Mapping[str, Any]], shown: Sequence[int] = (1, 16)) -> str:
    """The scores of several policies as a Markdown table: visible pixels, all in brackets."""
    head = " | ".join(f"{policy}, frame {h}" for policy in details for h in shown)
    lines = [
        f"| PSNR dB, visible pixels (all) | {head} |",
        "|---" * (1 + len(details) * len(shown)) + "|",
    ]
    for arm in next(iter(details.values())):
        cells = []
        for policy in details:
            for h in shown:
                row = details[policy][arm][str(h)]
                low, high = row["ci"]
                cells.append(f"{row['visible']:.1f} ± {(high - low) / 2:.1f} ({row['all']:.1f})")
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def strips(arms: Mapping[str, Sequence[Frames]], clips: Sequence[ExactClip]) -> Frames:
    """Six clips, truth above dream: the last frame of the context, then the horizons."""
    ahead, rows = [h - 1 for h in HORIZONS], []
    for i, clip in enumerate(clips[:6]):
        last = clip.frames[CONTEXT - 1]
        rows.append([last, *clip.frames[CONTEXT:][ahead]])
        rows.append([last, *arms["free"][i][ahead]])
    return rearrange(np.array(rows), "r t h w c -> (r h) (t w) c")


def _row(future: Frames, clip: ExactClip, horizon: int) -> dict[str, float]:
    truth, mask = clip.frames[CONTEXT + horizon - 1], clip.seen[horizon - 1]
    error = (future[horizon - 1].astype(np.float64) - truth) ** 2
    last, true = clip.frames[CONTEXT - 1], clip.frames[CONTEXT : CONTEXT + horizon]
    return {
        "all": psnr(error.mean()),
        "visible": psnr(error[mask].mean()) if mask.mean() > _LEAST_SEEN else float("nan"),
        "ssim": ssim(future[horizon - 1], truth),
        "overlap": overlap(moved(future[:horizon], last), moved(true, last)),
    }


def _summary(horizons: Mapping[int, Sequence[Mapping[str, float]]]) -> dict[str, dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for horizon, rows in horizons.items():
        means = {name: mean(row[name] for row in rows) for name in rows[0]}
        seen = [row["visible"] for row in rows if not np.isnan(row["visible"])]
        draws = resampled([by_seed(range(len(seen)), seen)], lambda mean: mean) if seen else [0.0]
        out[str(horizon)] = {**means, "ci": interval(np.array(draws)), "clips": len(seen)}
    return out


def _figures(table: Mapping[str, Mapping[int, Sequence[Mapping[str, float]]]]) -> dict[str, float]:
    """Genie's delta PSNR, SSIM and the overlap of what moves, at the longest horizon."""

    def of(arm: str, horizon: int, name: str) -> float:
        return mean(row[name] for row in table[arm][horizon])

    end = max(HORIZONS)
    delta = of("free", _DELTA_AT, "all") - of("shuffled", _DELTA_AT, "all")
    return {
        f"delta PSNR at {_DELTA_AT}": delta,
        f"SSIM at {end}": of("free", end, "ssim"),
        f"SSIM at {end}, copy": of("copy", end, "ssim"),
        f"overlap of motion to {end}": of("free", end, "overlap"),
        f"overlap of motion to {end}, shuffled": of("shuffled", end, "overlap"),
    }


def _perceptual(
    arms: Mapping[str, Sequence[Frames]], clips: Sequence[ExactClip]
) -> dict[str, float]:
    """ST-LPIPS of the last frames, and FD-EffLite0 of all, where their weights are installed."""
    if not perceptual.available():
        return {}
    end, truths = max(HORIZONS), [clip.frames[CONTEXT:] for clip in clips]
    out = {}
    for arm in ("free", "copy", "reconstruction"):
        note = "" if arm == "free" else f", {arm}"
        shown = np.stack([future[end - 1] for future in arms[arm]])
        true = np.stack([truth[end - 1] for truth in truths])
        out[f"ST-LPIPS at {end}{note}"] = float(perceptual.st_lpips(shown, true).mean())
        every = np.concatenate(list(arms[arm]))
        out[f"FD-EffLite0{note}"] = perceptual.fd_efflite0(every, np.concatenate(truths))
    return out


PROBES = tuple(
    Probe(
        f"frames_{policy}",
        "frames",
        f"Sixteen frames after a context, actions by {who}: PSNR in dB of the sixteenth, on the "
        "pixels that the context had shown.",
        run=partial(_measure, policy=policy),
        headline=False,
    )
    for policy, who in (("explorer", "the scripted explorer"), ("replay", "recorded people"))
)
