"""The `worldsim` command line: `worldsim COMMAND [key=value ...]`.

Each command is a module with a dataclass `Config` and a function `run(config, run_dir)`. Hydra
composes `configs/COMMAND.yaml` and the overrides, checks them against `Config`, and `run` receives
the finished dataclass. Everything heavy is imported only once a command is known.
"""

import ast
import inspect
import json
import logging
import os
import re
import signal
import sys
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any, get_origin, get_type_hints

from worldsim import __version__
from worldsim.errors import UserError
from worldsim.imports import load_module
from worldsim.paths import config_dir, new_run_dir, own_page
from worldsim.suggest import did_you_mean

COMMANDS = {
    "play": ("worldsim.viewer", "walk in a learned or exact world, in a window or as a video"),
    "record": ("worldsim.data.record", "let a policy play and keep the episodes"),
    "rebuild": ("worldsim.data.rebuild", "make or check the frames of a data set by replaying it"),
    "train_tokenizer": ("worldsim.training.train_tokenizer", "learn to compress frames"),
    "train_depth": ("worldsim.training.train_depth", "learn how far away is what a frame shows"),
    "encode": ("worldsim.data.encode", "compress a data set's frames once, for training"),
    "encode_events": ("worldsim.data.encode_events", "try things out, with and without, likewise"),
    "train_dynamics": ("worldsim.training.train_dynamics", "learn what actions do to a world"),
    "rehearse": ("worldsim.training.rehearse", "dream along recordings, to learn from mistakes"),
    "export": ("worldsim.export", "put tokenizer and dynamics into one playable world file"),
    "distill": ("worldsim.training.distill", "teach a world to draw in few steps as in many"),
    "benchmark": ("worldsim.benchmark", "measure this machine: frames a second, latency, memory"),
    "evaluate": ("worldsim.evaluation.suite", "measure a learned world against the exact one"),
    "check_heads": ("worldsim.evaluation.heads", "ask whether a world's rewards can be believed"),
    "train_agent": ("agents.train", "learn to play, in a dream or the exact world"),
    "rank_agents": ("agents.rank", "ask whether a dream ranks policies as the exact world does"),
    "audit": ("worldsim.evaluation.audit", "test the suite itself on a world with planted faults"),
    "compare": ("worldsim.evaluation.compare", "tell two evaluations apart, world by world"),
}
"""Each command's module and what it does."""

USAGE = """\
usage: worldsim COMMAND [key=value ...] [+experiment=smoke]
       worldsim COMMAND --help
       worldsim --version

commands:
{commands}

Every command takes run_dir=FOLDER (default runs/COMMAND/TIME): where it puts what it makes, unless
a key of its own says so. A training resumes when it is given the same folder again.
`+experiment=smoke` shrinks a command to seconds, for a first try. Settings of your own for play
are lines `key: value` in ~/.config/worldsim/play.yaml."""

PLACES = ("run_dir", "out")
"""Keys that name the run's folder; `out` only where the command has no key of that name."""
PERSONAL = ("play",)
"""Commands that a person may keep settings of their own for; what others do is in their lines."""


def main() -> int:
    """The process's exit status; reads the command line and prepares the process for it."""
    signal.signal(signal.SIGTERM, _interrupt)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.path.append(os.getcwd())  # noqa: PTH109  # for a user's own policies and environments
    return execute(sys.argv[1:])


def execute(arguments: Sequence[str]) -> int:
    """Run a command line; the exit status: 2 for what the user can put right, 130 for Ctrl-C."""
    command, *rest = arguments or ["--help"]
    if command in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        lines = (f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items())
        print(USAGE.format(commands="\n".join(lines)))
        return 0
    if command == "--version":
        print(f"worldsim {__version__}")
        return 0
    try:
        _start(command, rest)
    except UserError as error:
        print(f"worldsim {command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nworldsim {command}: stopped", file=sys.stderr)
        return 130
    return 0


def compose(command: str, schema: type, overrides: Sequence[str] = ()) -> Any:
    """The command's config, an instance of its dataclass, with `key=value` overrides applied.

    Raises:
        UserError: a key that does not exist or a value of the wrong type.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    ConfigStore.instance().store(name=f"{command}_schema", node=schema)
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            defaults = OmegaConf.to_container(hydra_compose(command))
            assert isinstance(defaults, dict)
            keys = {key for key, _ in _nodes(defaults)}
            lines = [_checked(line, keys, schema) for line in overrides]
            return OmegaConf.to_object(hydra_compose(command, overrides=lines))
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(f"{_explained(error)} (see `worldsim {command} --help`)") from error


def expand(command: str, overrides: Sequence[str]) -> list[str]:
    """The overrides, `+experiment=NAME` replaced by what that page says for the command.

    The page comes first, so that the command line has the last word.

    Raises:
        UserError: no such page, or it says nothing of the command.
    """
    names = {line: re.fullmatch(r"\+*experiment=(.*)", line) for line in overrides}
    lines = []
    for match in filter(None, names.values()):
        lines += _experiment(match[1], command)
    return lines + [line for line, match in names.items() if not match]


def personal(command: str, schema: type) -> list[str]:
    """What a person's own page says for a command, as overrides; empty where there is none.

    Raises:
        UserError: a page that cannot be read, or with a key or value that the command refuses.
    """
    from omegaconf import OmegaConf

    path = own_page(command)
    if command not in PERSONAL or not path.is_file():
        return []
    try:
        page = OmegaConf.to_container(OmegaConf.load(path))
    except Exception as error:  # of YAML, of the disk, or of its interpolations
        raise UserError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(page, dict):
        raise UserError(f"{path} is a list; needed lines of the form key: value")
    leaves = [(key, value) for key, value in _nodes(page) if not isinstance(value, Mapping)]
    lines = [f"{key}={json.dumps(value)}" for key, value in leaves]
    try:
        compose(command, schema, lines)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return lines


def _start(command: str, rest: Sequence[str]) -> None:
    if command not in COMMANDS:
        raise UserError(f"there is no such command{did_you_mean(command, COMMANDS)}")
    module = load_module(COMMANDS[command][0])
    if {"-h", "--help"} & set(rest):
        print(_command_help(command, module.Config, module.__doc__ or ""))
        return
    own = {field.name for field in fields(module.Config)}
    places = tuple(f"{key}=" for key in PLACES if key not in own)
    overrides = personal(command, module.Config) + expand(command, rest)
    named = [line for line in overrides if line.startswith(places)]
    config = compose(command, module.Config, [line for line in overrides if line not in named])
    place = named[-1].partition("=")[2].strip("\"'") if named else ""
    module.run(config, Path(place) if place else new_run_dir(command))


def _command_help(command: str, schema: type, about: str) -> str:
    """What the command does and its keys, each with its default and its field's docstring."""
    texts = {key: text for key, _, text in _fields(schema)}
    lines = [f"usage: worldsim {command} [key=value ...]", "", inspect.cleandoc(about), ""]
    for key, value in _nodes(asdict(compose(command, schema))):
        if not (isinstance(value, Mapping) and value):
            lines.append(f"  {key}={json.dumps(value)}")
            text = textwrap.fill(texts.get(key, ""), 90)
            lines.extend([textwrap.indent(text, " " * 6)] if text else [])
    return "\n".join(lines)


def _fields(schema: type, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Dotted key, type and docstring of every field of a dataclass and of those nested in it."""
    hints, texts = get_type_hints(schema), _docstrings(schema)
    for field in fields(schema):
        kind = hints[field.name]
        yield f"{prefix}{field.name}", kind, texts.get(field.name, "")
        if isinstance(kind, type) and is_dataclass(kind):
            yield from _fields(kind, f"{prefix}{field.name}.")


def _docstrings(schema: type) -> dict[str, str]:
    """The strings below the fields of a dataclass and of those it inherits from."""
    texts: dict[str, str] = {}
    for kind in reversed(schema.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                texts[ast.unparse(field.target)] = inspect.cleandoc(ast.literal_eval(below.value))
    return texts


def _nodes(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of nested mappings and its value, mappings included."""
    for key, value in values.items():
        yield f"{prefix}{key}", value
        if isinstance(value, Mapping):
            yield from _nodes(value, f"{prefix}{key}.")


def _experiment(name: str, command: str) -> list[str]:
    """What `configs/experiment/NAME.yaml` says for a command, as overrides."""
    from omegaconf import OmegaConf

    pages = {path.stem: path for path in (config_dir() / "experiment").glob("*.yaml")}
    if name not in pages:
        raise UserError(f"no experiment is called {name!r}{did_you_mean(name, pages)}")
    page = OmegaConf.to_container(OmegaConf.load(pages[name]))
    if not isinstance(page, dict) or command not in page:
        raise UserError(f"experiment {name} says nothing of {command}; leave it away")
    leaves = _nodes(page[command])
    return [f"{key}={json.dumps(value)}" for key, value in leaves if not isinstance(value, Mapping)]


def _checked(line: str, keys: Collection[str], schema: type) -> str:
    """The override in the form that Hydra takes, if the command has its key.

    Raises:
        UserError: no such key, or nothing that reads as key=value.
    """
    key, equals, _ = line.partition("=")
    key = key.lstrip("+")
    if not equals or not key or key.startswith(("~", "-")):
        raise UserError(f"{line!r} is not of the form key=value")
    free = [name for name, kind, _ in _fields(schema) if get_origin(kind) is dict]
    if any(key == name or key.startswith(f"{name}.") for name in free):
        return f"++{line.lstrip('+')}"  # Hydra's way of setting what the schema does not list
    groups = {path.name for path in config_dir().iterdir() if path.is_dir()} - {"experiment"}
    if key not in keys and key not in groups:
        raise UserError(f"there is no key {key!r}{did_you_mean(key, keys)}")
    return line.lstrip("+")


def _explained(error: Exception) -> str:
    """Hydra's or OmegaConf's message as one sentence."""
    cause = error.__cause__ or error
    text = str(cause).partition("\n3. To sweep")[0]
    if type(error).__name__ == "OverrideParseException":
        text += "\n; quote a value with special characters twice: key=\"'value'\""
    key = re.search(r"full_key: (\S+)", text)
    noise = r"^\s*(See http\S* for details|(full_key|object_type|reference_type)\b.*)$"
    words = re.sub(noise, "", text, flags=re.MULTILINE).split()
    return (f"{key[1]}: " if key else "") + " ".join(words).replace(" ;", ";")


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
