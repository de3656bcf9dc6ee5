"""The training objective: how noisy a clip is made, what is predicted, and what errors weigh."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from worldsim.camera import CHANNELS
from worldsim.models.body import Body
from worldsim.models.clip import chunk_starts
from worldsim.models.critic import critic_losses
from worldsim.models.draft import Draft
from worldsim.models.dynamics import Dynamics
from worldsim.models.faces import Faces
from worldsim.models.grid import Grid
from worldsim.models.hands import Hands
from worldsim.models.heads import outlook_losses
from worldsim.models.level import Level
from worldsim.models.overlay import Overlay
from worldsim.models.parts import (
    Clip,
    body_losses,
    draft_losses,
    faces_losses,
    grid_losses,
    hands_losses,
    level_losses,
    overlay_losses,
)
from worldsim.models.sampler import level_weight, noised


@dataclass
class FlowConfig:
    """The noise law and the weights of the loss."""

    context_noise: float = 0.1
    """Highest level of the noise on committed frames, drawn uniformly a frame."""
    pure_noise: float = 0.4
    """Share of chunks that start from nothing but noise, as every dreamed chunk does."""
    weight_limit: float = 4.0
    """Highest weight of a chunk; below it, weights are 1 / level^2."""
    unknown_actions: float = 0.0
    """Share of frames whose action is withheld."""
    unknown_prior: float = 0.1
    """Share of clips whose priors are withheld, of games with a camera."""
    prior_noise: float = 0.2
    """Highest level of the noise on priors, drawn uniformly a frame."""
    unknown_weight: float = 0.0
    """How much more errors weigh where nothing was known beforehand: all that is new is there."""
    own_past: float = 0.5
    """Share of batches whose past is in part what the model itself predicts, as it is at play."""
    own_prior: float = 0.75
    """Share of the frames of such batches whose priors are drawn towards that as well."""
    alike: float = 8.0
    """Of rehearsals: mean difference of a colour, of 255, between what a dream knew of a place and
    the truth, up to which the dream is taken to mean the same thing."""
    astray: float = 24.0
    """The same from which on it means something else, which is not put right."""
    heads_weight: float = 0.1
    """Weight of the losses of the heads, together."""
    critic: float = 0.0
    """Length of the step that predictions take towards what a critic takes for true, as a share of
    that towards the truth; 0: there is no critic. For the last part of a training."""


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


def flow_loss(
    predicted: Tensor,
    latents: Tensor,
    level: Tensor,
    config: FlowConfig,
    known: Tensor | None = None,
) -> Tensor:
    """The weighted squared error of predicted latents (b, t, z, y, x), a scalar.

    known: (b, t, y, x) in [0, 1], how much of each place was known beforehand. Frame 0, which has
    no past to be predicted from, does not count.
    """
    error = (predicted - latents).square().mean(-3)
    if known is not None:
        error = error * (1 + config.unknown_weight * (1 - known))
    error = error.mean((-2, -1))
    return (level_weight(level, config.weight_limit) * error)[:, 1:].mean()


def own_past(
    dynamics: Dynamics,
    clip: Clip,
    level: Tensor,
    chunk: int,
    known: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """The latents (b, t, z, y, x) of the clip, some replaced by predictions from pure noise; these.

    Which, and what share of them, differs from clip to clip; the first stays.
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
    return torch.where((chosen < share)[:, :, None, None, None], guess, latents), guess


def with_own_prior(
    clip: Clip, guess: Tensor, config: FlowConfig, generator: torch.Generator
) -> Clip:
    """The clip with priors that are in part what the model predicts, as they are in a dream.

    There, what is known of a frame was dreamed before, and is dull where it was dreamed from afar.
    A model that has only known what was truly seen copies it as it is, and never sharpens it.
    """
    if clip.prior is None:
        return clip
    known, told = clip.prior[:, :, :-CHANNELS], clip.prior[:, :, -CHANNELS:]
    chosen, share = torch.rand(2, *known.shape[:2], generator=generator, device=known.device)
    share = torch.where(chosen < config.own_prior, share, 0.0)[:, :, None, None, None]
    drawn = torch.lerp(known, guess.to(known), share * (told[:, :, :1] > 0))
    return replace(clip, prior=torch.cat([drawn, told], 2))


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


def objective(
    dynamics: Dynamics,
    clip: Clip,
    chunk: int,
    config: FlowConfig,
    generator: torch.Generator,
    beside: bool = True,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a clip, a scalar, and its parts by name; `chunk` frames are denoised jointly.

    Of these only the first has a prior, as at play. beside: whether what stands beside the
    transformer learns too.
    """
    latents, device = clip.latents, clip.latents.device
    b, t = latents.shape[:2]
    clean_level, noisy_level = draw_levels(b, t, chunk, config, generator)
    noise = torch.randn(2, *latents.shape, generator=generator, device=device)
    known = torch.rand(b, t - 1, generator=generator, device=device) >= config.unknown_actions
    seen_before = None
    if clip.prior is not None:
        seen_before = clip.prior[:, :, -CHANNELS]
        first = chunk_starts(t, chunk) == torch.arange(t)
        clip = replace(clip, prior=clip.prior * first.to(device)[:, None, None, None])
    undrafted = with_blurred_prior(clip, config, generator)
    clip, past = with_draft(dynamics, undrafted, generator), latents
    if config.own_past > torch.rand((), generator=generator, device=device):
        past, guess = own_past(dynamics, clip, clean_level, chunk, known, generator)
        clip = with_own_prior(clip, guess, config, generator)
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
    parts = {"flow": flow_loss(prediction.latents, latents, noisy_level, config, seen_before)}
    heads = outlook_losses(prediction.outlook, clip.facts)
    if beside and dynamics.body is not None:
        heads |= body_losses(dynamics.body, seen, clip, generator)
    if beside and dynamics.hands is not None:
        heads |= hands_losses(dynamics.hands, seen, clip, generator)
    if beside and dynamics.grid is not None:
        heads |= grid_losses(dynamics.grid, seen, clip)
    if beside and dynamics.faces is not None:
        heads |= faces_losses(dynamics.faces, seen, clip)
    if beside and dynamics.draft is not None:
        heads |= draft_losses(dynamics.draft, undrafted, generator)
    if beside and dynamics.overlay is not None:
        heads |= overlay_losses(dynamics.overlay, undrafted)
    if dynamics.critic is not None:
        told = clip.prior, noisy_level, config.critic, generator
        parts |= critic_losses(dynamics.critic, prediction.latents, latents, *told)
    losses = [*parts.values(), *(config.heads_weight * loss for loss in heads.values())]
    return torch.stack(losses).sum(), {**parts, **heads}


def with_draft(dynamics: Dynamics, clip: Clip, generator: torch.Generator) -> Clip:
    """The clip with what its events make of its priors drawn into these, as at play."""
    if dynamics.draft is None or clip.prior is None or clip.brought is None:
        return clip
    latents = clip.latents[:, 1:]
    noise = torch.randn(latents.shape, generator=generator, device=latents.device)
    with torch.no_grad():
        drafted = dynamics.draft.drafted(clip.prior[:, 1:], clip.actions, clip.brought, noise)
    return replace(clip, prior=torch.cat([clip.prior[:, :1], drafted.prior], 1))


def part_objective(
    part: Body | Level | Hands | Draft | Overlay | Grid | Faces,
    clip: Clip,
    config: FlowConfig,
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, Tensor]]:
    """As `objective`, of a dynamics of which one part alone is trained."""
    if isinstance(part, Draft):
        losses = draft_losses(part, with_blurred_prior(clip, config, generator), generator)
        return torch.stack([*losses.values()]).sum(), losses
    if isinstance(part, Overlay):
        losses = overlay_losses(part, with_blurred_prior(clip, config, generator))
        return torch.stack([*losses.values()]).sum(), losses
    latents, device = clip.latents, clip.latents.device
    level = config.context_noise * torch.rand(latents.shape[:2], generator=generator, device=device)
    noise = torch.randn(latents.shape, generator=generator, device=device)
    past = noised(latents, noise, level)
    if isinstance(part, Body):
        losses = body_losses(part, past, clip, generator)
    elif isinstance(part, Level):
        losses = level_losses(part, past, clip)
    elif isinstance(part, Faces):
        losses = faces_losses(part, past, clip)
    elif isinstance(part, Grid):
        losses = grid_losses(part, past, clip)
    else:
        losses = hands_losses(part, past, clip, generator)
    return torch.stack([*losses.values()]).sum(), losses
