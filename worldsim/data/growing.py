"""Folders of arrays that grow by batches of clips; what was begun goes on with the same plan."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.errors import UserError
from worldsim.files import write_atomic
from worldsim.progress import progress

Rows = dict[str, NDArray[np.generic]]
"""Arrays by name, whose rows belong together."""

_PLAN = "plan.json"


def grown(
    folder: Path,
    plan: Mapping[str, Any],
    made: Callable[[int], Rows],
    title: str,
    frames: int,
) -> None:
    """Put the clips of a plan into the folder, as far as they are not there yet.

    plan: plain data that says what they are: so many `clips`, `batch` at a time. made: the rows, by
    name, of a batch of a number; frames: in a clip, for the progress bar.

    Raises:
        UserError: the folder holds those of another plan.
    """
    begun, clips, batch = read_plan(folder), plan["clips"], plan["batch"]
    done = 0 if begun is None else begun.pop("done")
    if begun is not None and begun != plan:
        name = next(name for name in {**plan, **begun} if begun.get(name) != plan.get(name))
        raise UserError(
            f"{folder} holds {title} with {name}={begun.get(name)}, not {plan.get(name)}"
            " (choose another folder, or the settings that it was begun with)"
        )
    with progress(title, clips // batch, done=done // batch) as bar:
        for i in range(done // batch, clips // batch):
            _write(folder, made(i), i * batch, clips)
            told = {**plan, "done": (i + 1) * batch}
            write_atomic(folder / _PLAN, json.dumps(told).encode())
            bar.advance(batch * frames)


def read_plan(folder: Path) -> dict[str, Any] | None:
    """The plan of a folder and, as `done`, how many of its clips are there; None: there is none."""
    path = folder / _PLAN
    if not path.exists():
        return None
    plan: dict[str, Any] = json.loads(path.read_text())
    return plan


def arrays(folder: Path, names: Mapping[str, Any]) -> Rows:
    """Those arrays of the folder that there are, memory-mapped."""
    return {
        name: np.load(_file(folder, name), "r") for name in names if _file(folder, name).exists()
    }


def _write(folder: Path, rows: Rows, first: int, clips: int) -> None:
    """Put a batch in its place in the files, which have room for all."""
    for name, array in rows.items():
        mode, shape = ("r+" if first else "w+"), (clips, *array.shape[1:])
        kept = np.lib.format.open_memmap(_file(folder, name), mode, array.dtype, shape)
        kept[first : first + len(array)] = array
        kept.flush()


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"
