"""An actor-critic on short plays from fresh starts: in a dream, on its latents, or anywhere.

Each round plays `horizon` moves in all games at once, values them by lambda returns and makes
several passes over them, as dreamed moves are dear. The critic predicts the symlog of returns,
advantages are divided by the returns' range (Hafner et al. 2023, arXiv:2301.04104), and ratios are
clipped, so that the passes do not run away (Schulman et al. 2017, arXiv:1707.06347, equation 7). An
agent that can already do something is held near what it did (Baker et al. 2022, arXiv:2206.11795),
and its critic learns what that is worth before its moves change; or it forgets all at once.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agents.games import Games
from agents.network import Network
from agents.returns import Range, lambda_returns
from worldsim import checkpoint
from worldsim.models.heads import symexp, symlog

_SEEDS = 650_000
"""Seeds of play are drawn below this."""


@dataclass
class ActorCriticConfig:
    """How moves are played, valued and learnt from."""

    horizon: int = 32
    """Moves of a play."""
    discount: float = 0.985
    """Of a move, not of a tick."""
    trace: float = 0.95
    """Lambda of the returns."""
    passes: int = 4
    """Passes over the plays of a round."""
    batch: int = 128
    """Moves in a step of the optimiser."""
    rate: float = 3e-4
    entropy: float = 0.01
    """Weight of the entropy of the moves' odds."""
    clip: float = 0.2
    """How far a move's odds may go from those it was played with before they no longer count."""
    norm: float = 0.5
    """Largest norm of the gradient."""
    least: float = 0.2
    """Least range of returns that advantages are divided by."""
    anchor: float = 0.1
    """Weight of the divergence from the agent that training began from, if from any."""
    warm: int = 8
    """Rounds in which only the critic's last layer learns, if training began from an agent."""


@dataclass
class Plays:
    """What was played: tensors (t, n, ...)."""

    seen: Tensor
    moves: Tensor
    odds: Tensor
    rewards: Tensor
    after: Tensor
    terminated: Tensor
    ended: Tensor


class ActorCritic:
    """Learns by playing `games`; a `Learner` of `agents.rounds`."""

    name = "dream_ac"

    def __init__(
        self,
        games: Games,
        network: Network,
        repeat: int,
        config: ActorCriticConfig,
        seed: int,
        trained: bool = False,
    ) -> None:
        """`trained`: the network is one that has learnt something, to be held near."""
        self._first = copy.deepcopy(network).requires_grad_(False) if trained else None
        self._games, self.network, self._repeat = games, network, repeat
        self._config, self._seed = config, seed
        self._optimizer = torch.optim.Adam(network.parameters(), config.rate, eps=1e-5)
        self._range = Range(least=config.least)

    def round(self, number: int) -> tuple[int, dict[str, float]]:
        """Play once in all games, and learn from it."""
        generator = _generator(self._seed, number)
        plays = self.play(number, generator)
        config = self._config
        returns = lambda_returns(
            plays.rewards,
            plays.after,
            plays.terminated,
            plays.ended,
            config.discount,
            config.trace,
        )
        with torch.no_grad():
            before = symexp(self._values(plays.seen.flatten(0, 1))).view_as(returns)
        advantages = (returns - before) / self._range.update(returns)
        flat = plays.seen, plays.moves, plays.odds, returns, advantages
        warm = self._first is not None and number < config.warm
        figures = self._learn([part.flatten(0, 1) for part in flat], generator, warm)
        ticks = plays.rewards.numel() * self._repeat
        reward = float(plays.rewards.sum()) / ticks * 1000
        return ticks, {**figures, "reward_in_1000_ticks": reward}

    def play(self, number: int, generator: torch.Generator) -> Plays:
        """Plays from fresh starts, which the round's number decides."""
        n = self._games.num_envs
        seeds = np.random.default_rng((self._seed, number)).integers(_SEEDS, size=n)
        seen, _ = self._games.reset(seed=[int(seed) for seed in seeds])  # type: ignore[arg-type]
        rows: list[tuple[Tensor, ...]] = []
        for _ in range(self._config.horizon):
            now = torch.from_numpy(np.array(seen))
            with torch.no_grad():
                logits, _ = self.network(now)
            moves = torch.multinomial(logits.softmax(-1), 1, generator=generator)
            odds = logits.log_softmax(-1).gather(1, moves)[:, 0]
            seen, rewards, terminated, truncated, infos = self._games.step(moves[:, 0].numpy())
            ended = terminated | truncated
            after = self._after(seen, ended, infos)
            row = (np.asarray(rewards, np.float32), after, np.array(terminated), ended)
            rows.append((now, moves[:, 0], odds, *(torch.as_tensor(part) for part in row)))
        return Plays(*(torch.stack(column) for column in zip(*rows, strict=True)))

    def _after(self, seen: Any, ended: Any, infos: dict[str, Any]) -> Tensor:
        """The value (n,) of what the moves led to; of the last observation where that is over."""
        led_to = np.array(seen)
        for i in np.flatnonzero(ended):
            led_to[i] = infos["final_obs"][i]
        with torch.no_grad():
            return symexp(self._values(torch.from_numpy(led_to)))

    def _values(self, seen: Tensor) -> Tensor:
        size = 512
        parts = [self.network(seen[i : i + size])[1] for i in range(0, len(seen), size)]
        return torch.cat(parts)

    def _learn(
        self, parts: list[Tensor], generator: torch.Generator, warm: bool
    ) -> dict[str, float]:
        """Figures of some passes over what was played, in batches of random order.

        parts: seen, moves, odds, returns, advantages, each (moves, ...). warm: only the critic.
        """
        update = self._judge if warm else self._update
        totals: dict[str, float] = {}
        count, size = 0, self._config.batch
        for _ in range(self._config.passes):
            order = torch.randperm(len(parts[0]), generator=generator)
            for first in range(0, len(order), size):
                rows = order[first : first + size]
                for name, value in update(*(part[rows] for part in parts)).items():
                    totals[name] = totals.get(name, 0.0) + value
                count += 1
        return {name: value / count for name, value in totals.items()}

    def _judge(
        self, seen: Tensor, moves: Tensor, odds: Tensor, returns: Tensor, advantages: Tensor
    ) -> dict[str, float]:
        """A step of the critic's last layer alone."""
        with torch.no_grad():
            features = self.network.eyes(seen)
        values = self.network.critic(features).squeeze(-1)
        critic = (values - symlog(returns)).square().mean()
        self._step(critic)
        return {"critic": critic.item()}

    def _update(
        self, seen: Tensor, moves: Tensor, odds: Tensor, returns: Tensor, advantages: Tensor
    ) -> dict[str, float]:
        config = self._config
        logits, values = self.network(seen)
        every = logits.log_softmax(-1)
        ratio = (every.gather(1, moves[:, None])[:, 0] - odds).exp()
        clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
        actor = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        entropy = -(every.exp() * every).sum(-1).mean()
        critic = (values - symlog(returns)).square().mean()
        loss = actor + 0.5 * critic - config.entropy * entropy
        told = {"actor": actor.item(), "critic": critic.item(), "entropy": entropy.item()}
        if self._first is not None:
            with torch.no_grad():
                before = self._first(seen)[0].log_softmax(-1)
            away = (before.exp() * (before - every)).sum(-1).mean()
            loss = loss + config.anchor * away
            told["away"] = away.item()
        self._step(loss)
        return told

    def _step(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self._config.norm)
        self._optimizer.step()

    def tensors(self) -> tuple[checkpoint.Tensors, dict[str, Any]]:
        """Weights, moments and the range of returns."""
        moments, rest = checkpoint.flatten_optimizer(self._optimizer.state_dict())
        weights = checkpoint.prefixed(self.network.state_dict(), "network")
        tensors = {**weights, **checkpoint.prefixed(moments, "optimizer")}
        return tensors, {"optimizer": rest, "range": self._range.value}

    def restore(self, tensors: checkpoint.Tensors, meta: Mapping[str, Any]) -> None:
        """Go on from what `tensors` gave."""
        self.network.load_state_dict(checkpoint.with_prefix(tensors, "network"))
        moments = checkpoint.with_prefix(tensors, "optimizer")
        state = checkpoint.unflatten_optimizer(moments, meta["optimizer"])
        self._optimizer.load_state_dict(state)
        self._range.value = meta["range"]


def _generator(seed: int, number: int) -> torch.Generator:
    """The generator of a round, a function of seed and number alone."""
    (value,) = np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(value >> 1))
