"""Stand-in worlds for the viewer's tests: small, exact, with every kind of action space."""

import json
import subprocess
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import gymnasium as gym
import imageio_ffmpeg
import numpy as np
import pygame
from numpy.typing import NDArray

from worldsim import actions
from worldsim.world import Origin

SIZE = 16
END = 50
OPEN = Event()
OPEN.set()
"""While not set, loading takes its time: making a `Playable` waits for it."""


class Playable(gym.Env[Any, Any]):
    """Pixel [0,0] is (step, seed, kind); the rest is noise of seed and step. Keeps its actions."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 20}

    def __init__(self, kind: int = 0, end: int = END, slots: bool = False) -> None:
        OPEN.wait(20)
        self.kind, self.end, self.slots = kind, end, slots
        self.device = "abacus"
        self.action_space = actions.space()
        self.observation_space = gym.spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)
        self.taken: list[Any] = []
        self.starts: list[Any] = []
        self.closed = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.starts.append((seed, options))
        self.clock, self.number, self.slot = 0, seed or 0, 4
        return self._look(), self._info()

    def step(self, action: Any) -> Any:
        self.clock += 1
        self.taken.append(action)
        return self._look(), 1.0, self.clock >= self.end, False, self._info()

    def close(self) -> None:
        self.closed = True

    def get_state(self) -> bytes:
        return json.dumps([self.clock, self.number, self.slot]).encode()

    def set_state(self, data: bytes) -> None:
        self.clock, self.number, self.slot = json.loads(data)

    def _look(self) -> Any:
        rng = np.random.default_rng([self.number, self.clock, self.kind])
        frame = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        frame[0, 0] = self.clock, self.number, self.kind
        return frame

    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = {"position": np.arange(3.0), "yaw": 190.0, "pitch": 5.0}
        return {**info, "selected": self.slot} if self.slots else info


class Dreamlike(Playable):
    """What a dream offers: an origin, snapshots, files, starts from frames. Melts with its clock.

    The origin is seed 100 and two actions after it.
    """

    def __init__(self, melts: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.melts, self.given = melts, np.zeros((0, SIZE, SIZE, 3), np.uint8)
        self.led: Any = None
        self.origin: Any = None
        self.wholes = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        options = options or {}
        if "frames" not in options:
            before = np.zeros((2, actions.SIZE), np.float32)
            self.origin = Origin("Playable/Other-v0", {}, 100, before)
            return super().reset(seed=seed, options=options)
        self.origin, self.given, self.led = None, options["frames"], options["actions"]
        super().reset(seed=seed)
        return self.given[-1].copy(), self._info()

    @property
    def state(self) -> None:
        self.wholes += 1

    def snapshot(self) -> Any:
        return self.clock, self.number, self.origin

    def restore(self, snapshot: Any) -> Any:
        self.clock, self.number, self.origin = snapshot
        return self._look()

    def save(self, path: Path) -> None:
        path.write_text(json.dumps([self.clock, self.number]))

    def load(self, path: Path) -> Any:
        self.clock, self.number = json.loads(path.read_text())
        return self._look()

    def _look(self) -> Any:
        frame = super()._look()
        return frame // (1 + self.clock) if self.melts else frame


class Rendered(gym.Env[Any, Any]):
    """No image observations: the picture is rendered. Any action space."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 20}
    observation_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    def __init__(
        self,
        space: gym.Space[Any] | None = None,
        table: dict[Any, Any] | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        self.action_space = gym.spaces.Discrete(3) if space is None else space
        if table is not None:
            self.get_keys_to_action = lambda: table
        self.taken: list[Any] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        self.taken.append(action)
        return np.zeros(2, np.float32), 0.0, False, False, {}

    def render(self) -> Any:
        value = len(self.taken) % 256
        return np.full((6, 9, 3), value, np.uint8) if self.render_mode else None


class Blind(Rendered):
    """Has no picture at all."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"]}


def key(name: str, down: bool = True, letter: int | None = None) -> pygame.event.Event:
    """A press or release of the key at a place; `letter` is what another layout prints there."""
    code = getattr(pygame, f"K_{name.lower() if len(name) == 1 else name}")
    kind = pygame.KEYDOWN if down else pygame.KEYUP
    place = int(getattr(pygame, f"KSCAN_{name}"))
    return pygame.event.Event(kind, scancode=place, key=code if letter is None else letter, mod=0)


def motion(right: int, down: int) -> pygame.event.Event:
    """The mouse travels that many pixels."""
    return pygame.event.Event(pygame.MOUSEMOTION, pos=(5, 5), rel=(right, down), buttons=(0, 0, 0))


def button(number: int, down: bool = True) -> pygame.event.Event:
    """A press or release of a mouse button."""
    kind = pygame.MOUSEBUTTONDOWN if down else pygame.MOUSEBUTTONUP
    return pygame.event.Event(kind, button=number, pos=(5, 5))


def wheel(steps: int) -> pygame.event.Event:
    """The wheel turns."""
    return pygame.event.Event(pygame.MOUSEWHEEL, x=0, y=steps, flipped=False)


def decode(video: Path, height: int, width: int) -> NDArray[np.uint8]:
    """The frames (t, height, width, 3) of a video file of that size."""
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(video), *raw]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, height, width, 3)


if "Playable-v0" not in gym.registry:
    gym.register("Playable-v0", "playable:Playable")
    gym.register("Playable/Other-v0", "playable:Playable", kwargs={"kind": 1})
    gym.register("Dreamlike-v0", "playable:Dreamlike")
    gym.register("Rendered-v0", "playable:Rendered")
    gym.register("Blind-v0", "playable:Blind")
