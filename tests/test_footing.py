"""Players of dreams stand on the ground: they neither sink into it nor fall without a reason."""

import numpy as np
import pytest

from worldsim.camera import FAR, CameraConfig
from worldsim.memory.footing import landed
from worldsim.memory.nearby import restless
from worldsim.memory.panoramas import blank

FEET = 1.62
NOTHING = np.full((4, 6, 4), 1e9, np.float32)


def ground(height, around=(0.0, 0.0), liquid=0.0):
    """Places seen of level ground that far below the start."""
    places = NOTHING.copy()
    places[1] = around[0], height, around[1], liquid
    return places


def rest(height=0.0):
    rests = restless()
    rests[0] = 0, height, 0
    return rests


def low(points, now, before=0.0, fell=0.0, rests=None, held=False):
    """How low an eye is that was at one height and would be at another."""
    here = (np.array([0.0, height, 0.0]) for height in (now, before))
    return landed(points, 1, restless() if rests is None else rests, *here, fell, held)


@pytest.mark.parametrize(("now", "stands"), [(0.3, 0.0), (-0.2, -0.2), (0.0, 0.0)])
def test_no_one_sinks_into_ground_that_was_seen(now, stands):
    assert low(ground(FEET), now) == pytest.approx(stands, abs=1e-6)


def test_who_is_a_little_too_low_sinks_no_further():
    assert low(ground(FEET), 0.35, before=0.3) == pytest.approx(0.3)


def test_what_a_player_is_far_below_is_no_ground():
    assert low(ground(FEET), 0.6, before=0.5) == pytest.approx(0.6)


@pytest.mark.parametrize("fell", [0.0, 0.3])
def test_liquids_hold_nobody_and_nobody_falls_faster_in_them(fell):
    sea = ground(FEET, liquid=1.0)
    assert low(sea, 0.1, fell=fell, rests=rest(), held=True) == pytest.approx(0.1)
    assert low(sea, 1.1, before=1.0, fell=fell) == pytest.approx(1.1)
    sea[2] = ground(FEET + 2)[1]  # the bed
    assert low(sea, 2.3, before=1.9, fell=fell) == pytest.approx(2.0)
    aside = ground(FEET, around=(0.5, 0.0), liquid=1.0)
    assert low(aside, 0.1, rests=rest(), held=True) == pytest.approx(0.0)


def test_ground_beside_a_player_holds_nobody():
    assert low(ground(FEET, around=(0.5, 0.0)), 0.3) == pytest.approx(0.3)


def test_players_fall_to_the_ground_that_was_seen_below():
    assert low(ground(FEET + 1), 1.3, before=0.8, fell=0.4) == pytest.approx(1.0)


def test_no_one_begins_to_fall_where_nothing_was_seen_to_be_empty():
    assert low(NOTHING, 0.15, rests=rest(), held=True) == pytest.approx(0.0)
    assert low(NOTHING, 0.15, rests=rest()) == pytest.approx(0.15)


def test_a_jump_ends_where_it_began():
    assert low(NOTHING, 0.2, before=-0.2, fell=0.3, rests=rest(), held=True) == pytest.approx(0.0)


def test_a_fall_goes_on_while_it_gets_faster_or_is_fast():
    falling = {"before": 1.0, "rests": rest(), "held": True}
    assert low(NOTHING, 1.4, fell=0.3, **falling) == pytest.approx(1.4)
    assert low(NOTHING, 1.3, fell=0.3, **falling) == pytest.approx(1.3)
    assert low(NOTHING, 1.1, fell=0.12, **falling) == pytest.approx(1.0)


def test_a_motion_keeps_all_but_its_sinking():
    frame = np.zeros((64, 64, 3), np.uint8)
    game = blank(CameraConfig(field_of_view=70.0), frame.shape, 0.0)
    for _ in range(4):
        game = game.turned(np.zeros(21), np.zeros(3)).seen(frame, np.full((64, 64), FAR))
    assert np.allclose(game.stopped(np.array([0.2, 0.1, -0.3])), [0.2, 0.1, 0.0])
    assert np.allclose(game.stopped(np.array([0.2, 0.1, 0.4])), [0.2, 0.1, 0.4])


def test_the_face_of_a_wall_holds_nobody():
    places = NOTHING.copy()
    places[1, :4] = [(0.2, FEET + down, 0, 0) for down in (-0.1, 0.1, 0.3, 0.5)]
    assert low(places, 0.3) == pytest.approx(0.3)


def test_falls_gather_speed_until_they_come_to_what_was_seen_around():
    around = ground(FEET + 3, around=(2.0, 2.0))
    assert low(around, 1.0, before=0.9, fell=0.4) > 1.3
    assert low(around, 2.0, before=0.9, fell=0.4) == pytest.approx(2.0)
    assert low(NOTHING, 1.0, before=0.9, fell=0.4) == pytest.approx(1.0)


def test_no_one_hangs_in_the_air_over_where_one_has_stood():
    assert low(NOTHING, -1.2, before=-1.2, rests=rest()) > -1.2
    assert low(NOTHING, -1.5, before=-1.2, rests=rest()) == pytest.approx(-1.5)  # rises
    far = rest()
    far[0, 0] = 2.0
    assert low(NOTHING, -1.2, before=-1.2, rests=far) == pytest.approx(-1.2)
