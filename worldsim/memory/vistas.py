"""Vistas: real places, all around, which a dream supposes where nothing was ever seen.

Whoever turns or walks in a dream comes to see what nobody has seen before. A transformer of a few
million parameters draws a dull mean of all that could be there, goes on from that, and ends in
mush. So a world remembers a few dozen places in which somebody looked all around when it was
recorded, and what was never seen looks as in the one that is most like the last view (as
photographs are completed from others: Hays and Efros, Scene Completion Using Millions of
Photographs, 2007); from there the transformer draws. After some steps another is looked for.

Pictures run as those of `memory.panorama` do: rows with pitch, columns with yaw.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray
from PIL import Image

from worldsim.memory.daylight import relit_around
from worldsim.memory.rays import Angles, Pixels, place_of

NONE = np.array([-1.0, 0.0, 0.0])
"""The vista (3,) of a game that has none: its number, by how much it is turned (radians), and after
how many steps it was chosen."""

_STEPS = 48
"""Steps walked after which another is looked for."""
_CELLS = 72
"""Parts of a full turn that vistas are compared by."""
_GRID = 8
"""Parts of a view to each side of which the means are compared."""
_FEW, _WORSE = 6, 1.5
"""Vistas of which luck chooses, none that much less like the view than the best."""
_ASIDE = np.radians(16.0)
"""Angle within which luck turns it, too, so that two dreams of one past part."""
_DARKER, _DARK = 0.5, 0.3
"""What it counts for, in differences of a colour of the view, that a vista is darker than what is
remembered, and than the lightest one."""
_LIGHTEST = 99.0
"""Percentile of brightness that says how light a place is."""
_QUALITY = 75
_NOTHING = np.zeros((0, 0, 3), np.uint8)
_KEPT = 32
"""Pictures in another light that are kept to be shown again."""


@dataclass(frozen=True)
class Vistas:
    """Pictures (n, rows, columns, 3) of all directions, and small ones (n, 36, 72, 3) of means.

    lights: (n,), how light each is; see `light`.
    """

    pictures: Pixels
    small: NDArray[np.float32]
    lights: NDArray[np.float64]
    _lit: dict[tuple[int, bytes], Pixels] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, pictures: Pixels) -> "Vistas":
        """Those of pictures (n, rows, columns, 3); rows and columns are multiples of 36 and 72."""
        n, rows, columns, _ = pictures.shape
        parts = pictures.reshape(n, _CELLS // 2, 2 * rows // _CELLS, _CELLS, columns // _CELLS, 3)
        lights = np.array([light(picture) for picture in pictures])
        return cls(pictures, parts.mean((2, 4), dtype=np.float32), lights)

    def chosen(
        self, frame: Pixels, visible: int, yaw: float, pitch: float, tangent: float, walked: int,
        lit: float, luck: float,
    ) -> NDArray[np.float64]:  # fmt: skip
        """The vista (3,) of a game from now on, after so many steps walked; see `due`.

        frame: (h, w, 3), what it shows, of which rows are `visible`, at yaw and pitch in radians.
        lit: how light what it remembers is; see `light`: who looks at a dark wall by day is not
        shown a night. luck: in [0, 1), which chooses one of the likely ones, and turns it a little.
        """
        view, rows, columns = _seen(frame, visible, pitch, tangent)
        apart, turns = _compared(self.small, view, rows, columns, yaw)
        darker, dark = np.maximum(lit - self.lights, 0), self.lights.max() - self.lights
        apart = apart / view.size + _DARKER * darker + _DARK * dark
        order = np.argsort(apart, kind="stable")[:_FEW]
        likely = order[apart[order] <= _WORSE * apart[order[0]]]
        which, rest = divmod(luck * len(likely), 1.0)
        number = likely[int(which)]
        return np.array([number, turns[number] + _ASIDE * (rest - 0.5), walked])

    def lit(self, number: int, change: NDArray[np.float64]) -> Pixels:
        """A picture (rows, columns, 3) in another light; see `daylight.relit_around`."""
        key = number, change.tobytes()
        picture = self._lit.get(key)
        if picture is None:
            if len(self._lit) >= _KEPT:
                self._lit.clear()
            picture = self._lit[key] = relit_around(self.pictures[number], change)
        return picture

    def packed(self) -> list[NDArray[np.uint8]]:
        """The pictures as bytes (n,) each, as `unpacked` takes them: WebP, with little loss."""
        return [_written(picture) for picture in self.pictures]


def shown_of(
    vistas: Vistas | None, vista: NDArray[np.float64], change: NDArray[np.float64]
) -> Pixels:
    """The picture of a game's vista (3,) as `Vistas.lit` has it; (0, 0, 3) if there is none."""
    number = int(vista[0])
    return _NOTHING if vistas is None or number < 0 else vistas.lit(number, change)


def due(vista: NDArray[np.float64], walked: int) -> bool:
    """Whether it is time to look for another vista than a game's (3,)."""
    return bool(vista[0] < 0 or not 0 <= walked - vista[2] < _STEPS)


def light(colors: Pixels) -> float:
    """How light what colours (..., 3) show is, of 255; 0 for none."""
    some = colors.reshape(-1, 3)[:: max(1, colors.size // 30_000)]
    return float(np.percentile(some.mean(-1), _LIGHTEST)) if len(some) else 0.0


def unpacked(packed: Sequence[NDArray[np.uint8]]) -> Vistas:
    """The vistas of such bytes.

    Raises:
        ValueError: they are no pictures of all directions.
    """
    with ThreadPoolExecutor() as pool:
        pictures = list(pool.map(_read, packed))
    if any(picture.shape != pictures[0].shape for picture in pictures):
        raise ValueError("the pictures of vistas differ in size")
    return Vistas.of(np.stack(pictures))


def _written(picture: Pixels) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=_QUALITY, method=6)
    return np.frombuffer(file.getvalue(), np.uint8)


def _read(data: NDArray[np.uint8]) -> Pixels:
    try:
        picture = np.asarray(Image.open(io.BytesIO(data.tobytes()), formats=["WEBP"]))
    except (OSError, SyntaxError) as problem:
        raise ValueError(f"the picture of a vista is damaged: {problem}") from problem
    rows, columns = picture.shape[:2]
    if picture.ndim != 3 or picture.shape[2] != 3 or columns != 2 * rows or columns % _CELLS:
        raise ValueError(f"the picture of a vista is {picture.shape}; needed (n*36, n*72, 3)")
    return picture


def _seen(
    frame: Pixels, visible: int, pitch: float, tangent: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Means of a view (g, g, 3), and at which row and column of a small picture each would be.

    Columns (g, g) are counted from the middle of the view.
    """
    height, width = frame.shape[:2]
    side = min(_GRID, visible, width)
    high, wide = visible // side, width // side
    parts = frame[: high * side, : wide * side].reshape(side, high, side, wide, 3)
    middles = np.arange(side) + 0.5
    down = (middles * high / height * 2 - 1) * tangent
    right = (middles * wide / width * 2 - 1) * tangent * (width / height)
    down, right = np.meshgrid(down, right, indexing="ij")
    y, level = down * np.cos(pitch) + np.sin(pitch), np.cos(pitch) - down * np.sin(pitch)
    rows = (np.arctan2(y, np.hypot(right, level)) / np.pi + 0.5) * (_CELLS // 2)
    columns = np.arctan2(right, level) / (2 * np.pi) * _CELLS
    return parts.mean((1, 3)), rows.astype(np.int64).clip(0, _CELLS // 2 - 1), columns


@njit(cache=True, nogil=True, error_model="numpy")
def _compared(
    small: NDArray[np.float32],
    view: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.float64],
    yaw: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far apart each vista (n,) is from a view, and by how much it has to be turned for that.

    See `_seen`; yaw: radians, in which the view looks.
    """
    apart, turns = np.full(len(small), np.inf), np.zeros(len(small))
    for number in range(len(small)):
        for start in range(_CELLS):
            total = 0.0
            for i in range(rows.shape[0]):
                for j in range(rows.shape[1]):
                    column = int(np.floor(columns[i, j] + start)) % _CELLS
                    for c in range(3):
                        total += abs(small[number, rows[i, j], column, c] - view[i, j, c])
                if total >= apart[number]:
                    break
            if total < apart[number]:
                apart[number], turns[number] = total, start * 2 * np.pi / _CELLS - yaw
    return apart, turns


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def show(
    pixel: NDArray[np.uint8],
    picture: Pixels,
    row: int,
    column: int,
    shape: tuple[int, int],
    tangent: float,
    angles: Angles,
) -> None:
    """Give a pixel (3,) of a view of that shape (h, w) the colour that a vista has there.

    angles: as `rays.facing`, in which the view looks there.
    """
    x, y, z = place_of(row, column, 1.0, shape, tangent, angles)
    rows, columns = picture.shape[:2]
    down = (np.arctan2(y, np.sqrt(x * x + z * z)) / np.pi + 0.5) * rows - 0.5
    right = np.arctan2(x, z) / (2 * np.pi) * columns - 0.5
    top, left = int(np.floor(down)), int(np.floor(right))
    v, u = down - top, right - left
    bottom, top = min(max(top + 1, 0), rows - 1), min(max(top, 0), rows - 1)
    after, left = (left + 1) % columns, left % columns
    for c in range(3):
        upper = (1 - u) * picture[top, left, c] + u * picture[top, after, c]
        lower = (1 - u) * picture[bottom, left, c] + u * picture[bottom, after, c]
        pixel[c] = np.uint8((1 - v) * upper + v * lower + 0.5)
