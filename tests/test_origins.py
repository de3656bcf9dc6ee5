"""Pixels that are drawn from the frame that showed them first: they stay as sharp as they were."""

import numpy as np
import pytest

from worldsim import actions
from worldsim.camera import FAR, CameraConfig
from worldsim.memory.expected import Expected
from worldsim.memory.origins import FRAMES, NONE, rooted, traced
from worldsim.memory.panoramas import as_arrays, blank, from_arrays

CAMERA = CameraConfig(field_of_view=70.0, crosshair=0.0)
SIZE, VISIBLE = 64, 52


def act(yaw=0.0):
    return actions.to_vector(actions.make(camera=(0.0, yaw)))


def shifted(by):
    """Origins of a frame that shows frame 5 moved to the left by some pixels."""
    origins = rooted(None, 5, (SIZE, SIZE))
    origins[..., 2] += np.float32(by)
    return origins


def fine():
    """A game that has seen a texture as fine as there is."""
    picture = np.random.default_rng(0).integers(60, 200, (SIZE, SIZE, 3), dtype=np.uint8)
    return blank(CAMERA, picture.shape, 0.0).seen(picture)


def turned_about(game, ticks, dull=False):
    """The game after small turns to and fro, of which every frame is dreamed as it is known."""
    for i in range(ticks):
        ahead = Expected.of(game, act(0.7 if i % 2 else -0.7), np.zeros(3))
        frame = ahead.picture if not dull else _dull(ahead)
        game = ahead.dreamed(frame, np.full(frame.shape[:2], FAR, np.float32))
    return game


def _dull(ahead: Expected):
    mean = ahead.picture.astype(np.float64).mean((0, 1))
    return (0.8 * ahead.picture + 0.2 * mean).astype(np.uint8)


def detail(frame):
    return np.abs(np.diff(frame[4 : VISIBLE - 4, 8:-8].astype(float), axis=1)).mean()


def test_origins_between_pixels_are_interpolated():
    assert traced(shifted(0.25), 10.5, 20.125, 10, 20, VISIBLE) == pytest.approx((5, 10.5, 20.375))


def test_where_surfaces_meet_the_pixel_of_the_same_one_counts():
    origins = shifted(0.0)
    origins[:, 21:] = 7, 0, 0
    assert traced(origins, 10.0, 20.25, 10, 20, VISIBLE) == pytest.approx((5, 10, 20.25))
    number, row, _ = traced(origins, 10.0, 20.75, 10, 21, VISIBLE)
    assert (number, row) == (7, 0)


def test_what_is_not_kept_and_what_is_too_old_starts_from_the_frame():
    origins = shifted(3.0)
    origins[0] = NONE
    own = rooted(None, 6, (SIZE, SIZE))
    after = rooted(origins, 6, (SIZE, SIZE))
    assert np.array_equal(after[0], own[0])
    assert np.array_equal(after[1:], origins[1:])
    assert np.array_equal(rooted(origins, 5, (SIZE, SIZE)), rooted(None, 5, (SIZE, SIZE)))


def test_texture_that_moves_for_long_is_as_sharp_as_after_one_move():
    once, often = (turned_about(fine(), ticks) for ticks in (1, FRAMES - 3))
    assert detail(often.frame) > 0.95 * detail(once.frame)


def test_what_is_dreamed_a_little_duller_does_not_take_its_place():
    game = turned_about(fine(), 9, dull=True)
    assert detail(game.frame) > 0.95 * detail(turned_about(fine(), 1).frame)


def test_past_frames_survive_as_arrays():
    game = turned_about(fine(), 3)
    (again,) = from_arrays(CAMERA, as_arrays([game]))
    here, there = (Expected.of(one, act(5.3), np.zeros(3)) for one in (game, again))
    assert np.array_equal(here.picture, there.picture)
    assert np.array_equal(here.origins, there.origins)
