"""The probes of hotbar and clock, with the exact world and with planted faults."""

import asking
import pytest

from worldsim.evaluation.probes import hud

PROBES = {probe.name: probe for probe in hud.PROBES}
FLOORS = {
    "slot": 0,
    "stack_count": 0,
    "collect": 0.5,
    "conservation": 0.5,
    "empty_stack": 0.5,
    "clock": 0,
}
"""Shares of right answers; of paired probes no pair is right."""


@pytest.fixture(scope="module")
def made(stage):
    return asking.kept(stage, PROBES)


def pairs(rows):
    """Whether all answers of a seed and split are right."""
    keys = {(row.seed, row.split) for row in rows}
    return [all(row.right for row in rows if (row.seed, row.split) == key) for key in keys]


def test_the_family_is_complete():
    assert set(PROBES) == set(FLOORS)
    assert {probe.family for probe in PROBES.values()} == {"hud"}
    assert {name for name, probe in PROBES.items() if probe.paired} == {
        "conservation",
        "empty_stack",
    }


@pytest.mark.parametrize("name", FLOORS)
def test_truth_is_right_and_a_copy_is_at_its_floor(stage, made, name):
    trials = made(name)
    assert {trial.split for trial in trials} == {"in", "out"}
    assert asking.share(asking.truths(stage, trials)) == 1
    copies = asking.copies(stage, trials)
    assert asking.share(copies) == FLOORS[name]
    if PROBES[name].paired:
        assert not any(pairs(copies))


@pytest.mark.parametrize("name", FLOORS)
def test_the_oracle_is_right(stage, made, name):
    assert asking.share(asking.dreams(stage, made(name))) == 1


@pytest.mark.parametrize("name", ["stack_count", "collect", "conservation"])
def test_counts_that_move_by_two_are_found(stage, made, name):
    rows = asking.dreams(stage, made(name), "doubles counts")
    assert not all(row.right for row in rows)
    if PROBES[name].paired:
        assert not any(pairs(rows))


def test_a_stack_emptied_too_soon_is_found(stage, made):
    rows = asking.dreams(stage, made("empty_stack"), "doubles counts")
    assert {row.split for row in rows if not row.right} == {"out"}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("slot", "doubles counts"),
        ("slot", "delays keys"),
        ("conservation", "swaps left and right"),
        ("collect", "forgets edits"),
    ],
)
def test_other_faults_do_not_matter(stage, made, name, fault):
    assert asking.share(asking.dreams(stage, made(name), fault)) == 1


def test_only_digits_count_where_counts_are_asked_about(stage, made):
    for trial in made("stack_count"):
        (question,) = trial.questions
        rows = question.where.nonzero()[0]
        assert rows.min() > question.where.shape[0] * 0.8
        assert len(question.names) >= 3
        assert question.names[question.right] != question.names[-1]


def test_the_sky_is_asked_about_time(stage, made):
    for trial in made("clock"):
        (question,) = trial.questions
        assert question.names == ("passes", "stands still", "runs backwards")
        assert question.where.any()
        assert not (question.where & ~stage.bare).any()
