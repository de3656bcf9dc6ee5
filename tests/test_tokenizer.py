import pytest
import torch

from worldsim.device import autocast
from worldsim.models.tokenizer import ReconstructionLoss, Tokenizer, TokenizerConfig, psnr

SMALL = TokenizerConfig(
    encoder_widths=[16, 24],
    encoder_blocks=[0, 1],
    decoder_widths=[8, 16, 24],
    decoder_blocks=[0, 1, 1],
)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def pictures(count: int = 4, height: int = 32, width: int = 32) -> torch.Tensor:
    """Coloured boxes on coloured ground, (b c h w) in [-1, 1]."""
    frames = torch.rand(count, 3, 1, 1).expand(count, 3, height, width) * 2 - 1
    frames = frames.clone()
    for i in range(count):
        top, left = 3 * i % (height - 9), 5 * i % (width - 9)
        frames[i, :, top : top + 9, left : left + 9] = torch.rand(3, 1, 1) * 2 - 1
    return frames


def train(model: Tokenizer, frames: torch.Tensor, steps: int, noisy: bool = True) -> float:
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss_of = ReconstructionLoss()
    for _ in range(steps):
        noise = torch.randn_like(model.encode(frames)) if noisy else None
        loss, _ = loss_of(model(frames, noise)[0], frames)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.detach())


@pytest.mark.parametrize("size", [(32, 32), (24, 40), (8, 8)])
def test_shapes_for_any_multiple_of_the_factor(size: tuple[int, int]) -> None:
    model = Tokenizer(SMALL).eval()
    frames = torch.zeros(2, 3, *size)
    latents = model.encode(frames)
    assert latents.shape == (2, *model.latent_shape(*size))
    assert latents.shape == (2, 8, size[0] // 8, size[1] // 8)
    assert model.decode(latents).shape == frames.shape


def test_default_tokenizer_maps_128_to_16() -> None:
    config = TokenizerConfig()
    assert config.factor == 8
    assert Tokenizer(config).eval().encode(torch.zeros(1, 3, 128, 128)).shape == (1, 8, 16, 16)


def test_other_sizes_are_explained() -> None:
    with pytest.raises(ValueError, match=r"30x32; .* multiples of 8"):
        Tokenizer(SMALL).encode(torch.zeros(1, 3, 30, 32))


def test_unequal_factors_are_explained() -> None:
    with pytest.raises(ValueError, match="shrinks 8 times, the decoder grows 4 times"):
        Tokenizer(TokenizerConfig(decoder_widths=[8, 16], decoder_blocks=[1, 1]))


def test_overfits_a_tiny_set() -> None:
    model, frames = Tokenizer(SMALL), pictures()
    before = psnr(model(frames)[0], frames).mean()
    train(model, frames, steps=250)
    model.eval()
    after = psnr(model.decode(model.encode(frames)), frames).mean()
    assert after > 21
    assert after > before + 8


def test_latents_have_unit_variance_after_training_whatever_the_weights_scale() -> None:
    model, frames = Tokenizer(SMALL), pictures(8)
    with torch.no_grad():
        model.encoder[-1].weight.mul_(37)
    train(model, frames, steps=60, noisy=False)
    latents = model.eval().encode(frames)
    spread = latents.detach().std(dim=(0, 2, 3))
    torch.testing.assert_close(spread, torch.ones(8), atol=0.4, rtol=0)


def test_the_latent_scale_travels_with_the_weights() -> None:
    model, frames = Tokenizer(SMALL), pictures()
    train(model, frames, steps=3)
    twin = Tokenizer(SMALL)
    twin.load_state_dict(model.state_dict())
    assert torch.equal(model.eval().encode(frames), twin.eval().encode(frames))


def test_decoded_frames_stay_in_range_and_frames_do_not_mix() -> None:
    model = Tokenizer(SMALL).eval()
    latents = torch.randn(3, 8, 4, 4) * 50
    frames = model.decode(latents)
    assert frames.abs().max() <= 1
    torch.testing.assert_close(frames[1:2], model.decode(latents[1:2]))


def test_noise_is_scaled_by_the_config_and_enters_after_the_latents() -> None:
    model, frames = Tokenizer(SMALL).eval(), pictures()
    noise = torch.randn(4, 8, 4, 4)
    output, latents = model(frames, noise)
    torch.testing.assert_close(latents, model.encode(frames))
    torch.testing.assert_close(output.clamp(-1, 1), model.decode(latents + SMALL.noise * noise))


def test_bf16_is_close_to_float32() -> None:
    model, frames = Tokenizer(SMALL), pictures()
    train(model, frames, steps=20)
    model.eval()
    exact = model.decode(model.encode(frames))
    with autocast(torch.device("cpu"), torch.bfloat16):
        rough = model.decode(model.encode(frames))
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.03


def test_loss_is_zero_for_the_truth_and_weighs_its_terms() -> None:
    frames = pictures()
    assert ReconstructionLoss()(frames, frames)[0] == 0
    shifted = frames + 0.5
    only_edges, parts = ReconstructionLoss(absolute=0, squared=0, edges=1)(shifted, frames)
    assert float(only_edges) == pytest.approx(0, abs=1e-6)
    assert float(parts["absolute"]) == pytest.approx(0.5)
    assert float(parts["squared"]) == pytest.approx(0.25)
    total, _ = ReconstructionLoss(absolute=2, squared=4, edges=1)(shifted, frames)
    assert float(total) == pytest.approx(2.0, abs=1e-5)


def test_blur_costs_edges() -> None:
    frames = pictures()
    blurred = torch.nn.functional.avg_pool2d(frames, 3, stride=1, padding=1)
    assert float(ReconstructionLoss()(blurred, frames)[1]["edges"]) > 0.01


def test_psnr_of_a_known_error() -> None:
    truth = torch.zeros(2, 3, 4, 4)
    output = torch.stack([truth[0] + 0.2, truth[1] + 0.02])
    assert psnr(output, truth).tolist() == pytest.approx([20.0, 40.0], abs=1e-3)
