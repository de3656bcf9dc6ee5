"""How far down a camera points is told by what turns do to its pictures."""

import numpy as np
import pytest
from test_panorama import CAMERA, act
from test_vistas import all_around, view

from worldsim import actions
from worldsim.memory.tilt import surest, tilted

TURNS = (0.0, 6.0, 6.0, -5.0, -9.0, 0.0, 4.0)
LEVEL = (0.0,) * len(TURNS)


def seen(pitch, turns=TURNS, tilts=LEVEL):
    """Frames of a camera that looks down so far in the end, and the actions between them."""
    picture = all_around(3)
    yaws = np.concatenate([[0.0], np.cumsum(turns)])
    pitches = pitch - sum(tilts) + np.concatenate([[0.0], np.cumsum(tilts)])
    frames = [view(picture, yaw, down, 64) for yaw, down in zip(yaws, pitches, strict=True)]
    led = [act(yaw=yaw, pitch=down) for yaw, down in zip(turns, tilts, strict=True)]
    return np.stack(frames), np.stack(led)


@pytest.mark.parametrize("pitch", [-30.0, 0.0, 5.0, 41.0])
def test_turns_tell_it_better_than_what_frames_say(pitch):
    frames, led = seen(pitch)
    rng = np.random.default_rng(0)
    told = pitch + 25 + rng.normal(0, 1, len(frames))  # as of something never seen before
    doubt = np.full(len(frames), 2.0)
    assert surest(told, doubt) == pytest.approx(pitch + 25, abs=2)
    assert tilted(CAMERA, frames, led, told, doubt) == pytest.approx(pitch, abs=0.8)


def test_the_camera_may_move_up_and_down_meanwhile():
    frames, led = seen(20.0, tilts=(0.0, 3.0, 0.0, -8.0, 2.0, 5.0, 0.0))
    told, doubt = np.full(len(frames), 40.0), np.full(len(frames), 2.0)
    assert tilted(CAMERA, frames, led, told, doubt) == pytest.approx(20.0, abs=0.8)


def test_who_does_not_turn_goes_by_what_frames_say():
    frames, led = seen(20.0, turns=(0.5,) * len(TURNS))
    told, doubt = np.linspace(9.0, 15.0, len(frames)), np.ones(len(frames))
    assert tilted(CAMERA, frames, led, told, doubt) == surest(told, doubt)


def test_frames_between_which_somebody_walks_are_not_compared():
    frames, led = seen(20.0)
    walking = np.stack([act(yaw=row[actions.CAMERA][1], forward=1) for row in led])
    told, doubt = np.full(len(frames), 12.0), np.ones(len(frames))
    assert tilted(CAMERA, frames, led, told, doubt) == pytest.approx(20.0, abs=0.8)
    assert tilted(CAMERA, frames, walking, told, doubt) == 12.0
    calm, rest = seen(20.0, (0.0,) * 9 + TURNS, (0.0,) * 9 + LEVEL)
    rest[0], told, doubt = walking[0], np.full(len(calm), 12.0), np.ones(len(calm))
    assert tilted(CAMERA, calm, rest, told, doubt) == pytest.approx(20.0, abs=0.8)
    rest[8] = walking[0]
    assert tilted(CAMERA, calm, rest, told, doubt) == 12.0


def test_where_turns_tell_nothing_frames_decide():
    frames, led = seen(20.0)
    told, doubt = np.full(len(frames), 12.0), np.ones(len(frames))
    assert tilted(CAMERA, np.full_like(frames, 90), led, told, doubt) == 12.0
