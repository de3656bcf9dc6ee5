"""A picture file -> the frames a dream starts from."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np

from worldsim.data import environments
from worldsim.data.environments import Frame
from worldsim.errors import UserError
from worldsim.viewer.worlds import World

STILL = 8
"""Frames of standing still that a picture is shown to the dream as."""


def start_frames(file: str, world: World) -> Frame:
    """The picture as frames (t, h, w, 3) of the world's size: its middle, nobody moving.

    Raises:
        UserError: no such picture, or a world that does not start from pictures.
    """
    if not world.is_dream or world.image_key is None:
        raise UserError(
            f"image={file} starts a dream; {world.name} does not start from pictures "
            "(leave env= away for the dream)"
        )
    shape = environments.frame_shape(world.env.observation_space, world.image_key)
    return np.repeat(_cropped(_read(file), shape)[None], STILL, 0)


def _read(file: str) -> Frame:
    """The pixels (h, w, 3) of a picture file; of an animation, the first."""
    if not Path(file).is_file():
        raise UserError(f"image={file}: there is no such file")
    try:
        pixels = np.asarray(iio.imread(file, plugin="pillow", index=0, mode="RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(
            f"image={file} cannot be read as a picture (give a PNG or JPEG): {error}"
        ) from error
    return pixels.astype(np.uint8)


def _cropped(pixels: Frame, shape: tuple[int, int]) -> Frame:
    """The largest middle part with the aspect of a shape (height, width), at that size."""
    from worldsim.data.frames import resize

    scale = min(pixels.shape[0] / shape[0], pixels.shape[1] / shape[1])
    h, w = (max(1, round(side * scale)) for side in shape)
    top, left = (pixels.shape[0] - h) // 2, (pixels.shape[1] - w) // 2
    middle: Frame = resize(pixels[top : top + h, left : left + w], shape)
    return middle
