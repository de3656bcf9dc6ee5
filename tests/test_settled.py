"""What is kept of a dreamed frame: the old picture where it looks the same, else the new one."""

import numpy as np
import pytest

from worldsim import actions
from worldsim.camera import FAR, CameraConfig
from worldsim.memory.expected import Expected
from worldsim.memory.origins import NONE
from worldsim.memory.panorama import NEVER
from worldsim.memory.panoramas import blank
from worldsim.memory.settled import settled

CAMERA = CameraConfig(field_of_view=70.0, crosshair=0.0)
SIZE, VISIBLE = 64, 52


@pytest.fixture
def known():
    """Fine texture that a blur takes away."""
    return np.random.default_rng(0).integers(90, 130, (SIZE, SIZE, 3), dtype=np.uint8)


OLD = np.broadcast_to(np.float32([3, 10.5, 20.5]), (SIZE, SIZE, 3)).copy()


def laid(frame, known, ages, arm=0, fresh=((False,),)):
    """The frame, and the origins of its pixels, of which those that were known are `OLD`."""
    return settled(frame, known, ages, OLD, np.array(fresh), VISIBLE, NEVER, arm)[:2]


def kept(frame, known, arm=0, fresh=((False,),)):
    return laid(frame, known, np.zeros((SIZE, SIZE, 2), np.int32), arm, fresh)[0]


def dull(picture):
    return np.full_like(picture, 110)


def test_a_dull_copy_gives_way_to_what_was_known(known):
    result = kept(dull(known), known)
    assert np.array_equal(result, known)


def test_what_is_laid_over_the_view_is_compared_by_itself(known):
    dream = known.copy()
    dream[VISIBLE:] = 20
    result = kept(dream, known)
    assert np.array_equal(result, dream)


def test_what_moves_on_behind_what_is_laid_over_the_view_does_not_stay(known):
    dream = known + 18  # alike enough in the view
    result = kept(dream, known)
    assert np.array_equal(result[: VISIBLE - 2], known[: VISIBLE - 2])
    assert (result[VISIBLE:].astype(int) - known[VISIBLE:]).mean() > 12


def test_what_an_event_has_changed_is_kept_however_little_it_is(known):
    fresh = np.zeros((4, 4), bool)
    fresh[1, 2] = True
    changed = np.s_[16:32, 32:48]
    result = kept(dull(known), known, fresh=fresh)
    assert np.array_equal(result[changed], dull(known)[changed])
    result[changed] = known[changed]
    assert np.array_equal(result, known)


def test_under_a_cross_a_change_is_as_it_is_beside_it(known):
    dream, middle = known.copy(), SIZE // 2
    dream[24:40, 24:40] = 20
    dream[middle, middle - 3 : middle + 4] = 245
    dream[middle - 3 : middle + 4, middle] = 245
    fresh = np.zeros((8, 8), bool)
    fresh[3:5, 3:5] = True
    assert (kept(dream, known, 4, fresh)[24:40, 24:40] == 20).all()


def test_where_it_is_as_it_was_known_is_told(known):
    dream, ages = dull(known), np.zeros((SIZE, SIZE, 2), np.int32)
    dream[20:30, 20:30] = 255
    ages[:4] = NEVER
    fresh = np.zeros((8, 8), bool)
    fresh[5, 5] = True
    result, _, alike = settled(dream, known, ages, OLD, fresh, VISIBLE, NEVER, 0)
    assert not alike[:4].any()
    assert not alike[22:28, 22:28].any()
    assert not alike[40:48, 40:48].any()
    assert alike[8:16].all()
    assert np.array_equal(result[alike], known[alike])


def test_what_the_last_frame_did_not_show_takes_more_to_be_dreamed_anew(known):
    dream, ages = dull(known), np.zeros((SIZE, SIZE, 2), np.int32)
    dream[20:30, 20:30] = 60  # 50 darker
    new = np.full_like(OLD, NONE)
    shown, memory = (
        settled(dream, known, ages, origins, np.zeros((1, 1), bool), VISIBLE, NEVER, 0)[0]
        for origins in (OLD, new)
    )
    inside = np.s_[22:28, 22:28]
    assert np.array_equal(memory[inside], known[inside])
    assert np.abs(shown[inside].astype(int) - dream[inside]).mean() < 30


def test_under_a_cross_what_was_never_seen_is_as_it_is_beside_it(known):
    dream, middle = np.full_like(known, 20), SIZE // 2
    dream[middle, middle - 3 : middle + 4] = 245
    dream[middle - 3 : middle + 4, middle] = 245
    ages = np.full((SIZE, SIZE, 2), NEVER, np.int32)
    result, _ = laid(dream, known, ages, arm=4)
    assert (result[:VISIBLE] == 20).all()


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
    result, _ = laid(dull(known), known, ages)
    assert np.array_equal(result[:, 38:], dull(known)[:, 38:])
    assert np.array_equal(result[:, :38], known[:, :38])


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
        view = Expected.of(game, turn(2.0 if i % 2 else -2.0), np.zeros(3))
        dream = (0.8 * view.picture + 0.2 * 110).astype(np.uint8)
        game = view.dreamed(dream, away) if keeps else view.panorama.seen(dream, away)
    contrast = game.frame[8:44, 8:56].std() / known[8:44, 8:56].std()
    assert contrast > 0.5 if keeps else contrast < 0.3


def test_what_is_kept_keeps_its_origin_and_what_is_new_has_none(known):
    ages = np.zeros((SIZE, SIZE, 2), np.int32)
    ages[:, 40:] = NEVER
    dream = known.copy()
    dream[20:30, 10:20] = 20
    _, origins = laid(dream, known, ages)
    assert (origins[:VISIBLE, 40:, 0] == NONE).all()
    assert (origins[22:28, 12:18, 0] == NONE).all()
    assert (origins[:16, :36] == OLD[:16, :36]).all()
