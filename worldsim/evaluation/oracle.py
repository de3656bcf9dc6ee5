"""The exact world behind the protocol of a model, whole or with one planted fault.

The whole one has to score 1.0 everywhere, and each fault has to be found by the families that are
there to find it, and by no other: that is how the suite itself is tested.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from worldsim import actions
from worldsim.actions import Vector
from worldsim.evaluation.images import blur
from worldsim.evaluation.model import Floats, Frames
from worldsim.evaluation.stage import MIRROR, NOOP, Frame, Stage, mirrored_actions

_FORGETS = 12  # steps after which an edit is gone
_SPAWNS = 10  # steps between blocks out of nowhere
_INVENTED = 14  # pillars


@dataclass
class Game:
    """One row of an oracle: its own exact world, and what faults need to remember."""

    stage: Stage
    noise: int
    begun: bytes
    mirrored: bool = False
    steps: int = 0
    reward: float = 0.0
    edited: int | None = None
    late: deque[Vector] = field(default_factory=lambda: deque([NOOP]))

    def play(self, vector: Vector) -> Frame:
        """The frame of one tick."""
        frame, reward, _, _, info = self.stage.env.step(actions.from_vector(vector))
        self.reward = float(reward)
        if info["events"]["block_broken"] or info["events"]["block_placed"]:
            self.edited = self.steps
        self.steps += 1
        shown: Frame = frame
        return shown


Fault = Callable[[Game, Vector], Frame]
"""One tick of a game with something wrong in it: the frame (h, w, 3) that an action leads to."""


class Oracle:
    """A `WorldModel` that cheats: it is given the exact state and plays it.

    Args:
        fault: a name of `FAULTS`, "" for none.
        env_id: the exact world that plays; its rewards are those of `rewards`.
        dreams: vary what the context has not shown with the seed, as a model that invents would.
    """

    def __init__(
        self, fault: str = "", env_id: str = "WorldSim/VoxelChop-v0", dreams: bool = True
    ) -> None:
        self.name = f"oracle {fault}".strip()
        self.respawn = partial(Oracle, fault, env_id, dreams)
        self._fault = FAULTS[fault] if fault else Game.play
        self._env_id = env_id
        self._dreams = dreams and fault != "deaf to noise"
        self._stages: list[Stage] = []
        self._games: list[Game] = []

    def reset(
        self, frames: Frames, actions: Vector, seeds: Sequence[int], states: Sequence[bytes]
    ) -> None:
        """Begin at the exact states."""
        del frames, actions
        while len(self._stages) < len(states):
            self._stages.append(Stage(self._env_id))
            self._stages[-1].env.reset(seed=0)
        self._games = []
        for stage, seed, state in zip(self._stages, seeds, states, strict=False):
            exact = state.removeprefix(MIRROR)
            stage.twin.set_state(exact)
            if self._dreams:
                _invent(stage, seed)
            self._games.append(Game(stage, seed, exact, state != exact))

    def step(self, actions: Vector) -> Frames:
        """The frames (b, h, w, 3) of one tick."""
        pairs = zip(self._games, actions, strict=True)
        return np.stack([self._play(game, vector) for game, vector in pairs])

    def _play(self, game: Game, vector: Vector) -> Frame:
        if game.mirrored:
            return game.stage.mirrored(self._fault(game, mirrored_actions(vector)))
        return self._fault(game, vector)

    def rewards(self) -> Floats:
        """The exact rewards (b,) of the last tick."""
        return np.array([game.reward for game in self._games])

    def snapshot(self) -> Any:
        """The exact states, and what the faults remember."""
        return [(g.stage.twin.get_state(), replace(g, late=g.late.copy())) for g in self._games]

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        self._games = []
        for state, game in snapshot:
            game.stage.twin.set_state(state)
            self._games.append(replace(game, late=game.late.copy()))

    def reconstruct(self, frames: Frames) -> Frames:
        """The frames themselves."""
        return frames


def _invent(stage: Stage, seed: int) -> None:
    """Pillars drawn by the seed where the player does not look, out of the way."""
    rng, (x, y, z, yaw, _) = np.random.default_rng(seed), stage.pose()
    for _ in range(_INVENTED):
        angle = np.deg2rad(yaw + rng.uniform(65, 295))
        far = rng.uniform(8, 14)
        px, pz = int(np.floor(x - far * np.sin(angle))), int(np.floor(z + far * np.cos(angle)))
        kind = stage.kind(str(rng.choice(("bricks", "planks", "pumpkin"))))
        foot = max(int(y) - 1, stage.twin.surface(px, pz) + 1)
        for h in range(foot, foot + 4):
            if not stage.twin.block_at(px, h, pz):
                stage.twin.set_block(px, h, pz, kind)


def _swaps(game: Game, vector: Vector) -> Frame:
    """Left is right: keys and camera."""
    return game.play(mirrored_actions(vector))


def _forgets(game: Game, vector: Vector) -> Frame:
    """What was built or broken is as before after a while; the hotbar remembers."""
    frame = game.play(vector)
    if game.edited is None or game.steps - game.edited <= _FORGETS:
        return frame
    stage = game.stage
    with stage.aside():
        pose = stage.pose()
        stage.twin.set_state(game.begun)
        old = stage.look(pose, hud=False)
    return np.where(stage.bare[..., None], old, frame)


def _passes_walls(game: Game, vector: Vector) -> Frame:
    """Walking on through whatever stands in the way."""
    before = np.array(game.stage.pose())
    frame = game.play(vector)
    after = np.array(game.stage.pose())
    if vector[actions.INDEX["forward"]] and np.abs(after - before)[[0, 2]].max() < 0.02:
        yaw = np.deg2rad(after[3])
        after[[0, 2]] += -0.2 * np.sin(yaw), 0.2 * np.cos(yaw)
        game.stage.twin.place(after)
        return _now(game)
    return frame


def _floats(game: Game, vector: Vector) -> Frame:
    """Nothing ever comes down."""
    before = np.array(game.stage.pose())
    frame = game.play(vector)
    after = np.array(game.stage.pose())
    if after[1] < before[1]:
        after[1] = before[1]
        game.stage.twin.place(after)
        return _now(game)
    return frame


def _drifts(game: Game, vector: Vector) -> Frame:
    """Every frame 1 % nearer to grey."""
    frame = game.play(vector)
    part = 0.99**game.steps
    return np.round(part * frame + (1 - part) * 128).astype(np.uint8)


def _blurs(game: Game, vector: Vector) -> Frame:
    """As through frosted glass."""
    return blur(game.play(vector))


def _delays(game: Game, vector: Vector) -> Frame:
    """Every key one frame late."""
    game.late.append(vector)
    return game.play(game.late.popleft())


def _doubles(game: Game, vector: Vector) -> Frame:
    """Each block that comes or goes counts twice."""
    twin = game.stage.twin
    before = twin.hotbar()
    frame = game.play(vector)
    after = twin.hotbar()
    if after == before:
        return frame
    changed = [
        (kind, max(0, min(64, 2 * count - (old if kind in (was, 0) or not was else 0))))
        for (was, old), (kind, count) in zip(before, after, strict=True)
    ]
    twin.set_hotbar([(kind if count else 0, count) for kind, count in changed])
    return _now(game)


def _spawns(game: Game, vector: Vector) -> Frame:
    """Every now and then a block out of nowhere, in view."""
    frame = game.play(vector)
    if game.steps % _SPAWNS:
        return frame
    twin, rng = game.stage.twin, np.random.default_rng((game.noise, game.steps))
    x, y, z, yaw, _ = game.stage.pose()
    angle, far = np.deg2rad(yaw + rng.uniform(-20, 20)), rng.uniform(2.5, 4.5)
    place = x - far * np.sin(angle), y + rng.integers(0, 2), z + far * np.cos(angle)
    twin.set_block(*(int(np.floor(v)) for v in place), game.stage.kind("bricks"))
    return _now(game)


def _now(game: Game) -> Frame:
    frame: Frame = game.stage.twin.observe()
    return frame


FAULTS: dict[str, Fault] = {
    "swaps left and right": _swaps,
    "forgets edits": _forgets,
    "passes walls": _passes_walls,
    "floats": _floats,
    "drifts": _drifts,
    "blurs": _blurs,
    "delays keys": _delays,
    "doubles counts": _doubles,
    "spawns blocks": _spawns,
    "deaf to noise": Game.play,
}
"""What an oracle can have wrong with it, one at a time."""
