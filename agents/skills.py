"""The explorer's skills of moving and looking; `handiwork` has those of digging and building.

A skill is a generator of control dicts (arguments of `worldsim.actions.make`); it reads the newest
`info` from the `Senses` it is given. Angles are degrees, times are ticks.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

Controls = dict[str, Any]
Script = Iterator[Controls]

LOGS = (6, 9, 11)
"""The exact world's kinds of log."""

LOOSE = (4, 15)
"""Those that fall: sand and gravel."""

SPEEDS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 16.0, 20.0)


class Senses:
    """What a skill may know: the newest info, a random generator, the exact world if there is one.

    `world` offers `block_at(x, y, z)`; without it trees are not looked for.
    """

    def __init__(
        self, rng: np.random.Generator, info: dict[str, Any], world: Any | None = None
    ) -> None:
        self.rng = rng
        self.info = info
        self.world = world

    @property
    def aimed(self) -> bool:
        """Whether a block is in reach under the crosshair."""
        return bool(self.info.get("target_block", 0))

    @property
    def stock(self) -> list[int]:
        """The hotbar slots (1..9) that hold something."""
        return [i + 1 for i, count in enumerate(self.info.get("hotbar_count", ())) if count > 0]

    @property
    def height(self) -> float:
        """How high the feet are."""
        return float(self.info.get("position", np.zeros(3))[1])

    def slow(self) -> bool:
        """Whether the player hardly moves over the ground."""
        velocity = self.info.get("velocity", np.ones(3))
        return bool(np.hypot(velocity[0], velocity[2]) < 0.03)

    def chance(self, probability: float) -> bool:
        """True with the probability given."""
        return bool(self.rng.random() < probability)


def look(s: Senses, yaw: float, pitch: float, speed: float, **keys: int) -> Script:
    """Turn by `yaw` and to the absolute `pitch`, at most `speed` a tick, easing out at the end."""
    left = yaw
    for _ in range(200):
        down = pitch - float(s.info.get("pitch", 0.0))
        if abs(left) < 0.05 and abs(down) < 0.5:
            return
        turn = float(np.clip(left * 0.6 if abs(left) < speed else left, -speed, speed))
        turn = left if abs(left) < 0.3 else turn
        tilt = float(np.clip(down * 0.6 if abs(down) < speed else down, -speed, speed))
        left -= turn
        yield {"camera": (tilt, turn), **keys}


def walk(s: Senses) -> Script:
    """Walk or sprint with a wandering heading, hopping where something stands in the way."""
    sprint, jumpy, drift = s.chance(0.4), s.chance(0.75), 0.0
    level = s.rng.normal(6, 9)
    swing = s.rng.choice([0.4, 1.2, 3.0])
    for _ in range(int(s.rng.integers(20, 120))):
        drift = 0.85 * drift + s.rng.normal(0, swing)
        if s.slow() and s.chance(0.2):
            drift += s.rng.choice([-12.0, 12.0])
        tilt = 0.08 * (level - float(s.info.get("pitch", 0.0))) + s.rng.normal(0, 0.3)
        hop = jumpy and (s.slow() or s.chance(0.02))
        wet = bool(s.info.get("in_water", 0))
        yield {
            "forward": 1,
            "sprint": int(sprint),
            "jump": int(hop or (wet and s.chance(0.8))),
            "camera": (tilt, drift),
        }


def turn(s: Senses) -> Script:
    """Turn at one steady speed, standing or walking, then perhaps back."""
    speed, side = float(s.rng.choice(SPEEDS)), s.rng.choice([-1, 1])
    tilt = s.rng.choice([0.0, 0.0, 0.3, -0.3]) * speed
    count = int(s.rng.integers(4, 30))
    ahead = int(s.chance(0.25))
    for _ in range(count):
        yield {"camera": (tilt, side * speed), "forward": ahead}
    if s.chance(0.4):
        for _ in range(int(s.rng.integers(0, 6))):
            yield {}
        for _ in range(count):
            yield {"camera": (-tilt, -side * speed)}


def nod(s: Senses) -> Script:
    """Look up at the sky or down at the ground, linger, return."""
    goal = s.rng.uniform(35, 88) * s.rng.choice([-1, 1])
    speed = float(s.rng.choice(SPEEDS[2:]))
    yield from look(s, s.rng.normal(0, 20), goal, speed)
    for _ in range(int(s.rng.integers(2, 20))):
        yield {"camera": (0.0, s.rng.choice([0.0, 0.0, 4.0, -4.0]))}
    yield from look(s, 0.0, s.rng.normal(5, 8), speed)


def idle(s: Senses) -> Script:
    """Do nothing."""
    for _ in range(int(s.rng.integers(5, 40))):
        yield {}


def strafe(s: Senses) -> Script:
    """Step sideways or back, at times sneaking, jumping or turning along."""
    keys = [
        ["left"],
        ["right"],
        ["back"],
        ["left", "forward"],
        ["right", "forward"],
        ["back", "left"],
    ]
    held = dict.fromkeys(keys[int(s.rng.integers(len(keys)))], 1)
    sneak, rate = int(s.chance(0.25)), s.rng.choice([0.0, 0.0, 2.0, -2.0])
    for _ in range(int(s.rng.integers(8, 40))):
        yield {**held, "sneak": sneak, "jump": int(s.chance(0.04)), "camera": (0.0, rate)}


def sneak(s: Senses) -> Script:
    """Sneak ahead, up to edges."""
    for _ in range(int(s.rng.integers(15, 60))):
        yield {"forward": 1, "sneak": 1, "camera": (0.0, s.rng.normal(0, 0.6))}


def push(s: Senses) -> Script:
    """Walk straight on without jumping, into whatever stands there."""
    for _ in range(int(s.rng.integers(20, 60))):
        yield {"forward": 1, "sprint": int(s.chance(0.5)), "camera": (0.0, s.rng.normal(0, 0.4))}


def hop(s: Senses) -> Script:
    """Jump on the spot or ahead."""
    ahead = int(s.chance(0.5))
    for _ in range(int(s.rng.integers(10, 40))):
        yield {"jump": 1, "forward": ahead}


def flail(s: Senses) -> Script:
    """Press random keys, each for a few ticks."""
    names = ("forward", "back", "left", "right", "jump", "sneak", "sprint", "attack", "use")
    held: Controls = {}
    for tick in range(int(s.rng.integers(20, 60))):
        if tick % 4 == 0:
            held = {name: int(s.rng.random() < 0.22) for name in names}
            held["camera"] = tuple(s.rng.normal(0, 5, 2))
        yield held


def hotbar(s: Senses) -> Script:
    """Change the selected slot a few times; now and then throw something away."""
    for _ in range(int(s.rng.integers(2, 8))):
        yield {"hotbar": int(s.rng.integers(1, 10))}
        for _ in range(int(s.rng.integers(0, 6))):
            yield {}
    if s.chance(0.2):
        yield {"drop": 1}


def swim(s: Senses) -> Script:
    """Cross water, bobbing up and diving; on land a walk."""
    if not s.info.get("in_water", 0):
        yield from walk(s)
        return
    for _ in range(int(s.rng.integers(30, 90))):
        yield {"forward": 1, "jump": int(s.chance(0.7)), "camera": (0.0, s.rng.normal(0, 1.5))}
