"""The window played by a script of keys, and filmed; and how it looks at every size."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pygame
import pytest
from playable import SIZE
from windows import Launch, arrive, begun, press, settle, tap

from worldsim.errors import UserError
from worldsim.viewer import Config, helppage, ink, run, tiles
from worldsim.viewer.offscreen import Chord, film, parse


@pytest.fixture(autouse=True)
def _driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", os.environ.get("SDL_VIDEODRIVER", "dummy"))
    yield
    pygame.display.quit()


def filmed(tmp_path: Path, keys: str, name: str = "a.gif", **settings: Any) -> Any:
    """The frames of a video of `Playable-v0` played by keys."""
    places = {
        "captures": str(tmp_path),
        "save": str(tmp_path / "s.npz"),
        "out": str(tmp_path / name),
    }
    worlds = {"env": "Playable-v0", "exact": "Playable/Other-v0"}
    run(Config(headless=True, keys=keys, **{**places, **worlds, **settings}), tmp_path)
    return iio.imread(tmp_path / name)[..., :3]


def test_scripts_are_chords_and_ticks() -> None:
    assert parse("W:20 f  W+right:3 _:2") == [
        Chord(("W",), 20),
        Chord(("F",), 1),
        Chord(("W", "RIGHT"), 3),
        Chord((), 2),
    ]


@pytest.mark.parametrize("script", ["", "W:", "W:0", "W:x", "JMP:3", "W++D"])
def test_scripts_that_cannot_be_read_are_explained(script: str) -> None:
    with pytest.raises(UserError, match="needed words like W:20"):
        parse(script)


def test_what_the_window_shows_is_filmed_tick_by_tick(tmp_path: Path) -> None:
    video = filmed(tmp_path, "W:3 P _:2", width=64, height=92)
    assert video.shape == (3, 92, 64, 3)  # a GIF holds the last one for longer
    seen = video[:, ink.strip_height(92) + 2, 2]  # pixel [0, 0], enlarged four times
    clocks = np.abs(seen[:, :1].astype(int) - np.arange(6)).argmin(1)
    assert clocks.tolist() == [1, 2, 3]


def test_the_same_script_makes_the_same_film_and_a_part_may_be_kept(tmp_path: Path) -> None:
    keys = "W:4 F A:2 BACKSPACE:3 D:2 G _:2"
    films = [[frame.copy() for frame in film(_config(tmp_path), parse(keys))] for _ in range(2)]
    assert len(films[0]) == 4 + 1 + 2 + 3 + 2 + 1 + 2
    assert all((a == b).all() for a, b in zip(*films, strict=True))
    assert len(filmed(tmp_path, keys, every=4, frames=10, width=64, height=92)) == 3
    assert iio.immeta(tmp_path / "a.gif")["duration"] == 200


def _config(tmp_path: Path) -> Config:
    return Config(env="Playable-v0", headless=True, width=64, height=92, captures=str(tmp_path))


def test_rewinding_is_seen_backwards(tmp_path: Path) -> None:
    frames = list(film(_config(tmp_path), parse("W:6 BACKSPACE:3 _:2")))
    clocks = [int(frame[ink.strip_height(92) + 2, 2, 0]) for frame in frames]
    assert clocks == [1, 2, 3, 4, 5, 6, 5, 4, 3, 4, 5]


def test_a_script_may_leave(tmp_path: Path) -> None:
    keys = "W:2 ESCAPE ESCAPE W:50"
    assert len(list(film(_config(tmp_path), parse(keys)))) == 3


@pytest.mark.parametrize("size", [(1024, 1078), (1300, 480), (480, 700), (384, 412), (300, 240)])
def test_the_whole_help_page_can_be_read_at_every_size(
    launch: Launch, size: tuple[int, int]
) -> None:
    app = begun(launch, width=size[0], height=size[1])
    everything = tap(app, "F1").help
    seen = []
    parts = helppage.count(app.window, everything)
    room = size[0], size[1] - ink.strip_height(size[1])
    for page in helppage.pages(everything, *helppage._room(app.window), ink.text_size(size[1])):
        assert page.shape[0] <= room[0]
        assert page.shape[1] <= room[1]
        assert page.size >= 11
        seen += [row for stack in page.stacks for _, rows in stack for row in rows]
    assert seen == [row for _, rows in everything for row in rows]
    for part in range(1, parts + 1):
        assert app.play.help == part
        tap(app, "F1")
    assert not app.play.help


@pytest.mark.parametrize("size", [(1024, 1078), (1300, 480), (320, 900), (384, 412), (200, 150)])
def test_tiles_lie_apart_inside_the_window(size: tuple[int, int]) -> None:
    picture = pygame.Rect(0, 30, size[0], size[1] - 30)
    places = tiles.tiled((128, 128), picture, 12)
    assert all(picture.contains(place) for place in places)
    assert len({place.size for place in places}) == 1
    for i, place in enumerate(places):
        caption = place.move(0, -15)
        assert place.collidelist(places[:i] + places[i + 1 :]) == -1
        assert caption.collidelist([p for p in places if p is not place]) == -1 or size[1] < 200


def test_large_tiles_enlarge_by_whole_pixels(launch: Launch) -> None:
    app = begun(launch, width=600, height=640)
    settle(app, "TAB")
    shown = press(app)
    assert shown.frame is not None
    top = ink.strip_height(640)
    place = tiles.tiled((SIZE, SIZE), pygame.Rect(0, top, 600, 640 - top), ink.text_size(640))[0]
    times = place.width // SIZE
    assert place.size == (times * SIZE, times * SIZE)
    window = pygame.surfarray.array3d(app.window).transpose(1, 0, 2)
    part = window[place.top : place.bottom, place.left : place.right]
    assert (part == shown.frame.repeat(times, 0).repeat(times, 1)).all()


@pytest.mark.parametrize("size", [(900, 300), (320, 700), (130, 90)])
def test_both_worlds_can_be_drawn_at_every_size(launch: Launch, size: tuple[int, int]) -> None:
    app = begun(launch, width=size[0], height=size[1])
    settle(app, "TAB")
    for name in ("F3", "F", "BACKSPACE", "F1"):
        press(app)
        tap(app, name)
        arrive(app)
    assert app.window.get_size() == size
