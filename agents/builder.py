"""A scripted builder: the explorer with busy hands, for recordings in which much happens."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.explorer import Explorer
from agents.handiwork import SKILLS, Skills, bearing, break_block, place_block
from agents.skills import LOOSE, SPEEDS, Script, Senses, look

_STEPS = ("left", "right", "back", "forward")


def tinker(s: Senses) -> Script:
    """Place, break and select in quick succession, seen from changing angles and distances."""
    for _ in range(int(s.rng.integers(8, 32))):
        if not s.aimed or s.chance(0.5):
            pitch = float(np.clip(s.rng.normal(36, 12), 5, 65))  # the ground two blocks ahead
            yield from look(s, s.rng.normal(0, 20), pitch, float(s.rng.choice(SPEEDS[4:7])))
        yield from _one_thing(s)
        for _ in range(int(s.rng.choice([0, 0, 0, 1, 2, 6]))):
            yield {}


def _one_thing(s: Senses) -> Script:
    what = s.rng.random()
    if what < 0.4 and s.stock:
        yield from place_block(s)
    elif what < 0.55:
        yield from _use_anything(s)
    elif what < 0.7:
        yield from break_block(s)
    elif what < 0.75:
        yield from break_block(s, int(s.rng.integers(2, 8)))  # given up
    elif what < 0.87:
        yield {"hotbar": int(s.rng.integers(1, 10))}
    else:
        step = str(s.rng.choice(_STEPS))
        for _ in range(int(s.rng.integers(1, 9))):
            yield {step: 1, "jump": int(s.slow())}


def _use_anything(s: Senses) -> Script:
    """Press use with whatever is in hand, a stack or nothing, at something near or far."""
    if s.chance(0.7):
        yield {"hotbar": int(s.rng.integers(1, 10))}
    if s.chance(0.3):
        yield from look(s, s.rng.normal(0, 10), float(s.rng.uniform(-10, 40)), 12.0)
    for _ in range(int(s.rng.integers(1, 4))):
        yield {"use": 1}
        if s.chance(0.7):
            yield {}


def wall(s: Senses) -> Script:
    """Build a wall two blocks high across the view, then look at it from near and far."""
    if not s.stock or "position" not in s.info:
        yield from tinker(s)
        return
    yield {"hotbar": int(s.rng.choice(s.stock))}
    feet, ahead = np.floor(s.info["position"]), _axis(s)
    beside, away = np.array([-ahead[2], 0.0, ahead[0]]), int(s.rng.integers(2, 4))
    for layer in (0, 1):
        for column in s.rng.permutation(5) - 2:
            top = feet + away * ahead + column * beside + [0.5, layer, 0.5]
            yaw, pitch, _ = bearing(s, top)
            yield from look(s, yaw, pitch, float(s.rng.choice(SPEEDS[5:8])))
            yield {"use": 1}
    yield from _regard(s, feet + away * ahead + [0.5, 1.0, 0.5])


def _regard(s: Senses, goal: NDArray[np.floating]) -> Script:
    """Look at a place, walk up to it and away from it, and past it."""
    for _ in range(int(s.rng.integers(2, 6))):
        yaw, _, _ = bearing(s, goal)
        slope = float(s.rng.normal(12, 10))
        yield from look(s, yaw + s.rng.normal(0, 12), slope, float(s.rng.choice(SPEEDS[3:7])))
        step = str(s.rng.choice(("forward", "back", "left", "right")))
        for _ in range(int(s.rng.integers(4, 24))):
            yield {step: 1}


_WEIGHTS = {"remember": 1.5, "hotbar": 0.5, "walk": 0.7, "turn": 0.5, "pillar": 0.2, "push": 0.5}
_OTHERS: Skills = {name: (SKILLS[name][0], weight) for name, weight in _WEIGHTS.items()}


class Builder(Explorer):
    """Plays the explorer's skills, mostly those of the hands; see `Explorer`."""

    skills: ClassVar[Skills] = {
        "tinker": (tinker, 4.0),
        "wall": (wall, 1.0),
        **_OTHERS,
    }


def fumble(s: Senses) -> Script:
    """Use and dig at anything, near or out of reach, with anything in hand or nothing."""
    for _ in range(int(s.rng.integers(8, 32))):
        if s.chance(0.5):
            yield from _select(s)
        if s.chance(0.6):
            flat, down = s.rng.uniform(-15, 12), s.rng.uniform(12, 65)
            pitch = float(flat if s.chance(0.5) else down)
            yield from look(s, s.rng.normal(0, 40), pitch, float(s.rng.choice(SPEEDS[4:8])))
        held = "use" if s.chance(0.65) else "attack"
        ticks = int(s.rng.integers(1, 6) if held == "use" else s.rng.integers(2, 40))
        for _ in range(ticks):
            yield {held: 1}
        for _ in range(int(s.rng.choice([0, 1, 2, 4]))):
            yield {}


def _select(s: Senses) -> Script:
    """Take something in hand, or perhaps nothing."""
    slots = s.stock if s.stock and s.chance(0.5) else range(1, 10)
    yield {"hotbar": int(s.rng.choice(slots))}


class Fumbler(Explorer):
    """Tries its hands on everything, to learn what they cannot do: `policy=fumbler`."""

    skills: ClassVar[Skills] = {
        "fumble": (fumble, 4.0),
        **_OTHERS,
    }


def reach(s: Senses) -> Script:
    """Use and dig at a pillar with level eyes, from within reach and from beyond."""
    if not s.stock or "position" not in s.info:
        yield from tinker(s)
        return
    foot = np.floor(s.info["position"]) + int(s.rng.integers(2, 4)) * _axis(s) + [0.5, 0.0, 0.5]
    high = int(s.rng.integers(2, 4))
    for _ in range(int(s.rng.integers(1, 4))):
        yield {"back": int(s.chance(0.5))}
    yield {"hotbar": int(s.rng.choice(s.stock))}
    for layer in range(high):
        yield from _look_at(s, foot, float(layer), 0.0)
        yield {"use": 1}
    for _ in range(int(s.rng.integers(4, 12))):
        step = str(s.rng.choice(("back", "back", "forward", "left", "right")))
        for _ in range(int(s.rng.integers(0, 14))):
            yield {step: 1}
        if s.chance(0.4):
            yield from _select(s)
        yield from _look_at(s, foot, s.rng.uniform(0.9, high - 0.1), 4.0)
        yield from _try_hands(s)


def _axis(s: Senses) -> NDArray[np.floating]:
    """A step (3,) along the axis that is nearest to where the player looks."""
    angle = np.round(s.info.get("yaw", 0.0) / 90) * np.pi / 2
    step: NDArray[np.floating] = np.round([-np.sin(angle), 0.0, np.cos(angle)])
    return step


def _look_at(s: Senses, foot: NDArray[np.floating], up: float, off: float) -> Script:
    """Look at what is so far above a place, but for some degrees."""
    yaw, pitch, _ = bearing(s, foot + up * np.array([0.0, 1.0, 0.0]))
    yaw, pitch = yaw + s.rng.normal(0, off), pitch + s.rng.normal(0, off / 2)
    yield from look(s, yaw, pitch, float(s.rng.choice(SPEEDS[4:8])))


def _try_hands(s: Senses) -> Script:
    """Use or dig, a little after having looked."""
    for _ in range(int(s.rng.integers(0, 4))):
        yield {}
    if s.chance(0.6):
        yield {"use": 1}
    else:
        yield from break_block(s, 40 if s.chance(0.6) else int(s.rng.integers(2, 20)))
    for _ in range(int(s.rng.integers(0, 4))):
        yield {}


class Reacher(Explorer):
    """Tries its hands on what stands in front of it, near and far: `policy=reacher`."""

    skills: ClassVar[Skills] = {
        "reach": (reach, 4.0),
        **{name: (skill, weight / 4) for name, (skill, weight) in _OTHERS.items()},
    }


def drop(s: Senses) -> Script:
    """Put blocks onto a pillar's side, in the air, sand and gravel first, and watch them."""
    if not s.stock or "position" not in s.info:
        yield from tinker(s)
        return
    ahead = _axis(s)
    foot = np.floor(s.info["position"]) + int(s.rng.integers(2, 4)) * ahead + [0.5, 0.0, 0.5]
    high = int(s.rng.integers(2, 5))
    yield {"hotbar": int(s.rng.choice(_kept(s, loose=False) or s.stock))}
    for layer in range(high):
        yield from _look_at(s, foot, float(layer), 0.0)
        yield {"use": 1}
    for _ in range(int(s.rng.integers(8, 20))):
        step = str(s.rng.choice(("back", "forward", "left", "right")))
        for _ in range(int(s.rng.integers(0, 5))):
            yield {step: 1}
        loose = _kept(s, loose=s.chance(0.7))
        if loose:
            yield {"hotbar": int(s.rng.choice(loose))}
        yield from _look_at(s, foot - 0.5 * ahead, s.rng.uniform(0.4, high - 0.1), 4.0)
        for _ in range(int(s.rng.integers(0, 4))):
            yield {}
        yield {"use": 1}
        yield from _watched(s, foot - ahead)
        if s.chance(0.5):
            yield from break_block(s)


def _kept(s: Senses, loose: bool) -> list[int]:
    """The slots (1..9) that hold what falls, or what does not."""
    kinds = s.info.get("hotbar_block", ())
    return [slot for slot in s.stock if (int(kinds[slot - 1]) in LOOSE) == loose]


def _watched(s: Senses, foot: NDArray[np.floating]) -> Script:
    """Keep still, or look down to where something may have come to rest."""
    for _ in range(int(s.rng.choice([0, 1, 2, 4, 8]))):
        yield {}
    if s.chance(0.6):
        yield from _look_at(s, foot, s.rng.uniform(0.0, 1.5), 4.0)
    for _ in range(int(s.rng.integers(0, 4))):
        yield {}


class Dropper(Explorer):
    """Puts blocks where nothing is below them, to learn which of them fall: `policy=dropper`."""

    skills: ClassVar[Skills] = {
        "drop": (drop, 4.0),
        **{name: (skill, weight / 4) for name, (skill, weight) in _OTHERS.items()},
    }
