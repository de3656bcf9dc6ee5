"""Command: does a dream rank policies as the exact world does?

One agent is made into policies of graded skill, from random moves to its own; each plays in the
dream and in the exact world. Told are the returns of each, Spearman's rank correlation and the gap.
The same command again goes on with the policies that have not played yet.
"""

import json
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.games import Games, make_games
from agents.moves import MOVES
from agents.network import Network
from agents.trained import load_agent, own_sight
from worldsim.errors import UserError
from worldsim.files import locked, write_atomic
from worldsim.ledger import Ledger
from worldsim.progress import progress

Array = NDArray[np.float64]
_DRAWS = 2000
_PLAYED = "played.json"


@dataclass
class Config:
    """What `worldsim rank_agents` takes."""

    agent: str = ""
    """An agent's file or training folder."""
    skills: int = 16
    """Policies, of skill 0 to 1 in even steps."""
    dream: str = "WorldSim/DreamChop-v0"
    dream_options: dict[str, Any] = field(default_factory=dict)
    exact: str = "WorldSim/VoxelChop-v0"
    exact_options: dict[str, Any] = field(default_factory=dict)
    world: str | None = None
    """World file to dream with; null: the shipped one."""
    games: int = 8
    """Games played at once, in each world by each policy."""
    moves: int = 64
    """Moves of each game; a game that ends begins anew."""
    seed: int = 800_000
    """Of the first game."""


def run(config: Config, run_dir: Path) -> None:
    """Play, print the figures and write them to `ranks.json`."""
    with locked(run_dir, "rank_agents"):
        result = rank(config, run_dir)
    write_atomic(run_dir / "ranks.json", json.dumps(result, indent=1).encode())
    low, high = result["interval"]
    print(f"Spearman {result['spearman']:.3f}, 95 % interval {low:.3f} to {high:.3f}")
    low, high = result["gap_interval"]
    print(
        f"dream above truth by {result['gap']:.3g} a game on average ({low:.3g} to {high:.3g});"
        f" of the agent itself {result['dream'][-1]:.3g}, {result['truth'][-1]:.3g} in truth"
    )


def rank(config: Config, run_dir: Path | None = None) -> dict[str, Any]:
    """Skills, returns in dream and truth, their rank correlation, and the gap, with intervals.

    Intervals are of the games, which are drawn anew, with replacement: for the correlation those of
    each policy, for the gap those of all policies together, as game i has one seed everywhere. With
    `WorldSim/DreamChopTwin-v0` as the exact world it begins in one place, too.
    run_dir: where what each policy gathered is kept as it comes, and taken from.

    Raises:
        UserError: no agent, settings out of range, or a folder of other settings.
    """
    if not config.agent or config.skills < 3 or min(config.games, config.moves) < 1:
        raise UserError(
            f"agent={config.agent or 'nothing'} skills={config.skills} games={config.games}"
            f" moves={config.moves}; needed an agent's file, 3 skills, 1 of the others, or more"
        )
    network, meta = load_agent(config.agent)
    seen, repeat = own_sight(meta, config.world), int(meta["config"]["repeat"])
    named = {} if config.world is None else {"checkpoint": config.world}
    places = {
        "dream": (config.dream, {**named, **config.dream_options}),
        "truth": (config.exact, config.exact_options),
    }
    skills = np.linspace(0, 1, config.skills)
    kept = None if run_dir is None else run_dir / _PLAYED
    ledger = Ledger(kept, {**asdict(config), "agent": meta["hash"]}, strict=True)
    rows: dict[str, list[list[float]]] = {name: [] for name in places}
    with progress("ranking", 2 * config.skills, done=len(ledger)) as shown:

        def gathered(games: Games, skill: float) -> list[float]:
            row: list[float] = play(games, network, skill, config.moves, config.seed).tolist()
            shown.advance(config.games * config.moves * repeat)
            return row

        for name, (env, options) in places.items():
            history = int(meta["config"]["history"])
            games = make_games(env, config.games, seen, repeat, options, history)
            for i, skill in enumerate(skills.tolist()):
                rows[name].append(ledger.told(f"{name} {i}", partial(gathered, games, skill)))
            games.close()
    dream, truth = (np.array(rows[name]) for name in places)
    rng = np.random.default_rng(0)
    draws, gaps = [], (dream - truth).mean(0)
    for _ in range(_DRAWS):
        picks = rng.integers(config.games, size=(2, config.skills, config.games))
        drawn = [np.take_along_axis(x, p, 1) for x, p in zip((dream, truth), picks, strict=True)]
        draws.append(spearman(drawn[0].mean(1), drawn[1].mean(1)))
    told = [draw for draw in draws if draw == draw] or [float("nan")]  # NaN where all are equal
    low, high = np.quantile(told, [0.025, 0.975])
    again = rng.choice(gaps, (_DRAWS, len(gaps))).mean(1)
    return {
        "skills": skills.tolist(),
        "dream": dream.mean(1).tolist(),
        "truth": truth.mean(1).tolist(),
        "spearman": spearman(dream.mean(1), truth.mean(1)),
        "interval": [float(low), float(high)],
        "gap": float(gaps.mean()),
        "gap_interval": [float(gap) for gap in np.quantile(again, [0.025, 0.975])],
    }


def play(games: Games, network: Network, skill: float, moves: int, seed: int) -> Array:
    """The reward (n,) that a policy of some skill gathers in so many moves of each game."""
    n = games.num_envs
    seen, _ = games.reset(seed=[seed + i for i in range(n)])  # type: ignore[arg-type]
    rng = np.random.default_rng(seed)
    total = np.zeros(n)
    for _ in range(moves):
        with torch.inference_mode():
            logits, _ = network(torch.from_numpy(np.array(seen)))
        odds = logits.double().softmax(-1).numpy().cumsum(1)
        own = (rng.random((n, 1)) * odds[:, -1:] > odds).sum(1).clip(max=len(MOVES) - 1)
        chosen = np.where(rng.random(n) < skill, own, rng.integers(len(MOVES), size=n))
        seen, rewards, *_ = games.step(chosen)
        total += rewards
    return total


def spearman(a: Array, b: Array) -> float:
    """The rank correlation of two series, ties sharing their mean rank; NaN if one is constant."""
    ranks = [_ranks(series) - (len(series) - 1) / 2 for series in (a, b)]
    sizes = [float((rank * rank).sum()) for rank in ranks]
    if not all(sizes):
        return float("nan")
    return float((ranks[0] * ranks[1]).sum() / (sizes[0] * sizes[1]) ** 0.5)


def _ranks(series: Array) -> Array:
    order = np.sort(series)
    left, right = (np.searchsorted(order, series, side) for side in ("left", "right"))
    return (left + right - 1) / 2
