"""Command: train the network that reads from a frame's latents how far away things are.

The truth comes from the environment that was recorded: its episodes are played again, and its
`unwrapped.depth()` says how far ahead, in blocks, each pixel (h, w) is; with `model.liquid=true`
its `unwrapped.liquid()` whether that is a liquid's surface.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from worldsim import checkpoint
from worldsim.data import episode
from worldsim.data.dataset import Dataset, Entry, refuse_held_out
from worldsim.data.encode import Encoder
from worldsim.data.replay import played_again
from worldsim.device import autocast, pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.files import locked
from worldsim.models.depth import Depth, DepthConfig, closeness_root
from worldsim.progress import progress
from worldsim.trained import begin_from, load_tokenizer
from worldsim.training.loop import LoopConfig, train
from worldsim.training.muon import ConvolutionMuon

WEIGHTS = "depth.safetensors"
_HELD_OUT = 16  # every 16th episode is measured on
_PARTS = "latents", "pitches", "depths", "liquids"
_LIQUID = 0.05  # what the log loss of liquids counts
_STEP = 0.2  # blocks walked in a tick


@dataclass
class Config(LoopConfig):
    """Settings of the command."""

    data: list[str] = field(default_factory=list)
    """Folders of recorded data sets."""
    tokenizer: str = "runs/tokenizer/tokenizer.safetensors"
    model: DepthConfig = field(default_factory=DepthConfig)
    collect: int = 40_000
    """Frames to learn from, of whole episodes spread over the data sets."""
    overlay: float = 0.1875
    """Share of the frame's height, at the bottom, that does not belong to the view."""
    batch: int = 64
    rate: float = 2e-3
    """Learning rate of Muon for the convolutions and of AdamW for the rest."""
    device: str = "auto"
    dtype: str = "auto"


@dataclass
class Examples:
    """Latents (n, z, y, x), the camera's pitch (n,), and blocks to what is seen (n, h, w).

    And where (n, h, w) that is a liquid.
    """

    latents: NDArray[np.float16]
    pitches: NDArray[np.float32]
    depths: NDArray[np.float16]
    liquids: NDArray[np.bool_]

    def rows(self, index: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Latents, pitches, depths and liquids of some, float32."""
        arrays = self.latents, self.pitches, self.depths, self.liquids
        return tuple(torch.from_numpy(array[index].astype(np.float32)) for array in arrays)


class DepthTask:
    """The training of a depth network; see `worldsim.training.loop.Task`."""

    name = "train_depth"

    def __init__(self, config: Config, data: Examples, held_out: Examples, tokenizer: str) -> None:
        torch.manual_seed(config.seed)
        self.settings, self.data, self.held_out, self.tokenizer = config, data, held_out, tokenizer
        self.device = pick_device(config.device)
        self.dtype = pick_dtype(self.device, config.dtype)
        self.model = Depth(config.model).to(self.device)
        weights = list(self.model.parameters())
        self.optimizers: list[torch.optim.Optimizer] = [
            ConvolutionMuon([w for w in weights if w.ndim > 1], config.rate),
            torch.optim.AdamW([w for w in weights if w.ndim < 2], config.rate, weight_decay=0.0),
        ]
        self.frames_per_batch = config.batch

    def config(self) -> dict[str, Any]:
        """The network's configuration."""
        return asdict(self.settings.model)

    def draw(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Random examples."""
        return self.data.rows(generator.integers(len(self.data.latents), size=self.settings.batch))

    def loss(
        self, batch: tuple[Tensor, ...], generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean absolute error of the root of closeness, on pixels of the view.

        And a little of the log loss of liquids, where they are told.
        """
        latents, pitches, depths, liquids = (part.to(self.device) for part in batch)
        noise = torch.randn(latents.shape, generator=generator, device=self.device)
        share = 0.3 * torch.rand(len(latents), 1, 1, 1, generator=generator, device=self.device)
        with autocast(self.device, self.dtype):
            # dreamed latents are not exact
            roots, told = self.model.both(latents + share * noise, pitches)
        error = self._error(roots, closeness_root(depths)).mean()
        if not self.settings.model.liquid:
            return error, {}
        surprise = binary_cross_entropy_with_logits(self._visible(told), self._visible(liquids))
        return error + _LIQUID * surprise, {"root_error": error, "liquid": surprise}

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """How far off depths are, and how far off that puts a pixel after a step sideways."""
        assert isinstance(model, Depth)
        count = min(512, len(self.held_out.latents))
        latents, pitches, depths, liquids = self.held_out.rows(
            np.linspace(0, len(self.held_out.latents) - 1, count).astype(np.int64)
        )
        with autocast(self.device, self.dtype):
            seen = latents.to(self.device), pitches.to(self.device)
            given = (torch.split(x, self.settings.batch) for x in seen)
            both = [model.both(*part) for part in zip(*given, strict=True)]
        roots, told = (torch.cat(parts).cpu() for parts in zip(*both, strict=True))
        true = closeness_root(depths)
        tangent = math.tan(math.radians(model.config.field_of_view / 2))
        shift = self._error(roots.square(), true.square()) * _STEP * roots.shape[1] / tangent
        near = depths[:, : shift.shape[1]] < 16
        off = (self._error(roots, true) / true[:, : shift.shape[1]])[near]
        shown = torch.stack([true[:: count // 8][:8], roots[:: count // 8][:8]]).clamp(0, 1.4) / 1.4
        pictures = rearrange(shown, "r b h w -> (r h) (b w)").numpy()
        iio.imwrite(folder / f"{step:07d}.png", (pictures * 255).astype(np.uint8))
        wet, found = self._visible(liquids) > 0, self._visible(told) > 0
        overlap = float((wet & found).sum() / (wet | found).sum().clamp_min(1))
        return {
            **({"held_out/liquid_iou": overlap} if model.config.liquid else {}),
            "held_out/root_error": float(self._error(roots, true).mean()),
            "held_out/relative_error": float(2 * off.median()),
            "held_out/pixels_off": float(shift.median()),
        }

    def export(self, model: nn.Module, run_dir: Path, step: int, figures: dict[str, float]) -> None:
        """Writes the network for use."""
        meta = {"kind": "depth", "config": self.config(), "step": step, "figures": figures}
        meta["tokenizer"] = self.tokenizer
        checkpoint.save(run_dir / WEIGHTS, model.state_dict(), meta)

    def _error(self, roots: Tensor, true: Tensor) -> Tensor:
        return self._visible(roots - true).abs()

    def _visible(self, pixels: Tensor) -> Tensor:
        return pixels[:, : round(pixels.shape[1] * (1 - self.settings.overlay))]


def run(config: Config, run_dir: Path) -> None:
    """Trains, or continues to train, the depth network in `run_dir`.

    Raises:
        UserError: no data, held-out seeds among it, or an environment that knows no depth.
    """
    data = Dataset(config.data)
    refuse_held_out(data, DepthTask.name)
    tokenizer, meta = load_tokenizer(config.tokenizer)
    config.model.latent_channels = tokenizer.config.latent_channels
    with locked(run_dir, "collecting"):
        if not (run_dir / f"held_out.{_PARTS[-1]}.npy").exists():
            encoder = Encoder(tokenizer, config.device, config.dtype)
            _collect(_chosen(data.entries, config.collect), encoder, config.model, run_dir)
    both = [
        Examples(*(np.load(run_dir / f"{part}.{name}.npy", "r") for name in _PARTS))
        for part in ("train", "held_out")
    ]
    task = DepthTask(config, both[0], both[1], meta["hash"])
    if config.init:
        begin_from(task.model, config.init, "depth")
    train(task, config, run_dir, asdict(config))


def _chosen(entries: list[Entry], frames: int) -> list[Entry]:
    """Episodes spread over all, with about that many frames and at least two."""
    mean = sum(entry.length + 1 for entry in entries) / len(entries)
    count = min(len(entries), max(2, round(frames / mean)))
    return [entries[i * len(entries) // count] for i in range(count)]


def _collect(entries: list[Entry], encoder: Encoder, model: DepthConfig, folder: Path) -> None:
    """Play the episodes again and write what `Examples` hold, of each part in files of its own."""
    parts: dict[str, list[tuple[NDArray[Any], ...]]] = {}
    with progress("playing again", len(entries)) as bar:
        for i, entry in enumerate(entries):
            away, wet = zip(*depths_of(entry.path, model.liquid), strict=True)
            played = episode.read(entry.path)
            latents = encoder(played.frames)
            size = latents.shape[-2] * model.factor, latents.shape[-1] * model.factor
            depths = np.stack([_sampled(depth, size).astype(np.float16) for depth in away])
            liquids = np.stack([_sampled(liquid, size) for liquid in wet])
            part = "held_out" if i % _HELD_OUT == _HELD_OUT - 1 or i == 1 else "train"
            parts.setdefault(part, []).append((latents, played.info["pitch"], depths, liquids))
            bar.advance(len(latents))
    for part in ("train", "held_out"):  # the last file written says that all are there
        for name, arrays in zip(_PARTS, zip(*parts[part], strict=True), strict=True):
            path = folder / f"{part}.{name}.npy"
            np.save(path.with_suffix(".part.npy"), np.concatenate(arrays))
            path.with_suffix(".part.npy").replace(path)


def depths_of(
    path: Path, liquid: bool = False
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """The depth (h, w) in blocks of each frame of a recorded episode, and where a liquid is seen.

    liquid: whether that is asked for; else there is none.

    Raises:
        UserError: its environment does not know these, or has other rules than it had.
    """
    for engine, _ in played_again(path):
        if not hasattr(engine, "depth"):
            raise UserError(
                f"the environment of {path} knows no depth; needed a method depth() of it,"
                " unwrapped, (h, w) blocks along the view axis (a world does without, too)"
            )
        if liquid and not hasattr(engine, "liquid"):
            raise UserError(
                f"model.liquid=true: the environment of {path} knows no liquids; needed a method"
                " liquid() of it, unwrapped, (h, w) bool (model.liquid=false does without)"
            )
        depth = engine.depth()
        yield depth, engine.liquid() if liquid else np.zeros(depth.shape, np.bool_)


def _sampled(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Every so many of pixels (h, w), so that edges stay sharp."""
    y, x = (s * np.arange(n) // n for n, s in zip(size, pixels.shape, strict=True))
    return pixels[np.ix_(y, x)]
