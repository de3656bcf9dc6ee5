"""The noise law and the loss in closed form, and a toy world learnt with them."""

import math

import pytest
import torch
from toys import dot_world

from worldsim.camera import CHANNELS
from worldsim.models.dynamics import Dynamics, DynamicsConfig
from worldsim.models.flow import (
    FlowConfig,
    draw_levels,
    flow_loss,
    objective,
    own_past,
    with_blurred_prior,
    with_own_prior,
)
from worldsim.models.heads import Facts, Outlook, outlook_losses
from worldsim.models.parts import Clip
from worldsim.models.sampler import level_weight, noised


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noised_mixes_a_level_a_frame() -> None:
    level = torch.tensor([[0.0, 0.25, 1.0]])
    mixed = noised(torch.full((1, 3, 2, 4, 4), 2.0), torch.full((1, 3, 2, 4, 4), 6.0), level)
    assert mixed[0, :, 1, 2, 3].tolist() == [2.0, 3.0, 6.0]


def test_levels_are_equal_in_a_chunk_and_often_pure_noise() -> None:
    clean, noisy = draw_levels(500, 13, 4, FlowConfig(0.2, pure_noise=0.25), generator())
    assert torch.equal(noisy[:, 1:].view(500, 3, 4).std(-1), torch.zeros(500, 3))
    assert float((noisy[:, 1] != noisy[:, 5]).float().mean()) > 0.9
    assert float((noisy == 1).float().mean()) == pytest.approx(0.25, abs=0.04)
    assert float(noisy[noisy < 1].mean()) == pytest.approx(0.5, abs=0.03)
    assert float(clean.max()) == pytest.approx(0.2, abs=0.01)
    assert float(clean.min()) >= 0


def test_weight_is_bounded_at_low_noise() -> None:
    weights = level_weight(torch.tensor([0.0, 0.1, 0.5, 1.0]), 10.0)
    assert weights.tolist() == [10.0, 10.0, 4.0, 1.0]


def test_loss_of_known_errors() -> None:
    latents = torch.zeros(1, 3, 2, 4, 4)
    predicted = latents.clone()
    predicted[:, 0] = 100  # the first frame is not predicted from anything
    predicted[:, 1] = 3
    predicted[:, 2, :, :2, :2] = 2  # one token of four
    level = torch.tensor([[0.3, 0.5, 1.0]])
    loss = flow_loss(predicted, latents, level, FlowConfig())
    assert float(loss) == pytest.approx((4 * 9 + 1 * 4 / 4) / 2)


def test_errors_weigh_more_where_nothing_was_known() -> None:
    latents, level = torch.zeros(1, 3, 2, 2, 2), torch.ones(1, 3)
    known = torch.ones(1, 3, 2, 2)
    known[..., 0] = 0
    config = FlowConfig(unknown_weight=4.0)
    losses = []
    for column in (0, 1):
        predicted = latents.clone()
        predicted[..., column] = 1
        losses.append(flow_loss(predicted, latents, level, config, known))
    assert losses[0] == 5 * losses[1] > 0


def test_objective_is_a_function_of_its_generator() -> None:
    model = Dynamics(
        DynamicsConfig(latent_channels=1, action_size=2, angles=[], width=16, blocks=1)
    )
    latents, actions = dot_world(2, 6, generator())
    clip = Clip(latents, actions, Facts(reward=torch.ones(2, 5), terminated=torch.zeros(2, 5) > 0))
    losses = [objective(model, clip, 2, FlowConfig(), generator(seed))[0] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    _, parts = objective(model, clip, 2, FlowConfig(), generator())
    assert set(parts) == {"flow", "reward", "reward_size", "end"}


def test_the_size_of_rewards_is_learnt_from_rewards_alone() -> None:
    nothing = torch.zeros(1, 9)
    outlook = Outlook(nothing, nothing, nothing, nothing, torch.zeros(1, 9, 5))
    reward = torch.zeros(1, 8)
    assert float(outlook_losses(outlook, Facts(reward=reward))["reward_size"]) == 0
    reward[0, 3] = 1.0
    losses = outlook_losses(outlook, Facts(reward=reward))
    assert float(losses["reward_size"]) == pytest.approx(math.log(2) ** 2)


def test_priors_are_noised_and_sometimes_withheld() -> None:
    prior = torch.ones(64, 3, 1 + CHANNELS, 4, 4)
    config = FlowConfig(unknown_prior=0.25, prior_noise=0.2)
    clip = Clip(torch.zeros(64, 3, 1, 4, 4), torch.zeros(64, 2, 2), prior=prior)
    seen = with_blurred_prior(clip, config, generator()).prior
    assert seen is not None
    withheld = (seen == 0).flatten(1).all(1)
    assert 8 <= int(withheld.sum()) <= 24
    kept = seen[~withheld]
    assert (kept[:, :, 1:] == 1).all()
    changed = (kept[:, :, :1] - 1).flatten(2).std(-1)
    assert 0 < float(changed.min()) < float(changed.max()) < 0.5


def test_own_past_is_in_part_what_the_model_predicts() -> None:
    torch.manual_seed(0)
    model = Dynamics(
        DynamicsConfig(latent_channels=1, action_size=2, angles=[], width=16, blocks=1)
    )
    torch.nn.init.normal_(model.unembed.weight)
    latents, actions = dot_world(8, 6, generator())
    known = torch.ones(8, 5, dtype=torch.bool)
    clip = Clip(latents, actions)
    past, guess = own_past(model, clip, torch.full((8, 6), 0.1), 1, known, generator())
    same = (past == latents).flatten(2).all(-1)
    assert same[:, 0].all()
    assert same[:, 1:].any()
    assert not same[:, 1:].all()
    assert len(set(same.sum(1).tolist())) > 2  # shares differ from clip to clip
    assert not past.requires_grad
    assert ((past == latents) | (past == guess)).all()


def test_some_priors_are_drawn_towards_what_the_model_predicts_where_anything_is_known() -> None:
    prior = torch.zeros(16, 4, 1 + CHANNELS, 2, 2)
    prior[..., 1:, 0, :] = 1  # the upper half is known
    clip = Clip(torch.zeros(16, 4, 1, 2, 2), torch.zeros(16, 3, 2), prior=prior)
    guess = torch.ones(16, 4, 1, 2, 2)
    seen = with_own_prior(clip, guess, FlowConfig(own_prior=0.5), generator()).prior
    assert seen is not None
    assert torch.equal(seen[:, :, 1:], prior[:, :, 1:])
    assert (seen[..., 0, 1, :] == 0).all()
    share = seen[..., 0, 0, 0]
    assert 16 < int((share == 0).sum()) < 48
    assert 0 <= float(share.min()) < 0.1 < 0.9 < float(share.max()) <= 1


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_weight_learns_under_autocast_whatever_the_past(share: float) -> None:
    model = Dynamics(
        DynamicsConfig(latent_channels=1, action_size=2, angles=[], width=16, blocks=1)
    )
    for begun_at_zero in (model.unembed, model.modulation):
        torch.nn.init.normal_(begun_at_zero.weight)
    clip = Clip(*dot_world(4, 6, generator()), Facts(reward=torch.ones(4, 5)))
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = objective(model, clip, 1, FlowConfig(own_past=share), generator())
    loss.backward()
    idle = {"conditioning.unknown", "conditioning.step.weight"}  # nothing unknown, no step told
    for name, weight in model.named_parameters():
        assert name in idle or (weight.grad is not None and weight.grad.abs().max() > 0), name


def test_a_toy_world_is_learnt_and_obeys_its_actions() -> None:
    torch.manual_seed(0)
    sizes = {"width": 32, "blocks": 1, "heads_space": 2, "heads_time": 1, "head_width": 16}
    config = DynamicsConfig(
        latent_channels=1, action_size=2, angles=[], registers=1, window=4, **sizes
    )
    model, flow, g = Dynamics(config), FlowConfig(pure_noise=1.0, context_noise=0.0), generator()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(180):
        loss, _ = objective(model, Clip(*dot_world(16, 4, g)), 1, flow, g)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    latents, actions = dot_world(64, 4, generator(1))
    level = torch.ones(64, 4)
    noise = torch.randn(latents.shape, generator=generator(2))

    def mistake(led: torch.Tensor) -> float:
        with torch.no_grad():
            predicted = model(latents, noise, 0 * level, level, led).latents
        return float((predicted - latents)[:, 1:].square().mean() / latents.var())

    assert mistake(actions) < 0.6
    assert mistake(actions.roll(1, 0)) > 2 * mistake(actions)
