"""The viewer's window under test: opened, turned by hand, asked what it shows."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pygame
from playable import button, key

from worldsim.viewer.app import App
from worldsim.viewer.config import Config
from worldsim.viewer.view import View
from worldsim.viewer.worlds import World

Launch: TypeAlias = Callable[..., App]

_PATIENCE = 0.002  # seconds in which slow work goes on undisturbed


@contextmanager
def windows(captures: Path) -> Iterator[Launch]:
    """Opens windows that run as fast as they can, and closes them in the end."""
    apps: list[App] = []

    def launch(env: str = "Playable-v0", **settings: Any) -> App:
        places = {"captures": str(captures), "save": str(captures / "saves" / "world.npz")}
        settings = {"exact": "Playable/Other-v0", "pace": False, **places, **settings}
        apps.append(App(Config(env=env, fps=10_000, **settings)))
        return apps[-1]

    try:
        yield launch
    finally:
        for app in apps:
            app.close()


def begun(launch: Launch, env: str = "Playable-v0", **settings: Any) -> App:
    """A window with a world that has begun to play, the mouse captured."""
    app = launch(env, **settings)
    arrive(app)
    press(app, button(1), button(1, down=False))
    return app


def arrive(app: App) -> None:
    """Turn the loop until slow work is done."""
    app.tick()
    while app.session.busy:
        time.sleep(_PATIENCE)
        app.tick()


def press(app: App, *events: pygame.event.Event) -> View:
    """One turn of the loop with these events; what the window then shows."""
    pygame.event.clear()
    for event in events:
        pygame.event.post(event)
    app.tick()
    return app.show()


def tap(app: App, name: str) -> View:
    """A key pressed and released within one turn."""
    return press(app, key(name), key(name, down=False))


def settle(app: App, name: str) -> View:
    """A key whose work is slow, and what the window shows once it is done, before play goes on."""
    app.handle(key(name))
    app.handle(key(name, down=False))
    while app.session.busy:
        time.sleep(_PATIENCE)
        app.poll()
    return app.show()


def play(app: App, ticks: int, *names: str) -> None:
    """Play so many ticks with keys held."""
    press(app, *map(key, names))
    for _ in range(ticks - 1):
        press(app)
    for name in names:
        app.keys.feed(key(name, down=False))


def hold_back(app: App, ticks: int) -> View:
    """Hold Backspace for so many ticks; what the last of them shows."""
    shown = press(app, key("BACKSPACE"))
    for _ in range(ticks - 1):
        shown = press(app)
    return shown


def let_go(app: App) -> None:
    """Let Backspace go, and wait until the world is there; it does not play on meanwhile."""
    app.handle(key("BACKSPACE", down=False))
    while app.session.busy:
        time.sleep(_PATIENCE)
        app.poll()


def number(app: App) -> int:
    """The step that the frame on screen shows."""
    return int(world(app).frame[0, 0, 0])


def world(app: App) -> World:
    assert app.session.world is not None
    return app.session.world


def last(app: App) -> dict[str, Any]:
    """The latest action that the environment got."""
    taken: dict[str, Any] = world(app).env.unwrapped.taken[-1]  # type: ignore[attr-defined]
    return taken
