"""Pictures that need no model, and distances between pictures."""

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]

_BLUR = 4.0  # standard deviation in pixels
_WINDOW = 7  # pixels of a side, of SSIM
_MOVED = 20.0  # of 255, mean of the colours: a pixel that has changed


def row_mean(frame: Frames) -> Frames:
    """The frame (h, w, 3) with every row in its mean colour."""
    mean = frame.mean(1, keepdims=True).round().astype(np.uint8)
    return np.repeat(mean, frame.shape[1], 1)


def blur(frame: Frames) -> Frames:
    """The frame (h, w, 3) blurred by a Gaussian."""
    reach = int(3 * _BLUR)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _BLUR) ** 2)
    kernel /= kernel.sum()
    soft = frame.astype(np.float64)
    for axis in (0, 1):
        padded = np.pad(soft, [(reach, reach) if a == axis else (0, 0) for a in range(3)], "edge")
        soft = np.apply_along_axis(np.convolve, axis, padded, kernel, "valid")
    return soft.round().astype(np.uint8)


def psnr(error: float) -> float:
    """PSNR in dB of a mean squared error of bytes, at most 68.1 (an error of 0.01)."""
    return float(10 * np.log10(255**2 / max(error, 0.01)))


def ssim(a: Frames, b: Frames) -> float:
    """The mean structural similarity of two frames (h, w, 3), windows of 7 x 7, per colour.

    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity",
    equation 13, with uniform windows.
    """
    x, y = a.astype(np.float64), b.astype(np.float64)
    mx, my = _windows(x), _windows(y)
    vx, vy = _windows(x * x) - mx**2, _windows(y * y) - my**2
    both = _windows(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    map_ = ((2 * mx * my + c1) * (2 * both + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(map_.mean())


def moved(frames: Frames, still: Frames) -> NDArray[np.bool_]:
    """Which pixels (t, h, w) of frames differ from a frame (h, w, 3) before them."""
    change = np.abs(frames.astype(np.int16) - still).mean(-1)
    mask: NDArray[np.bool_] = change > _MOVED
    return mask


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def _windows(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of all windows that lie in the image (h, w, 3)."""
    sums = np.pad(image, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    n = _WINDOW
    total = sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]
    return np.asarray(total / n**2)
