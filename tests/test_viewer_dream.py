"""The viewer's keys over a dream of a trained model, however small."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from pipeline import SIZE
from playable import key
from windows import Launch, begun, let_go, press, settle, world

from worldsim.data.environments import Frame
from worldsim.errors import UserError
from worldsim.viewer.app import App
from worldsim.viewer.config import Config
from worldsim.viewer.pictures import start_frames
from worldsim.viewer.worlds import open_world


@pytest.fixture
def dream(launch: Launch, runs: Path) -> App:
    """A window that plays a dream, its exact twin at hand."""
    return begun(launch, "WorldSim/Dream-v0", **settings(runs))


def settings(runs: Path) -> dict[str, Any]:
    return {
        "checkpoint": str(runs / "world.safetensors"),
        "device": "cpu",
        "env_options": {"dtype": "float32"},
        "exact": "WorldSim/Voxel-v0",
        "start_index": 0,
    }


def walk(app: App, ticks: int) -> list[Frame]:
    """The frames of walking on for so many ticks."""
    app.handle(key("W"))
    frames = []
    for _ in range(ticks):
        world(app).ended = False  # what hardly learned believes in an end at once
        press(app)
        frames.append(world(app).frame)
    app.handle(key("W", down=False))
    return frames


def test_going_back_leads_to_the_same_dream_bit_for_bit(dream: App) -> None:
    walk(dream, 4)
    first = walk(dream, 5)
    dream.handle(key("BACKSPACE"))
    for _ in range(5):
        press(dream)
    let_go(dream)
    assert len(world(dream).past) == 5
    assert all((a == b).all() for a, b in zip(walk(dream, 5), first, strict=True))


def test_the_twin_begins_where_the_dream_began_and_follows_its_keys(dream: App) -> None:
    walk(dream, 3)
    shown = settle(dream, "TAB")
    twin = dream.session.twin
    assert twin is not None
    assert shown.beside is not None
    origin = world(dream).origin
    assert (np.array(twin.past[: twin.led]) == origin.before).all()
    assert twin.frame.shape == (SIZE, SIZE, 3)
    walk(dream, 2)
    assert (np.array(twin.past[twin.led :]) == np.array(world(dream).past)).all()


def test_t_shows_the_dream_what_the_exact_world_shows(dream: App) -> None:
    walk(dream, 6)
    settle(dream, "TAB")
    before = dream.session.apart()
    shown = settle(dream, "T")
    assert "exact world's picture" in shown.toasts[-1]
    after = dream.session.apart()
    assert before is not None
    assert after is not None
    walk(dream, 2)
    assert dream.session.twin is not None


READER = """
import sys
import torch
torch.set_num_threads(int(sys.argv.pop()))  # other sums come in another order
from pathlib import Path
from conftest import *
from windows import begun, settle, windows, world
import test_viewer_dream as own
folder, runs = map(Path, sys.argv[1:])
with windows(folder) as launch:
    app = begun(launch, "WorldSim/Dream-v0", **own.settings(runs))
    settle(app, "F9")
    frames = own.walk(app, 3)
    print(len(world(app).past), *(int(frame.astype(int).sum()) for frame in frames))
"""


def test_a_save_goes_on_in_another_process(dream: App, tmp_path: Path, runs: Path) -> None:
    walk(dream, 3)
    settle(dream, "F5")
    sums = [int(frame.astype(int).sum()) for frame in walk(dream, 3)]
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path), str(runs), str(torch.get_num_threads())],
        cwd=here.parent,
        env={**os.environ, "PYTHONPATH": f"{here}:{here.parent}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = list(map(int, done.stdout.splitlines()[-1].split()))
    assert found == [len(world(dream).past), *sums]


def test_a_dream_starts_from_a_picture(launch: Launch, runs: Path, tmp_path: Path) -> None:
    picture = np.zeros((2 * SIZE, 3 * SIZE, 3), np.uint8)
    picture[:, SIZE // 2 : -SIZE // 2] = 200  # the middle, which is what the dream gets
    iio.imwrite(tmp_path / "a.png", picture)
    config = settings(runs) | {"start_index": None, "image": str(tmp_path / "a.png")}
    app = begun(launch, "WorldSim/Dream-v0", **config)
    start = world(app).picture
    assert start is not None
    assert start.shape[1:] == (SIZE, SIZE, 3)
    assert (start == 200).all()
    walk(app, 2)
    settle(app, "R")
    assert (world(app).seed, world(app).past) == (1, [])
    settle(app, "TAB")
    assert (app.session.beside, world(app).label) == (False, "EXACT")  # nothing to follow


def test_pictures_that_cannot_be_started_from_are_explained(tmp_path: Path) -> None:
    made = open_world("Dreamlike-v0", "DREAM", {})
    with pytest.raises(UserError, match="there is no such file"):
        start_frames(str(tmp_path / "absent.png"), made)
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(UserError, match="cannot be read as a picture"):
        start_frames(str(tmp_path / "b.png"), made)
    with pytest.raises(UserError, match="Playable-v0 does not start from pictures"):
        start_frames("b.png", open_world("Playable-v0", "PLAYABLE", {}))


def test_an_image_and_a_start_are_one_too_many() -> None:
    from worldsim.viewer.config import check

    with pytest.raises(UserError, match="give one"):
        check(Config(image="a.png", start_index=1))
