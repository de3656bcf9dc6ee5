"""The exact world's speed, the tokenizer's, and what sampling steps cost and bring."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from worldsim.benchmark.operations import operations
from worldsim.benchmark.rows import Row, speed, timed
from worldsim.benchmark.subject import Subject
from worldsim.data import environments
from worldsim.data.record import Config as RecordConfig
from worldsim.data.record import make_policy
from worldsim.evaluation.clips import collect
from worldsim.evaluation.images import psnr
from worldsim.evaluation.model import Dreamer

BATCHES = (1, 8, 32)
EXACT = "exact world"
QUALITY = (1, 2, 4, 8)
HORIZONS = (1, 4, 16)
_CONTEXT, _WAIT = 16, 40
_SEEDS = 800_000  # held out
_EPISODE = 200  # ticks, then another world


def exact_world(subject: Subject) -> Iterator[list[Row]]:
    """Steps a second of the world that the dream learnt from, as the explorer walks in it.

    One core; pictures and the making of new land are part of a step, the explorer's thoughts not.
    """
    env, policy = _exact(subject), make_policy(RecordConfig(policy="explorer"))
    env.reset(seed=0)  # compiles
    env.step(env.action_space.sample())
    taken: list[float] = []
    seed = _SEEDS
    while sum(taken) < subject.seconds:
        observation, info = env.reset(seed=seed)
        policy.reset(seed, env, info)
        for _ in range(_EPISODE):
            action = policy.act(observation, info)
            begun = time.perf_counter()
            observation, _, ended, cut, info = env.step(action)
            taken.append(time.perf_counter() - begun)
            if ended or cut or sum(taken) > subject.seconds:
                break
        seed += 1
    env.close()
    yield [speed(EXACT, taken, 1, {"cores": 1}, unit="steps/s")]


def tokenizer(subject: Subject) -> Iterator[list[Row]]:
    """Frames a second of the tokenizer, both ways."""
    simulator = subject.simulator
    for b in BATCHES:
        state = subject.games(b)
        frames = simulator.render(state)
        calls = {
            "encode": lambda: simulator.encode(frames),  # noqa: B023  # called in this turn only
            "decode": lambda: simulator.decode(state.latents[:, None]),  # noqa: B023
        }
        yield [
            speed(
                name,
                timed(call, subject.seconds),
                b,
                {"batch": b},
                operations(call),
                subject.peak,
            )
            for name, call in calls.items()
        ]


def quality(subject: Subject, clips: int) -> Iterator[list[Row]]:
    """PSNR of dreams beside the exact world, for few and for many sampling steps.

    Clips of held-out worlds, led by the explorer; all pixels, the mean over clips.
    """
    env = _exact(subject)
    shown = collect(env, "explorer", range(_SEEDS, _SEEDS + clips), _CONTEXT, max(HORIZONS), _WAIT)
    env.close()
    for steps in QUALITY:
        model = Dreamer(subject.world)
        model.simulator = subject.simulator.with_steps(steps)
        model.reset(
            np.stack([clip.frames[:_CONTEXT] for clip in shown]),
            np.stack([clip.actions[: _CONTEXT - 1] for clip in shown]),
            [clip.seed for clip in shown],
            [b""] * len(shown),
        )
        rows = []
        for ahead in range(1, max(HORIZONS) + 1):
            frames = model.step(np.stack([clip.actions[_CONTEXT + ahead - 2] for clip in shown]))
            if ahead in HORIZONS:
                truth = np.stack([clip.frames[_CONTEXT + ahead - 1] for clip in shown])
                error = (frames.astype(np.float64) - truth) ** 2
                scores = [psnr(value) for value in error.mean((1, 2, 3))]
                settings = {"steps": steps, "frame": ahead, "clips": len(shown)}
                rows.append(Row("PSNR", float(np.mean(scores)), "dB", settings))
        yield rows


def _exact(subject: Subject) -> Any:
    """The environment that start contexts come from."""
    origin = subject.world.contexts[0].origin
    return environments.make(origin.env_id, **origin.env_options)
