"""The digest of a command: its text, its shell, and every file of the project that it rests on. And what can be known
to be wrong with it before anything runs: programs that are not installed, sources that are not there.

The planner calls `of_node` where it calls `code.of` for a function, and `check` before a run starts.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tane import errors, patterns
from tane.catalog import catalogs
from tane.digest import hashing
from tane.pipeline import commands, nodes, shells
from tane.plan import code
from tane.project import layout

Digest = Callable[[Path], str | None]


class Rests(NamedTuple):
    """What commands rest on: the project's folder, its catalog, and what gives the digest of a file in it."""

    root: Path
    catalog: catalogs.Catalog
    digest: Digest = hashing.of_file


def of_node(node: nodes.Node, rests: Rests) -> code.CodeDigest | None:
    """The digest of a node that is a command; None for one that is not.

    The names of its files are part of it: a command sees them, and may read and write as they end.
    """
    if not isinstance(node.func, commands.Command):
        return None
    names: dict[str, str] = {}
    labels = (*node.func.inputs, *node.func.outputs)
    for label, name in zip(labels, (*node.positional, *node.outputs), strict=True):
        dataset = None if nodes.is_parameter(name) else rests.catalog.find(name)
        if dataset is not None and dataset.kind == "file":
            names[label] = dataset.filename
    return of(node.func, rests.root, names, rests.digest)


def of(
    command: commands.Command,
    root: Path,
    filenames: Mapping[str, str] | None = None,
    digest: Digest = hashing.of_file,
) -> code.CodeDigest:
    """The digest of a command of the project in the folder `root`; white space counts.

    It rests on the files inside the project that its words name, and on its `sources`. `filenames` are those of its
    inputs' and outputs' files; `digest` gives that of a file's content. Raises `errors.PipelineError` with all sources
    that are not there.
    """
    faults: list[errors.Fault] = []
    root = Path(os.path.normpath(root))
    sources = [source for pattern in command.sources for source in _source(pattern, root, faults)]
    if faults:
        raise errors.PipelineError.of(faults, f"sources of the command {command.__name__!r} are missing")
    whole = [command.shell, command.text, *command.inputs, "", *command.outputs]
    parts = {"command": hashing.combine("command", *whole)}
    for label, name in (filenames or {}).items():
        parts[f"file name of {label}: {name}"] = hashing.combine("file name", label, name)
    files: set[Path] = set()
    for path in (*_named(command, root), *sources):
        files.add(path)  # also one that is not there: what it would be is noticed when it comes
        if path.is_file() and (content := digest(path)) is not None:
            parts[f"script {_short(path, root)}"] = content
    listed = [word for label in sorted(parts) for word in (label, parts[label])]
    return code.CodeDigest(hashing.combine("commands", *listed), parts, frozenset(), frozenset(files))


def check(found: Iterable[nodes.Node], root: Path) -> list[errors.Fault]:
    """What is wrong with the commands among the nodes `found`: shells and programs that are not installed, sources that
    are not there.
    """
    faults: list[errors.Fault] = []
    for node in found:
        command = node.func
        if not isinstance(command, commands.Command):
            continue
        where = f"node {node.name!r}"
        if not _is_program(command.shell, root):
            hint = f"install it, or name another: {', '.join(shells.SHELLS)}"
            faults.append(errors.Fault(f"its shell {command.shell!r} is not installed", where, hint))
        faults += [_no_program(word, root, where) for word in _programs(command) if not _is_program(word, root)]
        missing: list[errors.Fault] = []
        for pattern in command.sources:
            _source(pattern, root, missing)
        faults += [fault._replace(where=where) for fault in missing]
    return faults


# --- files ---------------------------------------------------------------------------------------------------------


def _named(command: commands.Command, root: Path) -> list[Path]:
    """The paths inside the project that the words of a command may mean. Folders are left out: a command may write into
    them. So is what it redirects its output to.
    """
    top = os.path.join(os.path.normpath(root), "")
    found: dict[str, None] = {}
    for word in _words(command.masked):
        if shells.MARK in word or not 0 < len(word.strip()) <= _LONGEST:
            continue
        path = os.path.normpath(os.path.join(top, word))
        if not path.startswith(top) or any(map(layout.is_cache, path[len(top) :].split(os.sep))):
            continue
        if not os.path.isdir(path):
            found[path] = None
    return [Path(path) for path in found]


_LONGEST = 250  # characters; a longer word is text, and no system takes it as the name of a file


_BARE = patterns.lazily(r"[^\s'\"`$();|&<>{}=,\0]+")
_WRITTEN = patterns.lazily(r">[>|&]?[ \t]*['\"]?[^\s'\"`$();|&<>{}]+")


def _words(masked: str) -> Iterator[str]:
    """What in a command may be the name of a file."""
    found = shells.simple(masked)
    if found is None:
        yield from _BARE.findall(_WRITTEN.sub(" ", masked))
        yield from (match[1] or match[2] for match in re.finditer(r"'([^'\n]*)'|\"([^\"\n]*)\"", masked))
        return
    for one in found:
        for word in (*one.words, *one.reads):
            yield word
            if word.startswith("-"):
                yield word[2:]  # -fprogram.awk
            if any(mark in word for mark in "=, \t\n"):  # --config=a.yml, a.csv,b.csv, a program within quotes
                yield word.partition("=")[2]
                yield from _BARE.findall(_WRITTEN.sub(" ", word))


def _source(pattern: str, root: Path, faults: list[errors.Fault]) -> list[Path]:
    """The files that one of the `sources` stands for, and the folders that they lie in."""
    if not glob.has_magic(pattern):
        path = Path(os.path.normpath(root / pattern))
        if path.is_dir():
            return _below(path)
        if not path.is_file():
            faults.append(_no_source(pattern, path))
        return [path]
    matches = sorted(glob.glob(pattern, root_dir=root, recursive=True))
    if not matches:
        hint = "name files of the project: R/*.R, or a folder, R"
        faults.append(errors.Fault(f"no file fits the source {pattern!r}", hint=hint))
    found: list[Path] = []
    for match in matches:
        path = Path(os.path.normpath(root / match))
        found += _below(path) if path.is_dir() else [path, path.parent]
    return found


def _below(folder: Path) -> list[Path]:
    """A folder and all in it, but for what tools keep there."""
    found = [folder]
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not layout.is_cache(name))
        found += [Path(at, name) for name in (*folders, *sorted(names)) if not layout.is_cache(name)]
    return found


def _no_source(pattern: str, path: Path) -> errors.Fault:
    otherwise = "name a file or a folder of the project, or a pattern: R/*.R"
    try:
        beside = os.listdir(path.parent)
    except OSError:
        return errors.Fault(f"there is no source {pattern!r}", hint=otherwise)
    near = errors.nearest(path.name, beside)
    hint = f"did you mean {os.path.join(os.path.dirname(pattern), near)!r}?" if near else otherwise
    return errors.Fault(f"there is no source {pattern!r}", hint=hint)


def _short(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


# --- programs ------------------------------------------------------------------------------------------------------

_BUILTINS = frozenset(
    {":", "[", "alias", "bg", "cd", "command", "echo", "exec", "exit", "false", "fg", "getopts", "hash", "jobs", "kill"}
    | {"printf", "pwd", "read", "return", "set", "shift", "test", "times", "trap", "true", "type", "ulimit", "umask"}
    | {"unalias", "unset", "wait", "break", "continue", "shopt", "mapfile", "readarray", "pushd", "popd", "dirs"}
    | {"setopt", "unsetopt", "print", "whence", "enable", "caller", "disown", "let"}
)
_BEYOND = frozenset(
    {".", "source", "eval", "export", "alias", "module", "conda", "hash", "enable"}
)  # may bring programs
_ASSIGNED = patterns.lazily(r"[A-Za-z_]\w*\+?=")


def _programs(command: commands.Command) -> list[str]:
    """The programs that a command needs for certain, as far as its words say."""
    found: dict[str, None] = {}
    for number, one in enumerate(shells.simple(command.masked) or ()):
        words = [word for word in one.words if not _ASSIGNED.match(word)]
        if any(word.startswith("PATH=") for word in one.words) or (words and words[0] in _BEYOND):
            break
        if not words or shells.MARK in words[0] or words[0] in _BUILTINS or any(mark in words[0] for mark in "*?[~"):
            continue
        if number == 0 or "/" not in words[0]:  # a later one may be made by an earlier one
            found[words[0]] = None
    return list(found)


def _is_program(word: str, root: Path) -> bool:
    paths = [root / word] if "/" in word else [os.path.join(folder, word) for folder in os.get_exec_path()]
    return any(os.path.isfile(path) and os.access(path, os.X_OK) for path in paths)


def _no_program(word: str, root: Path, where: str) -> errors.Fault:
    if "/" in word:
        path = root / word
        if path.exists():
            return errors.Fault(f"{word} may not be executed", where, f"chmod +x {word}, or name what runs it")
        return errors.Fault(f"there is no program {word}", where, _beside(path, word))
    known = (name for folder in os.get_exec_path() if os.path.isdir(folder) for name in os.listdir(folder))
    install = f"install it ({_PACKAGES[word]})" if word in _PACKAGES else "install it, or give its path"
    hint = install if word in _PACKAGES else errors.did_you_mean(word, known, install)
    return errors.Fault(f"the program {word!r} is not installed: it is not on PATH", where, hint)


def _beside(path: Path, word: str) -> str:
    near = errors.nearest(path.name, os.listdir(path.parent)) if path.parent.is_dir() else None
    return f"did you mean {os.path.join(os.path.dirname(word), near)!r}?" if near else "paths begin at the project"


_PACKAGES: Mapping[str, str] = {
    "Rscript": "apt-get install r-base-core, brew install r",
    "julia": "see julialang.org/downloads",
    "duckdb": "see duckdb.org/docs/installation",
    "jq": "apt-get install jq, brew install jq",
}
