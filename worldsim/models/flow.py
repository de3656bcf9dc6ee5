"""The training objective: how noisy a clip is made, what is predicted, and what errors weigh."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from einops import reduce
from torch import Tensor

from worldsim.camera import CHANNELS
from worldsim.models.body import Body, partly_known, pitch_loss, walk_loss
from worldsim.models.clip import chunk_starts
from worldsim.models.dynamics import Dynamics
from worldsim.models.hands import Hands, events_loss
from worldsim.models.heads import Facts, outlook_losses

_UNTOLD = 0.3
"""Share of the clips in which hands are not told what happened before."""

_WARM = 4
"""Frames of a clip that hands see before they are asked."""


@dataclass
class FlowConfig:
    """The noise law and the weights of the loss."""

    context_noise: float = 0.1
    """Highest level of the noise on committed frames, drawn uniformly a frame."""
    pure_noise: float = 0.25
    """Share of chunks that start from nothing but noise, as every dreamed chunk does."""
    weight_limit: float = 10.0
    """Highest weight of a chunk; below it, weights are 1 / level^2."""
    changed_weight: float = 0.0
    """Extra weight of tokens that change from the frame before; 0 turns it off."""
    changed_scale: float = 0.5
    """Mean squared change of a token's latents from which the whole extra weight counts."""
    unknown_actions: float = 0.0
    """Share of frames whose action is withheld."""
    unknown_prior: float = 0.1
    """Share of clips whose priors are withheld, of games with a camera."""
    prior_noise: float = 0.2
    """Highest level of the noise on priors, drawn uniformly a frame."""
    own_past: float = 0.0
    """Share of batches whose past is in part what the model itself predicts, as it is at play."""
    heads_weight: float = 0.1
    """Weight of the losses of the heads, together."""


@dataclass
class Clip:
    """What is learnt from: latents (b, t, z, y, x), actions (b, t-1, a) in natural units, facts.

    actions[:, i] is taken on seeing frame i and produces frame i+1; text is (b, text width);
    prior (b, t, z + 3, y, x) and poses (b, t, 5), as `models.heads.body_motion` takes them, of
    games with a camera; motions (b, t, 7), what was measured between frames, and cells
    (b, t, 325), what was around after each, in [0, 1], where depth is known; events (b, t, k), 1
    for what happened in the tick that led to each, of games that say so.
    """

    latents: Tensor
    actions: Tensor
    facts: Facts = field(default_factory=Facts)
    text: Tensor | None = None
    prior: Tensor | None = None
    poses: Tensor | None = None
    motions: Tensor | None = None
    cells: Tensor | None = None
    events: Tensor | None = None

    @property
    def brought(self) -> Tensor | None:
        """The events (b, t-1, k) that the actions brought about."""
        return None if self.events is None else self.events[:, 1:]


Look = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Frames moved: latents (k, z, y, x) of frames seen from poses (k, 5), and the poses (k, 5) they
are to be seen from -> latents (k, z, y, x), and where they show what is there (k, 1, y, x)."""


def noised(clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """(1 - level) clean + level noise, for a level (b, t) of each frame (b, t, ...)."""
    level = level.view(*level.shape, *[1] * (clean.ndim - level.ndim))
    return torch.lerp(clean, noise, level)


def draw_levels(
    b: int, t: int, chunk: int, config: FlowConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Levels (b, t) of the clean stream and (b, t) of the noisy one, equal inside a chunk.

    Independent uniform draws; a share of the chunks is at exactly 1.
    """
    device = generator.device
    clean, noisy, pure = torch.rand(3, b, t, generator=generator, device=device)
    noisy = torch.where(pure < config.pure_noise, 1.0, noisy)
    return config.context_noise * clean, noisy[:, chunk_starts(t, chunk).to(device)]


def level_weight(level: Tensor, limit: float) -> Tensor:
    """min(1 / level^2, limit): velocity error in terms of the clean sample's, kept in bounds."""
    return level.square().reciprocal().clamp(max=limit)


def change_weight(latents: Tensor, patch: int, config: FlowConfig) -> Tensor:
    """Weight (b, t, y, x) of each token of latents (b, t, z, y, x); 1 in the first frame."""
    change = latents.diff(dim=1, prepend=latents[:, :1]).square()
    change = reduce(change, "b t z (y p) (x q) -> b t y x", "mean", p=patch, q=patch)
    return 1 + config.changed_weight * (change / config.changed_scale).clamp(max=1)


def flow_loss(
    predicted: Tensor, latents: Tensor, level: Tensor, patch: int, config: FlowConfig
) -> Tensor:
    """The weighted squared error of predicted latents (b, t, z, y, x), a scalar.

    Frame 0, which has no past to be predicted from, does not count.
    """
    error = (predicted - latents).square()
    error = reduce(error, "b t z (y p) (x q) -> b t y x", "mean", p=patch, q=patch)
    if config.changed_weight:
        error = error * change_weight(latents, patch, config)
    weighted = level_weight(level, config.weight_limit) * error.mean((-2, -1))
    return weighted[:, 1:].mean()


def own_past(
    dynamics: Dynamics,
    clip: Clip,
    level: Tensor,
    chunk: int,
    known: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """The latents (b, t, z, y, x) of the clip, some replaced by predictions from pure noise.

    And which, (b, t): these, and what share of them, differ from clip to clip; the first stays.
    level: (b, t) of the noise on the past that is predicted from. A model that has only seen true
    frames takes its own blur for the world's (Bengio et al. 2015, arXiv:1506.03099).
    """
    latents = clip.latents
    b, t = latents.shape[:2]
    noise = torch.randn(2, *latents.shape, generator=generator, device=latents.device)
    chosen = torch.rand(b, t, generator=generator, device=latents.device)
    share = torch.rand(b, 1, generator=generator, device=latents.device)
    guess = dynamics(  # with gradients, so that one compiled graph serves both passes
        noised(latents, noise[0], level),
        noise[1],
        level,
        torch.ones_like(level),
        clip.actions,
        chunk=chunk,
        known=known,
        prior=clip.prior,
        text=clip.text,
        events=clip.brought,
    ).latents.detach()
    chosen[:, 0] = 1
    own = chosen < share
    return torch.where(own[:, :, None, None, None], guess, latents), own


def with_blurred_prior(clip: Clip, config: FlowConfig, generator: torch.Generator) -> Clip:
    """The clip with noise on the latents of its priors, if it has any; some clips lose them."""
    if clip.prior is None:
        return clip
    prior = clip.prior
    b, t = prior.shape[:2]
    device = prior.device
    noise = torch.randn(prior.shape, generator=generator, device=device)
    noise[:, :, -CHANNELS:] = prior[:, :, -CHANNELS:]
    level = config.prior_noise * torch.rand(b, t, generator=generator, device=device)
    kept = torch.rand(b, 1, generator=generator, device=device) >= config.unknown_prior
    known = (prior[:, :, -CHANNELS:] > 0).flatten(2).any(2)  # a frame without a prior stays so
    kept = kept & known
    return replace(clip, prior=noised(prior, noise, level) * kept[:, :, None, None, None])


def own_prior(clip: Clip, past: Tensor, own: Tensor, look: Look) -> Tensor:
    """The priors (b, t, z + 3, y, x), after frames that are the model's own as they follow from it.

    Beyond the edges of the frame before they stay as they are.
    """
    assert clip.prior is not None
    assert clip.poses is not None
    prior = clip.prior.clone()
    rows, frames = own[:, :-1].nonzero(as_tuple=True)
    if len(rows):
        after = rows, frames + 1
        turned, inside = look(past[rows, frames], clip.poses[rows, frames], clip.poses[after])
        before = prior[after]
        before[:, :-CHANNELS] = torch.where(inside, turned, before[:, :-CHANNELS])
        prior[after] = before
    return prior


def objective(
    dynamics: Dynamics,
    clip: Clip,
    chunk: int,
    config: FlowConfig,
    generator: torch.Generator,
    look: Look | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a clip, a scalar, and its parts by name; `chunk` frames are denoised jointly.

    Of these only the first has a prior, as at play. look: moves the model's own frames, so that
    priors follow from them too.
    """
    latents, device = clip.latents, clip.latents.device
    b, t = latents.shape[:2]
    clean_level, noisy_level = draw_levels(b, t, chunk, config, generator)
    noise = torch.randn(2, *latents.shape, generator=generator, device=device)
    known = torch.rand(b, t - 1, generator=generator, device=device) >= config.unknown_actions
    whole = clip
    if clip.prior is not None:
        first = chunk_starts(t, chunk) == torch.arange(t)
        whole = replace(clip, prior=clip.prior * first.to(device)[:, None, None, None])
    clip = with_blurred_prior(whole, config, generator)
    past = latents
    if config.own_past > torch.rand((), generator=generator, device=device):
        past, own = own_past(dynamics, clip, clean_level, chunk, known, generator)
        if look is not None and whole.prior is not None:
            prior = own_prior(whole, past, own, look) * first.to(device)[:, None, None, None]
            clip = with_blurred_prior(replace(whole, prior=prior), config, generator)
    seen = noised(past, noise[0], clean_level)
    prediction = dynamics(
        seen,
        noised(latents, noise[1], noisy_level),
        clean_level,
        noisy_level,
        clip.actions,
        chunk=chunk,
        known=known,
        prior=clip.prior,
        text=clip.text,
        events=clip.brought,
    )
    patch = dynamics.config.patch
    parts = {"flow": flow_loss(prediction.latents, latents, noisy_level, patch, config)}
    heads = outlook_losses(prediction.outlook, clip.facts)
    if dynamics.body is not None:
        heads |= body_losses(dynamics.body, seen, clip, generator)
    if dynamics.hands is not None:
        heads |= hands_losses(dynamics.hands, seen, clip, generator)
    loss = parts["flow"] + config.heads_weight * sum(heads.values(), parts["flow"].new_zeros(()))
    return loss, {**parts, **heads}


def part_objective(
    part: Body | Hands, clip: Clip, config: FlowConfig, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """As `objective`, of a dynamics whose body, or hands, alone are trained."""
    latents, device = clip.latents, clip.latents.device
    level = config.context_noise * torch.rand(latents.shape[:2], generator=generator, device=device)
    noise = torch.randn(latents.shape, generator=generator, device=device)
    past = noised(latents, noise, level)
    if isinstance(part, Body):
        losses = body_losses(part, past, clip, generator)
    else:
        losses = hands_losses(part, past, clip, generator)
    return torch.stack(list(losses.values())).sum(), losses


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
        losses["pitch"] = pitch_loss(tracks.pitches[:, 1:], facts.pitch)
    return losses


def hands_losses(hands: Hands, past: Tensor, clip: Clip, g: torch.Generator) -> dict[str, Tensor]:
    """The loss of hands; past: (b, t, z, y, x), as it is seen. Some clips do not tell the past."""
    if clip.events is None:
        return {}
    b = len(past)
    told = torch.rand(b, 1, 1, generator=g, device=past.device) >= _UNTOLD
    led = F.pad(clip.actions, (0, 0, 1, 0))
    states = hands(past, led, clip.events * told, hands.start(b))
    logits = hands.logits(states[:, _WARM:-1], clip.actions[:, _WARM:])
    return {"events": events_loss(logits, clip.events[:, _WARM + 1 :])}
