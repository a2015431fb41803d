"""The installed distributions: which a piece of code rests on, which there are, and whether they changed.

The planner asks `closure` for the part of a step's key that is the environment, a run records `installed`,
and the check for "nothing changed" compares `signature`, which is why this module imports nothing slow.
Folders of metadata are read directly, once for each state of the installation: the result is kept as a file
in the cache folder.
"""

from __future__ import annotations

import os
import sys
import threading
import zlib
from collections.abc import Iterable, Mapping

from tane.store import signatures

State = tuple[tuple[str, signatures.Signature], ...]

_known: dict[State, Installation] = {}


def signature() -> State:
    """What identifies the state of the installation: what is `watched`, each with its stat signature."""
    found = [(path, signatures.of(path)) for path in watched()]
    return tuple((path, one) for path, one in found if one is not None)


def watched() -> list[str]:
    """The folders of installed packages and their .pth files: a change of the installation shows there."""
    paths: list[str] = []
    for folder in _folders():
        paths.append(folder)
        try:
            paths += [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.endswith(".pth")]
        except OSError:
            continue
    return paths


def closure(imports: Iterable[str], cache: str | os.PathLike[str] | None = None) -> Mapping[str, str]:
    """The versions of the distributions that provide these modules, and of all that they depend on.

    Editable installs are project code and left out, as is what is not installed. `cache` is a folder in which
    to remember the installation's metadata.
    """
    return _installation(cache).closure(frozenset(imports))


def installed(cache: str | os.PathLike[str] | None = None) -> Mapping[str, str]:
    """The versions of all installed distributions by normalised name."""
    return dict(sorted((name, dist.version) for name, dist in _installation(cache).dists.items()))


class Distribution:
    """One installed distribution: its version, the modules it provides, the distributions it requires."""

    __slots__ = ("editable", "provides", "requires", "version")

    def __init__(self, version: str, provides: list[str], requires: list[str], editable: bool) -> None:
        self.version = version
        self.provides = provides
        self.requires = requires
        self.editable = editable

    def plain(self) -> list[object]:
        """The distribution as JSON values, in the order of the constructor."""
        return [self.version, self.provides, self.requires, self.editable]


class Installation:
    """All installed distributions by normalised name, in one state of the installation."""

    def __init__(self, dists: dict[str, Distribution]) -> None:
        self.dists = dists
        self._providers: dict[str, list[str]] = {}
        for name, dist in dists.items():
            for module in dist.provides:
                self._providers.setdefault(module, []).append(name)
        self._closures: dict[frozenset[str], dict[str, str]] = {}

    def closure(self, imports: frozenset[str]) -> dict[str, str]:
        """The versions of what these modules rest on."""
        known = self._closures.get(imports)
        if known is not None:
            return known
        todo = [name for module in imports for name in self._providers.get(module, ())]
        found: dict[str, str] = {}
        while todo:
            name = todo.pop()
            dist = self.dists.get(name)
            if dist is not None and not dist.editable and name not in found:
                found[name] = dist.version
                todo.extend(dist.requires)
        result = self._closures[imports] = dict(sorted(found.items()))
        return result


def _folders() -> list[str]:
    """The folders of installed packages on the path, in its order."""
    return [entry for entry in dict.fromkeys(sys.path) if "site-packages" in entry or "dist-packages" in entry]


def _installation(cache: str | os.PathLike[str] | None) -> Installation:
    state = signature()
    found = _known.get(state)
    if found is None:
        found = _recall(state, cache)
        if found is None:
            found = _read_all()
            _remember(state, found, cache)
        _known.clear()
        _known[state] = found
    return found


def _recall(state: State, cache: str | os.PathLike[str] | None) -> Installation | None:
    """The installation as remembered in the cache folder, if that was for the same state."""
    import json

    if cache is None:
        return None
    try:
        with open(_file(cache), encoding="utf-8") as file:
            held = json.load(file)
        if held["state"] != _plain(state):
            return None
        return Installation({name: Distribution(*fields) for name, fields in held["distributions"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def user_cache() -> str:
    """The folder in which the metadata of installations is remembered, for all projects of this user.

    `TANE_CACHE`, else `tane` in the user's cache folder.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("TANE_CACHE") or os.path.join(base, "tane")


def _file(cache: str | os.PathLike[str]) -> str:
    """One file for each installation: projects may have environments of their own."""
    return os.path.join(cache, f"environment-{zlib.crc32(sys.prefix.encode('utf-8', 'surrogateescape')):08x}.json")


def _plain(state: State) -> list[object]:
    """The state as JSON values, with the Python it is for."""
    return [sys.prefix, sys.version, *([path, *one] for path, one in state)]


def _remember(state: State, found: Installation, cache: str | os.PathLike[str] | None) -> None:
    """Write the cache file; a place that cannot be written to only costs the time to read again."""
    import json

    if cache is None:
        return
    plain = {name: dist.plain() for name, dist in found.dists.items()}
    temporary = os.path.join(cache, f"environment.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        os.makedirs(cache, exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"state": _plain(state), "distributions": plain}, file)
        os.replace(temporary, _file(cache))
    except OSError:
        return


def _read_all() -> Installation:
    dists: dict[str, Distribution] = {}
    for folder in _folders():
        try:
            entries = sorted(os.listdir(folder))
        except OSError:
            continue
        for entry in entries:
            stem, kind = os.path.splitext(entry)
            if kind not in (".dist-info", ".egg-info"):
                continue
            parts = stem.split("-")
            name = normalised(parts[0])
            if name not in dists:  # the first on the path is the one that is imported
                dists[name] = _read_one(os.path.join(folder, entry), parts)
    return Installation(dists)


def normalised(name: str) -> str:
    """A distribution's name as packaging tools compare it."""
    words = name.lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(word for word in words if word)


def _read_one(folder: str, stem: list[str]) -> Distribution:
    is_egg = folder.endswith(".egg-info")
    headers = _text(folder if os.path.isfile(folder) else f"{folder}/{'PKG-INFO' if is_egg else 'METADATA'}")
    version, requires = (stem[1] if len(stem) > 1 else ""), []
    for line in headers.splitlines():
        if not line:
            break
        word, _, value = line.partition(":")
        if word == "Version":
            version = value.strip()
        elif word == "Requires-Dist" and not _needs_extra(value):
            requires.append(_required(value))
    for line in _text(f"{folder}/requires.txt").splitlines() if is_egg else ():
        if line.startswith("["):
            break
        if line.strip():
            requires.append(_required(line))
    editable = '"editable":true' in _text(f"{folder}/direct_url.json").replace(" ", "")
    return Distribution(version, sorted(_provided(folder)), sorted(set(requires)), editable)


def _needs_extra(requirement: str) -> bool:
    marker = requirement.partition(";")[2].replace(" ", "")
    return "extra==" in marker


def _required(requirement: str) -> str:
    text = requirement.strip()
    end = next((i for i, c in enumerate(text) if not (c.isalnum() or c in "-_.")), len(text))
    return normalised(text[:end])


def _provided(folder: str) -> set[str]:
    """The top-level modules of a distribution, from the list of its files, else from its own claim."""
    found: set[str] = set()
    for line in _text(f"{folder}/RECORD").splitlines():
        first, slash, _ = line.partition("/")
        if not slash:
            first = first.partition(",")[0].strip('"')
            if not first.endswith((".py", ".so", ".pyd")):
                continue
            first = first.partition(".")[0]
        if first.isidentifier() and first != "__pycache__":
            found.add(first)
    claimed = (line.strip() for line in _text(f"{folder}/top_level.txt").splitlines())
    return found | {name for name in claimed if name.isidentifier()}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
