"""The contestants' virtual environments, below bench/.envs: each has its own, installed by name and compiled."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import timing

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench" / ".envs"
SOURCE = "TANE_BENCH_SOURCE"  # another checkout to measure
SCIENCE = ("pandas", "pyarrow", "scikit-learn", "matplotlib", "joblib")

PACKAGES: dict[str, tuple[str, ...]] = {
    "tane": SCIENCE,  # Tane itself is installed from this checkout, anew when it changed
    "kedro": ("kedro", "kedro-datasets", *SCIENCE),
    "hamilton": ("sf-hamilton",),
    "dvc": ("dvc",),
    "luigi": ("luigi",),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment."""

    name: str

    @property
    def python(self) -> Path:
        return self.program("python")

    def program(self, name: str) -> Path:
        return FOLDER / self.name / "bin" / name


@functools.cache
def ensure(name: str) -> Environment:
    """The environment `name`, made when it is missing or was made for other packages. Looked at once a process."""
    found = Environment(name)
    mark = FOLDER / name / "installed.json"
    wanted = [*PACKAGES[name], sys.version]
    if not mark.exists() or json.loads(mark.read_text()) != wanted:
        timing.say(f"installing {', '.join(PACKAGES[name])} ...")
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        _call(sys.executable, "-m", "venv", FOLDER / name)
        _pip(found, *PACKAGES[name])
        mark.write_text(json.dumps(wanted))
    if name == "tane":
        _install_tane(found, Path(os.environ.get(SOURCE, ROOT)).resolve())
    _call(found.python, "-m", "compileall", "-q", "-j", "2", found.program("..") / "lib", check=False)
    return found


def versions(environment: Environment) -> dict[str, str]:
    """The installed distributions that matter for reading the results."""
    done = subprocess.run(
        [environment.python, "-m", "pip", "list", "--format", "json"],
        env=timing.environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    shown = {"tane", "kedro", "kedro-datasets", "sf-hamilton", "dvc", "luigi", "numpy", "pandas", "scikit-learn"}
    return {one["name"]: one["version"] for one in json.loads(done.stdout) if one["name"] in shown}


def _install_tane(environment: Environment, source: Path) -> None:
    """The checkout `source` as it is now, in the way users have it: a wheel, not an editable install."""
    newest = max(path.stat().st_mtime_ns for path in (source / "src").rglob("*") if path.suffix != ".pyc")
    wanted = [str(source), newest]
    mark = FOLDER / "tane" / "tane.json"
    if mark.exists() and json.loads(mark.read_text()) == wanted:
        return
    timing.say(f"installing Tane from {source} ...")
    if not mark.exists():
        _pip(environment, str(source))
    _pip(environment, "--force-reinstall", "--no-deps", str(source))
    mark.write_text(json.dumps(wanted))


def _pip(environment: Environment, *what: str) -> None:
    _call(environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def _call(*words: str | Path, check: bool = True) -> None:
    done = subprocess.run([str(word) for word in words], env=timing.environ(), capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))} failed:\n{done.stderr[-4000:]}")
