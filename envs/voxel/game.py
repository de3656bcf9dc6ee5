"""One tick of all the rules: camera, hotbar, digging, placing, moving, falling sand, time.

`Game` is the whole state of the world; equal games given equal controls stay equal to the last bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envs.voxel import physics
from envs.voxel.blocks import AIR, DROPS, FALLS, HARDNESS, LEAVES, LOGS, WATER
from envs.voxel.generate import HEIGHT, SEA, column
from envs.voxel.sky import axes
from envs.voxel.textures import STAGES
from envs.voxel.world import World

REACH = 4.5
STACK = 64
FULL_HEALTH = 20
EVENTS = (
    "log_collected", "block_broken", "block_placed", "damage", "death", "beacon_reached",
    "item_dropped", "block_cracked", "cracks_closed", "block_fell",
)  # fmt: skip

_SAFE_FALL = 3.0
_PLACE_PAUSE = 4  # ticks between blocks while the button is held
_FALL_PAUSE = 2  # ticks between two blocks of a fall of sand
_HEAL_PAUSE = 80
_HURT = 6  # ticks of red
_NO_GROUND = {AIR, WATER, *LEAVES, *LOGS}
_SIDES = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))

Cell = tuple[int, int, int]


@dataclass
class Controls:
    """The keys of one tick; `ahead` and `right` are -1, 0, 1, camera degrees, `slot` -1 to keep."""

    ahead: int = 0
    right: int = 0
    jump: bool = False
    sneak: bool = False
    sprint: bool = False
    attack: bool = False
    use: bool = False
    drop: bool = False
    slot: int = -1
    pitch: float = 0.0
    yaw: float = 0.0


@dataclass
class Target:
    """The block looked at: its cell, the face seen (index of +x -x +y -y +z -z), how far, which."""

    cell: Cell = (0, -1, 0)
    face: int = -1
    distance: float = REACH
    kind: int = AIR


@dataclass
class Game:
    """The state of one world and its player."""

    world: World
    body: NDArray[np.float64]
    clock: int
    blocks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(9, np.int64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(9, np.int64))
    selected: int = 0
    health: int = FULL_HEALTH
    tick: int = 0
    digging: Cell = (0, -1, 0)
    dug: int = 0
    place_pause: int = 0
    hurt: int = 0
    unstable: tuple[Cell, ...] = ()
    events: dict[str, float] = field(default_factory=lambda: dict.fromkeys(EVENTS, 0.0))

    def eye(self) -> NDArray[np.float64]:
        """Where the player looks from, (3,)."""
        low = self.body[physics.SNEAKING] > 0
        height = physics.EYE_SNEAKING if low else physics.EYE
        return self.body[:3] + np.array([0.0, height, 0.0])

    def target(self) -> Target:
        """The block within reach that the crosshair is on."""
        forward, _, _ = axes(self.body[physics.YAW], self.body[physics.PITCH])
        x, y, z, face, distance = physics.aim(self.world.cells, *self.eye(), *forward, REACH)
        if face < 0:
            return Target()
        return Target((x, y, z), face, distance, self.world.get(x, y, z))

    def breaking(self) -> float:
        """How far the block being dug is broken, 0 to 1."""
        kind = self.world.get(*self.digging) if self.dug else AIR
        return self.dug / max(1, int(HARDNESS[kind])) if self.dug else 0.0

    def crack(self) -> int:
        """The stage of the cracks in the block being dug; -1: there are none."""
        return min(STAGES - 1, int(self.breaking() * STAGES)) if self.dug else -1

    def step(self, controls: Controls) -> None:
        """Advance one tick; what happened is in `events`."""
        self.handle(controls)
        if controls.drop and self.counts[self.selected] > 0:
            self._take_one()
            self.events["item_dropped"] = 1.0
        self._move(controls)
        if self.tick % _FALL_PAUSE == 0:
            self._settle()
        self._heal()
        self.tick += 1
        self.clock += 1

    def handle(self, controls: Controls) -> None:
        """What a tick begins with: the camera turns, hands take a slot, dig and place."""
        self.events = dict.fromkeys(EVENTS, 0.0)
        body = self.body
        body[physics.YAW] = (body[physics.YAW] + controls.yaw + 180.0) % 360.0 - 180.0
        body[physics.PITCH] = min(90.0, max(-90.0, body[physics.PITCH] + controls.pitch))
        if controls.slot >= 0:
            self.selected = controls.slot
        target = self.target()
        self._dig(target, controls.attack)
        self._place(target, controls.use)

    def _dig(self, target: Target, held: bool) -> None:
        digs = held and target.face >= 0 and HARDNESS[target.kind] > 0
        before = self.crack()
        if before >= 0 and not (digs and target.cell == self.digging):
            self.events["cracks_closed"] = 1.0
            self.dug, before = 0, -1
        if not digs:
            return
        self.digging = target.cell
        self.dug += 1
        if self.dug < HARDNESS[target.kind]:
            self.events["block_cracked"] = float(self.crack() > before)
            return
        self.dug = 0
        self.world.set(*target.cell, AIR)
        self._disturb(target.cell)
        self.events["block_broken"] = 1.0
        if target.kind in LOGS:
            self.events["log_collected"] = 1.0
        self.collect(int(DROPS[target.kind]), 1)

    def _place(self, target: Target, held: bool) -> None:
        if not held:
            self.place_pause = 0
            return
        if self.place_pause > 0:
            self.place_pause -= 1
            return
        if target.face < 0 or self.counts[self.selected] <= 0:
            return
        side = _SIDES[target.face]
        x, y, z = (a + b for a, b in zip(target.cell, side, strict=True))
        free = 0 < y < HEIGHT and self.world.get(x, y, z) in (AIR, WATER)
        if not free or physics.overlaps(self.body, x, y, z):
            return
        self.world.set(x, y, z, int(self.blocks[self.selected]))
        self._take_one()
        self._disturb((x, y, z))
        self.place_pause = _PLACE_PAUSE - 1
        self.events["block_placed"] = 1.0

    def hold(self, slots: Sequence[tuple[int, int]]) -> None:
        """Put stacks of (kind, count) into the first slots, and nothing into the others."""
        self.blocks[:], self.counts[:] = AIR, 0
        for slot, (kind, count) in enumerate(slots):
            self.blocks[slot], self.counts[slot] = kind, count

    def collect(self, kind: int, count: int) -> None:
        """Put blocks onto a stack of their kind, else into a free slot, else lose them."""
        for slot in range(9):
            if self.counts[slot] and self.blocks[slot] == kind and self.counts[slot] < STACK:
                self.counts[slot] = min(STACK, self.counts[slot] + count)
                return
        for slot in range(9):
            if not self.counts[slot]:
                self.blocks[slot], self.counts[slot] = kind, count
                return

    def _take_one(self) -> None:
        self.counts[self.selected] -= 1
        if not self.counts[self.selected]:
            self.blocks[self.selected] = AIR

    def _move(self, controls: Controls) -> None:
        self.world.load_around(self.body[physics.X], self.body[physics.Z])
        angle = math.radians(self.body[physics.YAW])
        fallen = physics.move(
            self.world.cells, self.body, controls.ahead, controls.right, controls.jump,
            controls.sneak, controls.sprint, round(math.sin(angle), 9), round(math.cos(angle), 9),
        )  # fmt: skip
        self.world.load_around(self.body[physics.X], self.body[physics.Z])
        self._harm(max(0, math.ceil(fallen - _SAFE_FALL - 1e-6)))

    def _harm(self, damage: int) -> None:
        self.hurt = max(0, self.hurt - 1)
        if damage <= 0:
            return
        self.health = max(0, self.health - damage)
        self.hurt = _HURT
        self.events["damage"] = float(damage)
        if self.health == 0:
            self.events["death"] = 1.0

    def _heal(self) -> None:
        if 0 < self.health < FULL_HEALTH and self.tick % _HEAL_PAUSE == _HEAL_PAUSE - 1:
            self.health += 1

    def _disturb(self, cell: Cell) -> None:
        """Let sand at or above a changed cell fall."""
        x, y, z = cell
        self.unstable = tuple(sorted({*self.unstable, cell, (x, y + 1, z)}))

    def _settle(self) -> None:
        """Drop every unstable block of sand by one."""
        still: set[Cell] = set()
        for x, y, z in self.unstable:
            kind = self.world.get(x, y, z)
            below = self.world.get(x, y - 1, z)
            if y > 0 and FALLS[kind] and below in (AIR, WATER):
                self.world.set(x, y, z, AIR)
                self.world.set(x, y - 1, z, kind)
                self.events["block_fell"] += 1.0
                still |= {(x, y - 1, z), (x, y + 1, z)}
        self.unstable = tuple(sorted(still))


def dry_column(seed: int, x: int, z: int) -> tuple[int, int]:
    """The nearest dry column (x, z) to the one given, searched along a square spiral."""
    dx, dz, sx, sz = 0, 0, 0, -4
    for _ in range(4000):
        ground, _ = column(seed, x + dx, z + dz)
        if ground > SEA:
            break
        if dx == dz or (dx < 0 and dx == -dz) or (dx > 0 and dx == 4 - dz):
            sx, sz = -sz, sx
        dx, dz = dx + sx, dz + sz
    return x + dx, z + dz


def stand(world: World, x: int, z: int) -> NDArray[np.float64]:
    """A body standing at rest in the middle of a column, on its highest ground with room above."""
    world.load_around(x, z)
    column = [world.get(x, y, z) for y in range(HEIGHT)] + [AIR, AIR]
    ground = [
        y
        for y in range(HEIGHT)
        if column[y] not in _NO_GROUND and not {column[y + 1], column[y + 2]} - {AIR, WATER}
    ]
    body = np.zeros(physics.FIELDS)
    body[: physics.Z + 1] = x + 0.5, max(ground, default=HEIGHT) + 1, z + 0.5
    body[physics.GROUND] = 1.0
    return body
