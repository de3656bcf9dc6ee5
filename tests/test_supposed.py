"""What was never seen is supposed to look as the last view does, a turn away."""

import numpy as np
import pytest
from test_panorama import CAMERA, SIZE, VISIBLE, act, picture

from worldsim.memory.expected import Expected
from worldsim.memory.panorama import NEVER, TICKS
from worldsim.memory.panoramas import blank
from worldsim.memory.supposed import uncover

HERE = np.zeros(3)


@pytest.fixture
def seen():
    return blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(picture())


def beside(seen, luck, **turn):
    return Expected.of(seen, act(**turn), HERE, luck)


def test_what_comes_into_view_is_what_the_view_showed_a_turn_away(seen):
    view = beside(seen, 1.0, yaw=20.0)
    plain = beside(seen, None, yaw=20.0)
    new = plain.ages[:VISIBLE, :, 0] == NEVER
    assert 0.2 < new.mean() < 0.4
    assert (view.ages[:VISIBLE, :, 0] == NEVER).mean() < 0.02
    assert np.array_equal(view.picture[:VISIBLE][~new], plain.picture[:VISIBLE][~new])
    again = Expected.of(seen, act(yaw=20.0 - 70.0 + np.degrees(0.02)), HERE)
    shown = new & (again.ages[:VISIBLE, :, 0] != NEVER)
    assert shown.sum() > 0.9 * new.sum()
    miss = np.abs(view.picture[:VISIBLE].astype(int) - again.picture[:VISIBLE])[shown]
    assert np.median(miss) < 4


def test_it_counts_as_seen_long_ago(seen):
    view = beside(seen, 0.5, yaw=20.0)
    recent = view.recent()[:VISIBLE, -6:]
    assert (recent[..., 0] == 1).all()
    assert recent[..., 1] == pytest.approx(np.exp(-1), rel=0.01)
    assert recent[..., 2] == pytest.approx(np.exp(-(TICKS + 1) / TICKS), rel=0.01)


def test_dreams_of_other_luck_part_where_something_is_new(seen):
    one, other = (beside(seen, luck, yaw=20.0).picture[:VISIBLE] for luck in (0.1, 0.9))
    new = beside(seen, None, yaw=20.0).ages[:VISIBLE, :, 0] == NEVER
    assert np.array_equal(one[~new], other[~new])
    assert np.abs(one.astype(int) - other)[new].mean() > 10


def test_what_no_turn_shows_was_never_seen_and_takes_its_rows_colour(seen):
    view = beside(seen, 0.5, pitch=40.0)
    never = view.ages[:VISIBLE, :, 0] == NEVER
    assert never[-4:].mean() > 0.9
    assert not never[:8].any()
    rows = [row for row in range(VISIBLE) if never[row].any() and not never[row].all()]
    for row in rows:
        known = view.picture[row][~never[row]].astype(float)
        assert np.ptp(view.picture[row][never[row]], axis=0).max() <= 1
        assert known.min() <= view.picture[row][never[row]].mean() <= known.max()


def test_holes_are_closed_by_what_is_beside_them():
    near = np.full((SIZE, SIZE), 2.0, np.float32)
    near[10:40, 20:40] = 1.0  # something before a wall: a step aside lays bare what is behind it
    frame = np.full((SIZE, SIZE, 3), 90, np.uint8)
    frame[10:40, 20:40] = 200
    game = blank(CAMERA, frame.shape, 0.0).seen(frame, near)
    view = Expected.of(game, act(), np.array([0.0, 0.05, 0.0]), 0.5)
    assert (view.ages[:VISIBLE, 2:-4, 0] != NEVER).all()
    shown = view.picture[5:45, 5:55]
    assert shown.min() > 70
    assert shown.max() < 220


def test_a_gap_goes_on_as_the_farther_side_of_its_row_does():
    out = np.zeros((2, 20, 3), np.uint8)
    out[0, :, 0] = np.arange(20)
    ages, away = np.zeros((2, 20, 2), np.int32), np.full((2, 20), 12.0, np.float32)
    away[:, :8] = 3.0  # what is near, and has moved to the left
    ages[:, 8:12] = NEVER
    ages[1, 12:] = NEVER  # at the edge of a view nothing is uncovered
    uncover(out, ages, away, 2, NEVER, 5, 7)
    assert out[0, 8:12, 0].tolist() == [15, 14, 13, 12]
    assert (away[0, 8:12] == 12).all()
    assert (ages[0, 8:12] == (5, 7)).all()
    assert (ages[1, 8:] == NEVER).all()
