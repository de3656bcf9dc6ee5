"""Samplers against the exact denoiser of a Gaussian."""

import pytest
import torch
from torch import Tensor

from worldsim.models.sampler import SAMPLERS, euler, heun, renoise, schedule

MEAN, SPREAD = 0.7, 0.4


def shrink(level: float) -> float:
    """How far the posterior mean follows the noisy sample."""
    signal = (1 - level) * SPREAD**2
    return signal / ((1 - level) * signal + level**2)


def gaussian(noisy: Tensor, level: float) -> Tensor:
    """The mean of what became `noisy` at this level, for clean samples N(MEAN, SPREAD^2)."""
    return MEAN + shrink(level) * (noisy - (1 - level) * MEAN)


def error(sampler: str, steps: int) -> float:
    """The greatest distance from where the exact flow ends: every noise at its own quantile."""
    noise = torch.linspace(-2, 2, 9).expand(steps, 9)
    sample = SAMPLERS[sampler](gaussian, noise, schedule(steps))
    return float((sample - (MEAN + SPREAD * noise[0])).abs().max())


def test_euler_converges_at_first_order() -> None:
    assert error("euler", 256) < 0.01
    assert error("euler", 64) / error("euler", 128) == pytest.approx(2, rel=0.1)


def test_heun_converges_at_second_order() -> None:
    assert error("heun", 32) < error("euler", 64) / 10
    assert error("heun", 64) / error("heun", 128) > 3


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_step_is_the_prediction_from_noise(sampler: str) -> None:
    noise = torch.randn(1, 5)
    assert torch.equal(SAMPLERS[sampler](gaussian, noise, [1.0, 0.0]), gaussian(noise[0], 1.0))


def test_renoise_draws_afresh_at_each_level() -> None:
    noise = torch.randn(3, 6)
    sample = renoise(gaussian, noise, [1.0, 0.6, 0.3, 0.0])
    middle = gaussian((1 - 0.6) * MEAN + 0.6 * noise[1], 0.6)
    assert torch.allclose(sample, gaussian(0.7 * middle + 0.3 * noise[2], 0.3))


def test_exact_clean_sample_is_a_fixed_point() -> None:
    clean, noise = torch.randn(4), torch.randn(5, 4)
    for sampler in (euler, heun, renoise):
        assert torch.allclose(sampler(lambda x, level: clean, noise, schedule(5)), clean, atol=1e-6)


def test_samplers_call_the_denoiser_at_the_schedule_s_levels() -> None:
    for sampler, calls in ((euler, 3), (renoise, 3), (heun, 5)):
        seen: list[float] = []
        sampler(lambda x, level, seen=seen: seen.append(level) or x, torch.ones(3, 1), schedule(3))
        assert len(seen) == calls
        assert set(seen) == set(schedule(3)[:-1])


def test_schedule_falls_from_noise_to_clean() -> None:
    assert schedule(4) == [1.0, 0.75, 0.5, 0.25, 0.0]
    shifted = schedule(4, shift=3.0)
    assert (shifted[0], shifted[-1]) == (1.0, 0.0)
    assert all(a > b for a, b in zip(shifted[1:-1], schedule(4)[1:-1], strict=True))
    with pytest.raises(ValueError, match="0 sampling steps"):
        schedule(0)
