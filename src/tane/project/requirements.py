"""Whether this Python and what is installed in it are what a project asks for. `runs.health` calls it.

Specifications are read by the package `packaging`, its own or the one that pip carries; without either only the names
are looked at.
"""

from __future__ import annotations

import importlib
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tane.project import layout
from tane.project.findings import Finding

REQUIREMENTS = "requirements.txt"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check(root: Path) -> list[Finding]:
    """Each requirement of the project at `root` that is not met here."""
    found = list(_python(root))
    seen: set[str] = set()
    for text, where in _requirements(root):
        if text not in seen:
            seen.add(text)
            found += _one(text, where)
    return found


def _python(root: Path) -> Iterator[Finding]:
    wanted = _declared(root).get("requires-python")
    packaging = _packaging("specifiers")
    if not isinstance(wanted, str) or packaging is None:
        return
    here = platform.python_version()
    try:
        fits = packaging.SpecifierSet(wanted).contains(here, prereleases=True)
    except packaging.InvalidSpecifier:
        yield Finding("wrong", "requirements", f"requires-python {wanted!r} says nothing", layout.PYPROJECT, "mend it")
        return
    if not fits:
        what = f"this is Python {here}, and the project asks for {wanted}"
        hint = "make an environment with such a Python, or change requires-python"
        yield Finding("wrong", "requirements", what, layout.PYPROJECT, hint)


def _requirements(root: Path) -> Iterator[tuple[str, str]]:
    """Each requirement, with where it stands."""
    declared = _declared(root).get("dependencies", [])
    for text in declared if isinstance(declared, list) else ():
        if isinstance(text, str):
            yield text.strip(), layout.PYPROJECT
    try:
        lines = (root / REQUIREMENTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for number, line in enumerate(lines, 1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if text and not text.startswith("-") and "://" not in text and not text.startswith((".", "/")):
            yield text, f"{REQUIREMENTS}:{number}"


def _declared(root: Path) -> dict[str, Any]:
    import tomllib

    try:
        found = tomllib.loads((root / layout.PYPROJECT).read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _one(text: str, where: str) -> list[Finding]:
    packaging = _packaging("requirements")
    if packaging is None:
        name = _NAME.match(text)
        return _missing(name[0], text, where) if name else []
    try:
        wanted = packaging.Requirement(text)
    except packaging.InvalidRequirement:
        return [Finding("wrong", "requirements", f"{text!r} is no requirement", where, "write it as in pandas>=2.2")]
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return []
    missing = _missing(wanted.name, text, where)
    if missing:
        return missing
    version = _version(wanted.name)
    if version is not None and not wanted.specifier.contains(version, prereleases=True):
        what = f"{wanted.name} is installed as {version}, and the project asks for {wanted.specifier}"
        return [Finding("wrong", "requirements", what, where, f"pip install '{text}'")]
    return []


def _missing(name: str, text: str, where: str) -> list[Finding]:
    if _version(name) is not None:
        return []
    return [Finding("wrong", "requirements", f"{name} is not installed", where, f"pip install '{text}'")]


def _version(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _packaging(module: str) -> Any:
    """A module of `packaging`; None where there is none."""
    for place in ("packaging", "pip._vendor.packaging"):
        try:
            return importlib.import_module(f"{place}.{module}")
        except ImportError:
            continue
    return None
