"""Behaviour cloning: the move that a recorded player chose, learnt from what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agents.decisions import Decisions
from agents.history import sights_in
from agents.network import Network
from worldsim import checkpoint
from worldsim.models.heads import symlog


@dataclass
class CloningConfig:
    """How recorded play is learnt from."""

    batch: int = 128
    """Decisions in a step of the optimiser."""
    steps: int = 50
    """Steps of the optimiser in a round; a decision counts as its ticks of experience."""
    rate: float = 3e-4
    discount: float = 0.985
    """Of a move, for the returns that the critic learns."""
    seeds: list[int] = field(default_factory=list)
    """First and last seed of the episodes that are learnt from; empty for all."""
    smoothing: float = 0.05
    """Share of the odds that is spread over all moves."""
    sharper: float = 1.5
    """Times by which the clone's log-odds are those that it learns: who learns from lapses is less
    sure than who is cloned, and plays better for acting surer than it is."""
    decay: float = 0.3
    """Weight decay."""
    dropout: float = 0.3
    """Share of the features that a step leaves out."""
    noise: float = 0.3
    """Spread of the noise on latents, whose own is about one; pixels have none."""
    forget: float = 0.3
    """Share of decisions that are seen as if an episode, or a dream, had just begun there."""
    mirror: bool = True
    """Learn from recordings, not from latents, in a mirror too; the hotbar is left as it is."""
    shift: int = 1
    """Most cells of 16 a side by which what is seen is moved (Yarats et al. 2021, section 3.1)."""


class Cloning:
    """Learns recorded decisions; a `Learner` of `agents.rounds`.

    What is seen is moved about a little and made noisy, or the network learns the few thousand
    decisions by heart. The rate falls to nothing over the second half of the `rounds`, if known.
    """

    name = "bc"

    def __init__(
        self,
        data: Decisions,
        network: Network,
        repeat: int,
        config: CloningConfig,
        seed: int,
        ticks: int | None = None,
    ) -> None:
        self._data, self.network, self._repeat = data, network, repeat
        self._config, self._seed = config, seed
        self._history, self._ticks = sights_in(network.config.shape, data.seen.shape[1]), ticks
        self._optimizer = torch.optim.AdamW(
            network.parameters(), config.rate, eps=1e-5, weight_decay=config.decay
        )

    def round(self, number: int) -> tuple[int, dict[str, float]]:
        """Some steps on decisions drawn at random."""
        config = self._config
        rng = np.random.default_rng((self._seed, number))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        ticks = config.steps * config.batch * self._repeat
        left = 1.0 if self._ticks is None else max(1 - number * ticks / self._ticks, 0.0)
        for group in self._optimizer.param_groups:
            group["lr"] = config.rate * min(1.0, 2 * left)
        totals = np.zeros(3)
        for _ in range(config.steps):
            rows = rng.integers(len(self._data.moves), size=config.batch)
            forgets = rng.random(config.batch) < config.forget
            seen = torch.from_numpy(self._data.observed(rows, self._history, forgets))
            totals += self._update(
                self._varied(seen, generator),
                torch.from_numpy(self._data.moves[rows]),
                torch.from_numpy(self._data.returns[rows]),
                generator,
            )
        means = totals / config.steps
        return ticks, {"surprise": means[0], "agreement": means[1], "critic": means[2]}

    def _varied(self, seen: Tensor, generator: torch.Generator) -> Tensor:
        """What is seen (b, c, y, x), each moved a little and with noise."""
        side = seen.shape[-1]
        most, cell = self._config.shift, max(side // 16, 1)
        padded = F.pad(seen.float(), (most * cell,) * 4, mode="replicate")
        at = cell * torch.randint(2 * most + 1, (len(seen), 2, 1), generator=generator)
        y, x = (at + torch.arange(side)).unbind(1)
        rows = torch.arange(len(seen))[:, None, None]
        moved = padded[rows, :, y[:, :, None], x[:, None]].movedim(-1, 1)
        if self.network.eyes.scale != 1:
            return moved
        return moved + self._config.noise * torch.randn(moved.shape, generator=generator)

    def _update(
        self, seen: Tensor, moves: Tensor, returns: Tensor, generator: torch.Generator
    ) -> tuple[float, float, float]:
        features, share = self.network.eyes(seen), 1 - self._config.dropout
        kept = torch.rand(features.shape, generator=generator) < share
        features = torch.where(kept, features / share, 0.0)
        logits, values = self.network.actor(features), self.network.critic(features).squeeze(-1)
        told = logits / self._config.sharper
        surprise = F.cross_entropy(told, moves, label_smoothing=self._config.smoothing)
        critic = (values - symlog(returns)).square().mean()
        self._optimizer.zero_grad(set_to_none=True)
        (surprise + 0.5 * critic).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        agreement = (logits.argmax(-1) == moves).float().mean()
        return surprise.item(), agreement.item(), critic.item()

    def tensors(self) -> tuple[checkpoint.Tensors, dict[str, Any]]:
        """Weights and moments."""
        moments, rest = checkpoint.flatten_optimizer(self._optimizer.state_dict())
        weights = checkpoint.prefixed(self.network.state_dict(), "network")
        return {**weights, **checkpoint.prefixed(moments, "optimizer")}, {"optimizer": rest}

    def restore(self, tensors: checkpoint.Tensors, meta: Mapping[str, Any]) -> None:
        """Go on from what `tensors` gave."""
        self.network.load_state_dict(checkpoint.with_prefix(tensors, "network"))
        moments = checkpoint.with_prefix(tensors, "optimizer")
        self._optimizer.load_state_dict(checkpoint.unflatten_optimizer(moments, meta["optimizer"]))
