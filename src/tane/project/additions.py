"""Adding to a project what has several files: a pipeline with its functions, parameters and tests.

Called by `tane new pipeline`. What is added follows the project's own layout and appears whole or not at all; whether
the registry finds it is seen by asking the registry.
"""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tane import errors, fielded
from tane.config import compose
from tane.project import layout, projects, settings

PIPELINES = "pipelines"
TESTS = "tests"
_BASE = "base"


@fielded.frozen
class Added:
    """What was made. `registered` says whether the registry knows the pipeline now; None: it could not be asked.

    `lines` are those to add to `registry` where it does not find pipelines by itself; `why` says why it could not be
    asked.
    """

    name: str
    root: Path
    files: tuple[Path, ...]
    registry: Path
    registered: bool | None
    lines: tuple[str, ...] = ()
    why: str = ""


def add_pipeline(root: Path, name: str, code: Mapping[str, str] | None = None, said: str = "") -> Added:
    """Make the pipeline `name` in the project at `root`: an example with its tests, or what `code` says, the texts of
    its modules by file name, with the parameters `said` as YAML.

    Raises `errors.ProjectError` for a name that cannot be used, or when something of that name is there already.
    """
    found = settings.read(root)
    _check_name(name, found)
    package = found.source / found.package
    folder = package / PIPELINES / name
    parameters = found.conf / _BASE / f"parameters_{name}.yml"
    tests = root / TESTS / PIPELINES / name
    places = (folder, folder.with_suffix(".py"), parameters, parameters.with_suffix(".yaml"), tests)
    _check_free(root, name, places, found)
    if code is None:
        files = [(folder / file, text) for file, text in _CODE.items()]
        files += [(parameters, _PARAMETERS), (tests / f"test_{name}_pipeline.py", _TEST)]
    else:
        files = [(folder / file, text) for file, text in code.items()]
        files += [(parameters, said)] if said else []
    if not (package / PIPELINES / "__init__.py").exists():
        files.insert(0, (package / PIPELINES / "__init__.py", '"""A folder for each pipeline."""\n'))
    words = {"{{ name }}": name, "{{ words }}": name.replace("_", " "), "{{ package }}": found.package}
    _write_all({file: _filled(text, words) if code is None else text for file, text in files}, root)
    registered, why = _is_registered(root, name)
    lines = () if registered else (f"from .{PIPELINES} import {name}", f'"{name}": {name}.create_pipeline()')
    registry = package / f"{layout.REGISTRY}.py"
    return Added(name, root, tuple(file for file, _ in files), registry, registered, lines, why)


# --- names ----------------------------------------------------------------------------------------------------------


def _check_name(name: str, found: settings.Settings) -> None:
    what = f"{name!r} is not a name for a pipeline"
    fitting = re.sub(r"\W+", "_", name, flags=re.A).strip("_0123456789").lower()
    if not (name.isidentifier() and name.isascii()) or name.startswith("_"):
        raise errors.ProjectError(
            what,
            hint="use letters, digits and _, beginning with a letter" + (f", as in {fitting!r}" if fitting else ""),
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise errors.ProjectError(
            f"{what}: it is a word of the Python language", hint=f"choose another, as in {name}_pipeline"
        )
    if name in {"tane", found.package, *_modules(found.source / found.package)}:
        raise errors.ProjectError(
            f"{what}: the project has a module of that name", hint=f"choose another, as in {name}_pipeline"
        )


def _modules(package: Path) -> Iterator[str]:
    """The names of the modules and packages in a package."""
    for entry in package.iterdir():
        if entry.suffix == ".py" or (entry.is_dir() and not layout.is_cache(entry.name)):
            yield entry.stem


def _check_free(root: Path, name: str, places: Iterable[Path], found: settings.Settings) -> None:
    """Raise when something bears the name already."""
    there = [os.path.relpath(path, root) for path in places if os.path.lexists(path)]
    if there:
        raise errors.ProjectError(
            f"there is a pipeline {name!r} already, or a part of one: {', '.join(there)}",
            hint="choose another name, or move away what is there: nothing is overwritten",
        )
    origin = _parameter(root, name, found)
    if origin:
        raise errors.ProjectError(
            f"there are parameters named {name!r} already",
            where=origin,
            hint="choose another name: the pipeline's own parameters stand under it",
        )


def _parameter(root: Path, name: str, found: settings.Settings) -> str:
    """Where a parameter of that name stands; empty when there is none, or the configuration cannot be read now."""
    try:
        config = compose.compose(root, environ={}, conf=found.conf)
    except errors.ConfigError:
        return ""
    return str(config.origin("parameters", name)) if name in config.parameters else ""


# --- writing --------------------------------------------------------------------------------------------------------


def _filled(text: str, said: dict[str, str]) -> str:
    for word, meaning in said.items():
        text = text.replace(word, meaning)
    return text


def _write_all(texts: Mapping[Path, str], root: Path) -> None:
    """Write all files, none of which may be there, or none."""
    done: list[Path] = []
    made: list[Path] = []
    try:
        try:
            for path, text in texts.items():
                made += _make_folders(path.parent)
                with path.open("x", encoding="utf-8") as file:
                    done.append(path)
                    file.write(text)
        except BaseException:
            for path in done:
                path.unlink(missing_ok=True)
            for folder in reversed(made):
                folder.rmdir()
            raise
    except OSError as error:
        raise errors.PlaceError(
            f"cannot make the pipeline: {error.strerror or error}",
            where=str(error.filename or root),
            hint="look at the free space and permissions of the project's folders: nothing was made",
        ) from error


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder with those around it; the new ones, outermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()][::-1]
    for each in missing:
        each.mkdir()
    return missing


def _is_registered(root: Path, name: str) -> tuple[bool | None, str]:
    try:
        return name in projects.open_project(root).pipelines(), ""
    except errors.TaneError as error:
        return None, str(error.faults[0].what)


_CODE = {
    "__init__.py": '''"""{{ words }}: what this pipeline is for."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
''',
    "nodes.py": '''"""Plain functions: data in, data out. Where the data lies is the catalog's business."""


def mean(numbers: list[float]) -> float:
    """The mean of some numbers: an example, to be replaced by functions of your own."""
    return sum(numbers) / len(numbers)
''',
    "pipeline.py": '''"""The functions joined by the names of what they take and make."""

from tane import Pipeline, node

from .nodes import mean


def create_pipeline() -> Pipeline:
    """From the parameters of this pipeline to their mean."""
    return Pipeline([node(mean, "params:{{ name }}.numbers", "{{ name }}_mean", name="{{ name }}_mean")])
''',
}

_PARAMETERS = """# The parameters of the pipeline {{ name }}: a node takes one as "params:{{ name }}.numbers".

{{ name }}:
  numbers: [1, 2, 6]
"""

_TEST = '''"""The pipeline {{ name }}: its functions, called as they are, and how they hold together."""

from {{ package }}.pipelines.{{ name }} import create_pipeline
from {{ package }}.pipelines.{{ name }}.nodes import mean


def test_the_mean_of_some_numbers():
    assert mean([1, 2, 6]) == 3


def test_the_pipeline_goes_from_its_parameters_to_the_mean():
    assert create_pipeline().outputs() == {"{{ name }}_mean"}
'''
