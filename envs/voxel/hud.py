"""What is drawn over the picture: crosshair, hotbar with counts, hearts, the red of a blow.

Drawn once on a 128-wide strip and scaled to the frame by nearest neighbour, so that every size of
frame carries the same information.
"""

import numpy as np
from numpy.typing import NDArray

from envs.voxel.blocks import AIR, FACES
from envs.voxel.textures import LEVEL_START, atlas

BASE = 128
_SLOT, _LEFT, _STRIP = 13, 5, 22
_ICONS = atlas()[FACES[:, 2], LEVEL_START[1] : LEVEL_START[2]].reshape(-1, 8, 8, 3)

_DIGITS = tuple(
    np.array([[int(bit) for bit in row] for row in rows.split()], bool)
    for rows in (
        "111 101 101 101 111", "010 110 010 010 111", "111 001 111 100 111", "111 001 111 001 111",
        "101 101 111 001 001", "111 100 111 001 111", "111 100 111 101 111", "111 001 010 010 010",
        "111 101 111 101 111", "111 101 111 001 111",
    )
)  # fmt: skip
_HEART = np.array(
    [[int(b) for b in row] for row in ("01010", "11111", "11111", "01110", "00100")], bool
)

Image = NDArray[np.uint8]


def _count(slot: Image, count: int) -> None:
    """Write a number at the lower right of a slot's inside (12, 12, 3), with a shadow."""
    right = 12
    for digit in reversed(str(count)):
        shape = _DIGITS[int(digit)]
        box = slot[7:12, right - 3 : right]
        shadow = slot[8:12, right - 2 : right]
        shadow[shape[:4, :2]] = (16, 16, 16)
        box[shape] = (255, 255, 255)
        right -= 4


def strip(
    blocks: NDArray[np.int64], counts: NDArray[np.int64], selected: int, health: int
) -> tuple[Image, NDArray[np.bool_]]:
    """The strip at the frame's foot: colours (22, 128, 3) and which of its pixels are drawn."""
    colors = np.zeros((_STRIP, BASE, 3), np.uint8)
    drawn = np.zeros((_STRIP, BASE), bool)
    top = _STRIP - _SLOT - 1
    bar = slice(top, top + _SLOT + 1), slice(_LEFT, _LEFT + 9 * _SLOT + 1)
    colors[bar], drawn[bar] = (92, 92, 96), True
    for i in range(9):
        x = _LEFT + i * _SLOT + 1
        inside = colors[top + 1 : top + 13, x : x + 12]
        inside[:] = (44, 44, 48)
        if counts[i] > 0 and blocks[i] != AIR:
            inside[1:9, 2:10] = _ICONS[blocks[i]]
            _count(inside, int(counts[i]))
    x = _LEFT + selected * _SLOT
    box = colors[top : top + _SLOT + 1, x : x + _SLOT + 1]
    for edge in (box[0], box[-1], box[:, 0], box[:, -1]):
        edge[:] = (255, 255, 255)
    for i in range(10):
        x = _LEFT + 6 * i
        area = colors[1:6, x : x + 5]
        area[_HEART] = (70, 18, 18)
        drawn[1:6, x : x + 5] |= _HEART
        full = _HEART.copy()
        if health < 2 * i + 2:
            full[:, 3 if health == 2 * i + 1 else 0 :] = False
        area[full] = (226, 32, 32)
    return colors, drawn


def _scaled(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Source rows and columns of the strip for a frame, and where it begins."""
    side = min(height, width)
    rows, columns = max(1, _STRIP * side // BASE), side
    return (
        np.arange(rows) * _STRIP // rows,
        np.arange(columns) * BASE // columns,
        height - rows,
        (width - side) // 2,
    )


class Hud:
    """Draws over frames; keeps the last strip, which seldom changes."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._strip: tuple[Image, NDArray[np.bool_]] | None = None

    def covered(self, height: int, width: int) -> NDArray[np.bool_]:
        """Which pixels (h, w) of a frame may carry crosshair, hotbar or hearts."""
        out = np.zeros((height, width), bool)
        _, _, top, left = _scaled(height, width)
        out[top:, left : width - left] = True
        arm = max(1, min(height, width) * 3 // BASE)
        out[height // 2 - arm : height // 2 + arm + 1, width // 2 - arm : width // 2 + arm + 1] = (
            True
        )
        return out

    def draw(
        self,
        image: Image,
        blocks: NDArray[np.int64],
        counts: NDArray[np.int64],
        selected: int,
        health: int,
        hurt: bool,
    ) -> None:
        """Draw everything over the image (h, w, 3), in place."""
        height, width = image.shape[:2]
        if hurt:
            image[:] = (image.astype(np.uint16) * 3 // 4).astype(np.uint8)
            image[..., 0] += 60
        _crosshair(image)
        key = (height, width, blocks.tobytes(), counts.tobytes(), selected, health)
        if key != self._key or self._strip is None:
            rows, columns, _, _ = _scaled(height, width)
            colors, drawn = strip(blocks, counts, selected, health)
            self._strip = colors[rows][:, columns], drawn[rows][:, columns]
            self._key = key
        _, _, top, left = _scaled(height, width)
        colors, drawn = self._strip
        area = image[top:, left : left + drawn.shape[1]]
        area[drawn] = colors[drawn]


def _crosshair(image: Image) -> None:
    """A cross in the middle, light on dark and dark on light."""
    height, width = image.shape[:2]
    arm, y, x = max(1, min(height, width) * 3 // BASE), height // 2, width // 2
    middle = image[y - arm : y + arm + 1, x - arm : x + arm + 1]
    tone = 20 if int(middle.astype(np.int64).mean()) > 150 else 245
    image[y, x - arm : x + arm + 1] = tone
    image[y - arm : y + arm + 1, x] = tone
