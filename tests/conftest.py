"""What all tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny  # noqa: F401  # registers Tiny-v0

from worldsim.data.record import Config, record


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep a person's own settings out of the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-settings"))


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Records the tiny environment into a folder of that name and returns the folder."""

    def make(name: str = "data", **settings: Any) -> Path:
        defaults = {"env": "Tiny-v0", "policy": "tiny:Cycle", "episodes": 2, "steps": 20}
        record(Config(out=str(tmp_path / name), **{**defaults, **settings}))
        return tmp_path / name

    return make


@pytest.fixture(scope="module")
def stage() -> Iterator[Any]:
    """An exact world to build scenes in."""
    from worldsim.evaluation.stage import Stage

    made = Stage()
    yield made
    made.env.close()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny run of every command from recording to a world file."""
    from pipeline import make_runs

    root = tmp_path_factory.mktemp("runs")
    make_runs(root)
    return root


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the viewer's window on SDL's dummy display."""
    from windows import windows

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with windows(tmp_path) as make:
        yield make


@pytest.fixture
def app(launch: Callable[..., Any]) -> Any:
    """A window with a world that has begun to play."""
    from windows import begun

    return begun(launch)
