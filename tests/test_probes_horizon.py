"""Long walks: what is read off footage, how long things last, and which faults are found."""

import math

import numpy as np
import pytest
from asking import bench_of

from worldsim.evaluation.footage import apart, palette, runs, sharpness
from worldsim.evaluation.images import blur
from worldsim.evaluation.motion import Compass, balanced, sides
from worldsim.evaluation.probes import horizon
from worldsim.evaluation.probes.horizon_walks import ends, recorded, stroll
from worldsim.evaluation.results import part_of
from worldsim.evaluation.stage import script
from worldsim.evaluation.survival import kaplan_meier, lasting, median

NAMED = {probe.name: probe for probe in horizon.PROBES}


@pytest.fixture(scope="module")
def measured(stage):
    """A probe's part on an oracle with a fault; the walks of each oracle are taken once."""
    benches = {}

    def get(name, fault=""):
        bench = benches.setdefault(fault, bench_of(stage, fault))
        return part_of(NAMED[name], NAMED[name].run(bench), "")

    return get


@pytest.mark.parametrize(
    ("name", "floor"),
    [("free_walk", 1 / 3), ("survival", 0), ("late_controls", 1 / 3), ("recorded_walk", 1 / 3)],
)
def test_the_exact_world_lasts_and_a_still_picture_does_not(measured, name, floor):
    part = measured(name)
    assert part.mean("truth") == part.mean("reconstruction") == part.mean("free") == 1
    assert part.mean("copy") == pytest.approx(floor)


@pytest.mark.parametrize(
    ("fault", "lost", "kept", "cause"),
    [
        ("swaps left and right", ("free_walk", "survival", "late_controls"), (), "keys"),
        ("blurs", ("survival",), ("free_walk", "late_controls"), "sharpness"),
    ],
)
def test_faults_end_a_walk_for_the_right_reason(measured, fault, lost, kept, cause):
    assert all(measured(name, fault).mean("free") <= 1 / 3 for name in lost)
    assert all(measured(name, fault).mean("free") == 1 for name in kept)
    assert measured("survival", fault).figures[f"failed first by {cause}"] == 1


def test_turns_are_measured_from_pictures(stage):
    stage.arena(700_101, pitch=5.0)
    take = stage.play(script(*[(1, {"camera": (0.0, turn)}) for turn in (0.0, 6.0, -9.0, 14.0)]))
    compass = Compass(stage.bare, stage.twin.camera()[2], (0.0,))
    turned = compass.along(take.frames, 5.0)[:, 0]
    np.testing.assert_allclose(turned, [0, 6, -9, 14], atol=0.6)
    assert sides(turned).tolist() == [0, 1, -1, 1]
    gray = np.full_like(take.frames, 128)
    assert not compass.along(gray).any()


def test_accuracy_is_balanced_over_the_sides():
    wanted = np.array([-1, 0, 0, 0, 0, 0, 0, 1])
    assert balanced(wanted, wanted) == 1
    assert balanced(np.zeros(8, int), wanted) == pytest.approx(1 / 3)
    assert math.isnan(balanced(np.zeros(2, int), np.zeros(2, int)))


def test_footage_in_numbers(stage):
    stage.arena(700_101)
    frames = stage.play(script((2, {}))).frames
    soft = np.stack([blur(frame) for frame in frames])
    assert sharpness(soft, stage.bare) < 0.3 * sharpness(frames, stage.bare)
    dark = (frames // 2).astype(np.uint8)
    assert sharpness(dark, stage.bare) == pytest.approx(sharpness(frames, stage.bare), rel=0.05)
    own, other = palette(frames, stage.bare), palette(np.zeros_like(frames), stage.bare)
    assert own.sum() == pytest.approx(1)
    assert apart(own, own) == 0
    assert apart(own, other) > 0.99
    found = runs(np.array([True, True, False, True]))
    assert [(part.start, part.stop) for part in found] == [(0, 2), (3, 4)]


def test_survival_counts_what_was_lost_sight_of():
    curve = kaplan_meier([6, 6, 6, 7, 10, 13], [True, True, False, True, False, True])
    assert curve[:3] == [
        (0.0, 1.0),
        (6.0, pytest.approx(4 / 6)),
        (7.0, pytest.approx(4 / 6 * 2 / 3)),
    ]
    assert curve[-1] == (13.0, 0.0)
    assert median(curve) == 7
    assert median([(0.0, 1.0), (9.0, 0.8)]) == math.inf
    assert lasting([(0.0, 1.0), (4.0, 0.5)], 8) == pytest.approx(4 + 2)


def test_walks_turn_to_every_side_in_every_stretch():
    keys = stroll(np.random.default_rng(0), 96)
    for end in (32, 64, 96):
        yaws, judged, pitches = keys.part(end)
        assert set(sides(yaws[judged]).tolist()) == {-1, 0, 1}
        assert judged.sum() == 12
        assert len(pitches) == 32
    people = recorded(700_000, 64)
    assert people.script.shape == (64, keys.script.shape[1])
    assert not (people.script == recorded(700_001, 64).script).all()
    assert ends(1024, (64, 1024))[-2:] == [992, 1024]
