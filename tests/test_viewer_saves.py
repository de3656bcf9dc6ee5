"""F5 and F9: files that hold what is on screen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from windows import Launch, begun, hold_back, let_go, number, play, press, settle, tap, world

from worldsim.viewer.app import App


def test_f5_saves_and_f9_loads_in_another_window(launch: Launch, tmp_path: Path) -> None:
    app = begun(launch, seed=3)
    play(app, 4, "W")
    file = tmp_path / "saves" / "world.npz"
    assert str(file) in settle(app, "F5").toasts[-1]
    at, past = number(app), list(world(app).past)
    other = begun(launch)
    shown = settle(other, "F9")
    assert (number(other), world(other).seed) == (at, 3)
    assert (np.array(world(other).past) == past).all()
    assert "loaded" in shown.toasts[-1]
    press(other)
    assert number(other) == at + 1
    hold_back(other, 2)
    assert world(other).seed == 0  # also loading can be gone back on


def test_the_save_before_stays(app: App, tmp_path: Path) -> None:
    tap(app, "F5")
    file = tmp_path / "saves" / "world.npz"
    first = file.read_bytes()
    play(app, 2)
    tap(app, "F5")
    assert file.with_name("world.previous.npz").read_bytes() == first
    file.write_bytes(b"PK\x03\x04 cut off")
    shown = settle(app, "F9")
    assert "is damaged" in shown.toasts[-1]
    assert f"save={file.with_name('world.previous.npz')}" in shown.toasts[-1]


def test_a_save_that_fails_leaves_the_last_one(app: App, tmp_path: Path, monkeypatch: Any) -> None:
    tap(app, "F5")
    file = tmp_path / "saves" / "world.npz"
    first = file.read_bytes()
    monkeypatch.setattr("worldsim.files.os.fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tap(app, "F5")
    assert file.read_bytes() == first
    assert not list(file.parent.glob("*.partial"))


def test_saves_that_do_not_fit_are_explained(launch: Launch, tmp_path: Path) -> None:
    app = begun(launch)
    assert "no save" in settle(app, "F9").toasts[-1]
    tap(app, "F5")
    other = begun(launch, "Dreamlike-v0")
    at = number(other)
    shown = settle(other, "F9")
    assert "holds Playable-v0; here are Dreamlike-v0 and Playable/Other-v0" in shown.toasts[-1]
    assert number(other) == at


def test_both_worlds_are_gone_back_with_saved_and_loaded(launch: Launch) -> None:
    app = begun(launch, "Dreamlike-v0")
    play(app, 3)
    settle(app, "TAB")
    twin = app.session.twin
    assert twin is not None
    assert (twin.seed, len(twin.past)) == (100, len(world(app).past) + 2)
    play(app, 4, "W")
    assert twin.past[-1][0] == 1
    both = number(app), int(twin.frame[0, 0, 0])
    settle(app, "F5")
    hold_back(app, 3)
    let_go(app)
    assert (number(app), int(twin.frame[0, 0, 0])) == (both[0] - 3, both[1] - 3)
    settle(app, "F9")
    assert app.session.twin is twin
    assert (number(app), int(twin.frame[0, 0, 0])) == both
    other = begun(launch, "Dreamlike-v0")
    settle(other, "F9")
    assert other.session.twin is not None
    assert (number(other), int(other.session.twin.frame[0, 0, 0])) == both
    for _ in range(3):  # exact, dream, and both again without a new beginning
        settle(other, "TAB")
    assert int(other.session.twin.frame[0, 0, 0]) >= both[1]
