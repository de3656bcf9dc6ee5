"""Command: how far the rewards and ends that a world's heads tell of can be believed.

Held-out encoded recordings are gone through twice: `seen`, where every frame is the true one, and
`dreamed`, where from a context on the model's own frames follow under the true actions.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from worldsim.data.latents import FACTS, LatentDataset
from worldsim.errors import UserError
from worldsim.files import write_atomic
from worldsim.models.sampler import noised
from worldsim.progress import progress
from worldsim.simulator import Simulator
from worldsim.world import load_world

Array = NDArray[np.float64]
_FACTS = {"reward": FACTS.index("reward"), "end": FACTS.index("terminated")}
_BINS = 10


@dataclass
class Config:
    """What `worldsim check_heads` takes."""

    latents: list[str] = field(default_factory=list)
    """Folders of `worldsim encode`, of seeds that the world was not trained on."""
    checkpoint: str | None = None
    """World file; null: the shipped one."""
    clips: int = 64
    """Clips gone through, half of them with a reward or an end in the part that is dreamed."""
    frames: int = 16
    """Frames dreamed in each, after as many as the model's window as context."""
    batch: int = 8
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"


def run(config: Config, run_dir: Path) -> None:
    """Measure, print the figures and write them to `heads.json`."""
    figures = check_heads(config)
    run_dir.mkdir(parents=True, exist_ok=True)
    write_atomic(run_dir / "heads.json", json.dumps(figures, indent=1).encode())
    for name, value in figures.items():
        print(f"{name:<32} {value:.4g}")


def check_heads(config: Config) -> dict[str, float]:
    """Figures by `way/head/figure`, of both ways and both heads.

    `auroc`; `calibration`, the mean distance between told and true shares over bins of equal
    count; `told` and `true`, rewards in 1,000 ticks (or ends); `hallucinated`, what is told in
    1,000 ticks of clips in which there was nothing; `clips` and `events`, how many there were.

    Raises:
        UserError: no latents, or no clip long enough.
    """
    world = load_world(config.checkpoint, config.device, config.dtype)
    data = LatentDataset(config.latents)
    context = world.simulator.dynamics.config.window
    places = _places(data, config, context + config.frames)
    told: dict[str, list[Array]] = {}
    true: dict[str, list[Array]] = {name: [] for name in _FACTS}
    with progress("checking", len(places)) as shown:
        for first in range(0, len(places), config.batch):
            batch = places[first : first + config.batch]
            clips = data.clips(batch, context + config.frames)
            latents, led = torch.from_numpy(clips.latents), torch.from_numpy(clips.actions)
            seeds = [first + row for row in range(len(batch))]
            with torch.inference_mode():
                ways = {
                    "seen": _seen(world.simulator, latents, led, context),
                    "dreamed": _dreamed(world.simulator, latents, led, context, seeds),
                }
            for way, heads in ways.items():
                for head, values in heads.items():
                    told.setdefault(f"{way}/{head}", []).append(values)
            for name, column in _FACTS.items():
                true[name].append(clips.facts[:, context:, column].astype(np.float64))
            for _ in batch:
                shown.advance(config.frames)
    figures: dict[str, float] = {}
    for name, parts in told.items():
        happened = np.concatenate(true[name.split("/")[1]])
        own = _figures(np.concatenate(parts), happened)
        figures |= {f"{name}/{figure}": value for figure, value in own.items()}
    return figures


def _places(data: LatentDataset, config: Config, t: int) -> list[tuple[int, int]]:
    """Places (episode, frame) of clips of t frames, half of them shortly before an event."""
    rng = np.random.default_rng(config.seed)
    long = [i for i, (_, _, frames, _) in enumerate(data.episodes) if frames >= t]
    if not long:
        raise UserError(f"no episode of the latents has {t} frames; needed longer ones")
    eventful = []
    for i in long:
        frames = data.episodes[i][2]
        facts = data.clips([(i, 0)], frames).facts[0]
        for at in np.flatnonzero(facts[:, list(_FACTS.values())].any(1)).tolist():
            lowest, highest = max(0, at - t + 1), min(at - t + config.frames, frames - t)
            if lowest <= highest:
                eventful.append((i, int(rng.integers(lowest, highest + 1))))
    rng.shuffle(eventful)
    chosen = [(int(i), int(place)) for i, place in eventful[: config.clips // 2]]
    while len(chosen) < config.clips:
        i = int(rng.choice(long))
        chosen.append((i, int(rng.integers(data.episodes[i][2] - t + 1))))
    return chosen


def _dreamed(
    simulator: Simulator,
    latents: Tensor,
    led: Tensor,
    context: int,
    seeds: list[int],
) -> dict[str, Array]:
    """What the heads tell of dreamed frames, (b, frames) each."""
    rewards, ends = [], []
    state = simulator.reset(latents[:, :context], led[:, : context - 1], seeds)
    for i in range(context, latents.shape[1]):
        state, step = simulator.step(state, led[:, i - 1 : i])
        rewards.append(step.reward)
        ends.append(step.p_end)
    return {"reward": _array(torch.cat(rewards, 1)), "end": _array(torch.cat(ends, 1))}


def _seen(simulator: Simulator, latents: Tensor, led: Tensor, context: int) -> dict[str, Array]:
    """What the heads tell of the true frames after the context, (b, frames) each."""
    dynamics, device = simulator.dynamics, simulator.device
    latents, led = latents.to(device), F.pad(led, (0, 0, 1, 0)).to(device)
    b, t = latents.shape[:2]
    known = torch.ones(b, t, dtype=torch.bool, device=device)
    known[:, 0] = False
    level = torch.full((b, t), simulator.config.commit_level, device=device)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(latents.shape, generator=generator).to(device)
    frames = noised(latents, noise, level)
    cache = dynamics.empty_cache(b, (latents.shape[-2], latents.shape[-1]), torch.float32)
    outlooks = []
    for first in range(0, t, context):
        part = slice(first, first + context)
        scene = dynamics.scene(cache, led[:, part], known[:, part], latents)
        cache, outlook = dynamics.commit(scene, frames[:, part], level[:, part])
        outlooks.append(outlook)
    rewards = torch.cat([outlook.reward for outlook in outlooks], 1)
    ends = torch.cat([outlook.end_logit for outlook in outlooks], 1).sigmoid()
    return {"reward": _array(rewards[:, context:]), "end": _array(ends[:, context:])}


def _array(tensor: Tensor) -> Array:
    return tensor.double().cpu().numpy()


def _figures(told: Array, true: Array) -> dict[str, float]:
    """The figures of one head: told and true (clips, frames)."""
    happened = true != 0
    empty = ~happened.any(1)
    return {
        "auroc": auroc(told.ravel(), happened.ravel()),
        "calibration": calibration(told.ravel(), true.ravel()),
        "told": 1000 * float(told.mean()),
        "true": 1000 * float(true.mean()),
        "hallucinated": 1000 * float(told[empty].mean()) if empty.any() else float("nan"),
        "clips": float(len(told)),
        "events": float(happened.sum()),
    }


def auroc(told: Array, happened: NDArray[np.bool_]) -> float:
    """The chance that something that happened is told of louder than something that did not.

    Mann and Whitney's statistic, ties halved; NaN where nothing or everything happened.
    """
    some, none = int(happened.sum()), int((~happened).sum())
    if not some or not none:
        return float("nan")
    order = np.sort(told)
    ranks = (np.searchsorted(order, told, "left") + np.searchsorted(order, told, "right") + 1) / 2
    return float((ranks[happened].sum() - some * (some + 1) / 2) / (some * none))


def calibration(told: Array, true: Array) -> float:
    """The mean distance between what is told and what is true, over bins of equal count."""
    order = np.argsort(told, kind="stable")
    bins = [rows for rows in np.array_split(order, _BINS) if len(rows)]
    apart = [abs(told[rows].mean() - true[rows].mean()) * len(rows) for rows in bins]
    return float(sum(apart) / len(told))
