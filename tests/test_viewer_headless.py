"""Play without a window: scripts, recordings, policies -> videos; and what is refused."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as iio
import numpy as np
import playable
import pytest

from worldsim import actions
from worldsim.data import environments
from worldsim.errors import UserError
from worldsim.viewer import Config, run
from worldsim.viewer.headless import GAP, play
from worldsim.viewer.scripts import DEMO, load
from worldsim.viewer.video import Video
from worldsim.viewer.worlds import World, open_world


def write(folder: Path, name: str = "out.gif", **settings: Any) -> Path:
    """A video made without a window."""
    out = folder / name
    run(Config(headless=True, **{"env": "Playable-v0", "out": str(out), **settings}), folder)
    return out


def started(seed: int = 0, **options: Any) -> World:
    world = open_world("Playable-v0", "PLAYABLE", options)
    world.start(seed)
    return world


def clocks(video: Path) -> list[int]:
    """Which step each frame of a GIF of `Playable-v0` shows, by comparing it with all."""
    world = started()
    steps = [world.frame]
    for _ in range(60):
        world.step(actions.make())
        steps.append(world.frame)
    found = iio.imread(video)[:, ::16, ::16, :3].astype(int)
    return [int(np.argmin([np.abs(frame - step).sum() for step in steps])) for frame in found]


def test_mp4_has_the_frames_asked_for_each_pixel_a_square(tmp_path: Path) -> None:
    out = write(tmp_path, "out.mp4", frames=12, seed=3, scale=8)
    video = playable.decode(out, 128, 128)
    assert len(video) == 12
    truth = started(3).frame.repeat(8, 0).repeat(8, 1)
    assert np.abs(video[0].astype(int) - truth).mean() < 12  # colour is stored at half size


def test_four_starts_and_more_are_in_two_columns(tmp_path: Path) -> None:
    frames = iio.imread(write(tmp_path, frames=2, starts=5, scale=1))
    height = (frames.shape[1] - 2 * GAP) // 3
    assert frames.shape[2] == 2 * height + GAP
    assert frames[0, :height].any()
    assert not frames[0, -height:, -height:].any()  # five of six places


def test_gif_begins_with_the_start_frame_and_goes_on_step_by_step(tmp_path: Path) -> None:
    out = write(tmp_path, frames=7)
    assert clocks(out) == list(range(7))
    assert iio.immeta(out)["duration"] == 50


def test_the_same_seed_gives_the_same_file_and_another_does_not(tmp_path: Path) -> None:
    a, b, c = (
        write(tmp_path, f"{i}.gif", frames=20, seed=seed, policy="random").read_bytes()
        for i, seed in enumerate((5, 5, 6))
    )
    assert a == b != c


def test_the_demonstration_turns_walks_jumps_digs_and_places(tmp_path: Path) -> None:
    script = load(Config())
    world = started(end=10_000)
    assert script.length == sum(ticks for ticks, _ in DEMO)
    frames = list(islice(play(world, script.actions(world)), script.length + 1))
    assert len(frames) == script.length + 1
    vectors = np.array(world.past)
    for control in ("forward", "jump", "attack", "use"):
        assert vectors[:, actions.INDEX[control]].any()
    yaw = vectors[:, actions.INDEX["camera.yaw"]]
    assert yaw.min() < 0 < yaw.max()
    assert yaw[np.flatnonzero(yaw)[0]] < 0  # to the left first
    assert yaw.sum() == 0


def test_without_a_frame_count_the_script_is_played_once(tmp_path: Path) -> None:
    np.savez(tmp_path / "walk.npz", actions=np.zeros((9, actions.SIZE), np.float32))
    assert clocks(write(tmp_path, script=str(tmp_path / "walk.npz"))) == list(range(10))


def test_a_recording_replays_from_its_own_seed_and_shows_what_it_showed(tmp_path: Path) -> None:
    table = np.zeros((8, actions.SIZE), np.float32)
    table[5, 0] = 1
    np.savez(tmp_path / "r.npz", actions=table[3:], before=table[:3], seed=9, start_index=-1)
    script = load(Config(script=str(tmp_path / "r.npz")))
    assert (script.seed, script.start_index) == (9, None)
    world = started(script.seed)
    frames = list(play(world, script.actions(world), script.unseen))
    assert [int(frame[0, 0, 0]) for frame in frames] == [3, 4, 5, 6, 7, 8]
    assert {int(frame[0, 0, 1]) for frame in frames} == {9}
    assert (np.array(world.past) == table).all()
    write(tmp_path, script=str(tmp_path / "r.npz"))
    assert len(iio.imread(tmp_path / "out.gif")) == 6


def test_named_columns_of_human_play_are_understood(tmp_path: Path) -> None:
    table = np.array([[1, 0, -35], [0, 1, 2]], np.float32)
    names = np.array(["forward", "ESC", "camera_yaw_deg"])
    np.savez(tmp_path / "human.npz", names=names, walk=table)
    script = load(Config(script=f"{tmp_path / 'human.npz'}:walk"))
    world = started()
    list(play(world, script.actions(world), script.unseen))
    assert world.past[0][actions.INDEX["forward"]] == 1
    assert [vector[actions.INDEX["camera.yaw"]] for vector in world.past] == [-20, 2]


def test_an_episode_that_ends_goes_on_in_the_next_seed() -> None:
    world = started(seed=4, end=3)
    frames = islice(play(world, load(Config(script="still")).actions(world)), 7)
    shown = [tuple(map(int, frame[0, 0, :2])) for frame in frames]
    assert shown == [(0, 4), (1, 4), (2, 4), (3, 4), (0, 5), (1, 5), (2, 5)]


def test_policies_of_record_play(tmp_path: Path) -> None:
    out = write(tmp_path, env="Rendered-v0", policy="tiny:Cycle", frames=3, script="demo")
    assert iio.imread(out).shape == (3, 6 * 28, 9 * 28, 3)


def test_odd_frames_are_padded_for_mp4(tmp_path: Path) -> None:
    with Video(tmp_path / "odd.mp4", 20, scale=1) as video:
        for _ in range(2):
            video.add(np.full((35, 47, 3), 200, np.uint8))
    assert playable.decode(tmp_path / "odd.mp4", 36, 48).shape == (2, 36, 48, 3)


def test_a_video_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with Video(tmp_path / "a.mp4", 20) as video:
            video.add(np.zeros((16, 16, 3), np.uint8))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_the_video_goes_to_the_run_folder_when_no_name_is_given(tmp_path: Path) -> None:
    run(Config(env="Playable-v0", headless=True, frames=2), tmp_path / "run")
    assert (tmp_path / "run" / "play.mp4").is_file()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"out": "demo.avi"}, r"out=demo\.avi ends in \.avi; needed \.mp4 or \.gif"),
        ({"out": "demo"}, "ends in nothing"),
        ({"script": "dance"}, "script is dance; needed demo"),
        ({"script": "absent.npz"}, "absent.npz cannot be read"),
        ({"env": "Rendered-v0"}, "script=demo plays the worldsim controller"),
        ({"env": "Blind-v0"}, "Blind-v0 shows .* needed a uint8 image"),
        ({"env": "Playble-v0"}, "did you mean Playable-v0"),
        ({"env_options": {"colour": 3}}, "does not take these options"),
        ({"fps": 0}, "fps is 0"),
        ({"frames": -1}, "frames is -1"),
        ({"width": 300}, "give both or neither"),
        ({"seed": -1}, "seed is -1"),
        ({"start_index": -2}, "start_index is -2"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(Config(headless=True, **{"env": "Playable-v0", **settings}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_tables_that_do_not_fit_are_explained(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", actions=np.zeros((3, 4)), other=np.zeros(3))
    with pytest.raises(UserError, match="holds actions of 4 columns; Playable-v0 takes 21"):
        write(tmp_path, script=str(tmp_path / "a.npz"))
    with pytest.raises(UserError, match="no table of actions at 'other'; it holds actions, other"):
        write(tmp_path, script=f"{tmp_path / 'a.npz'}:other")
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UserError, match="cannot be read"):
        write(tmp_path, script=str(tmp_path / "b.npz"))


def test_a_picture_of_the_wrong_shape_is_explained() -> None:
    class Flat(playable.Rendered):
        def render(self) -> Any:
            return np.zeros((4, 4), np.uint8)

    gym.register("Flat-v0", Flat)
    try:
        with pytest.raises(UserError, match=r"Flat-v0 renders shape \(4, 4\)"):
            open_world("Flat-v0", "FLAT", {}).start(0)
    finally:
        del gym.registry["Flat-v0"]


def test_without_a_display_one_sentence_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(UserError, match=r"no display.*play headless=true frames=200 out=demo\.mp4"):
        run(Config(env="Playable-v0"), tmp_path)


def test_a_driver_that_opens_no_window_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "no-such-driver")
    with pytest.raises(UserError, match=r"no window can be opened .*headless=true"):
        run(Config(env="Playable-v0"), tmp_path)


def test_importing_the_viewer_needs_neither_pygame_nor_torch() -> None:
    code = """
import sys, importlib, pkgutil, worldsim.viewer as viewer
for module in pkgutil.iter_modules(viewer.__path__):
    importlib.import_module(f"worldsim.viewer.{module.name}")
print([name for name in ("pygame", "torch") if name in sys.modules])
"""
    root = Path(environments.__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert result.stdout.strip() == "[]"
