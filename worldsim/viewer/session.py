"""The worlds being played: opened, stepped, started anew, switched. Knows no window."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from worldsim.actions import Vector
from worldsim.data import environments
from worldsim.data.environments import Env, Frame
from worldsim.errors import UserError
from worldsim.viewer.config import Config
from worldsim.viewer.controls import Controls, controls
from worldsim.viewer.job import Job


@dataclass
class World:
    """One environment in play, what it shows now and what was done since its start."""

    name: str
    label: str
    env: Env
    image_key: str | None
    """Where an observation holds the picture, "" for all of it; None: the picture is rendered."""
    seed: int = 0
    start_index: int | None = None
    observation: Any = None
    frame: Frame = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    info: dict[str, Any] = field(default_factory=dict)
    ended: bool = False
    score: float = 0.0
    past: list[Vector] = field(default_factory=list)
    """Flat vectors of the actions since the start: with the seed, they make this frame again."""
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    """Seconds of the latest steps."""

    def start(self, seed: int, start_index: int | None = None) -> None:
        """Begin again from a seed and, where the environment knows them, a start context."""
        options = None if start_index is None else {"start_index": start_index}
        self.observation, self.info = self.env.reset(seed=seed, options=options)
        self.seed, self.start_index = seed, start_index
        self.ended, self.score = False, 0.0
        self.past.clear()
        self.frame = self._picture(self.observation)

    def start_at(self, origin: Any) -> None:
        """Begin where a seed and the actions from there lead (`worldsim.world.Origin`)."""
        self.start(int(origin.seed))
        for vector in origin.before:
            self.step(environments.from_vector(self.env.action_space, vector))

    def renew(self) -> None:
        """Begin again from the next seed and, where one was chosen, the next start context."""
        self.start(self.seed + 1, None if self.start_index is None else self.start_index + 1)

    def step(self, action: Any) -> Vector:
        """Take one action; returns its flat vector."""
        vector = environments.to_vector(self.env.action_space, action)
        begun = time.perf_counter()
        self.observation, reward, terminated, truncated, self.info = self.env.step(action)
        self.frame = self._picture(self.observation)
        self.latencies.append(time.perf_counter() - begun)
        self.ended = bool(terminated or truncated)
        self.score += float(reward)
        self.past.append(vector)
        return vector

    def _picture(self, observation: Any) -> Frame:
        if self.image_key is not None:
            return environments.frame_of(observation, self.image_key)
        picture: Any = self.env.render()
        if np.ndim(picture) != 3 or np.shape(picture)[-1] != 3:
            raise UserError(
                f"{self.name} renders shape {np.shape(picture)}; needed an image (height, width, 3)"
            )
        return environments.frame_of(picture)


def open_world(name: str, label: str, options: dict[str, Any]) -> World:
    """The world of a Gymnasium id, not started; rendered if its observations are no images.

    Raises:
        UserError: no such environment, or one without pictures.
    """
    env = environments.make(name, **options)
    try:
        return World(name, label, env, environments.image_key(env.observation_space, name=name))
    except UserError as error:
        if "rgb_array" not in env.metadata.get("render_modes", []):
            raise
        if env.render_mode != "rgb_array":
            env.close()
            try:
                env = environments.make(name, **{**options, "render_mode": "rgb_array"})
            except UserError:
                raise error from None
    return World(name, label, env, None)


class Session:
    """The world on screen and the other one under Tab; slow work runs beside as one `Job`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.worlds: dict[str, World] = {}
        self.controls: dict[str, Controls] = {}
        self.name = config.env
        self._job: Job[None] | None = None
        self._begin(f"loading {title(config, config.env)}", lambda: self._open(config.env))

    @property
    def world(self) -> World | None:
        """The world on screen; None while it loads for the first time."""
        return self.worlds.get(self.name)

    @property
    def busy(self) -> str | None:
        """What is going on instead of play, or None."""
        return None if self._job is None else self._job.message

    @property
    def busy_for(self) -> float:
        """For how many seconds."""
        return 0.0 if self._job is None else time.perf_counter() - self._job.begun

    def poll(self) -> bool:
        """Whether slow work ended just now; raises what it raised."""
        if self._job is None or not self._job.done:
            return False
        job, self._job = self._job, None
        job.result()
        return True

    def restart(self) -> None:
        """Begin a new start of the world on screen: the next seed, the next start context."""
        if self.world is not None and not self.busy:
            self._begin("a new start", self.world.renew)

    def switch(self) -> None:
        """Bring the other world on screen, opening it the first time; the one left rests.

        Raises:
            UserError: there is no other world.
        """
        config = self._config
        other = config.exact if self.name == config.env else config.env
        if other is None or other == self.name:
            raise UserError("there is no other world to switch to (start with exact=<its id>)")
        if other in self.worlds:
            self.name = other
        elif not self.busy:
            self._begin(f"loading {title(config, other)}", lambda: self._open(other))

    def close(self) -> None:
        """Close every environment that was opened."""
        for world in self.worlds.values():
            world.env.close()

    def _begin(self, message: str, work: Callable[[], None]) -> None:
        self._job = Job(message, work)

    def _open(self, name: str) -> None:
        config, beside = self._config, self.world
        if beside is None:
            world = open_world(name, label(config, name), options_of(config, name))
            keep_pace = getattr(world.env.unwrapped, "keep_pace", None)
            if keep_pace is not None:
                keep_pace(config.fps)
            world.start(config.seed or 0, config.start_index)
        else:
            world = open_twin(config, name, beside)
        self.controls[name] = controls(world.env, name)
        self.worlds[name] = world
        self.name = name


def open_twin(config: Config, name: str, beside: World) -> World:
    """The world of a Gymnasium id at the place where the one beside it began, as far as it tells.

    A dream tells by its `origin`; otherwise the twin starts from the same seed.
    """
    origin = getattr(beside.env.unwrapped, "origin", None)
    options = options_of(config, name)
    if origin is not None:
        options = {**origin.env_options, **options}
    world = open_world(name, label(config, name), options)
    if origin is None:
        world.start(beside.seed)
    else:
        world.start_at(origin)
    return world


def label(config: Config, name: str) -> str:
    """What the title bar calls a world."""
    if name == config.exact:
        return "EXACT"
    short = name.rpartition(":")[2].rpartition("/")[2].rpartition("-v")[0] or name
    return short.upper()


def title(config: Config, name: str) -> str:
    """What a sentence calls a world."""
    return {"EXACT": "the exact world", "DREAM": "the dream"}.get(label(config, name), name)


def options_of(config: Config, name: str) -> dict[str, Any]:
    """Keyword arguments that a world is made with; those of the model go to `config.env` only."""
    if name != config.env:
        return dict(config.exact_options)
    model = {"checkpoint": config.checkpoint, "steps": config.steps, "device": config.device}
    return {k: v for k, v in model.items() if v is not None} | config.env_options
