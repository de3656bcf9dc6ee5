"""Video files written frame by frame, so that a long one need not fit in memory."""

from pathlib import Path
from types import TracebackType
from typing import Any

import imageio.v2 as iio
import numpy as np

from worldsim.data.environments import Frame
from worldsim.errors import UserError

FORMATS: dict[str, dict[str, Any]] = {
    ".mp4": {"format": "FFMPEG", "quality": 8, "macro_block_size": 1},
    ".gif": {"mode": "I", "loop": 0},
}
HEIGHTS = {".mp4": 512, ".gif": 256}
"""Pixels that small frames are enlarged to at most, when no scale is chosen."""


def check_suffix(path: Path) -> None:
    """Raise UserError when the name's ending is not that of a video."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(
            f"out={path} ends in {path.suffix or 'nothing'}; needed {' or '.join(FORMATS)} "
            "(for example out=demo.mp4)"
        )


class Video:
    """A video being written: whole under its name once closed, absent before and after a failure.

    Frames are enlarged `scale` times, each pixel a square; None picks the largest scale that keeps
    them within `HEIGHTS`.
    """

    def __init__(self, path: Path, fps: float, scale: int | None = None) -> None:
        check_suffix(path)
        self.path = path
        self._suffix = path.suffix.lower()
        self._partial = path.with_name(f"{path.stem}.partial{self._suffix}")
        self._scale = scale
        options = dict(FORMATS[self._suffix])
        options["fps" if self._suffix == ".mp4" else "duration"] = (
            fps if self._suffix == ".mp4" else 1000 / fps
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer: Any = iio.get_writer(self._partial, **options)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error}; choose another out=") from error

    def add(self, frame: Frame) -> None:
        """Append one frame (h, w, 3)."""
        scale = self._scale or max(1, HEIGHTS[self._suffix] // max(frame.shape[:2]))
        large = frame.repeat(scale, 0).repeat(scale, 1)
        odd = [(0, side % 2) for side in large.shape[:2]]  # H.264 needs even sides
        try:
            self._writer.append_data(np.pad(large, [*odd, (0, 0)], mode="edge"))
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {error}") from error

    def close(self) -> Path:
        """Finish the file; its path."""
        self._writer.close()
        self._partial.replace(self.path)
        return self.path

    def abandon(self) -> None:
        """Stop without a file."""
        self._writer.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()
