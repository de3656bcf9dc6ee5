"""Rotary positions, attention, blocks and packed matrices."""

import copy
import pickle

import pytest
import torch
from torch import Tensor

from worldsim.models.clip import additive, clip_view, teacher_forcing
from worldsim.models.layers import Block, Rotary, attend, rotary, rotate
from worldsim.models.packed import PackableConv2d, PackableLinear, pack

HEADS, WIDTH, REGISTERS = (1, 1), 32, 2
SPACE, TIME = 0, 1


def tables(frames: list[int]) -> Rotary:
    return rotary(torch.tensor([frames]), (4, 4), REGISTERS, HEADS, WIDTH)


def logits(frames: list[int]) -> Tensor:
    """Of equal queries against equal keys at every frame and token: (heads, f n, f n)."""
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 2, WIDTH).expand(2, 1, len(frames), 18, 2, WIDTH)
    q, k = (rotate(x, tables(frames)).flatten(1, 2)[0].transpose(0, 1) for x in (q, k))
    return q @ k.transpose(1, 2)


def test_rotation_keeps_lengths() -> None:
    x = torch.randn(1, 3, 18, 2, WIDTH)
    turned = rotate(x, tables([0, 5, 70]))
    assert torch.allclose(turned.norm(dim=-1), WIDTH**0.25 * x.norm(dim=-1), rtol=1e-5)


@pytest.mark.parametrize("start", [7, 100_000, 10_000_000])
def test_logits_depend_on_time_differences_only(start: int) -> None:
    there = logits([start, start + 1, start + 15])
    assert torch.allclose(there, logits([0, 1, 15]), atol=2e-5)


def test_logits_depend_on_displacement_only() -> None:
    space = logits([0])[SPACE, REGISTERS:, REGISTERS:].view(4, 4, 4, 4)
    assert torch.allclose(space[0, 0, 1, 2], space[2, 1, 3, 3], atol=1e-5)
    assert not torch.allclose(space[0, 0, 1, 2], space[0, 0, 2, 1], atol=1e-2)


def test_space_heads_tell_frames_apart_and_time_heads_ignore_places() -> None:
    both = logits([0, 1]).view(2, 2, 18, 2, 18)
    assert not torch.allclose(both[SPACE, 1, 5, 0, 5], both[SPACE, 1, 5, 1, 5], atol=1e-2)
    assert torch.allclose(both[TIME, 0, 3], both[TIME, 0, 3, :, :1].expand(2, 18), atol=1e-5)


def test_registers_have_no_place() -> None:
    first = logits([0])[SPACE, :REGISTERS, :REGISTERS]
    assert torch.allclose(first, first[:1, :1].expand(2, 2), atol=1e-6)


def test_attend_is_scaled_dot_product_attention() -> None:
    q, k, v = torch.randn(3, 2, 5, 7, WIDTH)
    mask = additive(torch.rand(7, 7).tril() > 0)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, scale=1.0)
    assert torch.allclose(attend(q, k, v, mask), expected, atol=1e-5)


def test_block_starts_as_the_identity() -> None:
    block = Block(32, (2, 2), 16, 4)
    x = torch.randn(1, 4, 6, 32)
    neutral = [torch.full((1, 4, 1, 32), value) for value in (0.0, 1.0, 0.0) * 2]
    view = clip_view(teacher_forcing(2, 1, 4, 1), 6, x.device)
    turned = rotary(torch.tensor([[0, 1, 0, 1]]), (2, 2), 2, (2, 2), 16)
    assert torch.equal(block(x, tuple(neutral), turned, view), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packed_matrices_multiply_alike_and_copies_come_unpacked(dtype: torch.dtype) -> None:
    matrix = PackableLinear(48, 80).to(dtype)
    x = torch.randn(2, 3, 17, 48).to(dtype)
    with torch.inference_mode():
        expected = matrix(x)
        pack(matrix)
        assert torch.allclose(matrix(x), expected, rtol=1e-2, atol=1e-5)
        for twin in (copy.deepcopy(matrix), pickle.loads(pickle.dumps(matrix))):
            twin.weight.zero_()
            assert not twin(x).any()
        matrix.to(torch.float64)
        assert torch.allclose(matrix(x.double()).to(dtype), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("leak", [None, 0.2])
def test_packed_convolutions_say_alike_whatever_they_are_packed_for(
    dtype: torch.dtype, leak: float | None
) -> None:
    torch.manual_seed(0)
    convolution = PackableConv2d(6, 10, 3, padding=1)
    x = torch.randn(3, 6, 12, 9)
    with torch.inference_mode():
        expected = convolution(x, leak)
        assert (expected < 0).any()
        pack(convolution, dtype)
        near = 1e-5 if dtype == torch.float32 else 3e-2
        packed = convolution(x, leak)
        if convolution._packed is None:  # processors without such products go on as before
            assert dtype == torch.bfloat16
            assert torch.equal(packed, expected)
            return
        assert packed.dtype == dtype
        assert torch.allclose(packed.float(), expected, rtol=near, atol=near)
        assert torch.equal(convolution(x[1:2], leak)[0], packed[1])
        small = convolution(x[:, :, :7, :8], leak)  # laid out anew for another size, and again
        assert torch.allclose(small[:, :, :6, :7].float(), expected[:, :, :6, :7], atol=near)
        assert torch.equal(convolution(x, leak), packed)
        copied = copy.deepcopy(convolution)
        copied.weight.zero_()
        assert torch.allclose(copied(x), copied.bias[:, None, None].expand(10, 12, 9))
