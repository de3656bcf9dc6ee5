"""What lies over a whole view is shown, and not remembered."""

import numpy as np
import pytest

from worldsim import actions
from worldsim.camera import FAR, CameraConfig
from worldsim.data import environments
from worldsim.memory import tinted
from worldsim.memory.expected import Expected
from worldsim.memory.panoramas import blank, recorded

CAMERA = CameraConfig(field_of_view=70.0, crosshair=0.0, overlay=0.1875)
VISIBLE = 104
STILL = np.zeros(actions.SIZE, np.float32)


@pytest.fixture(scope="module")
def hurt():
    """A frame of the exact world, and the same in the red of being hurt."""
    env = environments.make("WorldSim/Voxel-v0")
    frame, _ = env.reset(seed=3)
    red = (frame.astype(np.uint16) * 3 // 4).astype(np.uint8)
    red[..., 0] += 60
    red[VISIBLE:] = frame[VISIBLE:]
    return frame, red


def mixed(frame, known):
    everywhere = np.ones((VISIBLE, frame.shape[1]), np.bool_)
    return tinted.tint(frame[:VISIBLE], known[:VISIBLE], everywhere)


def test_what_is_mixed_in_is_told_and_taken_away(hurt):
    frame, red = hurt
    told = mixed(red, frame)
    assert told == pytest.approx([0.75, 60, 0, 0], abs=2)
    sure = np.ones(frame.shape[:2], np.bool_)
    sure[:, 64:] = False
    plain, again = tinted.apart(red, frame, sure, VISIBLE)
    assert again == pytest.approx(told, abs=1)
    assert np.array_equal(plain[:, :64], frame[:, :64])
    assert np.abs(plain.astype(int) - frame).max() < 6
    assert np.abs(tinted.put(frame, told, VISIBLE).astype(int) - red).max() < 6


@pytest.mark.parametrize("other", ["another view", "a fading", "little known", "a flat view"])
def test_what_is_not_a_colour_over_the_view_is_none(hurt, other):
    frame, red = hurt
    sure = np.ones((VISIBLE, frame.shape[1]), np.bool_)
    if other == "another view":
        red = np.roll(frame[::-1], 40, 1)
    elif other == "a fading":
        red = (frame * 0.95).astype(np.uint8)
    elif other == "little known":
        sure[:80] = False
    else:
        frame, red = np.full_like(frame, 90), np.full_like(frame, 140)
    told = tinted.tint(red[:VISIBLE], frame[:VISIBLE], sure)
    assert np.array_equal(told, tinted.PLAIN)


def test_a_dream_shows_it_and_forgets_it(hurt):
    frame, red = hurt
    away = np.full(frame.shape[:2], FAR, np.float32)
    game = blank(CAMERA, frame.shape, 0.0).seen(frame, away)
    for _ in range(3):
        game = Expected.of(game, STILL, np.zeros(3)).dreamed(red, away)
        assert np.abs(game.shown.astype(int) - red).max() < 8
    after = Expected.of(game, STILL, np.zeros(3))
    assert np.abs(after.picture.astype(int) - frame)[:VISIBLE].max() < 8
    assert np.array_equal(after.dreamed(frame, away).tint, tinted.PLAIN)


def test_what_is_known_of_a_recording_is_without_it(hurt):
    frame, red = hurt
    frames, poses = np.stack([frame, red, red, frame]), np.zeros((4, 5))
    away = np.full(frames.shape[:3], FAR, np.float32)
    pictures, _, _ = recorded(CAMERA, frames, np.zeros((3, actions.SIZE)), poses, away)
    assert np.abs(pictures[1:].astype(int) - frame)[:, :VISIBLE].max() < 8
