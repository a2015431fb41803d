"""The [tool.tane] table of a project's pyproject.toml, read and checked. Called by `projects`.

[tool.tane]
package = "my_project"      # the folder in `source` that holds pipeline_registry.py
source = "src"
conf = "conf"
store = ".tane/objects"
ledger = ".tane/ledger.db"
keep = "all"                # "none": values that are not in the catalog are not kept
remotes = { origin = "s3://bucket/tane" }
hooks = ["my_project.hooks:Timing"]             # plug-ins: see `plugins`
transforms = ["my_project.plugins:Anonymise"]
without = ["slack"]         # installed hooks to leave out
config_loader = "my_project.conf:Loader"
sinks = ["jsonl:runs"]      # where else what runs log is kept
targets = ["my_project.models.*"]       # what _target_ in the configuration may name: see `config.targets`
resolvers = { shout = "my_project.text:shout" }     # what ${shout:...} calls

conf/*/run.yml may say `store`, `ledger`, `keep` and `remotes` anew: see `options`. The environment variables
TANE_LEDGER, TANE_STORE and TANE_SINKS come before all that is written: see `elsewhere`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tane import errors, fielded
from tane.config import targets
from tane.project import layout

Keep = Literal["all", "none"]

KEYS = (
    "package",
    "source",
    "conf",
    "store",
    "ledger",
    "keep",
    "remotes",
    "hooks",
    "transforms",
    "without",
    "config_loader",
    "sinks",
    "targets",
    "resolvers",
)
KEEPS = ("all", "none")
_PATHS = ("source", "conf", "store", "ledger")
_LISTS = ("hooks", "transforms", "without", "sinks", "targets")
_TABLES = ("remotes", "resolvers")


@fielded.frozen
class Settings:
    """What pyproject.toml says of a project. Paths are absolute; `lines` say where the keys about plug-ins stand."""

    name: str
    package: str
    source: Path
    conf: Path
    store: Path
    ledger: Path
    keep: Keep = "all"
    remotes: Mapping[str, str] = fielded.field(default_factory=dict)
    hooks: tuple[str, ...] = ()
    transforms: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    config_loader: str = ""
    sinks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    resolvers: Mapping[str, str] = fielded.field(default_factory=dict)
    lines: Mapping[str, str] = fielded.field(default_factory=dict, compare=False)


def defaults(root: Path, name: str) -> Settings:
    """The settings of a one-file project: everything lies beside the file."""
    return Settings(name, name, root, root / layout.CONF, root / layout.STORE, root / layout.LEDGER)


def elsewhere(found: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with what TANE_LEDGER, TANE_STORE (paths seen from the current folder) and TANE_SINKS say instead.

    Raises `errors.ProjectError` with all that is wrong.
    """
    changed: dict[str, Any] = {}
    faults: list[errors.Fault] = []
    for key, name in (("ledger", "TANE_LEDGER"), ("store", "TANE_STORE")):
        value = environ.get(name, "")
        path = Path(os.path.abspath(os.path.expanduser(value))) if value else None
        if "://" in value:
            faults.append(errors.Fault(f"{name} is a URL: {value!r}", f"environment variable {name}", "give a path"))
        elif path is not None and path.is_dir() and key == "ledger":
            hint = f"give the path of a file: {name}={path / 'ledger.db'}"
            faults.append(errors.Fault(f"{name} is the folder {path}", f"environment variable {name}", hint))
        elif path is not None:
            changed[key] = path
    if faults:
        raise errors.ProjectError.of(faults, f"{len(faults)} environment variables are wrong")
    if environ.get("TANE_SINKS"):
        changed["sinks"] = tuple(part.strip() for part in environ["TANE_SINKS"].split(",") if part.strip())
    return fielded.replace(found, **changed) if changed else found


def read(root: Path) -> Settings:
    """The settings of the project at `root`. Raises `errors.ProjectError` with all that is wrong."""
    file = root / layout.PYPROJECT
    text, document = _parse(file)
    table = document.get("tool", {}).get("tane")
    if not isinstance(table, dict):
        raise errors.ProjectError(
            "there is no [tool.tane] table", where=str(file), hint='add [tool.tane] with package = "..."'
        )
    faults = _check(table, text, file)
    if faults:
        raise errors.ProjectError.of(faults, f"{file} has {len(faults)} mistakes")
    source = root / table.get("source", layout.SOURCE)
    package = table.get("package") or _only_package(source, text, file)
    if not (source / package).is_dir():
        raise _no_package(source, package, text, file)
    declared = document.get("project", {})
    name = declared.get("name") if isinstance(declared, dict) else None
    return Settings(
        name=name if isinstance(name, str) and name else root.name,
        package=package,
        source=source,
        conf=root / table.get("conf", layout.CONF),
        store=root / Path(table.get("store", layout.STORE)).expanduser(),
        ledger=root / Path(table.get("ledger", layout.LEDGER)).expanduser(),
        keep=table.get("keep", "all"),
        remotes=dict(table.get("remotes", {})),
        hooks=tuple(table.get("hooks", ())),
        transforms=tuple(table.get("transforms", ())),
        without=tuple(table.get("without", ())),
        config_loader=table.get("config_loader", ""),
        sinks=tuple(table.get("sinks", ())),
        targets=tuple(table.get("targets", ())),
        resolvers=dict(table.get("resolvers", {})),
        lines={key: _where(file, text, key) for key in (*_LISTS, "config_loader", "resolvers") if key in table},
    )


def _parse(file: Path) -> tuple[str, dict[str, Any]]:
    import tomllib

    try:
        text = file.read_bytes().decode("utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise errors.ProjectError(
            f"the file is not UTF-8 (byte {error.start})", where=str(file), hint="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = f":{found[1]}" if found else ""
        what = re.sub(r" \(at .*\)$", "", str(error))
        raise errors.ProjectError(
            f"this is not TOML: {what}", where=f"{file}{line}", hint=_shown(text, found) or "mend the file"
        ) from None
    except OSError as error:
        raise errors.ProjectError(
            f"cannot read the file: {error.strerror}", where=str(file), hint="mend its permissions"
        ) from None


def _shown(text: str, found: re.Match[str] | None) -> str:
    lines = text.splitlines()
    number = int(found[1]) if found else 0
    return f"look at {lines[number - 1].strip()!r}" if 0 < number <= len(lines) else ""


def _check(table: dict[str, Any], text: str, file: Path) -> list[errors.Fault]:
    faults: list[errors.Fault] = []

    def fault(key: str, what: str, hint: str) -> None:
        faults.append(errors.Fault(what, _where(file, text, key), hint))

    for key, value in table.items():
        if key not in KEYS:
            hint = errors.did_you_mean(key, KEYS, f"its keys: {', '.join(KEYS)}")
            fault(key, f"[tool.tane] has no key {key!r}", hint)
        elif key == "keep":
            if value not in KEEPS:
                fault(key, f"keep is {value!r}", 'write keep = "all" or keep = "none"')
        elif key in _LISTS:
            for what, hint in _list_faults(key, value):
                fault(key, what, hint)
        elif key in _TABLES:
            if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
                what, example = _EXAMPLES[key]
                fault(key, f"{key} is not a table of {what}", f"write {{ {example} }}")
        elif not isinstance(value, str) or not value:
            fault(key, f"{key} is {value!r}, not text", f'write {key} = "..."')
        elif key in _PATHS and "://" in value:
            fault(key, f"{key} is a URL: {value!r}", "give a path, relative to this file or absolute")
        elif key == "package" and not all(part.isidentifier() for part in value.split(".")):
            fault(key, f"package {value!r} is not a name Python can import", "use letters, digits and _")
        elif key == "package" and "." in value:
            fault(key, f"package {value!r} lies inside another one", "set source to its folder, name it alone")
    return faults


_EXAMPLES = {
    "remotes": ("names and URLs", 'origin = "s3://..."'),
    "resolvers": ("names and functions", 'shout = "my_project.text:shout"'),
}


_EXAMPLE_ITEMS = {"without": "name", "sinks": "jsonl:runs", "targets": "sklearn.linear_model.*"}


def _list_faults(key: str, value: Any) -> list[tuple[str, str]]:
    """What is wrong with a list of plug-ins, and what to do."""
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        example = _EXAMPLE_ITEMS.get(key) or f"my_project.plugins:{key.title()[:-1]}"
        return [(f"{key} is {value!r}, not a list of names", f'write {key} = ["{example}"]')]
    if key == "targets":
        wrong = [item for item in value if not targets.is_pattern(item)]
        hint = 'begin with the package, as in "sklearn.linear_model.*"'
        return [(f"targets names {item!r}, which is no dotted name with a package", hint) for item in wrong]
    twice = sorted({item for item in value if value.count(item) > 1})
    return [(f"{key} names {item!r} twice", "keep one") for item in twice]


def _where(file: Path, text: str, key: str) -> str:
    """The file and line on which `key` of [tool.tane] stands."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        squeezed = line.replace(" ", "").replace('"', "").replace("'", "")
        if squeezed.startswith("["):
            inside = squeezed.startswith("[tool.tane]")
            if squeezed.startswith(f"[tool.tane.{key}"):
                return f"{file}:{number}"
        elif inside and squeezed.startswith((f"{key}=", f"{key}.")):
            return f"{file}:{number}"
    return str(file)


def _packages(source: Path) -> list[str]:
    if not source.is_dir():
        return []
    return sorted(entry.name for entry in source.iterdir() if entry.is_dir() and entry.name.isidentifier())


def _only_package(source: Path, text: str, file: Path) -> str:
    found = [name for name in _packages(source) if (source / name / f"{layout.REGISTRY}.py").is_file()]
    if len(found) == 1:
        return found[0]
    which = f"several packages have pipelines: {', '.join(found)}" if found else "no package is named"
    raise errors.ProjectError(which, where=_where(file, text, "package"), hint='write package = "..." in [tool.tane]')


def _no_package(source: Path, package: str, text: str, file: Path) -> errors.ProjectError:
    if not source.is_dir():
        return errors.ProjectError(
            f"the source folder {source} does not exist",
            where=_where(file, text, "source"),
            hint='make it, or write source = "..." in [tool.tane]',
        )
    return errors.ProjectError(
        f"there is no package {package!r} in {source}",
        where=_where(file, text, "package"),
        hint=errors.did_you_mean(package, _packages(source), f"make the folder {source / package}"),
    )
