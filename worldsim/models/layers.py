"""The parts of the transformer: rotary tables, attention in space and in time, modulated blocks.

Who may look at whom is not decided here: a block asks the `View` it is given for keys, values and
masks, be that a whole training clip (`clip.ClipView`) or the past kept at play (`cache.LayerView`).
"""

from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.packed import PackableLinear

_TINY = 1e-6

Modulation = tuple[Tensor, ...]
"""Shift, scale and gate of the attention, then of the MLP: six tensors (b, f, 1, d)."""


class Rotary(NamedTuple):
    """Cosines and signed sines of every token's position, both (b or 1, f, n, k, head width)."""

    cos: Tensor
    sin: Tensor


class View(Protocol):
    """What one block's queries may attend to, for `f` frames of `n` tokens."""

    @property
    def space_mask(self) -> Tensor | None:
        """Additive mask that broadcasts to (b, f, heads, n, keys), or None: all is seen."""

    @property
    def time_mask(self) -> Tensor | None:
        """Additive mask that broadcasts to (b, heads, n, f, frames), or None: all is seen."""

    def space(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (b, f, heads, tokens seen, width) of own (b, f, n, heads, width)."""

    def time(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (b, heads, n, frames seen, width) of own (b, f, n, heads, width)."""

    def cast(self, x: Tensor) -> Tensor:
        """The tensor in the precision attention is to be computed in."""


def rotary_angles(positions: Tensor, frequencies: int, longest: float) -> Tensor:
    """Angles (..., frequencies) in float64 radians of positions (...).

    Wavelengths run geometrically from 2 pi (one radian a step) to 2 pi `longest`
    (Su et al. 2021, arXiv:2104.09864, section 3.2.2, with `longest` for 10,000).
    """
    powers = torch.arange(frequencies, dtype=torch.float64, device=positions.device) / frequencies
    return positions.double()[..., None] * longest**-powers


def rotary(
    frames: Tensor, grid: tuple[int, int], registers: int, heads: tuple[int, int], width: int
) -> Rotary:
    """Rotary tables of frames (b or 1, f) of a grid (y, x) of tokens after `registers` others.

    Heads of space turn with y, x (3/8 of their width each) and, for the rest, with the frame's
    index; heads of time with the index alone. Registers have no place and do not turn with y, x.
    Angles are float64, so that an index of a million is as good as zero. Tables carry the factor
    width**(1/4), so that unit queries and keys give logits of at most width**(1/2).
    """
    device, frames = frames.device, frames.cpu()  # not every device has float64
    pairs, axial = width // 2, 3 * width // 16
    ys, xs = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    b, f, tokens = *frames.shape, grid[0] * grid[1]
    place = frames.new_zeros((registers + tokens, 2 * axial), dtype=torch.float64)
    place[registers:, :axial] = rotary_angles(ys.reshape(-1), axial, 16.0)
    place[registers:, axial:] = rotary_angles(xs.reshape(-1), axial, 16.0)
    offset = rotary_angles(frames, pairs - 2 * axial, 32.0)[:, :, None].expand(b, f, len(place), -1)
    in_space = torch.cat([place.expand(b, f, -1, -1), offset], dim=-1)
    in_time = rotary_angles(frames, pairs, 128.0)[:, :, None].expand_as(in_space)
    angles = torch.stack([in_space, in_time], dim=3)  # (b, f, n, 2, width / 2)
    size = width**0.25
    cos, sin = (size * angles.cos()).float(), (size * angles.sin()).float()
    kinds = torch.tensor([0] * heads[0] + [1] * heads[1])
    return Rotary(
        torch.cat([cos, cos], -1)[:, :, :, kinds].to(device),
        torch.cat([-sin, sin], -1)[:, :, :, kinds].to(device),
    )


def rotate(x: Tensor, tables: Rotary) -> Tensor:
    """The vectors (..., k, width) turned by the tables; dimension i is paired with i + width/2."""
    first, second = x.chunk(2, -1)
    return torch.addcmul(x * tables.cos, torch.cat([second, first], -1), tables.sin)


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k^T + mask) v (..., queries, width); scale is the caller's.

    Written out: for sequences this short it trains faster on CPUs than the fused kernel, whose
    backward pass is slow.
    """
    scores = queries @ keys.transpose(-1, -2)
    if mask is not None:
        scores = scores + mask.to(scores.dtype)
    return scores.softmax(-1) @ values


class Attention(nn.Module):
    """Attention whose first heads look at tokens of near frames, the others along time.

    One projection in, one out. Queries and keys are of unit length (Henry et al. 2020,
    arXiv:2010.04245) times a learned gain a head.
    """

    def __init__(self, d: int, heads: tuple[int, int], width: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        inner = sum(heads) * width
        self.qkv = PackableLinear(d, 3 * inner)
        self.out = PackableLinear(inner, d)
        self.gain = nn.Parameter(torch.ones(2, sum(heads), 1))

    def forward(self, x: Tensor, tables: Rotary, view: View) -> Tensor:
        """What tokens x (b, f, n, d) read (b, f, n, d)."""
        b, f, n, _ = x.shape
        qkv = view.cast(self.qkv(x)).view(b, f, n, 3, sum(self.heads), self.width)
        qk = qkv[:, :, :, :2]
        length = torch.linalg.vector_norm(qk, dim=-1, keepdim=True).clamp_min(_TINY)
        qk = qk * (self.gain / length).to(qkv.dtype)
        tables = Rotary(tables.cos.unsqueeze(3), tables.sin.unsqueeze(3))
        q, k = rotate(qk, tables).to(qkv.dtype).unbind(3)  # (b, f, n, k, width)
        v = qkv[:, :, :, 2]
        near = self.heads[0]
        keys, values = view.space(k[:, :, :, :near], v[:, :, :, :near])
        space = attend(q[:, :, :, :near].transpose(2, 3), keys, values, view.space_mask)
        keys, values = view.time(k[:, :, :, near:], v[:, :, :, near:])
        time = attend(q[:, :, :, near:].permute(0, 3, 2, 1, 4), keys, values, view.time_mask)
        read = torch.cat([space.transpose(2, 3), time.permute(0, 3, 2, 1, 4)], dim=3)
        mixed: Tensor = self.out(read.view(b, f, n, -1).to(x.dtype))
        return mixed


class Block(nn.Module):
    """Attention and MLP, each on a normalised, modulated input and gated back into the stream.

    Normalisation is LayerNorm without parameters (its CPU kernel is fused, RMSNorm's is not);
    modulation is adaLN-single (Chen et al. 2023, "PixArt-alpha", arXiv:2310.00426, section 2.3).
    """

    def __init__(self, d: int, heads: tuple[int, int], width: int, mlp_ratio: int) -> None:
        super().__init__()
        self.attention = Attention(d, heads, width)
        self.up = PackableLinear(d, mlp_ratio * d)
        self.down = PackableLinear(mlp_ratio * d, d)

    def forward(self, x: Tensor, modulation: Modulation, tables: Rotary, view: View) -> Tensor:
        """The stream (b, f, n, d) after this block."""
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = modulation
        read = self.attention(modulated(x, shift, scale), tables, view)
        x = torch.addcmul(x, gate, read)
        hidden = F.gelu(self.up(modulated(x, shift_mlp, scale_mlp)))
        return torch.addcmul(x, gate_mlp, self.down(hidden))


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Normalised x times `scale` plus `shift`, (b, f, n, d)."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), scale)
