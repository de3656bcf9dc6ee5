"""Where things end: distances that end there, views that stay whole as one walks past."""

import numpy as np
import pytest

from worldsim.camera import FAR, CameraConfig
from worldsim.memory.cleaned import cleaned
from worldsim.memory.edged import beside, edged, uncovered
from worldsim.memory.expected import Expected
from worldsim.memory.origins import NONE
from worldsim.memory.panoramas import blank
from worldsim.memory.projection import moved
from worldsim.memory.splatted import NOTHING

SIZE, VISIBLE = 64, 52
TANGENT = np.tan(np.radians(35.0))
HERE = np.zeros(3)
CAMERA = CameraConfig(field_of_view=70.0, crosshair=0.0)
REST = np.zeros(21, np.float32)


@pytest.fixture
def pillar():
    """Colours and distances of a grey pillar, 3 blocks away, before a green wall 12 away."""
    picture = np.full((SIZE, SIZE, 3), (40, 160, 40), np.uint8)
    picture[::4] = 20, 110, 20
    distance = np.full((SIZE, SIZE), 12.0, np.float32)
    picture[10:, 24:36], distance[10:, 24:36] = 130, 3.0
    picture[10:, 24:36:3] = 100
    return picture, distance


def soft(distance):
    """As a network reads it: three pixels between two surfaces."""
    rows = np.log(np.pad(distance, ((0, 0), (1, 1)), mode="edge"))
    return np.exp((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 3).astype(np.float32)


def test_what_lies_between_two_surfaces_goes_to_the_one_it_looks_like(pillar):
    picture, distance = pillar
    out = edged(soft(distance), picture, VISIBLE)
    assert np.allclose(out[12:VISIBLE], distance[12:VISIBLE], rtol=0.01)
    assert np.array_equal(out[VISIBLE:], soft(distance)[VISIBLE:])


def test_liquids_stay_liquids_and_slopes_stay_slopes(pillar):
    picture, distance = pillar
    assert np.allclose(edged(-soft(distance), picture, VISIBLE)[12:40], -distance[12:40], rtol=0.01)
    slope = np.tile(1 / np.linspace(0.05, 0.6, SIZE, dtype=np.float32), (SIZE, 1)).T.copy()
    assert np.array_equal(edged(slope, picture, VISIBLE), slope)


def test_only_what_is_uncovered_is_not_believed(pillar):
    _, distance = pillar
    assert beside(distance, VISIBLE)[30].nonzero()[0].tolist() == [22, 23, 36, 37]
    at = np.zeros((3, VISIBLE, SIZE))
    at[:2] = np.mgrid[:VISIBLE, :SIZE]
    at[1, distance[:VISIBLE] < 5] += 3  # to the right
    assert uncovered(distance, VISIBLE, at)[30].nonzero()[0].tolist() == [22, 23]


def seen_from(distance, aside, ahead):
    step = np.array([aside, 0.0, ahead])
    return moved(distance, VISIBLE, step, 0.0, 0.0, HERE, 0.0, 0.0, TANGENT, False)[0]


def test_level_ground_stays_level_and_whole():
    rows = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) * TANGENT
    ground = np.where(rows > 0.1, 1.62 / np.maximum(rows, 0.1), 16.2)
    distance = np.repeat(ground[:, None], SIZE, 1).astype(np.float32)
    near = seen_from(distance, 0.2, 0.25)[40:VISIBLE, 4:-4]
    assert np.allclose(near, distance[40:VISIBLE, 4:-4], rtol=2e-3)


def test_what_is_near_does_not_grow_as_it_is_walked_past(pillar):
    _, distance = pillar
    new = seen_from(distance, 0.2, 0.0)[30]
    assert 12 <= (new < 5).sum() <= 13
    assert 1 <= (new == NOTHING).sum() <= 3  # uncovered


def test_a_pixel_out_of_place_takes_that_of_the_surface_around_it(pillar):
    picture, distance = pillar
    ages, origins = np.zeros((SIZE, SIZE, 2), np.int32), np.zeros((SIZE, SIZE, 3), np.float32)
    out, away = picture.copy(), distance.copy()
    out[30, 50], away[30, 50], origins[30, 50] = 255, 2.0, NONE
    cleaned(out, ages, origins, away, VISIBLE)
    assert away[30, 50] == 12
    assert (out[30, 50] == picture[30, 49]).all()
    assert origins[30, 50, 0] != NONE
    inside = np.s_[12:VISIBLE, 25:35]
    assert np.array_equal(out[inside], picture[inside])


def test_a_pillar_passes_whole_though_distances_are_read_softly(pillar):
    picture, distance = pillar
    read = edged(soft(distance), picture, VISIBLE)
    game = blank(CAMERA, (SIZE, SIZE, 3), 0.0).seen(picture, read)
    for _ in range(8):  # a step of a tick to the left: the pillar moves right, 9 pixels in all
        view = Expected.of(game, REST, np.array([0.0, -0.075, 0.0]), 0.5)
        read = soft(np.where(view.away < FAR, view.away, 12.0).astype(np.float32))
        game = view.dreamed(view.picture, read)
    grey = (np.ptp(game.frame[14:VISIBLE].astype(int), axis=-1) < 12).sum(0)
    assert (grey[35:43] > 30).all()
    assert (grey[:30] < 4).all()  # nothing of it stays behind
    assert (grey[50:] < 4).all()
    assert np.median(game.distance[14:VISIBLE, 36:42]) == pytest.approx(3.0, rel=0.05)
