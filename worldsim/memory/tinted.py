"""What lies over a whole view for a while, such as red when the player is hurt: known apart.

A frame that is what was known, with one colour mixed into all of it, is taken to show the same
things. What is remembered of it is without that colour, which would otherwise stay for good.
"""

import numpy as np
from numpy.typing import NDArray

from worldsim.memory.rays import Pixels

Tint = NDArray[np.float64]
"""(4,): what is left of a view's colours, at most 1, and what is added to each, of 255."""

PLAIN: Tint = np.array([1.0, 0.0, 0.0, 0.0])

_LEAST, _MOST = 0.1, 0.6  # share of a view's colours that is taken by the one mixed in
_EVERY = 2  # pixels from one that is looked at to the next
_KNOWN = 0.25  # share of the view that has to be known
_CHANGED = 16.0  # mean difference of a colour, of 255, below which a view counts as it was
_LEFT = 0.4  # share of that difference that may be left without the colour
_TEXTURE = 0.6  # correlation between what was known and what is seen


def tint(frame: Pixels, known: Pixels, sure: NDArray[np.bool_]) -> Tint:
    """What is mixed into a view (h, w, 3), given what was known (h, w, 3), where sure (h, w).

    `PLAIN` where nothing is: also where so little is known, or where the view has no texture, that
    it cannot be told apart from another view.
    """
    some = sure[::_EVERY, ::_EVERY]
    if some.mean() < _KNOWN:
        return PLAIN
    seen = frame[::_EVERY, ::_EVERY][some].astype(np.float64)
    old = known[::_EVERY, ::_EVERY][some].astype(np.float64)
    before = np.abs(seen - old).mean()
    if before < _CHANGED:
        return PLAIN
    means, olds = seen.mean(0), old.mean(0)
    new, past = seen - means, old - olds
    both, alone = (new * past).sum(), (past * past).sum()
    left = both / max(alone, 1.0)
    added = means - left * olds
    mixed = 1 - left
    if not _LEAST <= mixed <= _MOST or both < _TEXTURE * np.sqrt(alone * (new * new).sum()):
        return PLAIN
    fits = (added > -8).all() and (added < 255 * mixed + 8).all()
    after = np.abs(seen - left * old - added).mean()
    return np.array([left, *added]) if fits and after < _LEFT * before else PLAIN


def apart(
    frame: Pixels, known: Pixels, sure: NDArray[np.bool_], visible: int
) -> tuple[Pixels, Tint]:
    """A frame (h, w, 3) without what is mixed into its `visible` upper rows; and that.

    known, sure: as in `tint`, of all rows. Where something is mixed in, what was known stays so.
    """
    mixed = tint(frame[:visible], known[:visible], sure[:visible])
    if mixed[0] == 1:
        return frame, mixed
    out, stays = frame.copy(), sure[:visible, :, None]
    out[:visible] = _bytes((frame[:visible] - mixed[1:]) / mixed[0])
    out[:visible] = np.where(stays, known[:visible], out[:visible])
    return out, mixed


def put(frame: Pixels, mixed: Tint, visible: int) -> Pixels:
    """The frame (h, w, 3) with that mixed into its `visible` upper rows."""
    if mixed[0] == 1:
        return frame
    out = frame.copy()
    out[:visible] = _bytes(frame[:visible] * mixed[0] + mixed[1:])
    return out


def _bytes(values: NDArray[np.float64]) -> Pixels:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)
