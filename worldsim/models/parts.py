"""The losses of what stands beside the transformer, and the clips that all of it learns from."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim import cubes
from worldsim.camera import CHANNELS
from worldsim.models.body import Body, partly_known, walk_loss
from worldsim.models.draft import Draft
from worldsim.models.faces import Faces, faces_loss
from worldsim.models.grid import Grid, grid_loss, seen_from
from worldsim.models.hands import HELD, Hands, events_loss
from worldsim.models.heads import Facts
from worldsim.models.level import Level, level_loss
from worldsim.models.overlay import Overlay, overlay_loss
from worldsim.models.sampler import level_weight, noised

_UNSEEN = 0.5
"""Share of the clips in which hands do not see what little they change, as in a dull dream."""

_STIRRED = 0.08
"""Mean squared change of the latents from which on a frame shows something else."""

_UNTOLD = 0.3
"""Share of the clips in which hands are not told what happened before."""

_LEVELLED = 4
"""One in so many frames is asked where the camera points: neighbours are alike."""

_LEAST_NOISE, _PURE_NOISE, _HEAVIEST = 0.02, 0.3, 4.0
"""Of drafts: the lowest level, the share at level 1, and the highest weight; as in `flow`."""

_LEAST = 8.0, 1.0
"""Of drafts: sums of squared changes, of the view and of what is held, below which less counts."""

_ASTRAY, _LOST = (0.03, 1.0), 0.15
"""Of drafts: blocks and degrees by which the block that changes is misplaced, and the share of the
moments in which nobody knows which it is; of hands: of the clips without distances."""

_WRONG = 0.03
"""Logarithm of the ratio by which hands are told wrongly how far away what is aimed at is."""

_BEGUN = 0.02
"""Blocks from the middle of one within which players have not moved yet."""

_WARM = 4
"""Frames of a clip that hands see before they are asked."""


@dataclass
class Clip:
    """What is learnt from: latents (b, t, z, y, x), actions (b, t-1, a) in natural units, facts.

    actions[:, i] is taken on seeing frame i and produces frame i+1; text is (b, text width);
    prior (b, t, z + 3, y, x), of games with a camera; motions (b, t, 7), what was measured between
    frames, and cells (b, t, 975), what was around after each, in [0, 1], where depth is known;
    events (b, t, k), 1 for what happened in the tick that led to each, of games that say so; tried
    (b, t-1, s, k), 1 for what would have happened in a tick had one of the columns `keys` of its
    action been held too, where that is known; aims (b, t), blocks to what each shows in the middle,
    cubes (b, t, 6), the blocks that changed, and points (b, t, p, 8) on them, likewise;
    poses (b, t, 5), x, y (up), z, yaw, pitch, NaN where not known.
    """

    latents: Tensor
    actions: Tensor
    facts: Facts = field(default_factory=Facts)
    text: Tensor | None = None
    prior: Tensor | None = None
    motions: Tensor | None = None
    cells: Tensor | None = None
    events: Tensor | None = None
    tried: Tensor | None = None
    keys: tuple[int, ...] = ()
    aims: Tensor | None = None
    cubes: Tensor | None = None
    points: Tensor | None = None
    poses: Tensor | None = None

    @property
    def brought(self) -> Tensor | None:
        """The events (b, t-1, k) that the actions brought about."""
        return None if self.events is None else self.events[:, 1:]


def body_losses(body: Body, past: Tensor, clip: Clip, g: torch.Generator) -> dict[str, Tensor]:
    """The losses of a body for which there are facts; past: (b, t, z, y, x), as it is seen."""
    measured = None if clip.motions is None else partly_known(clip.motions, g)
    led = F.pad(clip.actions, (0, 0, 1, 0))
    near = None if clip.cells is None else F.pad(clip.cells[:, :-1], (0, 0, 1, 0))
    tracks = body(past, led, body.start(len(past)), measured=measured, near=near)
    facts, losses = clip.facts, {}
    if facts.motion is not None:
        losses["coming"] = walk_loss(tracks.expected[:, 1:], facts.motion[..., :3])
        losses["felt"] = walk_loss(tracks.felt[:, 1:], facts.motion[..., :3])
        half = led.shape[1] // 2  # seen; the other half is walked blindly, as in dreams
        later = None if near is None else near[:, half:]
        blind = body.walked(led[:, half:], tracks.bodies[:, half - 1], later)
        losses["walked"] = walk_loss(blind, facts.motion[:, half - 1 :, :3])
    if facts.pitch is not None:
        some = past[:, 1::_LEVELLED].flatten(0, 1)
        losses["pitch"] = level_loss(body.level(some), facts.pitch[:, ::_LEVELLED].flatten())
    return losses


def level_losses(level: Level, past: Tensor, clip: Clip) -> dict[str, Tensor]:
    """The loss of where cameras point, of every frame; past: (b, t, z, y, x), as it is seen."""
    if clip.facts.pitch is None:
        return {}
    told = level(past[:, 1:].flatten(0, 1))
    return {"pitch": level_loss(told, clip.facts.pitch.flatten())}


def hands_losses(hands: Hands, past: Tensor, clip: Clip, g: torch.Generator) -> dict[str, Tensor]:
    """The losses of hands; past: (b, t, z, y, x), as it is seen.

    Some clips do not tell what happened before, and some do not show it. Of what happens, and of
    what would have happened had each key been held: that is asked about every frame, presses that
    place nothing or at last break something are few.
    """
    if clip.events is None:
        return {}
    b = len(past)
    if hands.training and clip.facts.motion is not None:
        up = clip.facts.motion[..., 2]
        speeds = torch.stack([up[:, :-1], up[:, 1:]], -1)
        hands.spans.widen(clip.events[:, 2:].flatten(0, 1), speeds.flatten(0, 1))
    dull = torch.rand(b, 1, 1, 1, 1, generator=g, device=past.device) < _UNSEEN
    past = torch.where(dull, unstirred(past), past)
    told = torch.rand(b, 1, 1, generator=g, device=past.device) >= _UNTOLD
    led = F.pad(clip.actions, (0, 0, 1, 0))
    states = hands(past, led, clip.events * told, hands.start(b))
    states, actions = states[:, _WARM:-1], clip.actions[:, _WARM:]
    away = None if clip.aims is None else _guessed(clip.aims, g)[:, _WARM:-1]
    logits = hands.logits(states, actions, away)
    losses = {"events": events_loss(logits, clip.events[:, _WARM + 1 :])}
    if clip.tried is not None:
        held = actions[:, :, None].repeat(1, 1, len(clip.keys), 1)
        for i, key in enumerate(clip.keys):
            held[:, :, i, key] = 1
        each = (-1, -1, len(clip.keys))
        there = None if away is None else away[..., None].expand(each)
        would = hands.logits(states[:, :, None].expand(*each, -1), held, there)
        losses["tried"] = len(clip.keys) * events_loss(would, clip.tried[:, _WARM:])
    return losses


def _guessed(aims: Tensor, g: torch.Generator) -> Tensor:
    """Distances (b, t) as they are guessed in dreams; of some clips nobody knows any."""
    lost = torch.rand(len(aims), 1, generator=g, device=aims.device) < _LOST
    wrong = torch.randn(aims.shape, generator=g, device=aims.device) * _WRONG
    return torch.where(lost, 0.0, aims * wrong.exp())


def grid_losses(grid: Grid, past: Tensor, clip: Clip) -> dict[str, Tensor]:
    """The loss of the grid, of all frames whose camera's pose is known; past: as seen.

    Not of those of players that have not moved: games begin in the middle of a block, and who
    learns from that guesses the middle wherever a frame does not tell.
    """
    if clip.poses is None:
        return {}
    poses = clip.poses
    if clip.cubes is not None:  # a moment's frames are all seen from one place
        there = clip.cubes[..., -1:] > 0
        poses = torch.where(there, seen_from(clip.cubes).to(poses), poses)
        poses = torch.where(there.any(1, keepdim=True), poses[:, -1:], poses)
    begun = ((poses[..., :3:2] % 1 - 0.5).abs() < _BEGUN).all(-1)
    chosen = ~(poses.isnan().any(-1) | begun)
    told = grid(past[chosen], poses[chosen][:, -1])
    return {"grid": grid_loss(told, poses[chosen])}


def faces_losses(faces: Faces, past: Tensor, clip: Clip) -> dict[str, Tensor]:
    """The loss of faces, of all frames of which some points are known; past: as seen.

    What was in hand, and in which light, the frame before shows. And whether what was put down
    fell, where that is told.
    """
    losses = {"faces": faces.parts.sum() * 0}
    fell = None if clip.events is None else faces.falls_loss(past, clip.events)
    if fell is not None:
        losses["falls"] = fell
    points = None if clip.points is None else clip.points[:, 1:]
    chosen = None if points is None else (points[..., 6] > 0).any(-1)
    if points is not None and chosen is not None and chosen.any():
        losses["faces"] = faces_loss(faces, past[:, :-1][chosen], points[chosen])
    return losses


def unstirred(latents: Tensor) -> Tensor:
    """Latents (b, t, z, y, x) of which each stays as it is until much is different."""
    shown = [latents[:, 0]]
    for now in latents.unbind(1)[1:]:
        much = (now - shown[-1]).square().mean((1, 2, 3), keepdim=True) > _STIRRED
        shown.append(torch.where(much, now, shown[-1]))
    return torch.stack(shown, 1)


def draft_losses(draft: Draft, clip: Clip, g: torch.Generator) -> dict[str, Tensor]:
    """The loss of drafts of a clip's events: squared error where something was known before.

    Of changes with noise at a level each, many of pure noise, weighed as in `flow.flow_loss`.
    """
    if clip.prior is None or clip.brought is None:
        return {}
    known = clip.prior[:, 1:, -CHANNELS:]
    chosen = draft.occasions(clip.actions, clip.brought) & (known > 0).flatten(2).any(2)
    prior, latents = clip.prior[:, 1:][chosen], clip.latents[:, 1:][chosen]
    if not len(prior):
        return {"draft": draft.end.weight.sum() * 0}
    changes, device = latents - prior[:, :-CHANNELS], latents.device
    level = torch.rand(len(prior), generator=g, device=device).clamp(_LEAST_NOISE)
    pure = torch.rand(len(prior), generator=g, device=device) < _PURE_NOISE
    level = torch.where(pure, 1.0, level)
    noise = torch.randn(changes.shape, generator=g, device=device)
    noisy, events = noised(changes, noise, level), clip.brought[chosen]
    blocks = None
    if clip.cubes is not None:
        blocks = cubes.moved(clip.cubes[:, 1:][chosen], *_ASTRAY, g)
        lost = torch.rand(len(blocks), 1, generator=g, device=device) < _LOST
        blocks = torch.where(lost, 0.0, blocks)
    placed = draft.where(blocks, (prior.shape[-2], prior.shape[-1]))
    drawn = draft(prior, clip.actions[chosen], events, noisy, level, placed)
    often = level_weight(level, _HEAVIEST)[:, None, None]
    weight = prior[:, -CHANNELS] * often * evenly(prior[:, -CHANNELS], changes, events)
    return {"draft": (weight * (drawn - changes).square().mean(1)).sum() / len(prior)}


def overlay_losses(overlay: Overlay, clip: Clip) -> dict[str, Tensor]:
    """The loss of what a clip's events change of what is laid over the view."""
    if clip.prior is None or clip.brought is None:
        return {}
    seen = (clip.prior[:, 1:, -CHANNELS] > 0).flatten(2).any(2)
    chosen = overlay.occasions(clip.actions, clip.brought) & seen
    if not chosen.any():
        return {"overlay": overlay.end.weight.sum() * 0}
    prior, latents = clip.prior[:, 1:, :-CHANNELS][chosen], clip.latents[:, 1:][chosen]
    told = overlay(prior, clip.actions[chosen], clip.brought[chosen])
    return {"overlay": overlay_loss(told, (latents - prior)[:, :, -told.shape[2] :])}


def evenly(known: Tensor, changes: Tensor, events: Tensor) -> Tensor:
    """Weights (n, y, x) under which each kind of event counts alike, and so does what is held.

    A crack is a tenth of a hole in squares, the digit that tells of a block placed a twentieth of
    the block: left to themselves, they are not learnt. By kind, not by draw, which would favour
    what changes little. known: (n, y, x). changes: (n, z, y, x). events: (n, k).
    """
    much = known * changes.square().mean(1)
    kind = torch.where((events > 0).any(1), events.argmax(1), events.shape[1])
    alike = (kind[:, None] == kind).to(much)
    parts, top = [], much.shape[1] - much.shape[1] // HELD
    for part, least in zip((much[:, :top], much[:, top:]), _LEAST, strict=True):
        typical = (alike @ part.sum((1, 2))) / alike.sum(1)
        parts.append((1 / (typical + least))[:, None, None].expand_as(part))
    return torch.cat(parts, 1)
