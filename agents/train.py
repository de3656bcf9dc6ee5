"""Command: train an agent, in the exact world or in a dream, and examine it in the exact world.

`algo=ppo` is Stable-Baselines3's PPO, `dream_ac` an actor-critic on short plays, `bc` imitates
recordings; `agent`, `random` and `chopper` learn nothing and are examined for comparison.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from agents.actor_critic import ActorCritic
from agents.chopper import Chopper
from agents.cloning import Cloning
from agents.decisions import decisions
from agents.exam import examine
from agents.games import Games, make_games
from agents.moves import MOVES
from agents.network import Network, NetworkConfig
from agents.rounds import Duties, Learner, train_rounds
from agents.settings import ALGORITHMS, LEARNING, Config
from agents.sight import KINDS, Sight, sight
from agents.trained import FILE, Player, TrainedAgent, load_agent, save_agent
from worldsim.data.record import Policy
from worldsim.errors import UserError
from worldsim.evaluation.exams import EXAM
from worldsim.files import write_atomic
from worldsim.suggest import did_you_mean

__all__ = ["Config", "run", "train_agent"]

_LENGTHS = (
    "ticks",
    "minutes",
    "exam_every",
    "checkpoint_minutes",
    "tensorboard",
    "videos",
    "exam",
    "dreams",
)
"""Settings that a run may change when it resumes."""


def run(config: Config, run_dir: Path) -> None:
    """Train and examine the agent; say how well it plays."""
    figures = train_agent(config, run_dir)
    print(f"{run_dir}: return {figures['exam_return']:.3g} ± {figures['exam_return_error']:.2g}")


def train_agent(config: Config, run_dir: Path) -> dict[str, float]:
    """The last exam's figures of an agent trained in `run_dir`.

    Raises:
        UserError: wrong settings, a missing package, or a folder of another run.
    """
    if config.algo not in ALGORITHMS:
        known = did_you_mean(config.algo, ALGORITHMS)
        raise UserError(f"algo is {config.algo!r}{known}; needed one of {', '.join(ALGORITHMS)}")
    if config.algo not in LEARNING:
        return _baseline(config, run_dir)
    if config.obs not in KINDS or min(config.games, config.repeat, config.history) < 1:
        raise UserError(
            f"obs={config.obs} games={config.games} repeat={config.repeat}"
            f" history={config.history}; needed obs of {' or '.join(KINDS)}, and 1 or more of the"
            " others"
        )
    torch.manual_seed(config.seed)
    seen = sight(config.obs, config.world, config.tilt)
    network = _network(config, seen)
    learner = _learner(config, seen, network)
    player = Player(network, seen, config.repeat)

    def export(ticks: int, figures: dict[str, float]) -> None:
        card = {"algo": config.algo, "env": config.env, "figures": figures}
        save_agent(run_dir / FILE, network, seen, config.repeat, ticks, card)

    duties = Duties(_examiner(config, player, run_dir), export)
    settings = {key: value for key, value in asdict(config).items() if key not in _LENGTHS}
    return train_rounds(learner, duties, config, run_dir, json.loads(json.dumps(settings)))


def _network(config: Config, seen: Sight) -> Network:
    """A new network, or that of `init`.

    Raises:
        UserError: the agent to begin from sees something else.
    """
    if config.init is None:
        scale = 255.0 if seen.kind == "pixels" else 1.0
        channels, *sides = seen.space.shape
        shape = [config.history * channels, *sides]
        form = config.width, config.channels, config.blocks
        return Network(NetworkConfig(shape, scale, len(MOVES), *form))
    network, meta = load_agent(config.init)
    theirs = meta["config"]
    tilt = theirs.get("tilt", False)
    own = seen.kind, seen.tokenizer, config.history, seen.tilt
    if (theirs["obs"], theirs["tokenizer"], theirs["history"], tilt) != own:
        raise UserError(
            f"init={config.init} sees {theirs['history']} {theirs['obs']} of tokenizer"
            f" {theirs['tokenizer'][:12]!r}, tilt={str(tilt).lower()}; this run {config.history}"
            f" {seen.kind} of {seen.tokenizer[:12]!r}, tilt={str(seen.tilt).lower()} (use the same"
            " obs, history, tilt and world)"
        )
    return network.requires_grad_(True)


def _learner(config: Config, seen: Sight, network: Network) -> Learner:
    if config.algo == "bc":
        bc = config.bc
        data = decisions(config.data, seen, config.repeat, bc.discount, bc.seeds, bc.mirror)
        return Cloning(data, network, config.repeat, bc, config.seed, config.ticks)
    if config.algo == "dream_ac":
        games = _games(config, seen)
        learns, held = config.dream_ac, config.init is not None
        return ActorCritic(games, network, config.repeat, learns, config.seed, held)
    try:
        from agents.ppo import Ppo
    except ModuleNotFoundError as error:
        raise UserError(
            f"algo=ppo needs {error.name}, which is not installed: pip install 'worldsim[agents]',"
            " or use algo=dream_ac"
        ) from error
    return Ppo(_games(config, seen), network, config.repeat, config.ppo, config.seed)


def _games(config: Config, seen: Sight) -> Games:
    options = {**_world_of(config), **config.env_options}
    return make_games(config.env, config.games, seen, config.repeat, options, config.history)


def _world_of(config: Config) -> dict[str, Any]:
    """The option that tells a dream which world to play."""
    named = config.world is not None and dreamed(config.env)
    return {"checkpoint": config.world} if named else {}


def dreamed(env: str) -> bool:
    """Whether an id is that of a dream."""
    return env.rpartition(":")[2].startswith("WorldSim/Dream")


def _examiner(config: Config, policy: Policy, run_dir: Path) -> Callable[[int], dict[str, float]]:
    """A function from the ticks of experience to an exam's figures; it may film."""

    def film(name: str, ticks: int) -> Path | None:
        return run_dir / "videos" / f"{name}_{ticks:09d}.mp4" if config.videos else None

    def examined(ticks: int) -> dict[str, float]:
        exam = examine(policy, config.exam, film("truth", ticks))
        exam.write(run_dir / EXAM, config.exam)
        figures = exam.figures
        if not (dreamed(config.env) and config.dreams.episodes):
            return figures
        options = {**_world_of(config), **config.env_options, **config.dreams.options}
        where = replace(config.dreams, options={**options, "obs": "pixels", "repeat": 1})
        dream = examine(policy, where, film("dream", ticks)).figures
        return figures | {f"dream_{name}": value for name, value in dream.items()}

    return examined


def _baseline(config: Config, run_dir: Path) -> dict[str, float]:
    """The exam of a policy that learns nothing here.

    Raises:
        UserError: no agent is named.
    """
    policy: Policy
    if config.algo == "agent":
        if config.init is None:
            raise UserError("algo=agent needs init=FOLDER, the agent that is to be examined")
        policy = TrainedAgent(config.init, config.world)
    else:
        policy = Chopper(float(config.algo == "chopper"), moves=True, repeat=config.repeat)
    figures = _examiner(config, policy, run_dir)(0)
    named: dict[str, Any] = {f"exam_{name}": value for name, value in figures.items()}
    write_atomic(run_dir / "figures.json", json.dumps(named, indent=1).encode())
    return named
