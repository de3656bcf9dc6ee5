"""The probes of memory, with the exact world and with planted faults."""

import asking
import numpy as np
import pytest

from worldsim.evaluation.instances import UnsuitedError
from worldsim.evaluation.probe import Row
from worldsim.evaluation.probes import persistence, persistence_idle
from worldsim.evaluation.probes.edits import breaking, placing, planned
from worldsim.evaluation.probes.persistence_idle import NOTHING_APPEARS, appearances, regions

PROBES = {probe.name: probe for probe in persistence.PROBES}
FLOORS = {
    "place_watch": 0.5,
    "break_watch": 0.5,
    "look_away_4": 0.5,
    "look_away_16": 0.5,
    "count": 0,
    "full_turn": 0,
    "loop": 0,
}


@pytest.fixture(scope="module")
def made(stage):
    return asking.kept(stage, PROBES)


def test_the_family_is_complete():
    away = [name for name in PROBES if name.startswith("look_away")]
    assert away == [f"look_away_{gap}" for gap in (4, 8, 16, 32, 64, 128, 512)]
    assert {probe.family for probe in PROBES.values()} == {"persistence"}
    assert len(PROBES) == len(persistence.PROBES)


@pytest.mark.parametrize("name", FLOORS)
def test_truth_is_right_and_a_copy_is_at_its_floor(stage, made, name):
    trials = made(name)
    assert 2 <= len(trials) <= 8
    assert asking.share(asking.truths(stage, trials)) == 1
    assert asking.share(asking.copies(stage, trials)) == FLOORS[name]


def test_a_copy_tells_no_kind_from_others(stage, made):
    trials = made("kind")
    assert asking.share(asking.truths(stage, trials)) == 1
    assert asking.share(asking.copies(stage, trials)) <= 0.25


@pytest.mark.parametrize(
    "name", ["place_watch", "look_away_4", "count", "kind", "full_turn", "loop"]
)
def test_the_oracle_is_right(stage, made, name):
    rows = asking.dreams(stage, made(name))
    assert asking.share(rows) == 1
    assert all(row.supported for row in rows)


def test_who_forgets_is_found_out_once_it_has_forgotten(stage, made):
    rows = asking.dreams(stage, made("place_watch"), "forgets edits")
    wrong = {row.wanted for row in rows if not row.right}
    assert wrong == {"present after 32"}
    figures = persistence.bites(rows)
    assert figures["hit rate after 8"] == 1
    assert figures["hit rate after 32"] == 0
    assert figures["false alarms after 32"] == 0
    assert figures["d' after 8"] > 0.5 > figures["d' after 32"]


def test_who_forgets_is_found_out_by_looking_away(stage, made):
    rows = asking.dreams(stage, made("look_away_16"), "forgets edits")
    assert {row.case for row in rows if not row.right} == {"place", "break"}
    assert persistence.memory(rows)["hit rate"] == 0


def test_who_turns_the_wrong_way_is_found_out_by_a_full_turn(stage, made):
    rows = asking.dreams(stage, made("full_turn"), "swaps left and right")
    assert asking.share(rows) == 0
    assert {(row.answer, row.wanted) for row in rows} == {
        (str(-int(r.wanted)), r.wanted) for r in rows
    }


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("kind", "swaps left and right"),
        ("kind", "doubles counts"),
        ("count", "blurs"),
        ("full_turn", "forgets edits"),
        ("loop", "delays keys"),
    ],
)
def test_other_faults_do_not_matter(stage, made, name, fault):
    assert asking.share(asking.dreams(stage, made(name), fault)) == 1


@pytest.mark.parametrize("gap", [4, 20])
def test_an_edit_is_out_of_view_for_as_long_as_said(stage, gap):
    rng = np.random.default_rng(5)
    edit = placing(stage, asking.FIRST, planned(rng), "planks")
    after = persistence.away(stage, edit, gap, 1)
    assert persistence.hidden(stage, edit, after) == gap
    turned = sum(float(vector[-1]) for vector in after)
    assert abs(turned) < 1e-4
    with pytest.raises(UnsuitedError, match="no turn"):
        persistence.away(stage, edit, 1, 1)


def test_scenes_in_which_nothing_can_happen_are_unsuited(stage):
    plan = planned(np.random.default_rng(5))
    with pytest.raises(UnsuitedError, match="block_placed"):
        placing(stage, asking.FIRST, plan, "planks", 0)
    with pytest.raises(UnsuitedError, match="block_broken"):
        breaking(stage, asking.FIRST, plan, "bedrock")


def test_memory_counts_hits_alarms_and_support():
    def row(wanted, answer, supported=True, arm="free"):
        return Row(1, "", "in", arm, answer, wanted, 0.0, supported)

    rows = [
        row("present", "present"),
        row("hole", "healed"),
        row("present", "", supported=False),
        row("absent", "absent"),
        row("absent", ""),
        row("healed", "hole"),
        row("healed", "healed"),
        row("present", "absent", arm="copy"),
    ]
    figures = persistence.memory(rows)
    assert figures["hit rate"] == 0.5
    assert figures["false alarms"] == 0.25
    assert figures["support"] == 6 / 7
    assert 0.4 < figures["d'"] < 0.7  # z(1.5 / 3) - z(1.5 / 5)


def test_nothing_appears_unless_it_does(stage, monkeypatch):
    monkeypatch.setattr(persistence_idle, "FRAMES", 24)
    outcome = NOTHING_APPEARS.run(asking.bench_of(stage))
    means = {arm: np.mean(list(scores.values())) for arm, scores in outcome.scores.items()}
    assert means == {"truth": 1, "reconstruction": 1, "copy": 0, "no-op": 0, "free": 1}
    assert outcome.figures["appearances per 100 frames"] == 0
    spawning = NOTHING_APPEARS.run(asking.bench_of(stage, "spawns blocks"))
    assert sum(spawning.scores["free"].values()) == 0
    assert spawning.figures["appearances per 100 frames"] >= 2


def test_what_comes_suddenly_and_stays_has_appeared():
    seen, error = np.ones((20, 20), bool), np.zeros((30, 20, 20, 3))
    assert appearances(error, seen) == 0
    error[12:, 3:7, 3:7] = 60  # a thing
    error[20:22, 10:14, 10:14] = 60  # a flash
    error[15:, 18, :8] = 60  # too small
    error[:, 10:18, :6] = 90  # there from the beginning
    error[:, :, 15:] = np.arange(30)[:, None, None, None] * 2.0  # slow
    assert appearances(error, seen) == 1
    seen[3:7, 3:7] = False
    assert appearances(error, seen) == 0


def test_regions_are_joined_by_sides():
    mask = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 1]], bool)
    assert sorted(int(region.sum()) for region in regions(mask)) == [2, 4]
