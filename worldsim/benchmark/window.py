"""What keeping keys and values saves: a pass with the past cached, and one over all of it."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from worldsim.benchmark.rows import Row, timed
from worldsim.benchmark.subject import Subject
from worldsim.models.cache import Cache
from worldsim.models.dynamics import Dynamics
from worldsim.models.packed import pack
from worldsim.models.sampler import noised

FRAMES = 32
"""Frames of the window that is computed anew: 31 of the past and the one to come."""


@dataclass(frozen=True)
class Clip:
    """One game: latents (1, t, z, y, x) of the past, noisy ones (1, 1, ...), actions (1, t+1, a).

    level: (1, t) of the noise that is in the past.
    """

    past: Tensor
    noisy: Tensor
    led: Tensor
    level: Tensor


def window_rows(subject: Subject) -> list[Row]:
    """Seconds of a pass either way, how many times as fast, and how far apart the results are."""
    simulator = subject.simulator
    clip = made_clip(simulator.dynamics, subject.world.contexts[0].latents[-1])
    with torch.inference_mode():
        cache = begun(simulator.dynamics, clip, at_once=1)
        cached = timed(lambda: passed(simulator.dynamics, clip, cache), subject.seconds)
        anew = timed(lambda: recomputed(simulator.dynamics, clip), subject.seconds)
    settings = {"batch": 1, "frames": FRAMES}
    fast, slow = min(cached), min(anew)
    return [
        Row("pass, past cached", 1000 * fast, "ms", settings),
        Row("pass, window computed anew", 1000 * slow, "ms", settings),
        Row("cache speedup", slow / fast, "times", settings),
        Row("cache difference", difference(simulator.dynamics, clip), "of latents", settings),
    ]


def made_clip(dynamics: Dynamics, latents: Tensor, frames: int = FRAMES) -> Clip:
    """A clip of random frames as large as these latents (z, y, x), and random actions."""
    config, device = dynamics.config, dynamics.registers.device
    generator = torch.Generator().manual_seed(0)
    past, noise = torch.randn(2, 1, frames - 1, *latents.shape, generator=generator).to(device)
    level = torch.full((1, frames - 1), 0.05, device=device)
    led = torch.rand(1, frames, config.action_size, generator=generator).round().to(device)
    return Clip(noised(past, noise, level), noise[:, :1], led, level)


def begun(dynamics: Dynamics, clip: Clip, at_once: int) -> Cache:
    """The cache after the clip's past, in passes over that many frames each."""
    grid = clip.past.shape[-2], clip.past.shape[-1]
    dtype = torch.float32 if clip.past.device.type == "cpu" else dynamics.registers.dtype
    cache = dynamics.empty_cache(1, grid, dtype)
    for i in range(0, clip.past.shape[1], at_once):
        part = slice(i, i + at_once)
        led = clip.led[:, :-1][:, part]
        known = torch.ones(led.shape[:2], dtype=torch.bool, device=led.device)
        scene = dynamics.scene(cache, led, known, clip.past)
        cache, _ = dynamics.commit(scene, clip.past[:, part], clip.level[:, part])
    return cache


def passed(dynamics: Dynamics, clip: Clip, cache: Cache) -> Tensor:
    """The clean latents (1, 1, z, y, x) of the frame to come, in one pass."""
    known = torch.ones(1, 1, dtype=torch.bool, device=clip.led.device)
    scene = dynamics.scene(cache, clip.led[:, -1:], known, clip.past)
    return dynamics.denoise(scene, clip.noisy, torch.ones(1, 1, device=clip.led.device))


def recomputed(dynamics: Dynamics, clip: Clip) -> Tensor:
    """As `passed`, of a model that has to look at the past again, under the same masks."""
    return passed(dynamics, clip, begun(dynamics, clip, at_once=dynamics.config.window))


def difference(dynamics: Dynamics, clip: Clip) -> float:
    """The largest difference of both results, in float32, where latents are about 1."""
    exact = copy.deepcopy(dynamics).float()
    with torch.inference_mode():
        pack(exact)
        cached = passed(exact, clip, begun(exact, clip, at_once=1))
        return float((cached - recomputed(exact, clip)).abs().max())
