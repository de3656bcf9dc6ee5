"""Stable-Baselines3's PPO on the agents' network; its own pickled files are not used."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from agents.games import Games
from agents.network import Eyes, Network, NetworkConfig
from agents.sb3 import Sb3VecEnv
from agents.settings import PpoConfig
from worldsim import checkpoint


class Features(BaseFeaturesExtractor):
    """The network's eyes as a features extractor of Stable-Baselines3."""

    def __init__(self, observation_space: Any, network: dict[str, Any]) -> None:
        config = NetworkConfig(**network)
        super().__init__(observation_space, config.width)
        self.eyes = Eyes(config)

    def forward(self, seen: Tensor) -> Tensor:
        """Features (b, width)."""
        features: Tensor = self.eyes(seen)
        return features


class Ppo:
    """Learns by playing `games`; a `Learner` of `agents.rounds`.

    A run that resumes begins new episodes.
    """

    name = "ppo"

    def __init__(
        self, games: Games, network: Network, repeat: int, config: PpoConfig, seed: int
    ) -> None:
        self.network, self._repeat = network, repeat
        shape = {"network": asdict(network.config)}
        policy = {
            "features_extractor_class": Features,
            "features_extractor_kwargs": shape,
            "net_arch": [],
            "normalize_images": False,
        }
        self._model = PPO(
            "MlpPolicy",
            Sb3VecEnv(games),
            seed=seed,
            device="cpu",
            policy_kwargs=policy,
            **asdict(config),
        )
        self._model.set_logger(Logger(None, []))
        self._give(network)

    def round(self, number: int) -> tuple[int, dict[str, float]]:
        """Play and learn once."""
        buffer = self._model.n_steps * self._model.n_envs
        self._model.learn(buffer, log_interval=10**9, reset_num_timesteps=number == 0)
        self._take()
        told = self._model.logger.name_to_value
        figures = {
            name.removeprefix("train/"): float(str(value))
            for name, value in told.items()
            if name.startswith("train/") and np.isscalar(value)
        }
        ticks = buffer * self._repeat
        reward = float(self._model.rollout_buffer.rewards.sum()) / ticks * 1000
        return ticks, {**figures, "reward_in_1000_ticks": reward}

    def _give(self, network: Network) -> None:
        """The network's weights to SB3's policy, but not its critic's, whose scale differs."""
        policy: Any = self._model.policy
        policy.features_extractor.eyes.load_state_dict(network.eyes.state_dict())
        policy.action_net.load_state_dict(network.actor.state_dict())

    def _take(self) -> None:
        """The weights of SB3's policy to the network."""
        policy: Any = self._model.policy
        self.network.eyes.load_state_dict(policy.features_extractor.eyes.state_dict())
        self.network.actor.load_state_dict(policy.action_net.state_dict())
        self.network.critic.load_state_dict(policy.value_net.state_dict())

    def tensors(self) -> tuple[checkpoint.Tensors, dict[str, Any]]:
        """Weights and moments."""
        policy = self._model.policy
        moments, rest = checkpoint.flatten_optimizer(policy.optimizer.state_dict())
        tensors = checkpoint.prefixed(policy.state_dict(), "policy")
        tensors |= checkpoint.prefixed(moments, "optimizer")
        random = {"torch": torch.get_rng_state()}
        return tensors | random, {"optimizer": rest, "steps": self._model.num_timesteps}

    def restore(self, tensors: checkpoint.Tensors, meta: Mapping[str, Any]) -> None:
        """Go on from what `tensors` gave."""
        policy = self._model.policy
        policy.load_state_dict(checkpoint.with_prefix(tensors, "policy"))
        moments = checkpoint.with_prefix(tensors, "optimizer")
        policy.optimizer.load_state_dict(checkpoint.unflatten_optimizer(moments, meta["optimizer"]))
        torch.set_rng_state(tensors["torch"])
        self._model.num_timesteps = int(meta["steps"])
        self._take()
