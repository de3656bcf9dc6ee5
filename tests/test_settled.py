"""What is kept of a dreamed frame: the old picture where it looks the same, else the new one."""

import numpy as np
import pytest

from worldsim import actions
from worldsim.camera import FAR, CameraConfig
from worldsim.panorama import NEVER, blank
from worldsim.settled import settled

CAMERA = CameraConfig(field_of_view=70.0, crosshair=0.0)
SIZE, VISIBLE = 64, 52


@pytest.fixture
def known():
    """Fine texture that a blur takes away."""
    return np.random.default_rng(0).integers(90, 130, (SIZE, SIZE, 3), dtype=np.uint8)


def kept(frame, known, ages=0, arm=0):
    when = np.broadcast_to(np.int32(ages), (SIZE, SIZE, 2)).copy()
    return settled(frame, known, when, VISIBLE, NEVER, arm)


def dull(picture):
    return np.full_like(picture, 110)


def test_a_dull_copy_gives_way_to_what_was_known(known):
    result = kept(dull(known), known)
    assert np.array_equal(result[:VISIBLE], known[:VISIBLE])
    assert np.array_equal(result[VISIBLE:], dull(known)[VISIBLE:])


def test_what_has_changed_is_kept_as_it_was_dreamed(known):
    dream = dull(known)
    dream[20:30, 20:30] = 20
    result = kept(dream, known)
    assert np.array_equal(result[22:28, 22:28], dream[22:28, 22:28])
    far = np.s_[:17, :17]
    assert np.array_equal(result[far], known[far])


def test_what_was_never_seen_is_as_it_was_dreamed(known):
    ages = np.zeros((SIZE, SIZE, 2), np.int32)
    ages[:, 40:] = NEVER
    result = settled(dull(known), known, ages, VISIBLE, NEVER, 0)
    assert np.array_equal(result[:, 38:], dull(known)[:, 38:])
    assert np.array_equal(result[:VISIBLE, :38], known[:VISIBLE, :38])


def test_a_cross_over_the_middle_is_not_taken_for_a_thing(known):
    dream, middle = known.copy(), SIZE // 2
    dream[middle, middle - 3 : middle + 4] = 245
    dream[middle - 3 : middle + 4, middle] = 245
    assert (kept(dream, known) != known).any()
    assert np.array_equal(kept(dream, known, arm=4), known)


@pytest.mark.parametrize("keeps", [True, False])
def test_texture_outlives_a_dream_that_blurs(known, keeps):
    def turn(yaw):
        return actions.to_vector(actions.make(camera=(0.0, yaw)))

    away = np.full((SIZE, SIZE), FAR, np.float32)
    game = blank(CAMERA, known.shape, 0.0).seen(known)
    for i in range(40):
        view = game.expected(turn(2.0 if i % 2 else -2.0), np.zeros(3))
        dream = (0.8 * view.picture + 0.2 * 110).astype(np.uint8)
        game = view.dreamed(dream, away) if keeps else view.panorama.seen(dream, away)
    contrast = game.frame[8:44, 8:56].std() / known[8:44, 8:56].std()
    assert contrast > 0.5 if keeps else contrast < 0.3
