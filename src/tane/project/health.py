"""What can be seen wrong with a project's folders and files before anything of it is run. `runs.health` calls it.

Nothing is changed and nothing imported; Git is asked at most a few times.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tane.config import compose, origins, secret, trees
from tane.project import layout, settings
from tane.project.findings import Finding

_EXPECTED = (
    ("conf/base", "the configuration that is committed lies there", "mkdir -p {}"),
    ("tests", "nothing says that the nodes work", "make the folder: nodes are plain functions, so tests call them"),
    ("README.md", "nobody is told what the project is", "write a few lines"),
    (".gitignore", "Git is not told what to leave out", "list .tane/, conf/local/ and what runs make in data/"),
)
_DATA_FILES = frozenset({".csv", ".parquet", ".pkl", ".pickle", ".joblib", ".feather", ".h5", ".npy", ".ipynb"})
_TEMPORARY = re.compile(r"\..+\.tane-[0-9a-f]{12}").fullmatch
_WORDS = re.compile(
    r"(^|[_.-])(pass(word|wd|phrase)?|pwd|secret|api_?key|access_?key|private_?key|auth_?key|connection_?string|dsn)"
    r"($|[_.-])",
    re.I,
)
_TOKEN = re.compile(r"(^|[_.-])(token|credential)($|[_.-])", re.I)
_OPAQUE = re.compile(r"[\w+/=.-]{12,}").fullmatch  # what a token looks like, and a word of language does not
_URL = re.compile(r"://[^/\s:@]+:[^/\s@{}$]+@")
_GIT_SECONDS = 5.0


def of_layout(root: Path, found: settings.Settings) -> list[Finding]:
    """Each departure from the standard layout."""
    return [*_missing(root, found), *_odd_data(root), *_odd_code(root, found)]


def _missing(root: Path, found: settings.Settings) -> Iterator[Finding]:
    for name, why, hint in _EXPECTED:
        path = found.conf / "base" if name == "conf/base" else root / name
        if not path.exists():
            shown = _name(path, root)
            yield Finding("advice", "layout", f"{shown} is missing: {why}", shown, hint.format(shown))
    package = found.source / found.package
    if not (package / "__init__.py").is_file():
        yield Finding(
            "advice", "layout", "the package has no __init__.py", _name(package, root), "make it, if only with a line"
        )


def _odd_data(root: Path) -> Iterator[Finding]:
    folder = root / "data"
    if not folder.is_dir():
        yield Finding("advice", "layout", "there is no data folder", "data", "make data/01_raw for what goes in")
        return
    for entry in sorted(folder.iterdir()):
        if entry.name not in layout.LAYERS and not entry.name.startswith(".") and entry.suffix != ".md":
            yield Finding(
                "advice",
                "layout",
                f"data/{entry.name} is none of the layers {layout.LAYERS[0]} to {layout.LAYERS[-1]}",
                f"data/{entry.name}",
                "move it into the layer it belongs to",
            )


def _odd_code(root: Path, found: settings.Settings) -> Iterator[Finding]:
    for entry in sorted(found.source.iterdir()):
        name = entry.stem if entry.suffix == ".py" else entry.name
        is_module = entry.suffix == ".py" or (entry / "__init__.py").is_file()
        if is_module and name in sys.stdlib_module_names:
            what = f"{name} hides a module of Python's standard library"
            yield Finding("wrong", "layout", what, _name(entry, root), f"rename it, as in my_{name}")
    package = found.source / found.package
    for place, folders, files in os.walk(package):
        folders[:] = sorted(name for name in folders if not layout.is_cache(name) and not name.startswith("."))
        for name in sorted(files):
            if Path(name).suffix in _DATA_FILES:
                where = "notebooks/" if name.endswith(".ipynb") else "data/"
                what = f"{name} lies among the code"
                yield Finding("advice", "layout", what, _name(Path(place, name), root), f"move it to {where}")
    pipelines = package / "pipelines"
    for entry in sorted(pipelines.iterdir()) if pipelines.is_dir() else ():
        if not entry.is_dir() or layout.is_cache(entry.name) or entry.name.startswith("."):
            continue
        if not entry.name.isidentifier():
            what = f"{entry.name!r} is not a name Python can import"
            yield Finding("advice", "layout", what, _name(entry, root), "use letters, digits and _")
        elif not any(entry.glob("*.py")):
            yield Finding("advice", "layout", "the folder holds no module", _name(entry, root), "delete it, or fill it")


# --- what must not be shared ----------------------------------------------------------------------------------------


def of_secrets(root: Path, conf: Path, config: compose.Config) -> list[Finding]:
    """Values that look secret and stand in files that Git keeps."""
    found = []
    for keys, value in _texts(config.sections, ()):
        origin = config.origin(*keys)
        if origin.kind != origins.FILE or not _is_secret(keys, value):
            continue
        file = Path(root, origin.file)
        if file.is_relative_to(conf / layout.LOCAL) or is_ignored(root, file):
            continue
        found.append(
            Finding(
                "wrong",
                "secrets",
                f"{'.'.join(keys[1:])} looks secret, and Git keeps the file",
                str(origin),
                f"move it to {_name(conf, root)}/{layout.LOCAL}/credentials.yml, and change it where it is used",
            )
        )
    return found


def _texts(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, secret.Secret):
        value = value.reveal()
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*keys, trees.key_text(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, keys)
    elif isinstance(value, str) and value.strip():
        yield keys, value


def _is_secret(keys: tuple[str, ...], value: str) -> bool:
    if value.startswith(("${", "<", "???", "***")):  # it says where the secret is, or that there is none yet
        return False
    if _URL.search(value):
        return True
    if keys[0] == "credentials":
        return bool(_WORDS.search(keys[-1]) or _TOKEN.search(keys[-1]) or _OPAQUE(value))
    return bool(_WORDS.search(keys[-1]) or (_TOKEN.search(keys[-1]) and _OPAQUE(value) and not value.isalpha()))


def of_ignored(root: Path, conf: Path, work: Path) -> list[Finding]:
    """What Git should leave out and does not."""
    if not is_repository(root):
        return []
    local = conf / layout.LOCAL
    found = []
    tracked = [name for name in _tracked(root, local) if Path(name).name not in (".gitkeep", ".gitignore", "README.md")]
    if tracked:
        what = f"{', '.join(tracked)} of conf/{layout.LOCAL} {'is' if len(tracked) == 1 else 'are'} in Git"
        hint = f"git rm --cached {' '.join(tracked)}, and change the secrets in it"
        found.append(Finding("wrong", "ignored", what, _name(local, root), hint))
    if local.is_dir() and not is_ignored(root, local / "credentials.yml"):
        found.append(
            Finding(
                "wrong",
                "ignored",
                "Git does not ignore this machine's own settings and secrets",
                _name(local, root),
                f"add {_name(local, root)}/* to .gitignore",
            )
        )
    if work.is_relative_to(root) and not is_ignored(root, work / "ledger.db"):
        what = "Git does not ignore what Tane keeps for itself"
        found.append(Finding("advice", "ignored", what, _name(work, root), f"add {_name(work, root)}/ to .gitignore"))
    return found


def is_repository(root: Path) -> bool:
    """Whether the project lies in a Git repository."""
    return any((folder / ".git").exists() for folder in (root, *root.parents))


def is_ignored(root: Path, path: Path) -> bool:
    """Whether Git leaves the path out, and has it not from before either."""
    if not path.is_relative_to(root) or not is_repository(root):
        return False
    ended = _git(root, "check-ignore", "-q", "--", str(path))
    return ended is not None and ended.returncode == 0


def _tracked(root: Path, folder: Path) -> list[str]:
    ended = _git(root, "ls-files", "-z", "--", str(folder)) if folder.is_relative_to(root) else None
    if ended is None or ended.returncode != 0:
        return []
    return [os.fsdecode(name) for name in ended.stdout.split(b"\0") if name]


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    """What Git says; None where there is none, or it takes too long."""
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None


# --- what was left behind -------------------------------------------------------------------------------------------


def of_leftovers(root: Path, folders: Iterable[Path]) -> list[Finding]:
    """Temporary files beside the places where results are put: what a killed run could not take away."""
    found = []
    for folder in sorted({root, *folders}):
        try:
            names = sorted(name for name in os.listdir(folder) if _TEMPORARY(name))
        except OSError:
            continue
        for name in names:
            where = _name(folder / name, root)
            what = "a file half written by a run that was killed"
            found.append(Finding("advice", "leftovers", what, where, "delete it, unless a run is under way"))
    return found


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
