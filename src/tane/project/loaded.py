"""How the files of the user's modules looked when they were imported.

A process goes on with the code it has imported, whatever becomes of the file; another process that imports it later may
get other code. `projects` notes what it imports, `runs` compares.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from weakref import WeakKeyDictionary

from tane.digest import values
from tane.store import signatures


class _Noted(NamedTuple):
    """How a file looked before it was imported; with its text when a later write might not show in its looks."""

    sig: signatures.Signature
    text: bytes | None


_as_loaded: WeakKeyDictionary[ModuleType, _Noted] = WeakKeyDictionary()
_names: dict[str, str] = {}  # files -> the modules that were noted of them


class Module(NamedTuple):
    """A module that a process has imported, and how its file looked right after that."""

    name: str
    file: str
    sig: signatures.Signature


class Before:
    """What there is of `files` and of modules now, before modules are imported."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._noted = {str(file): _noted_now(file) for file in files if file.suffix == ".py"}
        self._there = set(map(id, sys.modules.values()))

    def note(self, modules: Iterable[ModuleType]) -> None:
        """Remember how the files of `modules` looked; of those that were there already nobody knows the text."""
        for module in modules:
            file = getattr(module, "__file__", None) or ""
            noted = self._noted.get(file)
            if noted is not None and id(module) not in self._there and module not in _as_loaded:
                _as_loaded[module] = noted
                _names[file] = module.__name__


def signature(name: str, file: str) -> signatures.Signature | None:
    """How the file of that module looked when this process imported it; None when that is not known."""
    noted = _noted(name, file)
    return None if noted is None else noted.sig


def is_still(file: str, sig: signatures.Signature, text: bytes) -> bool:
    """Whether a file that looks like `sig` and holds `text` is known to be what this process imported."""
    noted = _noted(_names.get(file, ""), file)
    if noted is None:
        return False
    return noted.sig == sig if noted.text is None else noted.text == text


def _noted_now(file: Path) -> _Noted | None:
    taken_ns = time.time_ns()
    sig = signatures.of(file)
    try:
        return None if sig is None else _Noted(sig, file.read_bytes() if signatures.is_racy(sig, taken_ns) else None)
    except OSError:  # gone meanwhile: importing it says so
        return None


def _noted(name: str, file: str) -> _Noted | None:
    module = sys.modules.get(name)
    if module is None or getattr(module, "__file__", None) != file:
        return None
    return _as_loaded.get(module)


def looked(module: ModuleType) -> list[tuple[str, signatures.Signature]]:
    """The file of a module and how it looked when this process imported it; nothing when that is not known."""
    if not issubclass(type(module), ModuleType):  # cffi puts things there that only say they were modules
        return []
    noted = _as_loaded.get(module)
    return [] if noted is None else [(str(module.__file__), noted.sig)]


class News:
    """Tells which modules of the user's were imported since the last time it was asked, or since `names`."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = set(names)
        self._count = len(self._names)

    def __call__(self) -> list[Module]:
        """Those modules; what comes with Python, is installed, or is Tane's is not among them."""
        if len(sys.modules) == self._count:
            return []
        found = []
        for name, module in list(sys.modules.items()):
            if name in self._names:
                continue
            self._names.add(name)
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.endswith(".py") and not values.is_installed_file(file):
                sig = None if file.startswith(_OWN) else signatures.of(file)
                if sig is not None:
                    found.append(Module(name, file, sig))
        self._count = len(sys.modules)
        return found


_OWN = __file__.removesuffix("project/loaded.py")
