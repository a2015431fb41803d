"""How the files of the user's modules looked when they were imported.

A process goes on with the code it has imported, whatever becomes of the file; another process that imports it later may
get other code. `projects` notes what it imports, `runs` compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import NamedTuple
from weakref import WeakKeyDictionary

from tane.digest import values
from tane.store import signatures

_as_loaded: WeakKeyDictionary[ModuleType, signatures.Signature] = WeakKeyDictionary()


class Module(NamedTuple):
    """A module that a process has imported, and how its file looked right after that."""

    name: str
    file: str
    sig: signatures.Signature


def note(modules: Iterable[ModuleType], before: Mapping[str, signatures.Signature | None]) -> None:
    """Remember how the files of `modules` looked `before` they were imported, but of those that were there already."""
    for module in modules:
        sig = before.get(getattr(module, "__file__", None) or "")
        if sig is not None and module not in _as_loaded:
            _as_loaded[module] = sig


def signature(name: str, file: str) -> signatures.Signature | None:
    """How the file of that module looked when this process imported it; None when that is not known."""
    module = sys.modules.get(name)
    if module is None or getattr(module, "__file__", None) != file:
        return None
    return _as_loaded.get(module)


def looked(module: ModuleType) -> list[tuple[str, signatures.Signature]]:
    """The file of a module and how it looked when this process imported it; nothing when that is not known."""
    sig = _as_loaded.get(module) if isinstance(module, ModuleType) else None
    return [] if sig is None else [(str(module.__file__), sig)]


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
