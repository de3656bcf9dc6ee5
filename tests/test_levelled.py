"""Distances that are read from a frame, at the level of what was known of it."""

import numpy as np
import pytest

from worldsim.camera import FAR
from worldsim.memory.levelled import levelled

VISIBLE = 40
EVERYWHERE = np.ones((48, 64), np.bool_)


def plane(far):
    return np.full((48, 64), far, np.float32)


@pytest.mark.parametrize("read", [2.4, 1.6, 9.0])
def test_a_wall_is_as_far_as_it_was_known_to_be(read):
    out = levelled(plane(read), plane(2.0), EVERYWHERE, VISIBLE)
    assert abs(np.log(out[:VISIBLE] / 2)).max() < 0.25 * abs(np.log(read / 2))


def test_edges_are_where_they_were_read():
    read, known = plane(3.0), plane(2.0)
    read[:, 30:] = 6.0  # all of it half as far again
    known[:, 33:] = 4.0  # and an edge that is off by three pixels
    out = levelled(read, known, EVERYWHERE, VISIBLE)[:VISIBLE]
    assert np.argmax(np.diff(out, axis=1).max(0)) == 29
    assert out[:, :20] == pytest.approx(2.0, rel=0.1)
    assert out[:, 44:] == pytest.approx(4.0, rel=0.1)


def test_what_is_new_beside_it_has_its_level_and_what_is_far_from_it_its_own():
    where = EVERYWHERE.copy()
    where[:, 32:] = False
    out = levelled(plane(3.0), plane(2.0), where, VISIBLE)
    assert out[20, 35] == pytest.approx(2.0, rel=0.1)
    assert out[20, 60] == 3.0


def test_sky_is_far_and_levels_nothing():
    read, known = plane(3.0), plane(2.0)
    read[:10] = FAR
    known[30:] = FAR
    out = levelled(read, known, EVERYWHERE, VISIBLE)
    assert (out[:10] == FAR).all()
    assert (out[37:VISIBLE] == 3.0).all()
    assert out[20] == pytest.approx(2.0, rel=0.1)


def test_what_is_laid_over_the_view_stays():
    out = levelled(plane(3.0), plane(2.0), EVERYWHERE, VISIBLE)
    assert (out[VISIBLE:] == 3.0).all()


def test_nothing_known_changes_nothing():
    assert (levelled(plane(3.0), plane(2.0), ~EVERYWHERE, VISIBLE) == 3.0).all()
