"""The contestants' virtual environments, below bench/.envs: each has its own, installed by name and compiled."""

from __future__ import annotations

import functools
import importlib.metadata
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
    "tane": (*SCIENCE, "optuna"),  # Tane itself is installed from this checkout, anew when it changed
    "kedro": ("kedro", "kedro-datasets", *SCIENCE),
    "hamilton": ("sf-hamilton",),
    "dvc": ("dvc",),
    "luigi": ("luigi",),
    "snakemake": ("snakemake",),
    "redun": ("redun",),
    "metaflow": ("metaflow",),
    "dagster": ("dagster",),
    "prefect": ("prefect", "fastapi<0.140"),  # prefect 3.8.8 fails with the newest: Body() knows no min_items there
    "zenml": ("zenml[local]",),
    "hydra": ("hydra-core",),
    "mlflow": ("mlflow",),
    "aim": ("aim",),
    "wandb": ("wandb",),
    "dvclive": ("dvclive",),
    "skopt": ("scikit-optimize",),
}
SHOWN = ("tane", "kedro-datasets", "numpy", "pandas", "scikit-learn", "optuna")


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment."""

    name: str

    @property
    def python(self) -> Path:
        return self.program("python")

    def program(self, name: str = "") -> Path:
        """A program of it, by default the one of its own name."""
        return FOLDER / self.name / "bin" / (name or self.name)


def ensure(name: str) -> Environment:
    """The environment `name`, made when it is missing or was made for other packages; looked at once in a process.

    Raises `timing.Failed` when it cannot be made.
    """
    found = _ensure(name)
    if isinstance(found, timing.Failed):
        raise found
    return found


def versions() -> dict[str, dict[str, str]]:
    """The installed distributions that matter for reading the results, by environment."""
    found = {}
    for name, packages in PACKAGES.items():
        shown = {*SHOWN, packages[0].partition("[")[0]} - (set() if name in ("tane", "kedro") else set(SHOWN))
        places = [str(place) for place in (FOLDER / name / "lib").glob("python*/site-packages")]
        installed = importlib.metadata.distributions(path=places)
        found[name] = {one.name: one.version for one in installed if one.name in shown}
    return found


@functools.cache
def _ensure(name: str) -> Environment | timing.Failed:
    found, folder = Environment(name), FOLDER / name
    mark = folder / "installed.json"
    wanted = [*PACKAGES[name], sys.version]
    try:
        if not mark.exists() or json.loads(mark.read_text()) != wanted:
            timing.say(f"installing {', '.join(PACKAGES[name])} ...")
            shutil.rmtree(folder, ignore_errors=True)
            _call(sys.executable, "-m", "venv", folder)
            _pip(found, *PACKAGES[name])
            mark.write_text(json.dumps(wanted))
        if name == "tane":
            _install_tane(found, Path(os.environ.get(SOURCE, ROOT)).resolve())
        _compile(folder)
    except timing.Failed as error:
        return timing.Failed(f"did not install: {error}")
    return found


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
    (FOLDER / "tane" / "compiled").unlink(missing_ok=True)


def _compile(folder: Path) -> None:
    mark = folder / "compiled"
    if not mark.exists():
        _call(folder / "bin/python", "-m", "compileall", "-q", "-j", "2", folder / "lib", check=False)
        mark.touch()


def _pip(environment: Environment, *what: str) -> None:
    _call(environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def _call(*words: str | Path, check: bool = True) -> None:
    done = subprocess.run([str(word) for word in words], env=timing.environ(), capture_output=True, text=True)
    if check and done.returncode:
        timing.say(f"{' '.join(map(str, words))} failed:\n{done.stderr[-4000:]}")
        raise timing.Failed(timing.reason(done.stderr, done.returncode))
