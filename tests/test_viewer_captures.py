"""Screenshots and recordings made in the window."""

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import playable
import pytest
from playable import key, motion
from windows import Launch, arrive, press, tap, world

from worldsim import actions
from worldsim.viewer.app import App


def test_screenshot_saves_the_frame_and_the_window(app: App, tmp_path: Path) -> None:
    tap(app, "P")
    shown = tap(app, "F2")
    native, window = sorted(tmp_path.glob("*-frame1.*"))
    tap(app, "F2")
    assert (iio.imread(native) == world(app).frame).all()
    assert iio.imread(window).shape[:2] == app.window.get_size()[::-1]
    assert native.name in shown.toasts[-1]
    assert len(list(tmp_path.glob("*.png"))) == 4  # the second pair did not replace the first


def test_recording_holds_frames_and_the_actions_that_make_them(app: App, tmp_path: Path) -> None:
    press(app)
    assert tap(app, "F6").badges[0][0] == "REC 0:00"
    press(app, key("W"))
    press(app, motion(100, 0))
    shown = tap(app, "F6")
    video, table = next(tmp_path.glob("*.mp4")), next(tmp_path.glob("*.npz"))
    assert video.name in shown.toasts[-1]
    with np.load(table) as saved:
        assert saved["actions"].shape == (4 - 1, actions.SIZE)
        assert saved["actions"][1, actions.INDEX["forward"]] == 1
        assert saved["actions"][2, actions.INDEX["camera.yaw"]] == 15
        assert saved["before"].shape == (2, actions.SIZE)
        assert (int(saved["seed"]), int(saved["start_index"])) == (0, -1)
        assert str(saved["env"]) == "Playable-v0"
        assert json.loads(str(saved["env_options"])) == {}
        assert tuple(saved["columns"]) == actions.NAMES
    assert len(playable.decode(video, 512, 512)) == 4
    assert not list(tmp_path.glob("*partial*"))


@pytest.mark.parametrize("leave", ["close", "R", "TAB"])
def test_a_recording_under_way_is_saved(app: App, tmp_path: Path, leave: str) -> None:
    tap(app, "F6")
    press(app)
    steps = len(world(app).past)
    if leave == "close":
        app.close()
    else:
        tap(app, leave)
        arrive(app)
    with np.load(next(tmp_path.glob("*.npz"))) as saved:
        assert len(saved["before"]) + len(saved["actions"]) == steps
    assert len(list(tmp_path.glob("*.mp4"))) == 1


def test_captures_that_cannot_be_written_are_a_notice(launch: Launch, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    app = launch(captures=str(blocker / "below"))
    arrive(app)
    for name in ("F2", "F6"):
        assert str(blocker) in tap(app, name).toasts[-1]
    assert app.captures.recording is None
