"""Modules and classes found by name, with an explanation when they are not."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from worldsim.errors import UserError
from worldsim.suggest import did_you_mean

OURS = ("worldsim", "envs", "agents")


def load_module(name: str) -> ModuleType:
    """The module of that name.

    Raises:
        UserError: there is none, or a stranger's `envs` or `agents` stands in place of ours.
    """
    package = name.partition(".")[0]
    if package in OURS:
        refuse_stranger(package)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; what it imports is not
        raise UserError(
            f"there is no module {error.name!r}; install it, or start in the folder it lies in"
        ) from error


def load_attribute(name: str) -> Any:
    """What `module:attribute` names.

    Raises:
        UserError: the name has another form, or leads nowhere.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise UserError(f"{name!r} is not of the form module:Class")
    module = load_module(module_name)
    if not hasattr(module, attribute):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise UserError(f"{module_name} has no {attribute!r}{did_you_mean(attribute, public)}")
    return getattr(module, attribute)


def refuse_stranger(package: str) -> None:
    """Raise UserError when `import package` would find another project's package."""
    ours = Path(__file__).resolve().parents[1] / package
    spec = sys.modules[package].__spec__ if package in sys.modules else find_spec(package)
    places = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or []]
    if spec is None or ours in places:
        return
    raise UserError(
        f"`import {package}` finds {spec.origin or places}, another project's package; "
        "install worldsim in a virtual environment of its own"
    )
