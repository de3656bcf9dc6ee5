"""The critic: it learns to tell, and what it criticises follows it by steps of a known length."""

import pytest
import torch

from worldsim.camera import CHANNELS
from worldsim.models.critic import Critic, critic_losses


def clips(made: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Predictions that are all alike, true latents with texture, and what was known: nothing."""
    g = torch.Generator().manual_seed(0)
    true = torch.randn(4, 3, 2, 8, 8, generator=g)
    return torch.full_like(true, made), true, torch.zeros(4, 3, 2 + CHANNELS, 8, 8)


def critic() -> Critic:
    torch.manual_seed(0)
    return Critic(2, width=16, blocks=1)


def losses(judge, predicted, true, known, level=None, share=0.5):
    level = torch.ones(4, 3) if level is None else level
    return critic_losses(
        judge, predicted, true, known, level, share, torch.Generator().manual_seed(1)
    )


def test_a_critic_learns_to_tell_a_mean_from_texture():
    judge, (made, true, known) = critic(), clips(0.0)
    optimizer = torch.optim.Adam(judge.parameters(), 3e-3)
    first = losses(judge, made, true, known)["critic"]
    for _ in range(60):
        optimizer.zero_grad()
        losses(judge, made, true, known)["critic"].backward()
        optimizer.step()
    assert losses(judge, made, true, known)["critic"] < 0.3 * first


def test_predictions_follow_by_a_share_of_their_squared_error_and_the_critic_stays():
    judge, (made, true, known) = critic(), clips(0.3)
    made.requires_grad_()
    losses(judge, made, true, known, share=0.5)["criticised"].backward()
    own = made.grad.clone()
    assert all(weight.grad is None for weight in judge.parameters())
    assert not own[:, 0].any()
    made.grad = None
    (made - true)[:, 1:].square().mean().backward()
    assert float(own.norm()) == pytest.approx(0.5 * float(made.grad.norm()), rel=1e-4)


def test_what_is_nearly_given_is_not_criticised():
    judge, (made, true, known) = critic(), clips(0.3)
    made.requires_grad_()
    found = losses(judge, made, true, known, torch.full((4, 3), 0.2))
    assert found["critic"].item() == found["criticised"].item() == 0.0


def test_what_was_known_counts_little():
    judge, (made, true, known) = critic(), clips(0.3)
    known[..., -CHANNELS, :, :4] = 1.0  # the left half
    made.requires_grad_()
    losses(judge, made, true, known)["criticised"].backward()
    left, right = made.grad[..., :2].abs().mean(), made.grad[..., 6:].abs().mean()
    assert left < 0.5 * right
