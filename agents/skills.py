"""The explorer's skills: short scripts of controls, each covering one thing on purpose.

A skill is a generator of control dicts (arguments of `worldsim.actions.make`); it reads the newest
`info` from the `Senses` it is given. Angles are degrees, times are ticks.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Controls = dict[str, Any]
Script = Iterator[Controls]

LOGS = (6, 9, 11)
"""The exact world's kinds of log."""

_SPEEDS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 16.0, 20.0)


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
    speed, side = float(s.rng.choice(_SPEEDS)), s.rng.choice([-1, 1])
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
    speed = float(s.rng.choice(_SPEEDS[2:]))
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
    keys = [["left"], ["right"], ["back"], ["left", "forward"], ["right", "forward"], ["back", "left"]]
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


def _face_block(s: Senses) -> Script:
    """Find something in reach: look ahead or down, take a few steps."""
    pitch = float(s.rng.choice([s.rng.uniform(0, 20), s.rng.uniform(20, 50), s.rng.uniform(50, 85)]))
    yield from look(s, s.rng.normal(0, 25), pitch, float(s.rng.choice(_SPEEDS[3:])))
    for tick in range(30):
        if s.aimed:
            return
        yield {"forward": 1, "jump": int(s.slow() and tick > 4)}


def _break(s: Senses, limit: int = 40) -> Script:
    """Hold attack until the block under the crosshair is gone."""
    for _ in range(limit):
        yield {"attack": 1}
        if s.info.get("events", {}).get("block_broken") or not s.aimed:
            return


def _climb_back(s: Senses, height: float) -> Script:
    """Out of a hole by jumping and placing what was dug, until the feet are at a height again."""
    if height - s.height < 1.5 or not s.stock:
        return
    yield from look(s, 0.0, 88.0, 12.0)
    yield {"hotbar": int(s.rng.choice(s.stock))}
    for _ in range(60):
        if s.height > height - 0.6 or not s.stock:
            break
        yield {"jump": 1, "use": 1}
    yield from look(s, s.rng.normal(0, 60), s.rng.uniform(0, 20), 8.0)
    for _ in range(12):
        yield {"forward": 1, "jump": int(s.slow())}


def mine(s: Senses) -> Script:
    """Dig a few blocks, ahead or below, stepping into the hole or giving up half way."""
    yield from _face_block(s)
    height = s.height
    for _ in range(int(s.rng.integers(1, 7))):
        yield from _break(s, int(s.rng.integers(3, 12)) if s.chance(0.2) else 40)
        for _ in range(int(s.rng.integers(0, 4))):
            yield {"forward": int(s.chance(0.5))}
        if s.chance(0.5):
            yield from look(s, s.rng.normal(0, 12), s.rng.uniform(0, 70), 6.0, attack=1)
    yield from _climb_back(s, height)


def _place(s: Senses) -> Script:
    """Select a stack and press use; the count falls if the block can stand there."""
    if s.stock:
        yield {"hotbar": int(s.rng.choice(s.stock))}
    yield {"use": 1}
    yield {}


def build(s: Senses) -> Script:
    """Place a few blocks side by side or upon one another."""
    if not s.stock:
        yield from mine(s)
        return
    yield from _face_block(s)
    for _ in range(int(s.rng.integers(1, 6))):
        yield from _place(s)
        yield from look(s, s.rng.normal(0, 10), float(np.clip(
            s.info.get("pitch", 30.0) + s.rng.normal(0, 8), 0, 80)), 5.0)
        for _ in range(int(s.rng.integers(0, 5))):
            yield {"back": int(s.chance(0.4))}


def remember(s: Senses) -> Script:
    """Place or break a block, watch it, look away for a while, look back exactly."""
    yield from _face_block(s)
    if s.stock and s.chance(0.6):
        yield from _place(s)
    else:
        yield from _break(s)
    for _ in range(int(s.rng.integers(1, 8))):
        yield {}
    speed, away = float(s.rng.choice(_SPEEDS[3:])), s.rng.uniform(50, 180) * s.rng.choice([-1, 1])
    steps = max(1, round(abs(away) / speed))
    for _ in range(steps):
        yield {"camera": (0.0, float(np.copysign(speed, away)))}
    for _ in range(int(s.rng.choice([0, 2, 4, 8, 16, 32]))):
        yield {}
    for _ in range(steps):
        yield {"camera": (0.0, -float(np.copysign(speed, away)))}
    for _ in range(int(s.rng.integers(1, 8))):
        yield {}
    if s.chance(0.5):
        yield from _break(s)


def pillar(s: Senses) -> Script:
    """Jump and place under the feet a few times, then step off and fall."""
    if not s.stock:
        yield from hop(s)
        return
    yield from look(s, 0.0, 88.0, 12.0)
    yield {"hotbar": int(s.rng.choice(s.stock))}
    for _ in range(int(s.rng.integers(8, 60))):
        yield {"jump": 1, "use": 1}
    yield from look(s, s.rng.normal(0, 40), s.rng.uniform(0, 40), 8.0)
    for _ in range(int(s.rng.integers(8, 20))):
        yield {"forward": 1}


def shaft(s: Senses) -> Script:
    """Dig straight down and drop into the hole."""
    height = s.height
    yield from look(s, 0.0, 89.0, 10.0)
    for _ in range(int(s.rng.integers(1, 5))):
        yield from _break(s)
        for _ in range(int(s.rng.integers(2, 8))):
            yield {}
    yield from look(s, s.rng.normal(0, 90), 0.0, 8.0)
    yield from _climb_back(s, height)


def _nearest_log(s: Senses, reach: int = 9) -> np.ndarray[Any, Any] | None:
    """The middle of the nearest log around the player, or None."""
    if s.world is None or not hasattr(s.world, "block_at"):
        return None
    feet = np.floor(s.info["position"]).astype(int)
    best, found = 1e9, None
    for dx in range(-reach, reach + 1):
        for dz in range(-reach, reach + 1):
            for dy in range(0, 4):
                if s.world.block_at(feet[0] + dx, feet[1] + dy, feet[2] + dz) in LOGS:
                    away = abs(dx) + abs(dz) + 0.5 * abs(dy - 1)
                    if away < best:
                        best, found = away, feet + [dx, dy, dz] + 0.5
    return found


def _bearing(s: Senses, goal: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Yaw still to turn, pitch to look at, distance over ground, to a point."""
    dx, dy, dz = goal - s.info["position"] - np.array([0.0, 1.62, 0.0])
    away = float(np.hypot(dx, dz))
    yaw = np.degrees(np.arctan2(-dx, dz)) - s.info["yaw"]
    return float((yaw + 180) % 360 - 180), float(-np.degrees(np.arctan2(dy, away))), away


def chop(s: Senses) -> Script:
    """Go to the nearest tree and fell what is in reach; a walk where there is none."""
    goal = _nearest_log(s)
    if goal is None:
        yield from walk(s)
        return
    for _ in range(80):
        yaw, pitch, away = _bearing(s, goal)
        if away < 2.6:
            break
        yield {"forward": 1, "jump": int(s.slow()), "camera": (
            float(np.clip(0.3 * (pitch - s.info["pitch"]), -8, 8)), float(np.clip(yaw, -12, 12)))}
    for _ in range(int(s.rng.integers(1, 5))):
        goal = _nearest_log(s, 4)
        if goal is None:
            return
        yaw, pitch, _ = _bearing(s, goal)
        yield from look(s, yaw, pitch, float(s.rng.choice(_SPEEDS[3:])))
        yield from _break(s)


def swim(s: Senses) -> Script:
    """Cross water, bobbing up and diving; on land a walk."""
    if not s.info.get("in_water", 0):
        yield from walk(s)
        return
    for _ in range(int(s.rng.integers(30, 90))):
        yield {"forward": 1, "jump": int(s.chance(0.7)), "camera": (0.0, s.rng.normal(0, 1.5))}


SKILLS: dict[str, tuple[Callable[[Senses], Script], float]] = {
    "walk": (walk, 5.0),
    "turn": (turn, 3.0),
    "nod": (nod, 1.0),
    "idle": (idle, 0.8),
    "strafe": (strafe, 1.6),
    "sneak": (sneak, 0.5),
    "push": (push, 1.2),
    "hop": (hop, 0.7),
    "flail": (flail, 1.0),
    "hotbar": (hotbar, 0.9),
    "mine": (mine, 2.6),
    "chop": (chop, 1.6),
    "build": (build, 3.2),
    "remember": (remember, 2.6),
    "pillar": (pillar, 0.8),
    "shaft": (shaft, 0.4),
    "swim": (swim, 0.8),
}
"""Each skill with its weight in the mix."""
