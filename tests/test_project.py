import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from worldsim import __version__

ROOT = Path(__file__).parents[1]
SOURCE = ("worldsim", "envs", "agents", "tests")


def test_every_source_file_is_short():
    files = [path for folder in SOURCE for path in (ROOT / folder).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert {name: count for name, count in lengths.items() if count >= 300} == {}


def test_every_config_page_is_short():
    files = [*(ROOT / "configs").rglob("*.yaml")]
    assert [path.name for path in files if len(path.read_text().splitlines()) > 40] == []


def test_the_citation_has_the_packages_version():
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_every_pinned_version_is_of_something_the_project_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.match(r"[\w-]+", line)[0] for line in needed}
    pins = re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert set(pins) - names == {"imageio-ffmpeg", "omegaconf"}  # these two come along


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_the_packages_the_configs_and_the_weights(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"worldsim", "envs", "agents", f"worldsim-{__version__}.dist-info"}
    configs = {f"worldsim/{path.relative_to(ROOT)}" for path in ROOT.glob("configs/**/*.yaml")}
    weights = {str(path.relative_to(ROOT)) for path in ROOT.glob("worldsim/weights/*.safetensors")}
    assert configs | weights <= names
    check = ["check_wheel_contents", "--config", ROOT / "pyproject.toml", wheel]
    subprocess.run([sys.executable, "-m", *check], check=True)


@pytest.mark.slow
def test_the_wheel_runs_without_the_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    command = [sys.executable, "-m", "worldsim", "record", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "episodes=" in done.stdout
