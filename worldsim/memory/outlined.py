"""Where a block is, by the outline of what is seen of it.

The grid says how high blocks lie nearly always, but not always where they end to the sides; of one
that stands free, its outline does.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim import cubes
from worldsim.memory.rays import Places

_FINE = 4
"""Pixels to a side of each of those that are looked at."""

_OFF = torch.linspace(-0.7, 0.7, 15)
"""Blocks, to the sides of where a block is thought to be, where it may be instead."""

_DEARER, _BETTER = 0.15, 0.08
"""What a block's way costs of the share of its outline that is right; and how much better that has
to be for the block not to stay."""

_ASIDE = cubes.SIDES.index("aside")

_INSIDE = 0.1
"""Blocks from the upper and the lower end of a block between which what is seen is its side."""

_WRONG = 1.6
"""Times by which what is seen may be farther or nearer than it seems."""

_APART = 0.4
"""Logarithm of how much nearer or farther than what is in the middle a part of that may be."""


def fitted(block: Tensor, away: Places, visible: int, tangent: float) -> Tensor:
    """A block (6,) of `cubes` that the middle of a view shows, moved level to where that shows it.

    away: (h, w) blocks to what is seen. visible: rows of that.
    """
    share = _share(block, away, tangent)
    small = torch.from_numpy(away[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE] * (share or 1.0))
    own = torch.from_numpy(_whole(block, small.float(), visible // _FINE, tangent))
    if share is None or not own.any():
        return block
    right, ahead = torch.meshgrid(_OFF, _OFF, indexing="ij")
    moves = torch.stack([right, torch.zeros_like(right), ahead], -1).flatten(0, 1)
    moves = torch.cat([torch.zeros(1, 3), moves])
    there = block.float().repeat(len(moves), 1)
    there[:, :3] += moves
    side, *_, near = cubes.front(there, (small.shape[0], small.shape[1]), tangent).unbind(-1)
    shown = (near > 0) & (side == _ASIDE)
    shown[:, visible // _FINE :] = False
    both = (shown & own).sum((1, 2)).float()
    worth = both / (shown | own).sum((1, 2)).clamp_min(1) - _DEARER * moves.norm(dim=1)
    worth[~(near[:, *_middle(small.shape)] > 0).any(2).any(1)] = -1.0  # that is what it shows
    best = int(worth.argmax())
    return there[best].to(block) if worth[best] > worth[0] + _BETTER else block


def scaled(block: Tensor, away: Places, tangent: float) -> Places:
    """Blocks (h, w) to what is seen, as they have to be for the middle to show a block (6,).

    As they are if that would have to be quite another thing.
    """
    return np.asarray(away * (_share(block, away, tangent) or 1.0), np.float32)


def _share(block: Tensor, away: Places, tangent: float) -> float | None:
    """Times as far as it seems a block (6,) in the middle is; None if that is another thing.

    1 if the middle does not show it, where it is thought to be.
    """
    height, width = away.shape
    near = cubes.front(block[None].float(), (height, width), tangent)[0, ..., 3].numpy()
    middle = _middle(away.shape)
    there, seen = near[middle], away[middle]
    known = (there > 0) & (seen > 0)
    share = float(np.median(there[known] / seen[known])) if known.any() else 1.0
    return share if 1 / _WRONG < share < _WRONG else None


def _middle(size: Sequence[int]) -> tuple[slice, slice]:
    """The four pixels in the middle of a view of a size (h, w)."""
    height, width = size
    return slice(height // 2 - 1, height // 2 + 1), slice(width // 2 - 1, width // 2 + 1)


def wider(there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With the pixels (h, w) beside those that are there."""
    out = there.copy()
    out[1:] |= there[:-1]
    out[:-1] |= there[1:]
    out[:, 1:] |= there[:, :-1]
    out[:, :-1] |= there[:, 1:]
    return out


def _whole(block: Tensor, away: Tensor, visible: int, tangent: float) -> NDArray[np.bool_]:
    """Which pixels (h, w) show a side between the block's heights, from the middle one on."""
    height = len(away)
    pitch = math.radians(float(block[4]))
    rows = ((torch.arange(height) + 0.5) / height * 2 - 1) * tangent
    down = away * (rows * math.cos(pitch) + math.sin(pitch))[:, None]
    top = float(block[1])
    middle = _middle(away.shape)
    near = (away / away[middle].median()).log().abs() < _APART
    there = (near & (down > top + _INSIDE) & (down < top + 1 - _INSIDE)).numpy()
    there[visible:] = False
    found = np.zeros_like(there)
    found[middle] = True
    found &= there
    while True:
        more = wider(found) & there
        if (more == found).all():
            return found
        found = more
