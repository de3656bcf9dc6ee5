"""Frames as bytes and as numbers: uint8 <-> float in [-1, 1], resizing, video files in and out."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import imageio.v3 as iio
import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from worldsim.errors import UserError

Pixels: TypeAlias = NDArray[np.uint8]

_HALF_RANGE = 127.5
"""Half of the range of a byte: 0 becomes -1 and 255 becomes 1."""


def to_float(frames: Pixels | Tensor) -> Tensor:
    """The bytes (..., h, w, c) as float32 (..., c, h, w) in [-1, 1]; `to_uint8` undoes it exactly.

    The result is a channels-last view: no byte is moved for the change of axes.

    Raises:
        TypeError: the frames are not uint8.
    """
    pixels = torch.as_tensor(frames)
    if pixels.dtype != torch.uint8:
        raise TypeError(f"frames are {pixels.dtype}; needed uint8")
    return rearrange(pixels.float() / _HALF_RANGE - 1, "... h w c -> ... c h w")


def to_uint8(frames: Tensor) -> Pixels:
    """The floats (..., c, h, w) in [-1, 1] as bytes (..., h, w, c), rounded; beyond is clipped."""
    scaled = (frames.detach().float() + 1) * _HALF_RANGE
    pixels = rearrange(scaled.round().clamp(0, 255).byte(), "... c h w -> ... h w c")
    return np.ascontiguousarray(pixels.cpu().numpy())


def resize(frames: Pixels, size: tuple[int, int]) -> Pixels:
    """The bytes (..., h, w, c) at another (height, width), antialiased; same size is unchanged."""
    if frames.shape[-3:-1] == tuple(size):
        return frames
    lead = frames.shape[:-3]
    flat = to_float(frames.reshape(-1, *frames.shape[-3:]))
    scaled = functional.interpolate(flat, size=tuple(size), mode="bilinear", antialias=True)
    return to_uint8(scaled).reshape(*lead, *size, frames.shape[-1])


def write_video(path: str | Path, frames: Pixels | Sequence[Pixels], fps: float = 20.0) -> Path:
    """The path of a video of frames (t, h, w, 3), `.mp4` (H.264) or `.gif`, by its suffix.

    H.264 needs even sides: an odd one is extended by repeating its last row or column.

    Raises:
        UserError: another suffix, or frames of another shape.
    """
    path = Path(path)
    video = np.asarray(frames, np.uint8)
    if video.ndim != 4 or video.shape[-1] != 3 or not len(video):
        raise UserError(f"{path}: frames have shape {video.shape}; a video needs (t, h, w, 3)")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gif":
        iio.imwrite(path, video, duration=1000 / fps, loop=0)
    elif path.suffix == ".mp4":
        odd = [(0, 0), (0, video.shape[1] % 2), (0, video.shape[2] % 2), (0, 0)]
        even = np.pad(video, odd, mode="edge")
        iio.imwrite(path, even, plugin="FFMPEG", fps=fps, quality=8, macro_block_size=1)
    else:
        raise UserError(f"{path}: cannot write a video of that kind; use .mp4 or .gif")
    return path


def iterate_video(path: str | Path) -> Iterator[Pixels]:
    """The frames (h, w, 3) of a video file one by one, so that a long one need not fit in memory.

    Raises:
        UserError: no such file, or not a video.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such video file")
    with _pipes_left_open():
        file = _opened(path)
    pictures = file.iter()
    try:
        while (frame := _next(pictures)) is not None:
            yield np.ascontiguousarray(frame[..., :3])
    finally:
        with _pipes_left_open():
            pictures.close()
            file.close()
            del pictures, file


def read_video(path: str | Path, limit: int | None = None) -> tuple[Pixels, float]:
    """The frames (t, h, w, 3) of a video file, at most `limit` of them, and its frames a second.

    Raises:
        UserError: no such file, not a video, or one without frames.
    """
    frames = [frame for _, frame in zip(_count(limit), iterate_video(path), strict=False)]
    if not frames:
        raise UserError(f"{path}: holds no frames")
    return np.stack(frames), video_fps(path)


def video_fps(path: str | Path) -> float:
    """The frames a second that a video file declares."""
    with _pipes_left_open(), _opened(Path(path)) as file:
        meta = file.metadata()
    return float(meta["fps"]) if "fps" in meta else 1000 / float(meta["duration"])


def _count(limit: int | None) -> Iterator[int]:
    return iter(range(limit if limit is not None else 2**62))


def _opened(path: Path) -> Any:
    """The file as imageio reads it: GIF with pillow, everything else with ffmpeg."""
    try:
        plugin: Any = "pillow" if path.suffix == ".gif" else "FFMPEG"
        file = iio.imopen(path, "r", plugin=plugin)
        file.metadata()
        return file
    except (OSError, ValueError, IndexError) as problem:
        reason = str(problem).strip().split("\n")[-1]
    raise UserError(f"{path}: cannot be read as a video ({reason})")


def _next(pictures: Iterator[Pixels]) -> Pixels | None:
    with _pipes_left_open():
        return next(pictures, None)


@contextmanager
def _pipes_left_open() -> Iterator[None]:
    """Silence about the pipes from ffmpeg that imageio forgets to close."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
