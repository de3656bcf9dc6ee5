"""Trained agents: their file, and the policy that plays one."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from agents.history import History, sights_in
from agents.moves import MOVES, VECTORS
from agents.network import Network, NetworkConfig
from agents.sight import Sight, down_of, sight
from worldsim import actions, checkpoint
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.trained import ready

FILE = "agent.safetensors"
"""What a training folder's agent is called."""
SHIPPED = Path(__file__).with_name("data") / "chop.safetensors"
"""The agent that ships, which fells trees."""


def save_agent(
    path: Path, network: Network, seen: Sight, repeat: int, step: int, card: dict[str, Any]
) -> str:
    """The hash of the agent written at `path`; `card` is plain data about its training."""
    config = {
        "network": asdict(network.config),
        "obs": seen.kind,
        "history": sights_in(network.config.shape, seen.space.shape[0]),
        "tokenizer": seen.tokenizer,
        "tilt": seen.tilt,
        "repeat": repeat,
        "moves": [name for name, _ in MOVES],
    }
    tensors = network.state_dict()
    return checkpoint.save(path, tensors, {"kind": "agent", "config": config, "step": step, **card})


def load_agent(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """The network of an agent's file or of its training folder, and the file's metadata.

    Raises:
        UserError: no such file, damaged, or of other moves than this version's.
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    tensors, meta = checkpoint.load(path, "agent")
    moves = [name for name, _ in MOVES]
    if meta["config"]["moves"] != moves:
        raise UserError(
            f"{path} chooses among {', '.join(meta['config']['moves'])}; this version's moves are"
            f" {', '.join(moves)} (train it again)"
        )
    network = ready(Network(NetworkConfig(**meta["config"]["network"])), tensors, path)
    return network, meta


def own_sight(meta: dict[str, Any], world: str | Path | None = None) -> Sight:
    """The sight that an agent was trained with.

    Raises:
        UserError: it sees latents of another tokenizer than that of `world`.
    """
    seen = sight(meta["config"]["obs"], world, meta["config"].get("tilt", False))
    if seen.tokenizer != meta["config"]["tokenizer"]:
        raise UserError(
            f"the agent sees latents of tokenizer {meta['config']['tokenizer'][:12]}; the world"
            f" has {seen.tokenizer[:12]} (name the world it was trained with: world=...)"
        )
    return seen


def choose(logits: Tensor, rng: np.random.Generator | None) -> int:
    """The move that log-odds (moves,) speak for: the best, or one drawn by the generator."""
    if rng is None:
        return int(logits.argmax())
    odds = logits.double().softmax(-1).numpy()
    return int(rng.choice(len(odds), p=odds / odds.sum()))


class Player:
    """Plays a network by what is seen alone; a policy, as `worldsim record` and `play` take them.

    Args:
        network: chooses the moves.
        seen: from frames to what the network sees.
        repeat: ticks that a move is held.
        greedy: always the likeliest move, rather than one drawn by its odds.
        skill: share of the decisions, 0 to 1, that are its own; the rest are random moves.
    """

    def __init__(
        self,
        network: Network,
        seen: Sight,
        repeat: int,
        greedy: bool = False,
        skill: float = 1.0,
    ) -> None:
        if not 0 <= skill <= 1:
            raise UserError(f"skill is {skill}; needed 0 to 1")
        self._network, self._sight, self._repeat = network, seen, repeat
        self._greedy, self._skill = greedy, skill
        self._history = History(sights_in(network.config.shape, seen.space.shape[0]))
        self._key = ""
        self.reset(0)

    def reset(
        self,
        seed: int,
        env: gym.Env[Any, Any] | None = None,
        info: dict[str, Any] | None = None,
    ) -> None:
        """Begin an episode, or take the keys over."""
        self._rng = np.random.default_rng(seed)
        self._tick, self._move = 0, 0
        if env is not None:
            self._key = environments.image_key(env.observation_space)

    def act(self, observation: Any, info: dict[str, Any]) -> actions.Action:
        """The action of this tick; a move is held for as long as in training."""
        if self._tick % self._repeat == 0:
            self._move = self._decided(environments.frame_of(observation, self._key), info)
        self._tick += 1
        return actions.from_vector(VECTORS[self._move])

    def _decided(self, frame: environments.Frame, info: dict[str, Any]) -> int:
        seen = self._sight.tilted(self._sight(frame[None]), down_of(info, 1))
        first = self._tick == 0
        observed = self._history.begin(seen) if first else self._history.add(seen)
        if self._rng.random() >= self._skill:
            return int(self._rng.integers(len(MOVES)))
        with torch.inference_mode():
            logits, _ = self._network(torch.from_numpy(observed))
        return choose(logits[0], None if self._greedy else self._rng)


class TrainedAgent(Player):
    """Plays the agent of a file, in the exact world or a dream.

    Args:
        path: the agent's file, or the folder of its training; the one that ships if null.
        world: world file whose tokenizer it sees with, if it sees latents; the shipped one if null.
        greedy, skill: as `Player` takes them.
    """

    def __init__(
        self,
        path: str | None = None,
        world: str | None = None,
        greedy: bool = False,
        skill: float = 1.0,
    ) -> None:
        network, meta = load_agent(path or SHIPPED)
        repeat = int(meta["config"]["repeat"])
        super().__init__(network, own_sight(meta, world), repeat, greedy, skill)
