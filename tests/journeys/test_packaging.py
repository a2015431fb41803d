"""A project becomes a wheel, and the wheel runs where nothing but it, Tane and what they need is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging import requirements

import tane
from tane.project import starters

pytestmark = pytest.mark.slow

CHECKOUT = Path(tane.__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@dataclass
class Installed:
    """A bare environment with the wheel of the project `shop` in it, and the project's sources."""

    bin: Path
    sources: Path

    def build(self) -> Path:
        """The wheel of the sources as they are now."""
        return build(self.sources)

    def install(self, wheel: Path) -> None:
        install(self.bin, wheel)


@dataclass
class Here:
    """An empty folder to run in."""

    root: Path
    installed: Installed

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of the environment, without anything of this one."""
        own = {"PATH": os.environ["PATH"], "HOME": str(self.root), "TANE_CACHE": str(self.root.parent / "cache")}
        return subprocess.run(
            [str(self.installed.bin / command[0]), *command[1:]],
            cwd=self.root,
            env=own,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("python", "-m", "shop", *arguments)

    def metrics(self) -> dict[str, float]:
        return json.loads((self.root / "data/08_reporting/metrics.json").read_text())


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def build(folder: Path) -> Path:
    """The wheel of a project, built with what is installed here: no network is needed."""
    place = folder.parent / f"wheels-{folder.name}"
    shutil.rmtree(place, ignore_errors=True)
    run(*PIP, "wheel", ".", "--no-deps", "--no-build-isolation", "-w", place, cwd=folder)
    (wheel,) = place.glob("*.whl")
    return wheel


def install(bin: Path, wheel: Path) -> None:
    command = [*PIP, "--python", str(bin / "python"), "install", "--no-index", "--no-deps", "--force-reinstall"]
    run(*command, wheel, cwd=wheel.parent)


def closure(wanted: str, extras: set[str]) -> set[str]:
    """The distributions that one rests on, as they are installed here."""
    found: set[str] = set()
    waiting = [(wanted, frozenset(extras))]
    while waiting:
        name, chosen = waiting.pop()
        for text in metadata.requires(name) or ():
            one = requirements.Requirement(text)
            if one.marker is None or any(one.marker.evaluate({"extra": each}) for each in (*chosen, "")):
                if one.name == wanted:
                    waiting.append((wanted, frozenset(one.extras)))
                elif one.name not in found:
                    found.add(one.name)
                    waiting.append((one.name, frozenset(one.extras)))
    return found


def lend(names: set[str], site: Path) -> None:
    """Let an environment have distributions of this one."""
    for name in names:
        for file in metadata.files(name) or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    root = tmp_path_factory.mktemp("packaging")
    venv.create(root / "env", with_pip=False)
    bin = root / "env/bin"
    (site,) = (root / "env/lib").glob("python*/site-packages")
    lend(closure("tane", {"pandas"}), site)
    copy = root / "tane"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, copy)
    shutil.copytree(CHECKOUT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    install(bin, build(copy))
    sources = starters.new("shop", root / "shop")
    (sources / "conf/local/parameters.yml").write_text("split: {seed: 1}\n")
    made = Installed(bin, sources)
    made.install(made.build())
    return made


@pytest.fixture
def here(installed: Installed, tmp_path: Path) -> Here:
    """A folder with nothing in it but the raw data."""
    root = tmp_path / "here"
    (root / "data").mkdir(parents=True)
    shutil.copytree(installed.sources / "data/01_raw", root / "data/01_raw")
    return Here(root, installed)


def test_a_wheel_carries_code_and_configuration_and_no_secrets(installed):
    names = zipfile.ZipFile(installed.build()).namelist()
    assert {"shop/pipelines/iris/nodes.py", "shop/conf/base/catalog.yml", "shop/pyproject.toml"} <= set(names)
    assert not [name for name in names if "local" in name or name.startswith(("data", "tests", "conf"))]


def test_it_runs_in_an_empty_folder_and_keeps_everything_there(here):
    before = sorted(here.installed.bin.parent.rglob("shop/**/*.yml"))
    done = here.run()
    assert done.returncode == 0, done.stderr
    assert here.metrics()["flowers"] == 30
    assert sorted(entry.name for entry in here.root.iterdir()) == [".tane", "data", "tane.lock"]
    assert sorted(here.installed.bin.parent.rglob("shop/**/*.yml")) == before
    again = here.run()
    assert again.returncode == 0 and "5 reused" in again.stdout
    assert "succeeded" in here.call("tane", "runs").stdout


def test_the_command_of_its_name_takes_what_tane_run_takes(here):
    done = here.call("shop", "iris", "split.test_share=0.4", "-j", "2", "--to", "split", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "succeeded"
    assert not (here.root / "data/06_models").exists()


def test_help_says_how_it_is_called(here):
    for command, name in ((["python", "-m", "shop"], "python -m shop"), (["shop"], "shop")):
        done = here.call(*command, "--help")
        assert done.returncode == 0
        assert done.stdout.startswith(f"Usage: {name} [OPTIONS]") and "--keep-going" in done.stdout
    assert not (here.root / ".tane").exists()


def test_it_ends_with_the_exit_codes_of_tane_run(here):
    wrong = here.run("split.test_shre=0.3")
    assert wrong.returncode == 2 and "did you mean 'split.test_share'?" in wrong.stderr
    raw = here.root / "data/01_raw/iris.csv"
    raw.unlink()
    missing = here.run()
    assert missing.returncode == 2 and "there is no such file" in missing.stderr
    raw.write_text("a,b\n1,2\n")
    failed = here.run()
    assert failed.returncode == 1 and "the table of flowers has no column" in failed.stderr


def test_folders_of_configuration_here_stand_in_the_place_of_the_packaged_ones(here):
    def write(name: str, text: str) -> None:
        (here.root / name).parent.mkdir(parents=True, exist_ok=True)
        (here.root / name).write_text(text)

    def share() -> float:
        done = here.run("--json", "--env", "night")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["params"]["split"]["test_share"]

    write("conf/night/parameters.yml", "split: {test_share: 0.3}\n")
    assert share() == 0.3
    write("conf/local/parameters.yml", "split: {test_share: 0.5}\n")
    assert share() == 0.5
    shutil.rmtree(here.root / "conf/local")
    assert share() == 0.3


def test_another_wheel_of_the_same_version_runs_what_changed(here):
    assert here.run().returncode == 0
    nodes = here.installed.sources / "src/shop/pipelines/iris/nodes.py"
    text = nodes.read_text()
    try:
        nodes.write_text(text.replace('"flowers": len(predictions)', '"flowers": -1'))
        here.installed.install(here.installed.build())
        done = here.run()
        assert done.returncode == 0 and "1 succeeded, 4 reused" in done.stdout
        assert here.metrics()["flowers"] == -1
    finally:
        nodes.write_text(text)
        here.installed.install(here.installed.build())
