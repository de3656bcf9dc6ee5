"""Command: how near dreamed frames are to the exact world's, beside what needs no model.

Clips of held-out seeds are played by policies in the exact world; the dream gets their first frames
and all their actions. Scores are PSNR in dB, of all pixels and of those that the context had shown
(a dream may invent what nobody has seen), with a 95 % bootstrap interval over seeds.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray

from worldsim.data.dataset import SPLITS, split_of
from worldsim.data.frames import to_float, to_uint8
from worldsim.errors import UserError
from worldsim.evaluation.clips import ExactClip, collect
from worldsim.files import write_atomic
from worldsim.models.tokenizer import Tokenizer
from worldsim.progress import progress
from worldsim.simulator import Simulator
from worldsim.world import load_world

Frames = NDArray[np.uint8]

_BLUR = 4.0  # standard deviation in pixels
_LEAST_SEEN = 0.05  # share of the frame below which a clip says nothing of visible pixels


@dataclass
class Config:
    """Settings of the command."""

    checkpoint: str | None = None
    """World file; null for the one that ships."""
    exact: str = "WorldSim/Voxel-v0"
    policies: list[str] = field(default_factory=lambda: ["explorer", "replay"])
    """Who plays the clips; `replay` is recorded human input."""
    seed: int = 800_000
    """First seed; each policy has its own range of `clips`."""
    clips: int = 64
    context: int = 16
    """Frames the dream is shown."""
    horizons: list[int] = field(default_factory=lambda: [1, 4, 8, 16])
    wait: int = 40
    """Ticks played before the context."""
    steps: int | None = None
    """Sampling steps; null for the checkpoint's own."""
    device: str = "auto"
    dtype: str = "auto"
    out: str | None = None
    """Folder of the results; null: the run's."""


def run(config: Config, run_dir: Path) -> None:
    """Write frames.json, frames.md and strips of pictures.

    Raises:
        UserError: reserved or training seeds, or a checkpoint that cannot be read.
    """
    last = config.seed + config.clips * len(config.policies) - 1
    for seed in (config.seed, last):
        if split_of(seed) not in ("validation", "test"):
            raise UserError(
                f"seed {seed} is of the {split_of(seed)} split; clips are played on seeds "
                f"{SPLITS[0][1]} to {SPLITS[2][1] - 1} (choose another seed)"
            )
    world = load_world(config.checkpoint, config.device, config.dtype, steps=config.steps)
    out = Path(config.out) if config.out else run_dir
    out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"model": world.hash, "config": asdict(config), "scores": {}}
    for i, policy in enumerate(config.policies):
        first = config.seed + i * config.clips
        clips = collect(
            config.exact,
            policy,
            range(first, first + config.clips),
            config.context,
            max(config.horizons),
            config.wait,
        )
        arms = all_arms(world.simulator, clips, config.context)
        results["scores"][policy] = scores(arms, clips, config)
        strips(arms, clips, config, out / f"{policy}.png")
    write_atomic(out / "frames.json", json.dumps(results, indent=1).encode())
    table = as_table(results["scores"], config.horizons)
    (out / "frames.md").write_text(table)
    print(table)


def all_arms(simulator: Simulator, clips: list[ExactClip], context: int) -> dict[str, list[Frames]]:
    """For each arm, the frames (t, h, w, 3) it puts in place of each clip's future."""
    futures = [clip.frames[context:] for clip in clips]
    lasts = [clip.frames[context - 1] for clip in clips]
    led = [clip.actions for clip in clips]
    others = [
        np.concatenate([own[: context - 1], other[context - 1 :]])
        for own, other in zip(led, led[1:] + led[:1], strict=True)
    ]
    still = [np.concatenate([own[: context - 1], 0 * own[context - 1 :]]) for own in led]
    return {
        "dream": dreams(simulator, clips, led, context, "dreaming"),
        "shuffled actions": dreams(simulator, clips, others, context, "with shuffled actions"),
        "no action": dreams(simulator, clips, still, context, "with no action"),
        "copy": [
            np.repeat(frame[None], len(f), 0) for frame, f in zip(lasts, futures, strict=True)
        ],
        "row mean": [
            np.repeat(row_mean(frame)[None], len(f), 0)
            for frame, f in zip(lasts, futures, strict=True)
        ],
        "blur": [
            np.repeat(blur(frame)[None], len(f), 0) for frame, f in zip(lasts, futures, strict=True)
        ],
        "reconstruction": [reconstructed(simulator.tokenizer, future) for future in futures],
    }


def dreams(
    simulator: Simulator,
    clips: list[ExactClip],
    led: list[NDArray[np.float32]],
    context: int,
    title: str,
    batch: int = 16,
) -> list[Frames]:
    """The frames dreamed after each clip's context, led by the actions given."""
    out: list[Frames] = []
    with progress(title, len(clips)) as bar:
        for i in range(0, len(clips), batch):
            part, acts = clips[i : i + batch], np.stack(led[i : i + batch])
            shown = np.stack([clip.frames[:context] for clip in part])
            seeds = [clip.seed for clip in part]
            state = simulator.reset(shown, acts[:, : context - 1], seeds)
            frames = []
            for t in range(context - 1, acts.shape[1]):
                state, step = simulator.step(state, acts[:, t : t + 1])
                frames.append(step.frames)
            dreamed = np.concatenate(frames, 1)
            for frames_of_one in dreamed:
                out.append(frames_of_one)
                bar.advance(len(frames_of_one))
    return out


def reconstructed(tokenizer: Tokenizer, frames: Frames) -> Frames:
    """The frames (t, h, w, 3) through the tokenizer and back: the best any dream can show."""
    with torch.inference_mode():
        device = next(tokenizer.parameters()).device
        return to_uint8(tokenizer.decode(tokenizer.encode(to_float(frames).to(device))))


def row_mean(frame: Frames) -> Frames:
    """The frame (h, w, 3) with every row in its mean colour."""
    mean = frame.mean(1, keepdims=True).round().astype(np.uint8)
    return np.repeat(mean, frame.shape[1], 1)


def blur(frame: Frames) -> Frames:
    """The frame (h, w, 3) blurred by a Gaussian."""
    reach = int(3 * _BLUR)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _BLUR) ** 2)
    kernel /= kernel.sum()
    soft = frame.astype(np.float64)
    for axis in (0, 1):
        padded = np.pad(soft, [(reach, reach) if a == axis else (0, 0) for a in range(3)], "edge")
        soft = np.apply_along_axis(np.convolve, axis, padded, kernel, "valid")
    return soft.round().astype(np.uint8)


def scores(arms: dict[str, list[Frames]], clips: list[ExactClip], config: Config) -> dict[str, Any]:
    """For each arm and horizon: PSNR and interval, of all pixels and of visible ones."""
    out: dict[str, Any] = {}
    for name, futures in arms.items():
        out[name] = {}
        for horizon in config.horizons:
            every, seen = [], []
            for clip, future in zip(clips, futures, strict=True):
                truth, mask = clip.frames[config.context + horizon - 1], clip.seen[horizon - 1]
                error = (future[horizon - 1].astype(np.float64) - truth) ** 2
                every.append(psnr(error.mean()))
                if mask.mean() > _LEAST_SEEN:
                    seen.append(psnr(error[mask].mean()))
            out[name][str(horizon)] = {"all": interval(every), "visible": interval(seen)}
    return out


def psnr(error: float) -> float:
    """PSNR in dB of a mean squared error of bytes, at most 68.1 (an error of 0.01)."""
    return float(10 * np.log10(255**2 / max(error, 0.01)))


def interval(values: list[float], draws: int = 2000) -> dict[str, float]:
    """The mean, its 95 % bootstrap interval, and the number of values."""
    if not values:
        return {"mean": float("nan"), "low": float("nan"), "high": float("nan"), "count": 0}
    array = np.array(values)
    picks = np.random.default_rng(0).integers(len(array), size=(draws, len(array)))
    low, high = np.percentile(array[picks].mean(1), [2.5, 97.5])
    return {
        "mean": float(array.mean()),
        "low": float(low),
        "high": float(high),
        "count": len(array),
    }


def as_table(scores_of: dict[str, Any], horizons: list[int]) -> str:
    """The scores as a Markdown table: visible pixels, with all pixels in brackets."""
    shown = [h for h in horizons if h in (1, 16)] or horizons
    head = " | ".join(f"{policy}, frame {h}" for policy in scores_of for h in shown)
    lines = [
        f"| PSNR dB, visible pixels (all) | {head} |",
        "|---" * (1 + len(scores_of) * len(shown)) + "|",
    ]
    for arm in next(iter(scores_of.values())):
        cells = []
        for policy in scores_of:
            for h in shown:
                score = scores_of[policy][arm][str(h)]
                seen, half = (
                    score["visible"],
                    (score["visible"]["high"] - score["visible"]["low"]) / 2,
                )
                cells.append(f"{seen['mean']:.1f} ± {half:.1f} ({score['all']['mean']:.1f})")
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def strips(
    arms: dict[str, list[Frames]], clips: list[ExactClip], config: Config, path: Path
) -> None:
    """Write a picture: for six clips, truth above dream; last context frame, then the horizons."""
    rows = []
    for i in range(min(6, len(clips))):
        clip = clips[i]
        last = clip.frames[config.context - 1]
        ahead = [h - 1 for h in config.horizons]
        rows.append([last, *clip.frames[config.context :][ahead]])
        rows.append([last, *arms["dream"][i][ahead]])
    iio.imwrite(path, rearrange(np.array(rows), "r t h w c -> (r h) (t w) c"))
