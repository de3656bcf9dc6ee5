"""The reversibility meter."""

import numpy as np
import pytest
from windows import Launch, begun, press, tap

from worldsim import actions
from worldsim.data.environments import Frame
from worldsim.viewer.turns import TurnMeter, difference


def picture(value: int) -> Frame:
    return np.full((4, 4, 3), value, np.uint8)


def turned(meter: TurnMeter, values: list[tuple[float, int]], **keys: int) -> None:
    """Turn by each number of degrees of yaw, and see a picture of that value."""
    for yaw, value in values:
        action = actions.make(camera=(0.0, yaw), **keys)
        meter.add(actions.to_vector(action), {}, picture(value))


def begun_meter() -> TurnMeter:
    meter = TurnMeter()
    meter.begin({}, picture(100))
    return meter


def test_a_turn_there_and_back_compares_now_with_then() -> None:
    meter = begun_meter()
    turned(meter, [(10, 10), (10, 20), (-10, 30)])
    assert meter.last is not None  # at 10 degrees, where it was 10 bright: back from 20
    assert (meter.last.degrees, meter.last.apart) == (10, pytest.approx(20 / 255))
    turned(meter, [(-10, 151)])
    assert (meter.last.degrees, meter.last.apart) == (20, pytest.approx(51 / 255))
    assert meter.last.decibels == pytest.approx(20 * np.log10(5))
    assert meter.last.text == "20°: 20.0 % off, 14.0 dB"


def test_all_the_way_round_is_a_closed_turn() -> None:
    meter = begun_meter()
    turned(meter, [(20, 0)] * 17 + [(20, 100)])
    assert meter.last is not None
    assert meter.last.apart == 0
    assert meter.last.decibels == np.inf
    assert meter.last.degrees == 180


@pytest.mark.parametrize("moves", [[(5, 0), (-5, 0)], [(20, 0), (20, 0)], [(0.5, 0)] * 3])
def test_small_or_open_turns_do_not_count(moves: list[tuple[float, int]]) -> None:
    meter = begun_meter()
    turned(meter, moves)
    assert meter.last is None


def test_a_step_in_between_begins_anew() -> None:
    meter = begun_meter()
    turned(meter, [(20, 0)])
    turned(meter, [(0, 0)], forward=1)
    turned(meter, [(-20, 0)])
    assert meter.last is None


def test_the_angles_that_the_world_tells_count() -> None:
    meter = TurnMeter()
    meter.begin({"yaw": 0.0, "pitch": 0.0}, picture(0))
    for yaw in (15.0, 0.0):
        meter.add(actions.to_vector(actions.make()), {"yaw": yaw, "pitch": 0.0}, picture(51))
    assert meter.last is not None
    assert meter.last.apart == pytest.approx(0.2)


def test_equal_pictures_differ_by_nothing() -> None:
    assert difference(picture(3), picture(3)) == (0, np.inf)


def test_f3_shows_the_meter(launch: Launch) -> None:
    app = begun(launch)
    rows = dict(tap(app, "F3").overlay)
    assert rows["closed turn"] == "look away and back"
    frame = app.session.world.frame  # type: ignore[union-attr]
    meter = app.session.world.turns  # type: ignore[union-attr]
    meter.begin({}, frame)
    for yaw in (20.0, -20.0):
        meter.add(actions.to_vector(actions.make(camera=(0.0, yaw))), {}, frame)
    assert dict(press(app).overlay)["closed turn"] == "20°: no difference"
