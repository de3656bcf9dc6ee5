"""Recorded clips as what the networks learn from."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.data.latents import FACTS, Clips
from worldsim.models.heads import Facts, body_motion
from worldsim.models.parts import Clip


def as_clip(clips: Clips, device: torch.device) -> Clip:
    """The clips as tensors, with what the heads are to say; facts that are NaN are left out."""
    column = {name: torch.from_numpy(clips.facts[..., i]) for i, name in enumerate(FACTS)}
    poses = torch.stack([column[name] for name in ("x", "y", "z", "yaw", "pitch")], -1).double()
    told = {
        "reward": column["reward"][:, :-1],
        "terminated": column["terminated"][:, :-1] > 0,
        "on_ground": column["on_ground"][:, 1:],
        "motion": body_motion(poses).float(),
        "pitch": column["pitch"][:, 1:],
    }
    known = {name: fact.to(device) for name, fact in told.items() if not fact.isnan().any()}

    def given(array: NDArray[Any] | None) -> Tensor | None:
        return None if array is None else torch.from_numpy(array).to(device)

    latents, actions = (torch.from_numpy(a).to(device) for a in (clips.latents, clips.actions))
    happened, tried, cells = (given(a) for a in (clips.events, clips.tried, clips.cells))
    return Clip(
        latents,
        actions,
        Facts(**known),
        prior=given(clips.priors),
        motions=given(clips.motions),
        cells=None if cells is None else cells / 255,
        events=None if happened is None else (happened > 0).float(),
        tried=None if tried is None else tried.float(),
        keys=clips.keys,
        aims=given(clips.aims),
        cubes=given(clips.cubes),
        points=given(clips.points),
        poses=poses.to(device),
    )
