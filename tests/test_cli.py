import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from worldsim import __version__, cli
from worldsim.errors import UserError
from worldsim.imports import load_module
from worldsim.paths import config_dir

ROOT = Path(__file__).parents[1]
RECORD = ["env=Tiny-v0", "policy=tiny:Cycle", "episodes=1", "steps=3"]


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; from worldsim.cli import execute; status = execute(['--help'])\n"
        "heavy = {'torch', 'hydra', 'omegaconf', 'gymnasium', 'numpy', 'pygame', 'numba'}\n"
        "sys.exit(status or str(heavy & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == ""
    lines = done.stdout.splitlines()
    for command, (_, text) in cli.COMMANDS.items():
        assert any(re.fullmatch(rf"  {command} +{re.escape(text)}", line) for line in lines)


def test_no_arguments_show_the_help(capsys):
    assert cli.execute([]) == 0
    assert "usage: worldsim COMMAND" in capsys.readouterr().out


def test_version(capsys):
    assert cli.execute(["--version"]) == 0
    assert capsys.readouterr().out == f"worldsim {__version__}\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("recrod", "worldsim recrod: there is no such command; did you mean record?"),
        ("zzz", "there is no such command; there are audit, benchmark, c"),
        ("record stps=3", "there is no key 'stps'; did you mean steps?"),
        ("record +stps=3", "there is no key 'stps'; did you mean steps?"),
        ("record steps=three", "steps: Value 'three' of type 'str' could not be converted to Int"),
        ("record steps=1.5", "steps: Value '1.5'"),
        ("record workers=null", "workers"),
        ("record steps=[1", "quote a value"),
        ("record seed=1,2", "use key=[value1,value2]"),
        ("record steps=${sed}", "steps: Interpolation key 'sed' not found"),
        ("record steps", "'steps' is not of the form key=value"),
        ("record --steps=3", "is not of the form key=value"),
        ("record ~steps=3", "is not of the form key=value"),
        ("record +experiment=smok", "no experiment is called 'smok'; did you mean smoke?"),
        ("record env=Tinny-v0 policy=random", "no environment is called Tinny-v0; did you mean"),
        ("rebuild data=nowhere/here", "nowhere/here is no data set"),
    ],
)
def test_mistakes_get_one_line_and_status_2(line, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.execute(line.split()) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_overrides_reach_the_command(tmp_path, capsys):
    out = tmp_path / "a folder"
    line = [*RECORD, f"out={out}", "policy_options.stride=2", "env_options={size: 8}"]
    assert cli.execute(["record", *line]) == 0
    assert "1 episodes, 4 frames" in capsys.readouterr().out
    assert '"stride": 2' in (out / "dataset.json").read_text()


@dataclasses.dataclass
class Settings:
    steps: int = 5
    """How many."""
    extra: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Config(Settings):
    inner: Settings = dataclasses.field(default_factory=Settings)


@dataclasses.dataclass
class Place(Settings):
    out: str = "here"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A command `try` of its own config tree; calls of `run` are collected."""
    (tmp_path / "experiment").mkdir()
    (tmp_path / "try.yaml").write_text("defaults: [try_schema, _self_]\nsteps: 7\nextra: {a: 1}\n")
    page = "try: {steps: 1, extra: {b: 2}, inner: {steps: 3}}\nother: {nothing: 1}\n"
    (tmp_path / "experiment" / "smoke.yaml").write_text(page)
    (tmp_path / "experiment" / "none.yaml").write_text("other: {nothing: 1}\n")
    (tmp_path / "experiment" / "placed.yaml").write_text("try: {run_dir: runs/small}\n")
    calls = []
    module = SimpleNamespace(
        __doc__="Command that tries.", Config=Config, run=lambda *given: calls.append(given)
    )
    monkeypatch.setattr(cli, "COMMANDS", {"try": ("try", "tries")})
    monkeypatch.setattr(cli, "load_module", lambda name: module)
    monkeypatch.setattr(cli, "config_dir", lambda: tmp_path)
    return SimpleNamespace(calls=calls, module=module)


def test_yaml_stands_above_the_dataclass_and_the_command_line_above_both(command):
    assert cli.execute(["try", "inner.steps=9"]) == 0
    config, _ = command.calls[0]
    assert config == Config(steps=7, extra={"a": 1}, inner=Settings(steps=9))


def test_an_experiment_changes_the_command_and_the_command_line_has_the_last_word(command):
    assert cli.execute(["try", "inner.steps=9", "extra.b=5", "+experiment=smoke"]) == 0
    config, _ = command.calls[0]
    assert config == Config(steps=1, extra={"a": 1, "b": 5}, inner=Settings(steps=9))


def test_an_experiment_without_the_command_says_so(command, capsys):
    assert cli.execute(["try", "+experiment=none"]) == 2
    assert "experiment none says nothing of try" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["run_dir", "out"])
def test_the_run_folder_can_be_named(command, key):
    assert cli.execute(["try", f"{key}=runs/mine"]) == 0
    assert command.calls[0][1] == Path("runs/mine")


def test_the_run_folder_bears_the_commands_name(command):
    assert cli.execute(["try"]) == 0
    assert command.calls[0][1].parent == Path("runs/try")


def test_an_out_key_of_the_command_stays_its_own(command):
    command.module.Config = Place
    assert cli.execute(["try", "out=there"]) == 0
    config, run_dir = command.calls[0]
    assert config.out == "there"
    assert run_dir.parent == Path("runs/try")


def test_an_experiment_can_name_the_run_folder(command):
    assert cli.execute(["try", "+experiment=placed"]) == 0
    assert command.calls[0][1] == Path("runs/small")


def test_command_help_shows_keys_values_and_their_docs(command, capsys):
    assert cli.execute(["try", "--help"]) == 0
    said = capsys.readouterr().out
    assert "Command that tries." in said
    assert "  steps=7\n      How many.\n" in said
    assert "  inner.steps=5\n      How many.\n" in said
    assert "  extra.a=1\n" in said
    assert command.calls == []


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("the disk is full"), 2, "worldsim try: the disk is full\n"),
        (KeyboardInterrupt(), 130, "\nworldsim try: stopped\n"),
    ],
)
def test_exit_statuses(command, capsys, error, status, said):
    def run(config, run_dir):
        raise error

    command.module.run = run
    assert cli.execute(["try"]) == status
    assert capsys.readouterr().err == said


def test_a_bug_keeps_its_traceback(command):
    def run(config, run_dir):
        raise ZeroDivisionError

    command.module.run = run
    with pytest.raises(ZeroDivisionError):
        cli.execute(["try"])


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_composes_and_so_does_its_smoke_experiment(name, capsys):
    module = load_module(cli.COMMANDS[name][0])
    assert callable(module.run)
    assert (config_dir() / f"{name}.yaml").is_file()
    assert isinstance(cli.compose(name, module.Config), module.Config)
    own = [line for line in cli.expand(name, ["+experiment=smoke"]) if "run_dir" not in line]
    assert cli.compose(name, module.Config, own) != cli.compose(name, module.Config)
    assert cli.execute([name, "--help"]) == 0
    assert f"usage: worldsim {name}" in capsys.readouterr().out


def test_the_module_runs_as_a_program_and_passes_its_status_on():
    command = [sys.executable, "-m", "worldsim", "nothing"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.fixture
def own_page(monkeypatch, tmp_path):
    """Writes a person's own settings of `play`."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def write(text):
        page = tmp_path / "worldsim" / "play.yaml"
        page.parent.mkdir(exist_ok=True)
        page.write_text(text)
        return page

    return write


def test_a_persons_own_page_changes_play_and_the_command_line_has_the_last_word(own_page):
    from worldsim.viewer import Config

    own_page("sensitivity: 0.3\nbind: {rewind: B, sneak: C LSHIFT, hotbar: {1: Z}}\n")
    lines = cli.personal("play", Config)
    config = cli.compose("play", Config, [*lines, "bind.rewind=V"])
    assert config.sensitivity == 0.3
    assert config.bind == {"rewind": "V", "sneak": "C LSHIFT", "hotbar": {"1": "Z"}}
    assert cli.personal("record", Config) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sensitivty: 0.3", "there is no key 'sensitivty'; did you mean sensitivity?"),
        ("fps: fast", "fps: Value 'fast'"),
        ("fps: [", "cannot be read"),
        ("- fps", "is a list"),
    ],
)
def test_mistakes_on_the_own_page_name_the_page(own_page, capsys, text, complaint):
    page = own_page(text)
    assert cli.execute(["play", "headless=true"]) == 2
    error = capsys.readouterr().err
    assert str(page) in error
    assert complaint in error
