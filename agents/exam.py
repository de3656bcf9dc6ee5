"""How well a policy plays: its return over whole episodes, with a video; and pictures of curves."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.data import environments
from worldsim.data.dataset import split_of
from worldsim.data.record import Policy
from worldsim.errors import UserError
from worldsim.files import write_atomic
from worldsim.progress import progress
from worldsim.viewer.video import Video

METRICS = "metrics.jsonl"


@dataclass
class ExamConfig:
    """Where, how long and on which seeds agents are examined."""

    env: str = "WorldSim/VoxelChop-v0"
    """The environment of the exam: the exact world, whatever the training is in."""
    options: dict[str, Any] = field(default_factory=dict)
    """Its keyword arguments."""
    episodes: int = 8
    seed: int = 700_000
    """Of the first episode; 700,000 and more for tuning, 800,000 and more for held-out figures."""
    ticks: int = 1000
    """Most ticks an episode."""


@dataclass
class Exam:
    """How each episode of an exam went: returns and lengths in ticks by the episode's seed."""

    returns: dict[int, float]
    lengths: dict[int, int]

    @property
    def figures(self) -> dict[str, float]:
        """The mean return, its standard error, and the mean length."""
        returns = np.array(list(self.returns.values()), np.float64)
        error = returns.std(ddof=1) / len(returns) ** 0.5 if len(returns) > 1 else 0.0
        return {
            "return": float(returns.mean()),
            "return_error": float(error),
            "length": float(np.mean(list(self.lengths.values()))),
        }

    def write(self, path: Path, config: ExamConfig) -> None:
        """Leave a file of it, which `worldsim compare` pairs with another's."""
        told = {"env": config.env, "options": config.options, "ticks": config.ticks}
        data = {"exam": told, "returns": self.returns, "lengths": self.lengths}
        write_atomic(path, json.dumps(data, indent=1).encode())


def examine(policy: Policy, config: ExamConfig, video: Path | None = None) -> Exam:
    """An exam of whole episodes.

    video: file for what is seen of the first episode.

    Raises:
        UserError: the seeds are among those of training, or reserved.
    """
    last = config.seed + config.episodes - 1
    if not {split_of(config.seed), split_of(last)} <= {"validation", "test"}:
        raise UserError(
            f"exams have seeds {config.seed} to {last}; needed some of 700000 to 899999, which no"
            " training uses"
        )
    env = environments.make(config.env, **config.options)
    exam = Exam({}, {})
    try:
        with progress("examining", config.episodes) as shown:
            for seed in range(config.seed, last + 1):
                film = video if seed == config.seed else None
                total, length = _play(policy, env, seed, config.ticks, film)
                exam.returns[seed], exam.lengths[seed] = total, length
                shown.advance(length)
    finally:
        env.close()
    return exam


def _play(
    policy: Policy, env: environments.Env, seed: int, ticks: int, video: Path | None
) -> tuple[float, int]:
    """Return and length of one episode."""
    key = environments.image_key(env.observation_space)
    observation, info = env.reset(seed=seed)
    policy.reset(seed, env, info)
    film = None if video is None else Video(video, fps=20)
    total, tick, over = 0.0, 0, False
    try:
        while tick < ticks and not over:
            observation, reward, terminated, truncated, info = env.step(
                policy.act(observation, info)
            )
            total, tick, over = total + float(reward), tick + 1, terminated or truncated
            if film is not None:
                film.add(environments.frame_of(observation, key))
    finally:
        if film is not None:
            film.close()
    return total, tick


def curve_of(run_dir: Path, name: str = "return") -> list[tuple[float, float, float]]:
    """The exams of a run: ticks of experience, return, its standard error."""
    path = run_dir / METRICS
    if not path.exists():
        raise UserError(f"{path} is missing; needed the folder of a `worldsim train_agent`")
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [
        (line["step"], line[f"exam_{name}"], line[f"exam_{name}_error"])
        for line in lines
        if f"exam_{name}" in line
    ]


def draw_curves(path: Path, runs: Mapping[str, Iterable[tuple[float, float, float]]]) -> None:
    """Write a picture of returns against ticks of experience, a line and its error band a run."""
    import io

    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, points in runs.items():
        table = np.array(list(points), np.float64).reshape(-1, 3)
        ticks, mean, error = table.T
        axes.plot(ticks, mean, marker="o", markersize=3, label=name)
        axes.fill_between(ticks, mean - 2 * error, mean + 2 * error, alpha=0.2)
    axes.set_xlabel("ticks of experience")
    axes.set_ylabel("return an episode")
    axes.legend(frameon=False)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    write_atomic(path, data.getvalue())
