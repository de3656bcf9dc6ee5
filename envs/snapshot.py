"""What dreams are kept as, in memory and in files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldsim import checkpoint
from worldsim.errors import UserError
from worldsim.state import State, as_seeds
from worldsim.trail import Kept
from worldsim.world import Origin, World


@dataclass(frozen=True, eq=False)
class Snapshot:
    """`b` dreams between two steps; a value, and small beside others of the same dreams.

    kept: of the simulator's state. poses: (b, 5). ticks: (b,) frames dreamed since each reset.
    randoms: (b), states of the generators that draw later starts. origins: (b), the places of the
    exact world where they began, if there are any. model: hash of the weights.
    """

    kept: Kept
    poses: NDArray[np.float64]
    ticks: NDArray[np.int64]
    randoms: tuple[dict[str, Any], ...]
    origins: tuple[Origin | None, ...]
    model: str

    def forks(self, n: int, seeds: Sequence[int] | None = None) -> list["Snapshot"]:
        """`n` futures of this past that differ in the noise to come.

        seeds: one a future; by default they follow from the present one, which the first keeps.

        Raises:
            UserError: no future at all, or another number of seeds.
        """
        if n < 1 or (seeds is not None and len(seeds) != n):
            given = "no seeds" if seeds is None else f"{len(seeds)} seeds"
            raise UserError(f"fork got n={n} and {given}; needed n of 1 or more, a seed each")
        return [self._other(i, None if seeds is None else int(seeds[i])) for i in range(n)]

    def _other(self, i: int, seed: int | None) -> "Snapshot":
        own = self.kept.seeds
        if seed is not None:
            rows = [seed if row == 0 else _drawn(seed, row) for row in range(len(own))]
        elif i == 0:
            return self
        else:
            pairs = zip(own.tolist(), self.ticks.tolist(), strict=True)
            rows = [_drawn(now, ticks, i) for now, ticks in pairs]
        seeds = as_seeds(rows, len(own)).to(own.device)
        return replace(self, kept=replace(self.kept, seeds=seeds))

    def of(self, world: World) -> "Snapshot":
        """This snapshot, if it is of that world.

        Raises:
            UserError: it is of another model.
        """
        if self.model != world.hash:
            raise UserError(
                f"the snapshot is of model {self.model[:12]}; this environment plays"
                f" {world.hash[:12]} (make the environment with the checkpoint it was kept of)"
            )
        return self


def write(path: str | Path, snapshot: Snapshot, whole: State) -> None:
    """Write a snapshot, whose state is `whole`, as a file that `read` opens in any process."""
    places = [origin and {**vars(origin), "before": None} for origin in snapshot.origins]
    paths = {
        f"before.{i}": torch.from_numpy(origin.before)
        for i, origin in enumerate(snapshot.origins)
        if origin is not None
    }
    tensors = {
        **checkpoint.prefixed(whole.tensors(), "state"),
        "poses": torch.from_numpy(snapshot.poses),
        "ticks": torch.from_numpy(snapshot.ticks),
        **paths,
    }
    meta = {
        "kind": "dream",
        "config": {},
        "step": int(snapshot.ticks.max()),
        "model": snapshot.model,
        "randoms": snapshot.randoms,
        "origins": places,
    }
    checkpoint.save(path, tensors, meta)


def read(path: str | Path, world: World) -> Snapshot:
    """The snapshot in a file.

    Raises:
        UserError: no such file, damaged, of another kind, or of another model than the world's.
    """
    meta = checkpoint.read_meta(path, "dream")
    if meta["model"] != world.hash:
        raise UserError(
            f"{path}: a dream of model {meta['model'][:12]}; this environment plays"
            f" {world.hash[:12]} (make the environment with the checkpoint it was saved from)"
        )
    tensors, meta = checkpoint.load(path, "dream")
    _, kept = world.simulator.restore(checkpoint.with_prefix(tensors, "state")).kept()
    origins = (
        origin and Origin(**{**origin, "before": tensors[f"before.{i}"].numpy()})
        for i, origin in enumerate(meta["origins"])
    )
    poses, ticks = tensors["poses"].numpy(), tensors["ticks"].numpy()
    randoms = tuple(meta["randoms"])
    return Snapshot(kept, poses, ticks, randoms, tuple(origins), meta["model"])


def _drawn(*numbers: int) -> int:
    """A seed that follows from numbers."""
    return int(np.random.default_rng([number % 2**64 for number in numbers]).integers(2**62))
