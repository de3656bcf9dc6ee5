"""The fps contract: what a machine gives up, in which order, so that a dream keeps its pace.

`worldsim play fps=20` plays the world as it was exported, in the precision and with the threads
that torch has by default, if this machine holds 20 frames a second that way. If not, it gives up,
one after the other and no more than it needs:

1. threads: as many as are fastest here, which costs nothing;
2. precision: bfloat16 even where it is only a little faster;
3. sampling steps, one at a time, down to one; a number of steps that was asked for stays;
4. the pace itself: frames come as fast as the machine makes them, and the overlay says so.

Size, memory and the player's latency are never touched. `choose` decides and is a pure function of
what was measured.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from worldsim.device import DTYPES, matmul_seconds
from worldsim.simulator import Simulator
from worldsim.state import State
from worldsim.world import World

SPARE = 0.15
"""Share of a tick that is left for the window and for slow frames."""

SECONDS = 1.0
"""After which no further way is measured; what was not measured is not chosen."""

_LEAST, _MOST, _EACH = 2, 8, 0.2  # frames of which the median counts, and seconds for them

Reload = Callable[[str], World]


@dataclass(frozen=True)
class Way:
    """A precision ("float32", "bfloat16") and a number of threads to dream with."""

    dtype: str
    threads: int


@dataclass(frozen=True)
class Cost:
    """Seconds of one pass of the network, and of all else that a frame takes."""

    step: float
    rest: float


@dataclass(frozen=True)
class Pace:
    """How a dream is played.

    fps: frames a second that the machine is able to hold that way, `wanted` if it can do more.
    """

    way: Way
    steps: int
    fps: float
    wanted: float

    def use(self) -> None:
        """Let the thread that calls this dream with as many threads as were picked."""
        if torch.get_num_threads() != self.way.threads:
            torch.set_num_threads(self.way.threads)

    def __str__(self) -> str:
        """What was picked, for people."""
        held = "holds" if self.fps >= self.wanted else f"{self.fps:.0f} of"
        threads = f"{self.way.threads} thread" + "s" * (self.way.threads != 1)
        steps = f"{self.steps} step" + "s" * (self.steps != 1)
        return f"{self.way.dtype}, {threads}, {steps}: {held} {self.wanted:g} fps"


def choose(
    wanted: float,
    costs: Mapping[Way, Cost],
    usual: Way,
    steps: int,
    least: int = 1,
) -> Pace:
    """The pace that holds `wanted` frames a second and gives up least, or the fastest there is.

    costs: of what was measured, `usual` among them, which is what is played if nothing is to be
    given up. steps: sampling steps of the world; `least` stay.
    """
    fewest = min(steps, least)
    offers = [(usual, steps)]
    for ways in (_with(costs, usual.dtype), list(costs)):
        offers.append((_fastest(costs, ways, steps), steps))
    for fewer in range(steps - 1, fewest - 1, -1):
        offers.append((_fastest(costs, list(costs), fewer), fewer))
    for way, number in offers:
        if rate(costs[way], number) >= wanted:
            return Pace(way, number, wanted, wanted)
    way, number = max(offers, key=lambda offer: rate(costs[offer[0]], offer[1]))
    return Pace(way, number, rate(costs[way], number), wanted)


def rate(cost: Cost, steps: int) -> float:
    """Frames a second that are held with that many sampling steps, with time to spare."""
    return (1 - SPARE) / (cost.rest + steps * cost.step)


def kept(
    world: World, wanted: float, least: int = 1, reload: Reload | None = None
) -> tuple[World, Pace]:
    """The world as it is to be played at `wanted` frames a second on this machine, and the pace.

    Measures it as it is first; only if that is too slow, the other ways and fewer steps. Calls
    `Pace.use` for the thread it runs in. reload: gives the same world in the precision of a name;
    without it precision is not for giving up.
    """
    began = time.perf_counter()
    simulator = world.simulator
    usual = Way(_name(simulator.dtype), torch.get_num_threads())
    worlds, steps, games = {usual.dtype: world}, simulator.config.steps, _begun(world)
    if games is None:
        return world, Pace(usual, steps, wanted, wanted)
    costs = {usual: Cost(0.0, _seconds(simulator, games))}
    if rate(costs[usual], steps) < wanted:
        for way in [usual, *_others(usual, simulator.device, reload is not None)]:
            if way != usual and time.perf_counter() - began > SECONDS:
                break
            if way.dtype not in worlds and reload is not None:
                worlds[way.dtype] = reload(way.dtype)
            torch.set_num_threads(way.threads)
            costs[way] = _cost(worlds[way.dtype].simulator, games)
    pace = choose(wanted, costs, usual, steps, least)
    pace.use()
    chosen = worlds[pace.way.dtype]
    return replace(chosen, simulator=chosen.simulator.with_steps(pace.steps)), pace


def _others(usual: Way, device: torch.device, any_dtype: bool) -> Iterator[Way]:
    """Ways that may be faster than the usual one, the most promising first."""
    dtypes = [usual.dtype]
    if any_dtype:
        own = matmul_seconds(device, DTYPES[usual.dtype])
        dtypes += [n for n, d in DTYPES.items() if n != usual.dtype and _faster(device, d, own)]
    threads = [usual.threads]
    while device.type == "cpu" and threads[-1] > 1:
        threads.append(threads[-1] // 2)
    for dtype in dtypes:
        for count in threads:
            if Way(dtype, count) != usual:
                yield Way(dtype, count)


def _faster(device: torch.device, dtype: torch.dtype, seconds: float) -> bool:
    try:
        return matmul_seconds(device, dtype) < seconds
    except (RuntimeError, TypeError):  # no such kernels here
        return False


def _begun(world: World) -> State | None:
    """A game from the first start context, if there is one."""
    if not world.contexts:
        return None
    context = world.contexts[0]
    return world.simulator.reset(context.latents[None], context.actions[None], [0])


def _cost(simulator: Simulator, games: State) -> Cost:
    """What a frame costs, by frames of all the steps and of one."""
    steps = simulator.config.steps
    whole = _seconds(simulator, games)
    if steps == 1:
        return Cost(0.0, whole)
    one = _seconds(simulator.with_steps(1), games)
    step = max(whole - one, 0.0) / (steps - 1)
    return Cost(step, whole - steps * step)


def _seconds(simulator: Simulator, games: State) -> float:
    """The median of a few frames, after one that does not count."""
    led = np.zeros((1, 1, simulator.dynamics.config.action_size), np.float32)
    taken: list[float] = []
    while len(taken) < _LEAST + 1 or (len(taken) < _MOST and sum(taken) < _EACH):
        begun = time.perf_counter()
        games, step = simulator.step(games, led)
        _ = step.frames
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken[1:]))


def _with(costs: Mapping[Way, Cost], dtype: str) -> list[Way]:
    return [way for way in costs if way.dtype == dtype]


def _fastest(costs: Mapping[Way, Cost], ways: list[Way], steps: int) -> Way:
    return max(ways, key=lambda way: rate(costs[way], steps))


def _name(dtype: torch.dtype) -> str:
    return next(name for name, kind in DTYPES.items() if kind == dtype)
