"""What `worldsim train_agent` takes."""

from dataclasses import dataclass, field
from typing import Any

from agents.actor_critic import ActorCriticConfig
from agents.cloning import CloningConfig
from agents.exam import ExamConfig
from agents.moves import REPEAT
from agents.rounds import RoundsConfig

LEARNING = ("ppo", "dream_ac", "bc")
ALGORITHMS = (*LEARNING, "agent", "random", "chopper")


@dataclass
class PpoConfig:
    """The arguments of `stable_baselines3.PPO`, by its names; a step is a move."""

    n_steps: int = 128
    batch_size: int = 128
    n_epochs: int = 4
    gamma: float = 0.985
    gae_lambda: float = 0.95
    learning_rate: float = 3e-4
    ent_coef: float = 0.01
    clip_range: float = 0.2


@dataclass
class Config(RoundsConfig):
    """What `worldsim train_agent` takes."""

    env: str = "WorldSim/DreamChop-v0"
    """Where it trains: the Gymnasium id of a dream or an exact world."""
    env_options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment."""
    algo: str = "dream_ac"
    """ppo, dream_ac or bc; agent (that of `init`), random and chopper are only examined."""
    data: list[str] = field(default_factory=list)
    """Folders of recordings or of latents, for bc."""
    obs: str = "latent"
    """What the agent sees: pixels (64x64), or latent, as the tokenizer of `world` makes them."""
    tilt: bool = True
    """It also sees how far down it looks, if the game tells."""
    history: int = 4
    """Sights, a move apart, that it sees at once."""
    world: str | None = None
    """World file whose tokenizer and, in dreams, whose dynamics are used; null: the shipped one."""
    init: str | None = None
    """An agent's file or training folder to begin from."""
    games: int = 8
    """Games played at once."""
    repeat: int = REPEAT
    """Ticks that a move is held."""
    seed: int = 0
    width: int = 256
    """Features of the network."""
    channels: int = 32
    """Of its first convolution."""
    blocks: int = 1
    """Residual blocks after each of its convolutions."""
    exam: ExamConfig = field(default_factory=ExamConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)
    dream_ac: ActorCriticConfig = field(default_factory=ActorCriticConfig)
    bc: CloningConfig = field(default_factory=CloningConfig)
    dreams: ExamConfig = field(
        default_factory=lambda: ExamConfig(env="WorldSim/DreamChop-v0", episodes=1, ticks=256)
    )
    """A second exam of agents that train in a dream, in that dream; 0 episodes leave it out."""
    videos: bool = True
    """Film the first episode of each exam."""
