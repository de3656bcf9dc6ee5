"""Command: train the tokenizer on the frames of recorded data sets."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import imageio.v3 as iio
import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor, nn

from worldsim import checkpoint
from worldsim.data import frames
from worldsim.data.dataset import FrameDataset, refuse_held_out
from worldsim.device import autocast, compile_or_eager, pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.models.tokenizer import ReconstructionLoss, Tokenizer, TokenizerConfig, psnr
from worldsim.trained import begin_from
from worldsim.training.loop import LoopConfig, train
from worldsim.training.muon import ConvolutionMuon

WEIGHTS = "tokenizer.safetensors"


@dataclass
class Config(LoopConfig):
    """Settings of the command."""

    data: list[str] = field(default_factory=list)
    """Folders of recorded data sets to train on."""
    held_out: list[str] = field(default_factory=list)
    """Folders of recorded data sets, of other seeds, to measure on."""
    model: TokenizerConfig = field(default_factory=TokenizerConfig)
    loss: ReconstructionLoss = field(default_factory=ReconstructionLoss)
    batch: int = 16
    rate: float = 2e-3
    """Learning rate of Muon for the convolutions and of AdamW for the rest."""
    evaluate_frames: int = 256
    device: str = "auto"
    dtype: str = "auto"
    compile: bool = False
    """Worth its minute or two of compiling on a GPU; convolutions on a CPU gain nothing."""


class Frames(Protocol):
    """Frames by one running index, such as `FrameDataset`."""

    def __len__(self) -> int:
        """Number of frames."""

    def frames(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The frames (b, h, w, 3)."""


class TokenizerTask:
    """The training of a tokenizer on single frames; see `worldsim.training.loop.Task`."""

    name = "train_tokenizer"

    def __init__(self, config: Config, data: Frames, held_out: Frames | None = None) -> None:
        torch.manual_seed(config.seed)
        self.settings, self.data, self.held_out = config, data, held_out
        self.device = pick_device(config.device)
        self.dtype = pick_dtype(self.device, config.dtype)
        self.model = Tokenizer(config.model).to(self.device)
        weights = list(self.model.parameters())
        self.optimizers: list[torch.optim.Optimizer] = [
            ConvolutionMuon([w for w in weights if w.ndim > 1], config.rate),
            torch.optim.AdamW([w for w in weights if w.ndim < 2], config.rate, weight_decay=0.0),
        ]
        self.frames_per_batch = config.batch
        self._forward: Callable[[Tensor, Tensor], tuple[Tensor, dict[str, Tensor]]] = self._losses
        if config.compile:
            self._forward = compile_or_eager(self._losses)

    def config(self) -> dict[str, Any]:
        """The tokenizer's configuration."""
        return asdict(self.settings.model)

    def draw(self, generator: np.random.Generator) -> Tensor:
        """Random frames (b c h w) in [-1, 1]."""
        indices = generator.integers(len(self.data), size=self.settings.batch)
        return frames.to_float(self.data.frames(indices))

    def loss(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """The reconstruction loss of the frames (b c h w), and its parts."""
        batch = batch.to(self.device)
        shape = self.model.latent_shape(batch.shape[-2], batch.shape[-1])
        noise = torch.randn(len(batch), *shape, generator=generator, device=self.device)
        return self._forward(batch, noise)

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """PSNR in dB, edge error and latent spread on fixed held-out frames; a sample picture."""
        if self.held_out is None:
            return {}
        count = min(self.settings.evaluate_frames, len(self.held_out))
        indices = np.linspace(0, len(self.held_out) - 1, count).astype(np.int64)
        sums: dict[str, float] = {}
        for part in np.array_split(indices, -(-count // self.settings.batch)):
            truth = frames.to_float(self.held_out.frames(part)).to(self.device)
            with autocast(self.device, self.dtype):
                output, latents = model(truth)
            for name, value in _figures(output, truth, latents).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(part) / count
        self._picture(model, indices, folder / f"{step:07d}.png")
        return sums

    def export(self, model: nn.Module, run_dir: Path, step: int, figures: dict[str, float]) -> None:
        """Writes the tokenizer for use."""
        meta = {"kind": "tokenizer", "config": self.config(), "step": step, "figures": figures}
        checkpoint.save(run_dir / WEIGHTS, model.state_dict(), meta)

    def _losses(self, batch: Tensor, noise: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        with autocast(self.device, self.dtype):
            output, _ = self.model(batch, noise)
        loss, parts = self.settings.loss(output, batch)
        return loss, {**parts, "psnr": psnr(output.detach(), batch).mean()}

    def _picture(self, model: nn.Module, indices: NDArray[np.int64], path: Path) -> None:
        """Writes eight frames, the truth above the reconstruction."""
        assert self.held_out is not None
        chosen = indices[:: max(1, len(indices) // 8)][:8]
        truth = self.held_out.frames(chosen)
        with autocast(self.device, self.dtype):
            output = model(frames.to_float(truth).to(self.device))[0]
        rows = np.stack([truth, frames.to_uint8(output)])
        iio.imwrite(path, rearrange(rows, "r b h w c -> (r h) (b w) c"))


def run(config: Config, run_dir: Path) -> None:
    """Trains, or continues to train, the tokenizer in `run_dir`.

    Raises:
        UserError: no data, held-out seeds among it, or frames of a size that does not fit.
    """
    data = FrameDataset(config.data)
    refuse_held_out(data, TokenizerTask.name)
    held_out = None
    if config.held_out:
        held_out = FrameDataset(config.held_out, data.frame_shape)
        refuse_held_out(held_out, TokenizerTask.name, ("train", "validation"))
        shared = np.intersect1d(data.seeds, held_out.seeds)
        if len(shared):
            raise UserError(f"seed {shared[0]} is in data and in held_out; needed different seeds")
    if any(side % config.model.factor for side in data.frame_shape):
        raise UserError(
            f"{config.data[0]} has {'x'.join(map(str, data.frame_shape))} frames; the tokenizer"
            f" needs sides that are multiples of {config.model.factor} (re-record at another size)"
        )
    task = TokenizerTask(config, data, held_out)
    if config.init:
        begin_from(task.model, config.init, "tokenizer")
    train(task, config, run_dir, asdict(config))


def _figures(output: Tensor, truth: Tensor, latents: Tensor) -> dict[str, Tensor]:
    _, parts = ReconstructionLoss()(output, truth)
    figures = {"psnr": psnr(output, truth).mean(), "edges": parts["edges"], "spread": latents.std()}
    return {f"held_out/{name}": value for name, value in figures.items()}
