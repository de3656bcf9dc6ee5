"""The cross over a frame comes off and goes back on."""

import numpy as np
import pytest

from worldsim.memory import crosshair

ARM = 3


def frame(cross: bool) -> np.ndarray:
    columns = np.arange(32, dtype=np.uint8)[None, :, None]
    image = np.broadcast_to(columns, (32, 32, 3)).copy()
    if cross:
        image[16, 16 - ARM : 16 + ARM + 1] = image[16 - ARM : 16 + ARM + 1, 16] = 250
    return image


def test_what_is_beside_a_cross_stands_in_for_it():
    bare = crosshair.without(frame(True), ARM)
    assert bare.max() < 32
    assert np.abs(bare.astype(int) - frame(False)).max() <= 1
    assert np.array_equal(bare[:12], frame(True)[:12])


def test_a_cross_that_was_cut_goes_back_where_it_was():
    bare = crosshair.without(frame(True), ARM)
    before = bare.copy()
    again = crosshair.put(bare, crosshair.cut(frame(True), ARM))
    assert np.array_equal(again, frame(True))
    assert np.array_equal(bare, before)


@pytest.mark.parametrize(
    "change",
    [crosshair.without, lambda image, arm: crosshair.put(image, crosshair.cut(image, arm))],
)
def test_frames_without_a_cross_stay_as_they_are(change):
    assert np.array_equal(change(frame(False), 0), frame(False))


def test_a_cross_stays_sharp_until_its_tone_is_another():
    light = crosshair.cut(frame(True), ARM)
    cross = crosshair.put(np.zeros_like(light), np.ones_like(light)) > 0
    for ground, smear, other in ((90, 110, 20), (200, 120, 20), (240, 200, 20)):
        scene = np.where(cross, light, np.uint8(ground))
        smeared, dark = (np.where(cross, np.uint8(tone), scene) for tone in (smear, other))
        better = ground > 150  # on what is bright a light cross is hardly seen
        assert np.array_equal(crosshair.kept(scene, smeared), smeared if better else scene)
        assert np.array_equal(crosshair.kept(smeared, dark), dark)
        assert np.array_equal(crosshair.kept(dark, smeared), dark)
