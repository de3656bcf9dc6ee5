"""What every arm shows along long walks; done once for all probes that ask about them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from worldsim.evaluation.footage import Reader, Window, nearest, palette, sharpness
from worldsim.evaluation.motion import Compass
from worldsim.evaluation.probe import Bench
from worldsim.evaluation.probes.horizon_walks import (
    Ends,
    Keys,
    Walk,
    begin,
    dreamed_stretches,
    ends,
    near,
    recorded,
    stroll,
    true_stretches,
)
from worldsim.evaluation.stage import Frame, script

MARKS = (64, 256, 1024, 4096)
"""Steps at which walks are compared."""

LATE_TURN, _LATE_TICKS = 5.0, 4
_LATE = (1920, 1952, 1984)
_FEW, _BANK = 6, 2  # worlds that bounds are taken from: at least so many, and so many a world
_READABLE = 0.75  # accuracy that the exact world's motion has to have all along

Plan = tuple[tuple[int, int], ...]
"""Groups of walks: how many, and how many steps."""


def standard(worlds: int) -> Plan:
    """The walks for a number of worlds: short ones for a smoke test, else up to 4096 steps."""
    if worlds < 8:
        return ((min(worlds, 4), 128),)
    return ((4, 4096), (4, 1024)) if worlds < 48 else ((8, 4096), (8, 1024))


def shorter(worlds: int) -> Plan:
    """The same for recorded input, up to 1024 steps."""
    return ((min(worlds, 4), 64 if worlds < 8 else 1024),)


@dataclass(frozen=True)
class Kind:
    """A way of walking: its keys by seed and steps, the walks, and what its motion has to be.

    tilts: pitches that motion is searched around, in degrees. least: accuracy of the exact world's
    motion in every stretch, below which another world is taken. every: show every stretch to the
    tokenizer, not only those before marks.
    """

    keys: Callable[[int, int], Keys]
    plan: Callable[[int], Plan]
    tilts: tuple[float, ...] = (0.0,)
    least: float = 0.0
    every: bool = False


STROLL = Kind(lambda seed, n: stroll(np.random.default_rng(seed), n), standard, least=_READABLE)
RECORDED = Kind(recorded, shorter, (-2.0, 0.0, 2.0), every=True)


@dataclass(frozen=True)
class Bounds:
    """What true footage never passes: ratios of sharpness, and distance of colours."""

    low: float
    high: float
    colours: float


@dataclass(frozen=True)
class Run:
    """The walks of a bench's model, and more that only the exact world took."""

    walks: list[Walk]
    spare: list[Walk]

    @cached_property
    def sharpness(self) -> float:
        """The mean sharpness of the exact footage as the model can show it at best."""
        walks = [*self.walks, *self.spare]
        every = [w.sharpness for walk in walks for w in walk.seen["reconstruction"].values()]
        return float(np.mean(every))

    @cached_property
    def bounds(self) -> Bounds:
        """As wide as true footage, and its reconstruction, of every world needs them.

        Half and twice the sharpness of the reconstruction at least; colours as far from the most
        similar of all other worlds' as those of any world are.
        """
        walks = [*self.walks, *self.spare]
        seen = [walk.seen[arm] for walk in walks for arm in ("truth", "reconstruction")]
        ratios = [w.sharpness / self.sharpness for windows in seen for w in windows.values()]
        colours = [
            self.strangeness(window, without=walk)
            for walk in walks
            for arm in ("truth", "reconstruction")
            for window in walk.seen[arm].values()
        ]
        return Bounds(min(0.5, *ratios), max(2.0, *ratios), max(colours))

    def strangeness(self, window: Window, without: Walk | None = None) -> float:
        """How far its colours are from the most similar stretch of the exact world, anywhere."""
        bank = [
            w.palette
            for walk in (*self.walks, *self.spare)
            if walk is not without
            for w in walk.seen["truth"].values()
        ]
        return nearest(window.palette, bank) if bank else 0.0


_KEPT: WeakKeyDictionary[Any, dict[tuple[Any, ...], Run]] = WeakKeyDictionary()


def walked(bench: Bench, kind: Kind) -> Run:
    """The walks of a kind, taken once for every model and bench."""
    kept = _KEPT.setdefault(bench.arms.model, {})
    key = kind, bench.worlds, bench.first_seed
    if key not in kept:
        kept[key] = _walk(bench, kind)
    return kept[key]


def late_ends(steps: int) -> list[int]:
    """The stretches after which turns are asked for: near step 2000, or the last ones."""
    return [e for e in _LATE if e <= steps] or ends(steps, ())[-len(_LATE) :]


def _walk(bench: Bench, kind: Kind) -> Run:
    seeds = iter(bench.seeds())
    bare = bench.stage.bare
    reader = Reader(Compass(bare, bench.stage.twin.camera()[2], kind.tilts), bare)
    walks = []
    for count, steps in kind.plan(bench.worlds):
        late = late_ends(steps)
        at = ends(steps, (*(m for m in MARKS if m <= steps), *late))
        group = list(_exact(bench, kind, reader, seeds, count, steps, at))
        _dream(bench, reader, group, at, late)
        walks += group
    few = ends(MARKS[0], ())
    missing = max(0, max(_FEW, _BANK * bench.worlds) - len(walks))
    return Run(walks, list(_exact(bench, kind, reader, seeds, missing, MARKS[0], few)))


def _exact(
    bench: Bench,
    kind: Kind,
    reader: Reader,
    seeds: Iterator[int],
    count: int,
    steps: int,
    at: Ends,
) -> Iterator[Walk]:
    """The first walks that suit, with what the exact world, its reconstruction and copy show."""
    while count:
        seed = next(seeds, None)
        if seed is None:
            return
        walk = Walk(seed, begin(bench.stage, seed), kind.keys(seed, steps))
        if _follow(bench, kind, reader, walk, at, late_ends(steps)):
            count -= 1
            yield walk


def _follow(bench: Bench, kind: Kind, reader: Reader, walk: Walk, at: Ends, late: Ends) -> bool:
    """Take a walk in the exact world; whether its motion can be judged all along."""
    still, reconstruct = walk.context.frames[-1:], bench.arms.model.reconstruct
    looks = sharpness(still, reader.bare), palette(still, reader.bare)
    for end, frames in true_stretches(bench.stage, walk, at):
        window = reader.read(frames, *walk.keys.part(end))
        if window.accuracy < kind.least:
            return False
        unmoved = Window(np.zeros_like(window.wanted), window.wanted, *looks)
        seen = {"truth": window, "copy": unmoved}
        if kind.every or end in near(MARKS):
            seen["reconstruction"] = reader.read(reconstruct(frames), *walk.keys.part(end))
        for arm, shown in seen.items():
            walk.seen.setdefault(arm, {})[end] = shown
        if end in MARKS:
            walk.pictures["truth", end] = frames[-1].copy()
        if end in late:
            _ask_exact(bench, reader, walk)
    return True


def _ask_exact(bench: Bench, reader: Reader, walk: Walk) -> None:
    for side in (-1, 0, 1):
        with bench.stage.aside():
            frames = bench.stage.play(_turn(side)).frames
        shown = {"truth": frames, "reconstruction": bench.arms.model.reconstruct(frames)}
        for arm, pictures in {**shown, "copy": frames[:1].repeat(len(frames), 0)}.items():
            walk.late.setdefault(arm, []).append((side, _turned(reader, pictures, walk)))


def _dream(bench: Bench, reader: Reader, walks: Sequence[Walk], at: Ends, late: Ends) -> None:
    """What the model shows, led by the keys of the walks; a little of it led by none."""
    for i in range(0, len(walks), bench.arms.batch):
        part = walks[i : i + bench.arms.batch]
        for end, frames in dreamed_stretches(bench, part, at):
            _read(reader, part, end, frames, "free")
            if end in late:
                _ask_model(bench, reader, part, frames[:, -1])
        for end, frames in dreamed_stretches(bench, part, ends(MARKS[0], ()), led=False):
            _read(reader, part, end, frames, "no-op")


def _read(reader: Reader, walks: Sequence[Walk], end: int, frames: Frame, arm: str) -> None:
    """Boil down what the model shows (b, 33, h, w, 3); and judge it by the keys of another walk."""
    windows = []
    for walk, own in zip(walks, frames, strict=True):
        windows.append(reader.read(own, *walk.keys.part(end)))
        walk.seen.setdefault(arm, {})[end] = windows[-1]
        if end in MARKS:
            walk.pictures[arm, end] = own[-1].copy()
    for i, (walk, window) in enumerate(zip(walks, windows, strict=True)):
        other = walks[i - 1].keys.part(end)[1]
        if arm == "free" and len(walks) > 1 and (other == walk.keys.part(end)[1]).all():
            mixed = replace(windows[i - 1], wanted=window.wanted)
            walk.seen.setdefault("shuffled", {})[end] = mixed


def _ask_model(bench: Bench, reader: Reader, walks: Sequence[Walk], last: Frame) -> None:
    model = bench.arms.model
    kept = model.snapshot()
    for side in (-1, 0, 1):
        model.restore(kept)
        keys = _turn(side)
        frames = [last, *(model.step(np.tile(k, (len(walks), 1))).copy() for k in keys)]
        bench.arms.frames += len(keys) * len(walks)
        for walk, own in zip(walks, np.stack(frames, 1), strict=True):
            walk.late.setdefault("free", []).append((side, _turned(reader, own, walk)))
    model.restore(kept)


def _turn(side: int) -> list[Any]:
    return script((_LATE_TICKS, {"camera": (0.0, LATE_TURN * side)}))


def _turned(reader: Reader, frames: Frame, walk: Walk) -> float:
    """How far frames turn to the right, as a share of what a turn is asked to be."""
    pitch = float(walk.keys.pitches[-1])
    turned = reader.compass.along(frames, pitch)[:, 0].sum()
    return float(turned / (LATE_TURN * _LATE_TICKS))
