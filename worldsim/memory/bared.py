"""What a block that is gone lays bare: the sides of those right beyond it, and what is far behind.

Which cells around it are full can be seen beside it. What it hid is supposed to look as what is
beside it in the same row of the view: of level ground that is as far away.
"""

import math

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from worldsim import cubes
from worldsim.memory.outlined import wider
from worldsim.memory.rays import Places

_SIDES, _AHEAD = [cubes.EXITS.index("left"), cubes.EXITS.index("right")], cubes.EXITS.index("ahead")

_ENOUGH = 12
"""Pixels beside a block that tell whether a cell next to it is full."""

_DEEP, _HIDDEN = 1.2, 0.9
"""Times as far as a cell begins it has to end where its pixels tell; and up to which something
nearer hides it."""

_EDGE = 2
"""Pixels beside a block that show its outline, or a mixture."""

_NEARER, _FARTHEST = 0.93, 6.0
"""Times as far as it is up to which a floor may seem; blocks up to which anybody can tell."""

_SAME = 1.08
"""Times as far up to which two pixels of a row show one plane."""


def closed(
    block: Tensor, away: Places, visible: int, tangent: float, thought: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether (6,) there is a block beyond each of `cubes.EXITS` of one (6,) that goes.

    away: (h, w) blocks to what is seen. thought: (6,), what is thought where nobody sees. Before
    the side that is seen there is none, nor behind a block that stands free to both sides.
    """
    around = torch.stack([_next(block.float(), i) for i in range(len(cubes.EXITS))])
    asked = torch.cat([block[None].float(), around]), away.shape, tangent
    entered, ends = cubes.entered(*asked).numpy(), cubes.inside(*asked)[..., 3].numpy()
    begins, (rows, columns) = entered[..., 3], away.shape
    own = wider(wider(begins[0] > 0))
    told, seen_of = thought.copy(), np.zeros(len(around), np.bool_)
    for i, (near, far) in enumerate(zip(begins[1:], ends[1:], strict=True)):
        seen = (far > _DEEP * near) & (near > 0) & ~own & (away > _HIDDEN * near)
        seen[visible:] = False
        if seen.sum() >= _ENOUGH:
            full = away[seen] ** 2 < near[seen] * far[seen]
            told[i], seen_of[i] = full.mean() > 0.5, True
    if seen_of[_SIDES].all() and not told[_SIDES].any():
        told[_AHEAD] = False
    by, *_, met = entered[0, rows // 2, columns // 2]
    told[int(by)] &= not met > 0
    return told


def _next(block: Tensor, side: int) -> Tensor:
    """The cell (6,) beyond one of `cubes.EXITS` of a block (6,)."""
    step = [0.0, 0.0, 0.0]
    step[side // 2] = 1.0 if side % 2 else -1.0
    angle = float(torch.round(block[3] / 90)) * (math.pi / 2)
    cos, sin = math.cos(angle), math.sin(angle)
    x, z = step[0] * cos + step[2] * sin, step[2] * cos - step[0] * sin
    return block + torch.tensor([round(x), step[1], round(z), 0.0, 0.0, 0.0])


def same(one: Places, other: Places) -> NDArray[np.bool_]:
    """Where pixels (h, w) are as far away, as far as anybody can tell."""
    nearer, farther = np.minimum(one, other), np.maximum(one, other)
    alike: NDArray[np.bool_] = (nearer > 0) & (farther < _SAME * nearer)
    return alike


def least(block: Tensor, height: int, tangent: float) -> Places:
    """How far away (h,) what is behind a block (6,) has to be at least, in each row of a view.

    As far as the plane on which the block stands, but for what may be nearer than it seems; where a
    row does not meet that, as far as anybody can tell.
    """
    pitch = math.radians(float(block[4]))
    rows = ((np.arange(height) + 0.5) / height * 2 - 1) * tangent
    down = rows * math.cos(pitch) + math.sin(pitch)
    with np.errstate(divide="ignore"):
        floor = np.where(down > 0, (float(block[1]) + 1) / down, np.inf)
    return np.asarray(_NEARER * np.clip(floor, 0, _FARTHEST), np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def behind(
    away: Places, known: NDArray[np.bool_], gone: NDArray[np.bool_], far: Places, visible: int
) -> NDArray[np.int64]:
    """Where in its row (h, w) something looks as what is behind each pixel (h, w) that is gone.

    The nearest pixel beside it that is `known`, in a mirror or beyond that, and shows something at
    least so `far` (h,) away; or else the farthest; -1 where there is none.
    """
    out = np.full(away.shape, -1)
    for row in range(visible):
        column = 0
        while column < gone.shape[1]:
            first = column
            while column < gone.shape[1] and gone[row, column]:
                column += 1
            for c in range(first, column):
                out[row, c] = _beside(known[row], away[row], far[row], first, c, column - 1)
            column += column == first
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _beside(
    known: NDArray[np.bool_], away: Places, far: float, first: int, column: int, last: int
) -> int:
    """The column of a row (w,) that is like one of those from the first to the last; -1 for none.

    As `behind` has it.
    """
    width = len(known)
    found, nearest, farthest, most = -1, width, -1, np.float32(0)
    for side in range(2):
        at = 2 * (last + _EDGE) - column if side else 2 * (first - _EDGE) - column
        while 0 <= at < width and abs(at - column) < nearest:
            if known[at] and away[max(at - 1, 0) : at + 2].min() >= far:
                found, nearest = at, abs(at - column)
            elif known[at] and away[at] > most:
                farthest, most = at, away[at]
            at += 1 if side else -1
    return farthest if found < 0 else found
