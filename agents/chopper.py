"""A scripted policy that fells trees in the exact world, as well as it is told to."""

from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from agents.moves import MOVES, REPEAT, VECTORS, nearest
from agents.skills import LOGS, Script, Senses, walk
from agents.trees import Cell, eye, nearest_trunk, pit_ahead, seen_trunk, turn_to, way_to
from worldsim import actions
from worldsim.errors import UserError

if TYPE_CHECKING:
    from agents.trained import TrainedAgent

_LEAVES = (7, 10, 12)
_REACH = 4.4
_CLOSE = 1.5  # blocks over ground from which a trunk is felled
_TOUCH = 2.0  # blocks within which something is in the way
_PATIENCE = 160  # ticks for the way to a tree
_ON = 0.1  # how often one walks on instead, where no tree is seen
_GLANCE = 40.0  # degrees turned to the right at a time
_LEVEL = 5.0  # degrees of pitch at which one looks about
_TILTED = 10.0  # degrees from there at which one looks level first
_STROLL = 48  # ticks walked on


class Chopper:
    """Goes from tree to tree and fells them; looks trees up in the world, which no player can.

    Args:
        skill: share of the time, 0 to 1, in which it does so; the rest are random moves. None
            draws another skill for each episode. What it would have done in their stead is
            `intended`, so that recordings tell how to get out of where no good player gets.
        moves: play `agents.moves` only, each held for `repeat` ticks, as learning agents do.
        repeat: ticks that a move is held.
        sighted: go for trees that are in the picture only, and look about for one where none is,
            as a player has to; who learns from such recordings can see why.
        pupil: an agent's file or training folder; it plays where skill lapses, so that recordings
            tell what to do where it gets by itself (Ross et al. 2011, DAgger). Needs `moves`.
        world: world file whose tokenizer the pupil sees with; the shipped one if null.
        lapse: ticks that a lapse of skill lasts.
    """

    def __init__(
        self,
        skill: float | None = 1.0,
        moves: bool = False,
        repeat: int = REPEAT,
        sighted: bool = False,
        pupil: str | None = None,
        world: str | None = None,
        lapse: int = 8,
    ) -> None:
        if skill is not None and not 0 <= skill <= 1:
            raise UserError(f"skill is {skill}; needed 0 to 1, or null for one drawn an episode")
        if lapse < 1:
            raise UserError(f"lapse is {lapse} ticks; needed 1 or more")
        if pupil is not None and not moves:
            raise UserError(
                f"pupil={pupil} plays moves; needed moves=true, so that it is taught them"
            )
        self._wanted, self._moves, self._hold = skill, moves, repeat if moves else 1
        self._sighted, self._lasts = sighted, lapse
        self._pupil = None if pupil is None else _agent(pupil, world)

    def reset(self, seed: int, env: gym.Env[Any, Any], info: dict[str, Any]) -> None:
        """Begin an episode."""
        if not hasattr(env.unwrapped, "block_at"):
            raise UserError("the chopper looks for trees with block_at, which this world lacks")
        rng = np.random.default_rng(seed)
        self._senses = Senses(rng, info, env.unwrapped)
        self.skill = float(rng.uniform()) if self._wanted is None else self._wanted
        self._speed = float(rng.uniform(8, 20))
        self._script = iter(fell_trees(self._senses, self._sighted))
        self._tick, self._lapse = 0, -1
        self._around: list[dict[str, Any]] = []
        self.intended = actions.make()
        if self._pupil is not None:
            self._pupil.reset(seed, env, info)

    def act(self, observation: Any, info: dict[str, Any]) -> actions.Action:
        """The next action."""
        self._senses.info = info
        if self._tick % self._lasts == 0:
            fails = self._senses.rng.random() >= self.skill
            self._lapse = int(self._senses.rng.integers(len(MOVES))) if fails else -1
        if self._tick % self._hold == 0:
            self.intended = self._played(self._next())
        self._tick += 1
        if self._pupil is None:
            lapse = actions.from_vector(VECTORS[self._lapse])
        else:  # who sees all the time, also where it does not play
            lapse = self._pupil.act(observation, info)
        return self.intended if self._lapse < 0 else lapse

    def _next(self) -> dict[str, Any]:
        """What the script wants; who sees turns aside before a pit, and walks on from there."""
        if not self._sighted:
            return next(self._script)
        wanted = self._around.pop() if self._around else next(self._script)
        aside = float(wanted.get("camera", (0.0, 0.0))[1])
        if not wanted.get("forward") or not pit_ahead(self._senses, aside):
            return wanted
        self._around = [{"forward": 1}] * 2
        return {"camera": (0.0, _GLANCE)}

    def _played(self, controls: dict[str, Any]) -> actions.Action:
        """The action for controls whose camera is the whole way that is left to turn."""
        turn = np.asarray(controls.get("camera", (0.0, 0.0)), np.float64)
        rest = {name: value for name, value in controls.items() if name != "camera"}
        if self._moves:
            keys = actions.to_vector(actions.make(**rest))
            return actions.from_vector(VECTORS[nearest(keys, turn, self._hold)])
        return actions.make(**rest, camera=turn.clip(-self._speed, self._speed))


def _agent(path: str, world: str | None) -> "TrainedAgent":
    from agents.trained import TrainedAgent  # which needs torch; scripts alone do without

    return TrainedAgent(path, world)


def fell_trees(s: Senses, sighted: bool = False) -> Script:
    """Fell one tree after another, for ever; walk on where none stands near, or is seen."""
    left: set[Cell] = set()
    while True:
        trunk = seen_trunk(s, left) if sighted else nearest_trunk(s, left)
        if trunk is None:
            yield from _search(s, left) if sighted else _wander(s, left)
            continue
        yield from _approach(s, trunk)
        yield from _fell(s, trunk)
        left.add(trunk)


def _wander(s: Senses, left: set[Cell]) -> Script:
    """Walk on, and forget which trees were left."""
    left.clear()
    yield from walk(s)


def _search(s: Senses, left: set[Cell]) -> Script:
    """Turn about until a tree is seen, and now and then walk on, until one is.

    When to walk is left to chance, not to how far one has turned: who imitates this cannot know.
    """
    while seen_trunk(s, left) is None:
        down = _LEVEL - float(s.info["pitch"])
        if abs(down) > _TILTED:
            yield {"camera": (down, 0.0)}
        elif not s.chance(_ON):
            yield {"camera": (0.0, _GLANCE)}
        else:
            left.clear()
            yield from _stroll(s, left)


def _stroll(s: Senses, left: set[Cell]) -> Script:
    """Walk straight on until a tree is seen, and dig through what stands in the way."""
    begun, stuck = s.info["tick"], 0
    while s.info["tick"] < begun + _STROLL and seen_trunk(s, left) is None:
        slow = s.slow()
        stuck += slow
        if slow and stuck > 2 and _touches(s):
            yield from _clear(s)
            continue
        if stuck > 8:
            return
        yield {"forward": 1, "sprint": 1, "jump": int(slow or bool(s.info.get("in_water", 0)))}


def _approach(s: Senses, trunk: Cell) -> Script:
    """Walk up to a trunk, hopping over steps and clearing leaves; give up when stuck."""
    stuck = detours = 0
    begun = s.info["tick"]
    while s.info["tick"] < begun + _PATIENCE:
        away = way_to(s, trunk)
        if away < _CLOSE or detours > 2:
            return
        pitch, yaw = turn_to(s, np.array([trunk[0] + 0.5, eye(s)[1], trunk[1] + 0.5]))
        ahead = abs(yaw) < 50
        slow = ahead and s.slow()
        stuck += slow
        if slow and stuck > 2 and _touches(s):
            yield from _clear(s)
            continue
        if stuck > 8:
            stuck, detours = 0, detours + 1
            yield from _detour(s)
            continue
        yield {
            "forward": int(ahead),
            "sprint": int(away > 4 and abs(yaw) < 15),
            "jump": int(slow or bool(s.info.get("in_water", 0))),
            "camera": (pitch, yaw),
        }


def _touches(s: Senses) -> bool:
    """Whether what is aimed at stands in the way."""
    return s.aimed and bool(s.info["target_distance"] < _TOUCH)


def _clear(s: Senses) -> Script:
    """Dig what stands in the way."""
    for _ in range(24):
        yield {"attack": 1}
        if not s.aimed or s.info["target_distance"] > _TOUCH:
            return


def _detour(s: Senses) -> Script:
    """A few steps back and to one side."""
    side = float(s.rng.choice([-1, 1]))
    for _ in range(3):
        yield {"back": 1}
    yield {"camera": (0.0, 60 * side)}
    for _ in range(8):
        yield {"forward": 1, "jump": int(s.slow())}


def _next_log(s: Senses, trunk: Cell) -> NDArray[Any] | None:
    """The middle of the log of a trunk that is in reach and asks for the least turning."""
    assert s.world is not None
    x, z = trunk
    here = eye(s)
    best: tuple[float, NDArray[Any]] | None = None
    for y in range(int(here[1]) - 5, int(here[1]) + 6):
        middle = np.array([x, y, z]) + 0.5
        if s.world.block_at(x, y, z) not in LOGS or np.linalg.norm(middle - here) > _REACH:
            continue
        turn = abs(turn_to(s, middle)[0])
        if best is None or turn < best[0]:
            best = turn, middle
    return None if best is None else best[1]


def _fell(s: Senses, trunk: Cell) -> Script:
    """Break the logs of a trunk that are in reach, and what hides them."""
    hidden = 0
    for _ in range(200):
        middle = _next_log(s, trunk)
        if middle is None or hidden > 24:
            return
        pitch, yaw = turn_to(s, middle)
        if s.info["target_block"] in LOGS:
            yield {"attack": 1}
        elif max(abs(pitch), abs(yaw)) > 9:
            yield {"camera": (pitch, yaw)}
        elif s.aimed:
            hidden += s.info["target_block"] not in _LEAVES
            yield {"attack": 1, "camera": (pitch, yaw)}
        else:
            hidden += 1
            yield {"forward": 1, "camera": (pitch, yaw)}
