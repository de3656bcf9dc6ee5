"""Command: dream along recorded ways, so that a dynamics model learns to put its dreams right.

A transformer that has only known true pasts copies what is known of a frame as it is. In a dream
that was itself drawn, from farther away or out of nothing, and nobody ever said what it should have
become. So the world dreams what was recorded, by the motions and events that truly came of the
actions; `train_dynamics rehearsals=[...]` learns what each of the frames should have shown, given
what the dream knew and had drawn (Ross et al. 2011, arXiv:1011.0686). Hands (`part=hands`) learn
from the same what truly came of actions, seen as a dream shows it.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.data.frames import Pixels
from worldsim.data.growing import Rows, grown
from worldsim.data.latents import Clips, LatentDataset, refuse_held_out
from worldsim.data.rehearsals import PARTS
from worldsim.device import pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.files import locked
from worldsim.happenings import aims
from worldsim.simulator import SimulatorConfig
from worldsim.surroundings import Given
from worldsim.training.clips import as_clip
from worldsim.training.models import Models, models_of
from worldsim.training.teaching import KEPT, Recalling, begun

NAME = "rehearse"
_AROUND = 1  # places to each side over which colours are compared


@dataclass
class Config:
    """Settings of the command."""

    latents: list[str] = field(default_factory=list)
    """Folders of `worldsim encode` whose ways are dreamed along."""
    init: str | None = "runs/dynamics/dynamics.safetensors"
    """The dynamics that dreams; a world file will do here and below."""
    tokenizer: str = "runs/tokenizer/tokenizer.safetensors"
    depth: str = ""
    """The depth network of the latents' priors, if they had one."""
    frames: int = 40_000
    """Frames that are dreamed."""
    length: int = 48
    """Frames of a dream, after a context of `context`."""
    context: int = 16
    batch: int = 16
    """Dreams side by side."""
    eventful: float = 0.3
    """Share of dreams in which something happens."""
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"


def run(config: Config, run_dir: Path) -> None:
    """Dream as many clips as asked for, or go on with it, in `run_dir`.

    Raises:
        UserError: latents that the world cannot dream along, or a folder of another plan.
    """
    data = LatentDataset(config.latents)
    refuse_held_out(data, NAME)
    if not data.camera.field_of_view:
        raise UserError(
            "latents have no priors, which rehearsals are about"
            " (encode with camera.field_of_view=...)"
        )
    models = models_of(config, data)
    world, meta = _simulator(models, config), models.dynamics_meta
    data.notice(world.dynamics.config.switches)
    batches = max(1, round(config.frames / (config.length * config.batch)))
    plan = {
        "dynamics": meta["hash"],
        "latents": config.latents,
        "length": config.length,
        "context": config.context,
        "batch": config.batch,
        "clips": batches * config.batch,
        "eventful": config.eventful,
        "seed": config.seed,
        "tokenizer": data.tokenizer,
        "keys": list(data.keys) if data.tells("tried") else [],
    }

    def made(number: int) -> Rows:
        rng = np.random.default_rng((config.seed, number))
        length = config.context + config.length
        clips = data.draw(rng, config.batch, length, config.eventful)
        if not plan["keys"]:  # some folders may tell, not all
            clips = replace(clips, tried=None)
        return rehearsed(world, clips, config.context, rng)

    with locked(run_dir, NAME):
        grown(run_dir, plan, made, "rehearsals", config.length)


def rehearsed(world: Recalling, clips: Clips, context: int, rng: np.random.Generator) -> Rows:
    """The rows of `Rehearsals` of clips, which are dreamed from their first `context` frames.

    Raises:
        UserError: nobody knows where the players of the clips were.
    """
    clip = as_clip(clips, world.device)
    if clip.facts.motion is None:
        raise UserError(
            "latents do not tell where players were, which dreams along their ways have to know"
            " (record from an environment whose info has position, yaw and pitch)"
        )
    assert clip.prior is not None
    truths, motions = clip.latents, clip.facts.motion[..., :3].double().cpu().numpy()
    state, first = begun(world, clips, context, rng), context - KEPT
    shares = truths[:, first:context, 0] * 0
    nobody_knows = truths.new_zeros(len(truths), KEPT - 1)
    aimed = nobody_knows if clip.aims is None else clip.aims[:, first : context - 1]
    rows: dict[str, list[Tensor]] = {
        "latents": [*truths[:, first:context].unbind(1)],
        "priors": [*clip.prior[:, first:context].unbind(1)],
        "shares": [*shares.unbind(1)],
        "apart": [*shares.unbind(1)],
        "aims": [*aimed.unbind(1), aims(state)],
    }
    for t in range(context - 1, clips.actions.shape[1]):
        happened = None if clip.events is None else clip.events[:, t + 1 : t + 2]
        given = Given(motions[:, t], happened)
        state, step = world.step(state, clips.actions[:, t : t + 1], True, given)
        known, drafted = world.told.ahead, world.told.drafted
        assert known is not None
        assert drafted is not None
        seen = world.decode(truths[:, t + 1 : t + 2])[:, 0]
        pictures = np.stack([view.lit for view in known.views])
        rows["latents"].append(step.latents[:, 0])
        rows["priors"].append(drafted.prior[:, 0])
        rows["shares"].append(drafted.share[:, 0, 0])
        grid = truths.shape[-2], truths.shape[-1]
        rows["apart"].append(apart(seen, pictures, grid).to(truths))
        rows["aims"].append(aims(state))
    done: dict[str, Any] = {name: torch.stack(parts, 1) for name, parts in rows.items()}
    done |= {"truths": truths[:, first:], "actions": clip.actions[:, first:]}
    if clip.events is not None:
        done["events"] = clip.events[:, first:]
    if clip.tried is not None:
        done["tried"] = clip.tried[:, first:]
    return {name: part.cpu().numpy().astype(PARTS[name]) for name, part in done.items()}


def apart(frames: Pixels, others: Pixels, grid: tuple[int, int]) -> Tensor:
    """How far colours of frames (b, h, w, 3) are apart, of 255, by place: (b, y, x).

    Of means over each place of the grid (y, x) and those around it.
    """
    means = [
        F.adaptive_avg_pool2d(torch.from_numpy(pictures).permute(0, 3, 1, 2).float(), grid)
        for pictures in (frames, others)
    ]
    around = F.pad(means[0] - means[1], [_AROUND] * 4, mode="replicate")
    return F.avg_pool2d(around, 2 * _AROUND + 1, 1).abs().mean(1)


def _simulator(models: Models, config: Config) -> Recalling:
    device = pick_device(config.device)
    sampling = SimulatorConfig(**models.dynamics_meta["sampling"])
    away = None if models.depth is None else models.depth.to(device)
    pair = models.tokenizer.to(device), models.dynamics.to(device)
    return Recalling(*pair, sampling, pick_dtype(device, config.dtype), away)
