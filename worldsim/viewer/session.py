"""The worlds being played: opened, switched, put side by side. Knows no window."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from worldsim.errors import UserError
from worldsim.viewer.bindings import Bindings
from worldsim.viewer.config import Config
from worldsim.viewer.controls import Controls, controls
from worldsim.viewer.job import Job
from worldsim.viewer.pictures import start_frames
from worldsim.viewer.turns import difference
from worldsim.viewer.worlds import World, in_step, open_world


class Session:
    """The world on screen, perhaps its twin beside it; slow work runs as one `Job`.

    Tab leads from the first world to both side by side, to the other alone, and back.
    """

    def __init__(self, config: Config, bindings: Bindings | None = None) -> None:
        self.config = config
        self.bindings = bindings or Bindings()
        self.worlds: dict[str, World] = {}
        self.controls: dict[str, Controls] = {}
        self.name = config.env
        self.beside = False
        self._job: Job[None] | None = None
        self.work(f"loading {title(config, config.env)}", self._open_first)

    @property
    def world(self) -> World | None:
        """The world on screen that takes the keys; None while it loads for the first time."""
        return self.worlds.get(self.name)

    @property
    def twin(self) -> World | None:
        """The world beside it that takes the same actions, if it is on screen."""
        other = self.config.exact
        return self.worlds[other] if self.beside and other is not None else None

    @property
    def on_screen(self) -> list[World]:
        """What is on screen, from left to right."""
        return [world for world in (self.world, self.twin) if world is not None]

    @property
    def busy(self) -> str | None:
        """What is going on instead of play, or None."""
        return None if self._job is None else self._job.message

    @property
    def busy_for(self) -> float:
        """For how many seconds."""
        return 0.0 if self._job is None else time.perf_counter() - self._job.begun

    def apart(self) -> float | None:
        """Mean absolute difference of the two pictures, 0..1; None without two of one size."""
        frames = [world.frame for world in self.on_screen]
        if len(frames) < 2 or frames[0].shape != frames[1].shape:
            return None
        return difference(*frames)[0]

    def poll(self) -> bool:
        """Whether slow work ended just now; raises what it raised."""
        if self._job is None or not self._job.done:
            return False
        job, self._job = self._job, None
        job.result()
        return True

    def work(self, message: str, work: Callable[[], None]) -> None:
        """Begin slow work, unless there is some; `message` says what it is."""
        if self._job is None:
            self._job = Job(message, work)

    def step(self, action: Any) -> None:
        """Take one action in what is on screen; a twin whose episode is over stands still."""
        world, twin = self.world, self.twin
        assert world is not None
        vector = world.step(action)
        if twin is not None:
            twin.follow([vector])

    def restart(self) -> None:
        """Begin a new start of what is on screen: the next seed, the next start context."""
        if self.world is not None:
            self.work("a new start", self._renew)

    def switch(self) -> None:
        """Go on to the next view; worlds that leave the screen stay as they are.

        Raises:
            UserError: there is no other world.
        """
        config = self.config
        other = config.exact if self.name == config.env else config.env
        if other is None or other == self.name:
            raise UserError("there is no other world to switch to (start with exact=<its id>)")
        if self.busy or self.world is None:
            return
        if self.beside or self.name != config.env:
            self.name, self.beside = other, False
        elif other in self.worlds and in_step(self.worlds[other], self.world):
            self.beside = True
        else:
            self.work(f"loading {title(config, other)}", self._put_beside)

    def catch_up(self) -> World:
        """The other world where the keys of this one lead it, opened the first time; slow.

        Raises:
            UserError: there is none, or nothing ties it to this one.
        """
        config, world = self.config, self.world
        assert world is not None
        if config.exact is None or config.exact == world.name:
            raise UserError("there is no exact world (start with exact=<its id>)")
        if world.is_dream and world.origin is None:
            raise UserError("this dream did not begin in the exact world, which cannot follow it")
        twin = self.open(config.exact, origin_options(world))
        if not in_step(twin, world):
            if twin.env.action_space != world.env.action_space:
                raise UserError(f"{twin.name} does not take the actions of {world.name}")
            twin.start_as(world)
            twin.follow(world.past)
        return twin

    def open(self, name: str, options: Mapping[str, Any] | None = None) -> World:
        """The world of a name, opened if it is not yet; it may not have begun. Slow.

        options: what it is made with where its own options say nothing.
        """
        return self.worlds.get(name) or self._opened(name, options or {})

    def close(self) -> None:
        """Close every environment that was opened."""
        for world in self.worlds.values():
            world.env.close()

    def _open_first(self) -> None:
        config = self.config
        world = open_world(config.env, label(config, config.env), options_of(config, config.env))
        if config.image is not None:
            world.picture = start_frames(config.image, world)
        keep_pace = getattr(world.env.unwrapped, "keep_pace", None)
        if config.pace and keep_pace is not None:
            keep_pace(config.fps)
        world.start(config.seed or 0, config.start_index)
        self._add(world)

    def _put_beside(self) -> None:
        """Show both worlds, or the other alone where it cannot follow this one."""
        config, world = self.config, self.world
        assert config.exact is not None
        assert world is not None
        try:
            self.catch_up()
            self.beside = True
        except UserError:
            other = self.open(config.exact)
            if other.observation is None:
                other.start(world.seed)
            self.name = other.name

    def _renew(self) -> None:
        assert self.world is not None
        self.world.renew()
        if self.beside:
            try:
                self.catch_up()
            except UserError:
                self.beside = False

    def _opened(self, name: str, defaults: Mapping[str, Any]) -> World:
        options = {**defaults, **options_of(self.config, name)}
        return self._add(open_world(name, label(self.config, name), options))

    def _add(self, world: World) -> World:
        self.controls[world.name] = controls(world.env, world.name, self.bindings)
        self.worlds[world.name] = world
        return world


def open_twin(config: Config, name: str, beside: World) -> World:
    """The world of a Gymnasium id at the place where the one beside it began, as far as it tells.

    A dream tells by its `origin`; otherwise the twin starts from the same seed.
    """
    options = {**origin_options(beside), **options_of(config, name)}
    world = open_world(name, label(config, name), options)
    world.start_as(beside)
    return world


def origin_options(world: World) -> Mapping[str, Any]:
    """What the exact world was made with where a world began, if it tells."""
    return {} if world.origin is None else world.origin.env_options


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
