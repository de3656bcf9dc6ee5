"""Rows of a batch as Gymnasium passes them: seeds, masks, actions and infos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from worldsim import actions
from worldsim.errors import UserError


def seeds_of(seed: int | Sequence[int | None] | None, n: int) -> list[int | None]:
    """A seed for each of `n` rows: of a number, one more each.

    Raises:
        UserError: a list of another length.
    """
    if seed is None:
        return [None] * n
    if isinstance(seed, int | np.integer):
        return [int(seed) + i for i in range(n)]
    if len(seed) != n:
        raise UserError(f"reset got {len(seed)} seeds; needed {n}, one for each environment")
    return list(seed)


def reseed(
    randoms: list[np.random.Generator], seeds: Sequence[int | None], rows: Sequence[int]
) -> None:
    """Begin anew those of the generators (n) that are among the rows and have a seed."""
    for i, seed in enumerate(seeds):
        if seed is not None and i in rows:
            randoms[i] = seeding.np_random(seed)[0]


def renew(told: dict[str, Any], fresh: Mapping[str, NDArray[Any]], rows: Sequence[int]) -> None:
    """Put into infos what is told of rows that have begun anew."""
    for name, values in fresh.items():
        told[name][list(rows)] = values[list(rows)]


def chosen(mask: Any, n: int) -> list[int]:
    """The rows where a mask (n,) is true; all `n` without one.

    Raises:
        UserError: not a mask of that shape, or true nowhere.
    """
    if mask is None:
        return list(range(n))
    flags = np.asarray(mask)
    if flags.shape != (n,) or flags.dtype != np.bool_:
        raise UserError(
            f"reset_mask has shape {flags.shape} and type {flags.dtype}; needed ({n},) bool"
        )
    if not flags.any():
        raise UserError("reset_mask is false everywhere; needed true where to reset")
    return [int(i) for i in np.flatnonzero(flags)]


def vectors_of(given: Any, n: int) -> actions.Vector:
    """The actions (n, a) of a batched controller action, or of flat vectors.

    Raises:
        ValueError: a control is missing, NaN, out of range, or not given for each row.
    """
    if isinstance(given, Mapping):
        missing = [name for name in (*actions.BUTTONS, "camera") if name not in given]
        if missing:
            raise ValueError(f"the batch of actions lacks {', '.join(missing)}")
        shapes = {name: np.shape(given[name]) for name in given}
        for name, shape in shapes.items():
            needed = (n, 2) if name == "camera" else (n,)
            if shape != needed:
                raise ValueError(f"{name} has shape {shape}; needed {needed}")
        buttons = [np.asarray(given[name], np.float32)[:, None] for name in actions.BUTTONS]
        given = np.concatenate([*buttons, np.asarray(given["camera"], np.float32)], 1)
    vectors = actions.check(given)
    if vectors.shape != (n, actions.SIZE):
        raise ValueError(f"actions have shape {vectors.shape}; needed ({n}, {actions.SIZE})")
    return vectors


def mask_of(rows: Sequence[int], n: int) -> NDArray[np.bool_]:
    """A mask (n,) that is true for the rows."""
    mask = np.zeros(n, np.bool_)
    mask[list(rows)] = True
    return mask


def masked(infos: Mapping[str, NDArray[Any]], rows: Sequence[int], n: int) -> dict[str, Any]:
    """Infos (n, ...) as vector environments give them: zero, and masked out, but for the rows."""
    mask = mask_of(rows, n)
    told: dict[str, Any] = {}
    for name, values in infos.items():
        kept = np.zeros_like(values)
        kept[mask] = values[mask]
        told |= {name: kept, f"_{name}": mask.copy()}
    return told


def last(
    observations: NDArray[Any], infos: Mapping[str, NDArray[Any]], rows: Sequence[int]
) -> dict[str, Any]:
    """What an infos dictionary says of rows that ended: their last observations and infos."""
    n = len(observations)
    seen = np.full(n, None, object)
    for i in rows:
        seen[i] = observations[i].copy()
    final = {"final_obs": seen, "final_info": masked(infos, rows, n)}
    return final | {f"_{name}": mask_of(rows, n) for name in final}
