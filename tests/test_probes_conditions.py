"""What has to hold before skills count: noise, engineering truths, and rewards to plan by."""

import numpy as np
import pytest
from asking import FIRST, bench_of

from worldsim.evaluation.arms import Arms
from worldsim.evaluation.oracle import Oracle
from worldsim.evaluation.probe import Bench
from worldsim.evaluation.probes import decisions, diffusion, engineering
from worldsim.evaluation.results import part_of

NAMED = {p.name: p for module in (diffusion, engineering, decisions) for p in module.PROBES}


def free(stage, name, model):
    bench = Bench(stage, Arms(model, stage, 4), 1, FIRST)
    return part_of(NAMED[name], NAMED[name].run(bench), "").mean("free")


@pytest.mark.parametrize("name", NAMED)
def test_the_exact_world_meets_every_condition(stage, name):
    part = part_of(NAMED[name], NAMED[name].run(bench_of(stage)), "")
    assert part.mean("truth") == part.mean("reconstruction") == part.mean("free") == 1
    assert part.mean("copy") <= 0.2


def test_a_dream_deaf_to_its_noise_is_found(stage):
    assert free(stage, "noise", Oracle("deaf to noise")) == 0
    assert free(stage, "noise", Oracle("doubles counts")) == 1


class Leaky(Oracle):
    """A touch brighter with each game that was ever begun."""

    begun = 0

    def reset(self, *context):
        super().reset(*context)
        self.begun += 1

    def step(self, actions):
        return np.minimum(super().step(actions), 255 - self.begun)


class Forgetful(Oracle):
    """Goes back to a snapshot in all but a counter."""

    ticks = 0

    def step(self, actions):
        self.ticks += 1
        return np.minimum(super().step(actions), 255 - self.ticks)

    def reset(self, *context):
        super().reset(*context)
        self.ticks = 0


class Crowded(Oracle):
    """Two of 255 darker in company."""

    def step(self, actions):
        frames = super().step(actions)
        return frames if len(frames) == 1 else np.maximum(frames, 2) - np.uint8(2)


@pytest.mark.parametrize(
    ("model", "found_by"),
    [
        (Leaky, {"repeats", "snapshot"}),
        (Forgetful, {"snapshot", "fork"}),
        (Crowded, {"batch"}),
    ],
)
def test_engineering_faults_are_found(stage, model, found_by):
    names = ("repeats", "snapshot", "fork", "batch")
    lost = {name for name in names if free(stage, name, model()) < 1}
    assert found_by <= lost
    assert lost - found_by <= {"batch"}  # whose rows are also games begun one after another


def test_models_without_the_means_are_left_out(stage):
    bare = Oracle()
    del bare.respawn
    bench = Bench(stage, Arms(bare, stage, 4), 1, FIRST)
    outcome = NAMED["processes"].run(bench)
    assert outcome.scores == {}
    assert "respawn" in outcome.details["left out"]


def test_plans_are_ranked_by_return():
    exact = np.array([[0.0, 1, 1], [0, 1, 0], [0, 0, 0]])
    assert decisions.top(exact, exact) == 1
    assert decisions.top(exact, np.zeros_like(exact)) == pytest.approx(1 / 3)
    assert decisions.regret(exact, exact[::-1]) == 1
    assert decisions.regret(exact, exact[[1, 0, 2]]) == pytest.approx(0.5)
    far = np.zeros((1, 12))
    far[0, 2] = 1
    assert decisions.unearned(far)[0].tolist() == 6 * [False] + 6 * [True]
