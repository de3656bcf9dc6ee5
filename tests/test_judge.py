"""The judge and the statistics, by hand."""

import math

import numpy as np
import pytest

from worldsim.evaluation.instances import UnsuitedError, ask
from worldsim.evaluation.judge import UNDECIDED, decide
from worldsim.evaluation.statistics import (
    by_seed,
    detection,
    holm,
    interval,
    macro_f1,
    normalised,
    paired_difference,
    resampled,
    wilson,
)

WHERE = np.ones((16, 16), bool)


@pytest.fixture
def pictures():
    flat = np.full((16, 16, 3), 90, np.uint8)
    with_block = flat.copy()
    with_block[4:12, 4:12] = 180
    return {"absent": flat, "present": with_block}


def test_the_truth_is_recognised_with_margin_one(pictures):
    question = ask(0, pictures, "present", WHERE)
    decision = decide(pictures["present"], question)
    assert decision.right
    assert decision.margin == pytest.approx(1)
    assert not decide(pictures["absent"], question).right


def test_only_pixels_in_which_hypotheses_differ_count(pictures):
    question = ask(0, pictures, "present", WHERE)
    spoilt = pictures["present"].copy()
    spoilt[:3] = 255
    assert question.where.sum() == 64
    assert decide(spoilt, question).right


def test_half_way_is_undecided_and_so_is_far_off(pictures):
    question = ask(0, pictures, "present", WHERE)
    half = (pictures["absent"] // 2 + pictures["present"] // 2).astype(np.uint8)
    assert decide(half, question).answer == UNDECIDED
    assert decide(np.full_like(half, 255), question).answer == UNDECIDED


def test_hypotheses_that_look_the_same_make_no_question(pictures):
    with pytest.raises(UnsuitedError, match="absent / present look the same"):
        ask(0, pictures, "present", np.zeros((16, 16), bool))


def test_shares_and_their_intervals():
    low, high = wilson(1.0, 200)
    assert high == 1
    assert low == pytest.approx(0.981, abs=1e-3)
    assert math.isnan(wilson(0.0, 0)[0])
    assert math.isnan(wilson(30.0, 2)[0])
    assert by_seed([1, 1, 2], [0, 1, 1]) == {1: 0.5, 2: 1.0}
    draws = resampled([{i: float(i % 2) for i in range(100)}], lambda mean: mean)
    low, high = interval(draws)
    assert 0.38 < low < 0.45 < 0.55 < high < 0.62


def test_scores_are_shares_of_the_room_above_copy():
    assert normalised(0.6, 0.2, 1.0) == pytest.approx(0.5)
    assert normalised(0.1, 0.2, 1.0) == pytest.approx(-0.125)
    assert normalised(0.1, 0.8, 1.0) == -1
    assert normalised(1.0, 0.2, 0.9) == 1
    assert normalised(0.9, 0.5, 0.55) == 0


def test_detection_is_the_gap_between_hits_and_false_alarms():
    assert detection(8, 16, 8, 16) == pytest.approx(0)
    assert detection(84, 100, 16, 100) == pytest.approx(2, abs=0.05)
    assert 0 < detection(16, 16, 0, 16) < 5


def test_macro_f1_counts_rare_classes_as_much_as_frequent_ones():
    assert macro_f1(["a", "b"], ["a", "b"]) == 1
    assert macro_f1(["a", "a", "a", "b"], ["a"] * 4) == pytest.approx((6 / 7) / 2)
    assert macro_f1(["a", "b"], ["", ""]) == 0


def test_paired_differences_see_what_scores_alone_do_not():
    rng = np.random.default_rng(0)
    base = {i: float(v) for i, v in enumerate(rng.random(40))}
    better = {i: v + 0.05 + 0.01 * rng.standard_normal() for i, v in base.items()}
    gap = paired_difference(better, base)
    assert gap["low"] > 0.04
    assert gap["p"] < 0.01
    assert paired_difference({1: 1.0}, {2: 1.0})["p"] == 1
    assert holm({"a": 0.01, "b": 0.04, "c": 0.5}) == {"a": 0.03, "b": 0.08, "c": 0.5}
