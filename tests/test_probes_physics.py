"""The probes of physics, answered by the exact world: whole, standing still, or with a fault."""

import numpy as np
import pytest

from worldsim.evaluation.arms import Arms
from worldsim.evaluation.instances import list_hash
from worldsim.evaluation.oracle import Oracle
from worldsim.evaluation.probe import Outcome
from worldsim.evaluation.probes import physics_props, physics_reach
from worldsim.evaluation.probes.physics import PROBES
from worldsim.evaluation.results import part_of
from worldsim.evaluation.stage import UnsuitedError
from worldsim.evaluation.suite import answers

SEED = 700_007
NAMED = {probe.name: probe for probe in PROBES}


@pytest.fixture(scope="module")
def trials(stage):
    """The trials of a probe in one world, made once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = NAMED[name].make(stage, SEED, np.random.default_rng(SEED))
        return made[name]

    return get


@pytest.fixture(scope="module")
def oracles():
    made = {}
    return lambda fault="": made.setdefault(fault, Oracle(fault))


def score(name, rows):
    """The mean score of the only arm that the rows are of."""
    return part_of(NAMED[name], Outcome(rows), "").mean(rows[0].arm)


def free(stage, oracle, asked):
    """The frames asked about, of an oracle running on its own."""
    at = [[q.at for q in trial.questions] for trial in asked]
    return Arms(oracle, stage, batch=1).play(asked, [trial.script for trial in asked], at)


@pytest.mark.parametrize("name", NAMED)
def test_the_exact_world_is_right_and_a_still_picture_is_not(name, stage, trials, oracles):
    asked = trials(name)
    arms = Arms(oracles(), stage)
    truths = [arms.truth(trial) for trial in asked]
    true = [{q.at: f[q.at] for q in t.questions} for t, f in zip(asked, truths, strict=True)]
    still = [{q.at: trial.frames[-1] for q in trial.questions} for trial in asked]
    rows = answers(stage, asked, {"truth": true})
    assert score(name, rows) == 1.0
    assert min(row.margin for row in rows) == 1.0
    assert score(name, answers(stage, asked, {"free": free(stage, oracles(), asked)})) == 1.0
    floor = 1 / 3 if name == "jump" else 0.0
    assert score(name, answers(stage, asked, {"copy": still})) == pytest.approx(floor)


@pytest.mark.parametrize("name", NAMED)
def test_trials_are_balanced_short_and_told_apart(name, trials):
    asked = trials(name)
    assert {trial.split for trial in asked} == {"in", "out"}
    assert len({(trial.case, trial.split) for trial in asked}) == len(asked)
    assert len({trial.noise for trial in asked}) == len(asked)
    for trial in asked:
        assert len(trial.actions) == 15
        assert max(q.at for q in trial.questions) == len(trial.script) - 1 <= 32
    rights = {q.names[q.right] for trial in asked for q in trial.questions}
    assert len(rights) > 1 or name == "parallax"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("wall", "passes walls"),
        ("step_up", "passes walls"),
        ("fall", "floats"),
        ("jump", "floats"),
        ("water", "floats"),
        ("occlusion", "swaps left and right"),
        ("parallax", "swaps left and right"),
    ],
)
def test_faults_are_found_by_the_probe_that_is_there_to_find_them(
    name, fault, stage, trials, oracles
):
    asked = [trial for trial in trials(name) if trial.split == "in"]
    rows = answers(stage, asked, {"free": free(stage, oracles(fault), asked)})
    assert score(name, rows) < 0.7
    assert all(row.right for row in rows if row.case in ("open", "level ground"))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("fall", "passes walls"),
        ("falling_sand", "forgets edits"),
        ("reach_break", "delays keys"),
        ("parallax", "blurs"),
    ],
)
def test_faults_of_other_kinds_are_not(name, fault, stage, trials, oracles):
    asked = [trial for trial in trials(name) if trial.split == "in"]
    rows = answers(stage, asked, {"free": free(stage, oracles(fault), asked)})
    assert score(name, rows) == 1.0


def shown_of(stage, trial, kinds):
    """How many pixels show one of some kinds of block, at the context's end and after each key."""
    numbers = [stage.kind(kind) for kind in kinds]
    stage.twin.set_state(trial.state)
    counts = [np.isin(stage.twin.block_ids(), numbers).sum()]
    for vector in trial.script:
        stage.play([vector])
        counts.append(np.isin(stage.twin.block_ids(), numbers).sum())
    return np.array(counts, int)


def test_an_object_is_hidden_for_as_many_ticks_as_said(stage, trials):
    asked = trials("occlusion")
    for there, nothing in zip(asked[::2], asked[1::2], strict=True):
        object_, ticks = there.case.split()
        assert (object_, nothing.case) == ("object", f"nothing {ticks}")
        seen = [shown_of(stage, trial, ("pumpkin", "bricks")) for trial in (there, nothing)]
        own = seen[0] - seen[1]
        assert own[0] > 200
        assert own[-1] > 200
        assert (own == 0).sum() == pytest.approx(int(ticks), abs=1)


def test_the_same_seed_gives_the_same_trials(stage, trials):
    again = NAMED["falling_sand"].make(stage, SEED, np.random.default_rng(SEED))
    assert list_hash(again) == list_hash(trials("falling_sand"))


def test_a_block_that_cannot_break_is_refused(stage, monkeypatch):
    monkeypatch.setitem(physics_props.KINDS, "in", ("bedrock",))
    with pytest.raises(UnsuitedError, match="does not break"):
        physics_reach.REACH_BREAK.make(stage, SEED, np.random.default_rng(SEED))
