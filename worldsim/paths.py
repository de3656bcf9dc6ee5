"""Where this project's files lie, in a checkout and in an installed wheel."""

import os
from datetime import datetime
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def config_dir() -> Path:
    """The config tree: inside the package in a wheel, at the root of a checkout."""
    packaged = PACKAGE / "configs"
    return packaged if packaged.is_dir() else PACKAGE.parent / "configs"


def weights_dir() -> Path:
    """The checkpoints that ship with the package."""
    return PACKAGE / "weights"


def own_page(command: str) -> Path:
    """Where a person may keep settings of their own for a command."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "worldsim" / f"{command}.yaml"


def new_run_dir(command: str) -> Path:
    """A folder, not made yet, for one run of a command that was given none."""
    return Path("runs") / command / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
