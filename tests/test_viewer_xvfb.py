"""The viewer as a program on a real X display, seen from outside."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playable import SIZE, Playable

from worldsim.viewer import ink

SEED, WIDTH, HEIGHT = 5, 480, 440
HIDDEN = ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE")
PLAYER = f"""
from pathlib import Path
import playable
from worldsim.viewer import Config, run
config = Config(env="Playable-v0", seed={SEED}, fps=4, frames=200, width={WIDTH}, height={HEIGHT})
config.env_options = {{"end": 200}}
run(config, Path())
"""


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A display of its own: its name, and the file that mirrors its pixels."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("Xvfb is not installed")
    command = [program, "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    command += ["-fbdir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    try:
        number = server.stdout.readline().strip()
        if not number:
            pytest.skip("Xvfb does not start here")
        yield f":{number}", tmp_path / "Xvfb_screen0"
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def pixels(file: Path) -> NDArray[np.uint8]:
    """What an X display shows (h, w, 3), from its mirror, a file in XWD format."""
    data = file.read_bytes()
    header = np.frombuffer(data[:100], ">u4")
    size, height, width, colors, line = (int(header[i]) for i in (0, 5, 4, 19, 12))
    body = np.frombuffer(data, np.uint8, height * line, size + 12 * colors)
    return body.reshape(height, line // 4, 4)[:, :width, 2::-1]


def picture(shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame in the middle of each of its enlarged pixels."""
    top = ink.strip_height(HEIGHT)
    side = HEIGHT - top
    left = (WIDTH - side) // 2
    middles = ((np.arange(SIZE) + 0.5) * side / SIZE).astype(int)
    return shown[top + middles][:, left + middles]


def test_the_window_shows_the_frames_of_the_world(screen: tuple[str, Path]) -> None:
    display, mirror = screen
    here = Path(__file__).parent
    paths = {"PYTHONPATH": f"{here}:{here.parent}", "DISPLAY": display}
    environ = {k: v for k, v in os.environ.items() if k not in ("SDL_VIDEODRIVER", *HIDDEN)}
    player = subprocess.Popen(
        [sys.executable, "-c", PLAYER],
        env={**environ, **paths, "SDL_VIDEO_WINDOW_POS": "0,0"},
        stderr=subprocess.DEVNULL,
    )
    try:
        seen: dict[int, NDArray[np.uint8]] = {}
        deadline = time.monotonic() + 60
        while len(seen) < 3 and time.monotonic() < deadline and player.poll() is None:
            time.sleep(0.1)
            found = picture(pixels(mirror))
            if found[0, 0, 1] == SEED:  # else the window is not there yet
                seen[int(found[0, 0, 0])] = found
    finally:
        player.terminate()
        player.wait()
    assert len(seen) == 3
    for clock, found in seen.items():
        assert (found == truth(clock)).all()


def truth(clock: int) -> NDArray[np.uint8]:
    """The frame of `Playable` at a step."""
    env = Playable()
    frame, _ = env.reset(seed=SEED)
    for _ in range(clock):
        frame, *_ = env.step(None)
    shown: NDArray[np.uint8] = frame
    return shown
