"""The blocks around the player: chunks made from the seed, edits on top, in one wrap-around array.

Cells lie at `index(x, y, z)`: both ground coordinates wrap at `SPAN`, so walking never moves
memory; chunks ahead overwrite those behind. An edit is kept for ever and laid over its chunk
whenever that is made again.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel.blocks import AIR, LEAFY, SOLID
from envs.voxel.generate import CHUNK, HEIGHT, chunk

SPAN = 128
_MASK = SPAN - 1
REACH = 3  # chunks kept on each side of the player's

Cells = NDArray[np.uint8]
Tops = NDArray[np.int16]
Peaks = NDArray[np.int16]
Masks = NDArray[np.uint64]
Edits = dict[tuple[int, int, int], int]


@njit(cache=True, inline="always")
def index(x: int, y: int, z: int) -> int:
    """Where the cell of a world position lies in the flat array; y must be inside the world."""
    return ((x & 127) << 13) | ((z & 127) << 6) | y


@njit(cache=True, inline="always")
def block(cells: Cells, x: int, y: int, z: int) -> int:
    """The kind at a position; air above the world, solid below it."""
    if y >= 64:
        return 0
    if y < 0:
        return 3
    return cells[((x & 127) << 13) | ((z & 127) << 6) | y]


@njit(cache=True)
def _skyline(
    cells: Cells,
    tops: Tops,
    masks: Masks,
    x: int,
    z: int,
    solid: NDArray[np.bool_],
    leafy: NDArray[np.bool_],
) -> None:
    """Write one column's highest opaque, leaf and non-air block, and its mask of non-air cells."""
    column = ((x & 127) << 7) | (z & 127)
    base = column << 6
    tops[:, column] = -1
    mask = np.uint64(0)
    for y in range(64):
        kind = cells[base | y]
        if kind != 0:
            mask |= np.uint64(1) << np.uint64(y)
            tops[2, column] = y
        if leafy[kind]:
            tops[1, column] = y
        elif solid[kind]:
            tops[0, column] = y
    masks[column] = mask


@njit(cache=True)
def _peak(tops: Tops, peaks: Peaks, x: int, z: int) -> None:
    """Write the highest non-air block of the 8 x 8 columns around a column."""
    i, j = (x & 127) >> 3, (z & 127) >> 3
    high = -1
    for u in range(8):
        for v in range(8):
            high = max(high, tops[2, (((i << 3) | u) << 7) | (j << 3) | v])
    peaks[(i << 4) | j] = high


@njit(cache=True)
def _lay(
    cells: Cells,
    tops: Tops,
    masks: Masks,
    peaks: Peaks,
    made: NDArray[np.uint8],
    x0: int,
    z0: int,
    solid: NDArray[np.bool_],
    leafy: NDArray[np.bool_],
) -> None:
    for i in range(16):
        for j in range(16):
            start = index(x0 + i, 0, z0 + j)
            cells[start : start + 64] = made[i, j]
            _skyline(cells, tops, masks, x0 + i, z0 + j, solid, leafy)
    for i in (0, 8):
        for j in (0, 8):
            _peak(tops, peaks, x0 + i, z0 + j)


class World:
    """The loaded blocks of one seed.

    Attributes:
        cells: kinds, flat uint8 of SPAN * SPAN * HEIGHT, addressed by `index`.
        tops: (3, SPAN * SPAN) int16, each column's highest opaque, leaf and non-air block.
        masks: (SPAN * SPAN,) uint64, bit y set where the column's cell y is not air.
        peaks: (256,) int16, the highest non-air block of each 8 x 8 columns.
        edits: every block that differs from the generated one, or once did.
    """

    def __init__(self, seed: int, edits: Edits | None = None) -> None:
        self.seed = seed
        self.edits: Edits = dict(edits or {})
        self.cells: Cells = np.zeros(SPAN * SPAN * HEIGHT, np.uint8)
        self.tops: Tops = np.zeros((3, SPAN * SPAN), np.int16)
        self.masks: Masks = np.zeros(SPAN * SPAN, np.uint64)
        self.peaks: Peaks = np.zeros(256, np.int16)
        self._loaded: dict[tuple[int, int], tuple[int, int]] = {}
        self._centre: tuple[int, int] | None = None  # the chunk last loaded around
        self._by_chunk: dict[tuple[int, int], Edits] = {}
        self.changes: list[tuple[tuple[int, int, int], int]] | None = None
        """Places set since this was made a list, and what was there before."""
        for position, kind in self.edits.items():
            self._remember(position, kind)

    def _remember(self, position: tuple[int, int, int], kind: int) -> None:
        key = (position[0] // CHUNK, position[2] // CHUNK)
        self._by_chunk.setdefault(key, {})[position] = kind

    def load_around(self, x: float, z: float) -> None:
        """Make every chunk within `REACH` chunks of a position that is not there yet."""
        cx, cz = int(x // CHUNK), int(z // CHUNK)
        if (cx, cz) == self._centre:
            return
        for i in range(cx - REACH, cx + REACH + 1):
            for j in range(cz - REACH, cz + REACH + 1):
                slot = (i % (SPAN // CHUNK), j % (SPAN // CHUNK))
                if self._loaded.get(slot) != (i, j):
                    self._load(i, j)
                    self._loaded[slot] = (i, j)
        self._centre = cx, cz

    def _load(self, i: int, j: int) -> None:
        made = chunk(self.seed, i * CHUNK, j * CHUNK)
        for (x, y, z), kind in self._by_chunk.get((i, j), {}).items():
            made[x - i * CHUNK, z - j * CHUNK, y] = kind
        _lay(
            self.cells, self.tops, self.masks, self.peaks, made, i * CHUNK, j * CHUNK, SOLID, LEAFY
        )

    def loaded(self, x: int, z: int) -> bool:
        """Whether the column's chunk is in the array now."""
        i, j = x // CHUNK, z // CHUNK
        return self._loaded.get((i % (SPAN // CHUNK), j % (SPAN // CHUNK))) == (i, j)

    def get(self, x: int, y: int, z: int) -> int:
        """The kind at any position, loaded or not; air outside the world's height."""
        if not 0 <= y < HEIGHT:
            return AIR
        if self.loaded(x, z):
            return int(self.cells[index(x, y, z)])
        if (x, y, z) in self.edits:
            return self.edits[x, y, z]
        i, j = x // CHUNK, z // CHUNK
        return int(chunk(self.seed, i * CHUNK, j * CHUNK)[x - i * CHUNK, z - j * CHUNK, y])

    def set(self, x: int, y: int, z: int, kind: int) -> None:
        """Put a block, remembered as an edit."""
        if self.changes is not None:
            self.changes.append(((x, y, z), self.get(x, y, z)))
        self.edits[x, y, z] = kind
        self._remember((x, y, z), kind)
        if self.loaded(x, z):
            self.cells[index(x, y, z)] = kind
            _skyline(self.cells, self.tops, self.masks, x, z, SOLID, LEAFY)
            _peak(self.tops, self.peaks, x, z)

    def with_edits(self, edits: Edits) -> "World":
        """A world of its own with the same seed and chunks in memory, but these edits."""
        other = World(self.seed, edits)
        other.cells, other.tops = self.cells.copy(), self.tops.copy()
        other.masks, other.peaks = self.masks.copy(), self.peaks.copy()
        other._loaded = dict(self._loaded)
        changed = {p for p, _ in self.edits.items() ^ edits.items()}
        for i, j in {(x // CHUNK, z // CHUNK) for x, _, z in changed}:
            if other.loaded(i * CHUNK, j * CHUNK):
                other._load(i, j)
        return other
