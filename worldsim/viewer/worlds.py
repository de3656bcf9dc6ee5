"""One world in play: opened, started, stepped, kept and brought back. Knows no window."""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from worldsim.actions import Vector
from worldsim.data import environments
from worldsim.data.environments import Env, Frame
from worldsim.errors import UserError
from worldsim.viewer.moments import Moment, put_state, take_state
from worldsim.viewer.turns import TurnMeter

RECENT = 16
"""Latest frames that a world remembers."""


@dataclass
class World:
    """One environment in play, what it shows now and what was done since its start."""

    name: str
    label: str
    env: Env
    image_key: str | None
    """Where an observation holds the picture, "" for all of it; None: the picture is rendered."""
    picture: Frame | None = None
    """What a dream starts from, in place of a start context: frames (t, h, w, 3)."""
    seed: int = 0
    start_index: int | None = None
    origin: Any = None
    """Where in the exact world it began (`worldsim.world.Origin`), if it tells."""
    start_id: object = field(default_factory=object)
    """Another object at every start."""
    mate: object = None
    """The `start_id` of the world from whose place this one began."""
    led: int = 0
    """How many of the actions since the start led to that place."""
    observation: Any = None
    """None before the first start."""
    frame: Frame = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    info: dict[str, Any] = field(default_factory=dict)
    ended: bool = False
    score: float = 0.0
    past: list[Vector] = field(default_factory=list)
    """Flat vectors of the actions since the start. Only ever longer: moments refer to it."""
    repeatable: bool = True
    """Seed and past make this frame again."""
    recent: tuple[Frame, ...] = ()
    """The latest frames in a row, the one on show last; the actions between them end `past`."""
    turns: TurnMeter = field(default_factory=TurnMeter)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    """Seconds of the latest steps."""

    @property
    def is_dream(self) -> bool:
        """Whether it is dreamt: a dream tells where in the exact world it began, if anywhere."""
        return hasattr(self.env.unwrapped, "origin")

    def start(self, seed: int, start_index: int | None = None) -> None:
        """Begin again from a seed and, where the environment knows them, a start context."""
        options: dict[str, Any] | None = None
        if self.picture is not None:
            options = still(self.picture)
        elif start_index is not None:
            options = {"start_index": start_index}
        self.observation, self.info = self.env.reset(seed=seed, options=options)
        self.seed, self.start_index = seed, start_index
        self.ended, self.score, self.repeatable = False, 0.0, self.picture is None
        self.past, self.start_id, self.mate, self.led = [], object(), None, 0
        self.origin = getattr(self.env.unwrapped, "origin", None)
        self._begin()

    def start_as(self, world: "World") -> None:
        """Begin where another world began: at its origin if it tells one, else with its seed."""
        origin = world.origin
        self.start(world.seed if origin is None else int(origin.seed))
        self.follow(() if origin is None else origin.before)
        self.mate, self.led = world.start_id, len(self.past)
        self.turns.begin(self.info, self.frame)

    def follow(self, vectors: Iterable[Vector]) -> None:
        """Take actions given as flat vectors, until the episode ends."""
        for vector in vectors:
            if not self.ended:
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
        self.recent = (*self.recent[1 - RECENT :], self.frame)
        self.turns.add(vector, self.info, self.frame)
        return vector

    def dream_from(self, frames: Frame, led: Vector, past: list[Vector]) -> None:
        """Go on as if frames (t+1, h, w, 3), with actions (t, a) between them, had been seen.

        past: the actions that count as taken since the start.
        """
        options = {"frames": frames, "actions": led}
        self.observation, self.info = self.env.reset(options=options)
        self.past, self.ended, self.repeatable = list(past), False, False
        self._begin()

    def moment(self) -> Moment:
        """This world as it is now; `put` comes back to it."""
        return Moment(
            name=self.name,
            state=take_state(self.env.unwrapped),
            frame=self.frame,
            observation=self.frame if self.image_key == "" else self.observation,
            info=self.info,
            recent=self.recent,
            past=self.past,
            count=len(self.past),
            facts=(self.seed, self.start_index, self.ended, self.score, self.repeatable),
            begun=(self.origin, self.start_id, self.mate, self.led),
        )

    def show(self, moment: Moment) -> None:
        """Show a moment without going there: its picture and numbers; `put` must follow."""
        self.frame, self.observation, self.info = moment.frame, moment.observation, moment.info
        self.past, self.recent = moment.past[: moment.count], moment.recent
        self.seed, self.start_index, self.ended, self.score, self.repeatable = moment.facts
        self.origin, self.start_id, self.mate, self.led = moment.begun

    def put(self, moment: Moment) -> None:
        """Go back to a moment.

        Raises:
            UserError: the environment cannot.
        """
        put_state(self.env.unwrapped, moment.state, self.name)
        self.show(moment)
        self.turns.begin(self.info, self.frame)

    def come_back(
        self, facts: Mapping[str, Any], arrays: Mapping[str, Any], info: dict[str, Any]
    ) -> None:
        """Take over what a save says, after the environment took its own part (`saves`)."""
        from worldsim.world import Origin

        origin = facts["origin"]
        self.seed, self.start_index = int(facts["seed"]), facts["start_index"]
        self.ended, self.score = bool(facts["ended"]), float(facts["score"])
        self.repeatable, self.led = bool(facts["repeatable"]), int(facts["led"])
        self.origin = origin and Origin(**origin, before=arrays["before"])
        self.past, self.start_id, self.mate = list(arrays["past"]), object(), None
        self.frame, self.recent = arrays["frame"], tuple(arrays["recent"])
        self.observation, self.info = self.frame, info
        self.turns.begin(info, self.frame)

    def _begin(self) -> None:
        self.frame = self._picture(self.observation)
        self.recent = (self.frame,)
        self.turns.begin(self.info, self.frame)

    def _picture(self, observation: Any) -> Frame:
        if self.image_key is not None:
            return environments.frame_of(observation, self.image_key)
        picture: Any = self.env.render()
        if np.ndim(picture) != 3 or np.shape(picture)[-1] != 3:
            raise UserError(
                f"{self.name} renders shape {np.shape(picture)}; needed an image (height, width, 3)"
            )
        return environments.frame_of(picture)


def still(frames: Frame) -> dict[str, Any]:
    """Reset options of a dream that begins with frames (t+1, h, w, 3) during which nobody acts."""
    from worldsim import actions

    return {"frames": frames, "actions": np.zeros((len(frames) - 1, actions.SIZE), np.float32)}


def in_step(twin: World, world: World) -> bool:
    """Whether the twin began from the same place and took the same actions."""
    own = twin.past[twin.led :]
    return (
        twin.mate is world.start_id
        and len(own) == len(world.past)
        and all(np.array_equal(a, b) for a, b in zip(own, world.past, strict=True))
    )


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
