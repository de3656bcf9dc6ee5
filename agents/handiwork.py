"""The explorer's skills of digging and building, and the table of all skills."""

from collections.abc import Callable
from typing import Any

import numpy as np

from agents.skills import (
    LOGS,
    SPEEDS,
    Script,
    Senses,
    flail,
    hop,
    hotbar,
    idle,
    look,
    nod,
    push,
    sneak,
    strafe,
    swim,
    turn,
    walk,
)


def _face_block(s: Senses) -> Script:
    """Find something in reach: look ahead or down, take a few steps."""
    pitch = float(
        s.rng.choice([s.rng.uniform(0, 20), s.rng.uniform(20, 50), s.rng.uniform(50, 85)])
    )
    yield from look(s, s.rng.normal(0, 25), pitch, float(s.rng.choice(SPEEDS[3:])))
    for tick in range(30):
        if s.aimed:
            return
        yield {"forward": 1, "jump": int(s.slow() and tick > 4)}


def break_block(s: Senses, limit: int = 40) -> Script:
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
        yield from break_block(s, int(s.rng.integers(3, 12)) if s.chance(0.2) else 40)
        for _ in range(int(s.rng.integers(0, 4))):
            yield {"forward": int(s.chance(0.5))}
        if s.chance(0.5):
            yield from look(s, s.rng.normal(0, 12), s.rng.uniform(0, 70), 6.0, attack=1)
    yield from _climb_back(s, height)


def place_block(s: Senses) -> Script:
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
        yield from place_block(s)
        yield from look(
            s,
            s.rng.normal(0, 10),
            float(np.clip(s.info.get("pitch", 30.0) + s.rng.normal(0, 8), 0, 80)),
            5.0,
        )
        for _ in range(int(s.rng.integers(0, 5))):
            yield {"back": int(s.chance(0.4))}


def remember(s: Senses) -> Script:
    """Place or break a block, watch it, look away for a while, look back exactly."""
    yield from _face_block(s)
    if s.stock and s.chance(0.6):
        yield from place_block(s)
    else:
        yield from break_block(s)
    for _ in range(int(s.rng.integers(1, 8))):
        yield {}
    speed, away = float(s.rng.choice(SPEEDS[3:])), s.rng.uniform(50, 180) * s.rng.choice([-1, 1])
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
        yield from break_block(s)


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
        yield from break_block(s)
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


def bearing(s: Senses, goal: np.ndarray[Any, Any]) -> tuple[float, float, float]:
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
        yaw, pitch, away = bearing(s, goal)
        if away < 2.6:
            break
        yield {
            "forward": 1,
            "jump": int(s.slow()),
            "camera": (
                float(np.clip(0.3 * (pitch - s.info["pitch"]), -8, 8)),
                float(np.clip(yaw, -12, 12)),
            ),
        }
    for _ in range(int(s.rng.integers(1, 5))):
        goal = _nearest_log(s, 4)
        if goal is None:
            return
        yaw, pitch, _ = bearing(s, goal)
        yield from look(s, yaw, pitch, float(s.rng.choice(SPEEDS[3:])))
        yield from break_block(s)


Skills = dict[str, tuple[Callable[[Senses], Script], float]]
"""Skills by name, each with its weight in a mix."""

SKILLS: Skills = {
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
"""The explorer's."""
