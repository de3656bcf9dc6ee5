"""Command: train the dynamics on encoded recordings."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from worldsim import checkpoint
from worldsim.coding import decoded
from worldsim.data.latents import Clips, LatentDataset, refuse_held_out
from worldsim.data.rehearsals import Rehearsals
from worldsim.device import autocast, compile_or_eager, pick_device, pick_dtype
from worldsim.errors import UserError
from worldsim.models.critic import Critic
from worldsim.models.depth import Depth
from worldsim.models.dynamics import Dynamics, DynamicsConfig
from worldsim.models.flow import FlowConfig, flow_loss, objective, part_objective
from worldsim.models.parts import Clip
from worldsim.models.rehearsed import Rehearsed, rehearsal_loss
from worldsim.models.sampler import noised
from worldsim.models.tokenizer import Tokenizer
from worldsim.simulator import Simulator, SimulatorConfig
from worldsim.trained import begin_from, load_tokenizer, short
from worldsim.training.begun import begun_as, between
from worldsim.training.clips import as_clip
from worldsim.training.loop import LoopConfig, train
from worldsim.training.models import depth_of
from worldsim.training.optimizers import optimizers
from worldsim.training.parted import REHEARSED, TRUNK, refuse_part
from worldsim.training.rollouts import frame_psnr, rollout, write_pictures

WEIGHTS = "dynamics.safetensors"
_LEVELS = (0.25, 0.5, 0.75, 1.0)
_HORIZONS = (1, 4, 16)


@dataclass
class Config(LoopConfig):
    """Settings of the command."""

    latents: list[str] = field(default_factory=list)
    """Folders of `worldsim encode` to train on."""
    held_out: list[str] = field(default_factory=list)
    """Folders of `worldsim encode`, of other seeds, to measure on."""
    tokenizer: str = "runs/tokenizer/tokenizer.safetensors"
    """The tokenizer that made the latents; decodes the sample pictures."""
    depth: str = ""
    """The depth network of the latents' priors, if they had one."""
    model: DynamicsConfig = field(default_factory=DynamicsConfig)
    """Its shape; of what is begun from an `init`, that of `init`, but for what is set here."""
    flow: FlowConfig = field(default_factory=FlowConfig)
    sampling: SimulatorConfig = field(default_factory=SimulatorConfig)
    batch: int = 4
    """Clips in a batch."""
    kept: float = 0.0
    """Share of the way back to the weights of `init`, in [0, 1), at which the written ones lie: who
    learns from few recordings forgets less of the rest (Wortsman et al. 2022, arXiv:2109.01903)."""
    part: str = "all"
    """What is trained: all; or, from an `init`, trunk (the transformer), body, level (of the
    camera alone), hands, draft, overlay, grid, faces.

    All but the transformer need minutes; alone, that learns half as fast again.
    """
    frames: int = 16
    """Frames in a clip; at least twice the model's window."""
    chunks: list[int] = field(default_factory=lambda: [1, 1, 1, 1, 2, 4])
    """Numbers of frames denoised jointly; one is drawn for each batch."""
    rehearsals: list[str] = field(default_factory=list)
    """Folders of `worldsim rehearse`, from which the transformer learns as well; or hands do."""
    rehearsed: float = 0.6
    """Share of batches that are of these, if there are any."""
    eventful: float = 0.6
    """Share of clips chosen because something happens in them."""
    rate: float = 1e-3
    """Learning rate of AdamW."""
    rate_matrices: float = 2e-3
    """Learning rate of Muon, which takes the blocks' matrices; 0 leaves all to AdamW."""
    weight_decay: float = 0.01
    context: int = 8
    """Frames of context of the sample rollouts."""
    rollouts: int = 16
    """Held-out clips that are rolled out at each evaluation."""
    device: str = "auto"
    dtype: str = "auto"
    compile: bool = True


class DynamicsTask:
    """The training of a dynamics model on clips of latents; see `worldsim.training.loop.Task`."""

    name = "train_dynamics"

    def __init__(
        self,
        config: Config,
        data: LatentDataset,
        held_out: LatentDataset | None,
        tokenizer: Tokenizer,
        tokenizer_hash: str,
        depth: Depth | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.settings, self.data, self.held_out = config, data, held_out
        self.device = pick_device(config.device)
        self.dtype = pick_dtype(self.device, config.dtype)
        self.tokenizer, self.tokenizer_hash = tokenizer.to(self.device), tokenizer_hash
        self.depth = None if depth is None else depth.to(self.device)
        self.rehearsals = rehearsals_of(config, tokenizer_hash)
        self.model = Dynamics(config.model)
        if config.flow.critic:
            self.model.critic = Critic(config.model.latent_channels)
        self.model.to(self.device)
        rates = config.rate, config.rate_matrices, config.weight_decay
        self.optimizers = optimizers(self.model, *rates)
        self.frames_per_batch = config.batch * config.frames
        if config.compile:
            for block in self.model.blocks:
                block.forward = compile_or_eager(block.forward)

    def config(self) -> dict[str, Any]:
        """The model's configuration."""
        return asdict(self.settings.model)

    def draw(self, generator: np.random.Generator) -> tuple[Clips, int] | Rehearsed:
        """Random clips and the number of frames to denoise jointly; or rehearsals."""
        config = self.settings
        if self.rehearsals and generator.random() < config.rehearsed:
            return self.rehearsals.draw(generator, config.batch, config.frames)
        chunk = int(generator.choice(config.chunks))
        return self.data.draw(generator, config.batch, config.frames, config.eventful), chunk

    def loss(
        self, batch: tuple[Clips, int] | Rehearsed, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The training objective and its parts."""
        law, part = self.settings.flow, self.settings.part
        with autocast(self.device, self.dtype):
            if part not in TRUNK:
                of = self.model.body if part == "level" else self.model
                return part_objective(getattr(of, part), self._clip(batch), law, generator)
            if isinstance(batch, Rehearsed):
                return rehearsal_loss(self.model, batch.to(self.device), law, generator)
            clip, chunk = self._clip(batch), batch[1]
            return objective(self.model, clip, chunk, law, generator, part == "all")

    def _clip(self, batch: tuple[Clips, int] | Rehearsed) -> Clip:
        if isinstance(batch, Rehearsed):
            return batch.to(self.device).clip
        return as_clip(batch[0], self.device)

    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """Held-out loss at fixed levels, PSNR of rollouts against decoded truth, action gap."""
        if self.held_out is None:
            return {}
        assert isinstance(model, Dynamics)
        config = self.settings
        length = config.context + max(_HORIZONS)
        clips = self.held_out.clips(self.held_out.spread(config.rollouts, length), length)
        return {**self._levels(model, clips), **self._rollouts(model, clips, folder, step)}

    def export(self, model: nn.Module, run_dir: Path, step: int, figures: dict[str, float]) -> None:
        """Writes the dynamics for use."""
        meta = {
            "kind": "dynamics",
            "config": self.config(),
            "step": step,
            "figures": figures,
            "tokenizer": self.tokenizer_hash,
            "depth": self.data.depth,
            "sampling": asdict(self.settings.sampling),
            "frames_seen": step * self.frames_per_batch,
            "frames_recorded": self.data.frames,
        }
        weights = {k: v for k, v in model.state_dict().items() if not k.startswith("critic.")}
        if self.settings.kept:
            weights |= between(str(self.settings.init), weights, self.settings.kept)
        checkpoint.save(run_dir / WEIGHTS, weights, meta)

    def _levels(self, model: Dynamics, clips: Clips) -> dict[str, float]:
        clip = as_clip(clips, self.device)
        b, t = clip.latents.shape[:2]
        generator = torch.Generator(self.device).manual_seed(0)
        noise = torch.randn(2, *clip.latents.shape, generator=generator, device=self.device)
        clean = torch.full((b, t), self.settings.sampling.commit_level, device=self.device)
        figures = {}
        for value in _LEVELS:
            level = torch.full((b, t), value, device=self.device)
            with autocast(self.device, self.dtype):
                predicted = model(
                    noised(clip.latents, noise[0], clean),
                    noised(clip.latents, noise[1], level),
                    clean,
                    level,
                    clip.actions,
                    prior=clip.prior,
                    events=clip.brought,
                ).latents
            plain = FlowConfig(weight_limit=1.0)
            error = flow_loss(predicted, clip.latents, level, plain)
            figures[f"held_out/error_at_{value:g}"] = float(error)
        return figures

    def _rollouts(self, model: Dynamics, clips: Clips, folder: Path, step: int) -> dict[str, float]:
        simulator = Simulator(self.tokenizer, model, self.settings.sampling, depth=self.depth)
        context = self.settings.context
        truth = torch.from_numpy(clips.latents).to(self.device)
        true = rollout(simulator, truth, clips.actions, context)
        shuffled = rollout(simulator, truth, np.roll(clips.actions, 1, 0), context)
        goal = decoded(self.tokenizer, truth[:, context:])
        copy = np.repeat(decoded(self.tokenizer, truth[:, context - 1 : context]), len(goal[0]), 1)
        figures = {}
        for horizon in _HORIZONS:
            at = horizon - 1
            scores = [frame_psnr(frames[:, at], goal[:, at]) for frames in (true, shuffled, copy)]
            figures[f"held_out/psnr_{horizon}"] = scores[0]
            figures[f"held_out/action_gap_{horizon}"] = scores[0] - scores[1]
            figures[f"held_out/copy_{horizon}"] = scores[2]
        write_pictures(goal, true, folder / f"{step:07d}")
        return figures


def run(config: Config, run_dir: Path) -> None:
    """Train, or continue to train, the dynamics in `run_dir`.

    Raises:
        UserError: no latents, held-out seeds among them, or another tokenizer's.
    """
    data = LatentDataset(config.latents)
    refuse_held_out(data, DynamicsTask.name)
    held_out = LatentDataset(config.held_out) if config.held_out else None
    if held_out is not None:
        refuse_held_out(held_out, DynamicsTask.name, ("train", "validation"))
    tokenizer, meta = load_tokenizer(config.tokenizer)
    for name, latents in (("latents", data), ("held_out", held_out)):
        if latents is not None and latents.tokenizer != meta["hash"]:
            raise UserError(
                f"{name} were made by tokenizer {latents.tokenizer[:12]}; {config.tokenizer} is "
                f"{meta['hash'][:12]} (encode them again)"
            )
    depth = depth_of(config.depth, data, held_out)
    if config.init:
        config.model, distilled = begun_as(config.init, config.model)
        if config.part not in TRUNK:
            config.sampling.distilled = distilled
    config.model.latent_channels = data.latent_shape[0]
    config.model.camera, config.model.events = data.camera, data.events
    if config.model.action_size != data.action_size:
        config.model.action_size = data.action_size
        config.model.angles, config.model.switches = [], []
    data.notice(config.model.switches)
    refuse_part(config.part, config.model, bool(config.init))
    if not 0 <= config.kept < 1 or (config.kept and not config.init):
        raise UserError(
            f"kept={config.kept} is a share of what init was; needed 0 to less than 1, and an init"
        )
    task = DynamicsTask(config, data, held_out, tokenizer, meta["hash"], depth)
    if config.init:
        begin_from(task.model, config.init, "dynamics")
    train(task, config, run_dir, asdict(config))


def rehearsals_of(config: Config, tokenizer: str) -> Rehearsals | None:
    """The rehearsals to learn from, if there are any.

    Raises:
        UserError: they are of another tokenizer, shorter than clips, or not for what is trained.
    """
    if not config.rehearsals:
        return None
    rehearsals = Rehearsals(config.rehearsals)
    if config.part not in REHEARSED:
        parts = ", ".join(REHEARSED)
        raise UserError(f"part={config.part} learns nothing from rehearsals; needed one of {parts}")
    for folder, plan in zip(config.rehearsals, rehearsals.plans, strict=True):
        if plan["tokenizer"] != tokenizer:
            raise UserError(
                f"{folder} goes with tokenizer {short(plan['tokenizer'])}, not {short(tokenizer)}"
                " (rehearse with a world of this one)"
            )
    if rehearsals.frames < config.frames:
        raise UserError(
            f"rehearsals are {rehearsals.frames} frames long; needed frames={config.frames} or more"
        )
    return rehearsals
