"""Canonical digests of Python values: equal values have equal digests, whatever the hash seed or object identity.

A value is written as a tagged, length-prefixed byte string and hashed. Containers keep their order (it can be
observed), sets do not have one. NumPy arrays, pandas and polars frames are taken by content (`frames`). Any other
object is taken by what its pickle would hold: the callable and arguments of `__reduce_ex__` and its state, so that
nothing that survives pickling is left out. Shared and circular references are followed once.

The classes and functions that a pickle would name live as code outside of the value. `Fingerprint.classes` lists those
of the project, `Fingerprint.libraries` the installed packages of the others, so that a planner can add their code and
versions.
"""

from __future__ import annotations

import copyreg
import marshal
import pickle
import struct
import sys
import sysconfig
import types
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from tane.digest import frames, hashing


class Fingerprint(NamedTuple):
    """A value's digest; the project's classes and functions ("module:qualname") and the top-level modules of the
    installed packages that its pickle names, both sorted.
    """

    digest: str
    classes: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


class CannotDigest(Exception):
    """The value has no content that could be identified: a generator, a lock, an open file. `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def of(value: Any) -> Fingerprint:
    """The digest of `value`.

    Raises `CannotDigest` for values that cannot be pickled either: generators, open files, locks, sockets.
    """
    kind = type(value)
    if kind in _ATOMS:  # most small values end here
        return Fingerprint(hashing.of_bytes(_TAG + marshal.dumps(value, 2)))
    walk = _Walk()
    try:
        encoded = walk.encode(value)
    except RecursionError:
        raise CannotDigest(f"a {kind.__name__} nested too deeply") from None
    return Fingerprint(hashing.of_bytes(_TAG + encoded), tuple(sorted(walk.classes)), tuple(sorted(walk.libraries)))


_TAG = b"tane value 1\0"
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
# marshal's version 2 writes exact atoms by content alone: no references, no interning marks, binary floats
_LARGE = 1 << 16


class _Walk:
    """One walk over one value."""

    def __init__(self) -> None:
        self.classes: set[str] = set()
        self.libraries: set[str] = set()
        self._known: dict[int, bytes] = {}  # id -> encoded form of an object met before
        self._alive: list[Any] = []  # keeps those objects, so that no id is used twice
        self._open: dict[int, int] = {}  # id -> depth, of the objects being written: a cycle points back

    def encode(self, value: Any) -> bytes:
        kind = type(value)
        if kind in _ATOMS:
            written = marshal.dumps(value, 2)
            return written if len(written) < _LARGE else b"L" + bytes.fromhex(hashing.of_bytes(written))
        number = id(value)
        known = self._known.get(number)
        if known is not None:
            return known
        if number in self._open:
            return b"^" + struct.pack(">I", self._open[number])
        self._open[number] = len(self._open)
        try:
            encoded = self._compound(value, kind)
        finally:
            del self._open[number]
        if len(encoded) > 64:
            encoded = b"#" + bytes.fromhex(hashing.of_bytes(encoded))
        self._known[number] = encoded
        self._alive.append(value)
        return encoded

    def _compound(self, value: Any, kind: type) -> bytes:
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(self, value)
        by_content = frames.encoder(kind)
        if by_content is not None:
            self.libraries.add(kind.__module__.partition(".")[0])
            return by_content(value, self.encode)
        if isinstance(value, type):
            return b"c" + self._named(value)
        return self._reduced(value)

    def sequence(self, tag: bytes, items: Any) -> bytes:
        if _ATOMS.issuperset(map(type, items)):
            return tag + b"a" + marshal.dumps(tuple(items), 2)
        return tag + struct.pack(">Q", len(items)) + b"".join(map(self.encode, items))

    def mapping(self, value: dict[Any, Any]) -> bytes:
        return b"d" + self.sequence(b"k", value.keys()) + self.sequence(b"v", value.values())

    def unordered(self, tag: bytes, items: Iterable[Any]) -> bytes:
        encoded = sorted(self.encode(item) for item in items)
        return tag + struct.pack(">Q", len(encoded)) + b"".join(encoded)

    def buffer(self, tag: bytes, data: hashing.Buffer) -> bytes:
        return tag + bytes.fromhex(hashing.of_bytes(data))

    def function(self, value: types.FunctionType) -> bytes:
        if _importable(value):
            return b"f" + self._named(value)
        cells = [cell.cell_contents for cell in value.__closure__ or () if _filled(cell)]
        names = sorted(_names(value.__code__) & value.__globals__.keys())
        return b"F" + self.sequence(
            b"l",
            [
                self.code(value.__code__),
                value.__defaults__,
                value.__kwdefaults__,
                cells,
                [(name, value.__globals__[name]) for name in names],
            ],
        )

    def code(self, code: types.CodeType) -> bytes:
        consts = [self.code(c) if isinstance(c, types.CodeType) else c for c in code.co_consts]
        return self.sequence(b"o", [code.co_code, consts, code.co_names, code.co_varnames, code.co_freevars])

    def method(self, value: types.MethodType) -> bytes:
        return b"m" + self.encode(value.__func__) + self.encode(value.__self__)

    def builtin(self, value: types.BuiltinFunctionType) -> bytes:
        owner = value.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            return b"f" + self._named(value)
        return b"B" + self.encode(owner) + self.encode(value.__name__)

    def module(self, value: types.ModuleType) -> bytes:
        return b"M" + self.encode(value.__name__)

    def _named(self, value: Any) -> bytes:
        name = f"{value.__module__}:{value.__qualname__}"
        module = value.__module__ or ""
        if is_project_module(module):
            self.classes.add(name)
        elif not _comes_with_python(module):
            self.libraries.add(module.partition(".")[0])
        return self.encode(name)

    def _reduced(self, value: Any) -> bytes:
        try:
            reduced = _reduce(value)
        except (RecursionError, MemoryError):
            raise
        except Exception as error:  # a __reduce__ or __getstate__ of the user's may raise anything
            raise CannotDigest(f"a {type(value).__module__}.{type(value).__qualname__} ({error})") from None
        if isinstance(reduced, str):
            return b"g" + self.encode(f"{type(value).__module__}:{reduced}")
        make, arguments, state, items, pairs = (*reduced, None, None, None, None)[:5]
        self._alive.append(reduced)
        encoded = b"r" + self.encode(make) + self.encode(arguments) + self.encode(state)
        if items is not None:
            encoded += self.encode(list(items))
        if pairs is not None:
            pairs = list(pairs)
            encoded += self.encode([key for key, _ in pairs]) + self.encode([item for _, item in pairs])
        return encoded


def _reduce(value: Any) -> Any:
    override = copyreg.dispatch_table.get(type(value))
    return override(value) if override else value.__reduce_ex__(5)


def _importable(function: Any) -> bool:
    module = sys.modules.get(function.__module__ or "")
    found: Any = module
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function and function.__module__ != "__main__"


def _filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            names |= _names(const)
    return names


_SPECIAL: dict[type, Callable[[_Walk, Any], bytes]] = {
    list: lambda walk, v: walk.sequence(b"l", v),
    tuple: lambda walk, v: walk.sequence(b"t", v),
    dict: _Walk.mapping,
    set: lambda walk, v: walk.unordered(b"s", v),
    frozenset: lambda walk, v: walk.unordered(b"S", v),
    bytearray: lambda walk, v: walk.buffer(b"y", v),
    memoryview: lambda walk, v: walk.buffer(b"Y", v.tobytes()),
    pickle.PickleBuffer: lambda walk, v: walk.buffer(b"P", v.raw()),
    types.FunctionType: _Walk.function,
    types.MethodType: _Walk.method,
    types.BuiltinFunctionType: _Walk.builtin,
    types.ModuleType: _Walk.module,
    type(...): lambda walk, v: b".",
    type(NotImplemented): lambda walk, v: b"!",
}


@lru_cache(maxsize=4096)
def is_project_module(name: str) -> bool:
    """Whether module `name` is user code: neither built in, nor standard library, nor an installed package.

    An editable install lies outside of site-packages and so counts as project code.
    """
    if name == "__main__":
        return True
    if _comes_with_python(name):
        return False
    top = name.partition(".")[0]
    module = sys.modules.get(name) or sys.modules.get(top)
    file = getattr(module, "__file__", None)
    return file is not None and not is_installed_file(file)


def _comes_with_python(name: str) -> bool:
    top = name.partition(".")[0]
    return not top or top in sys.stdlib_module_names or top in sys.builtin_module_names or top == "tane"


def is_installed_file(file: str) -> bool:
    """Whether `file` belongs to the standard library or to an installed package."""
    return file.startswith(_STDLIB) or "/site-packages/" in file or "/dist-packages/" in file


_STDLIB = tuple({sysconfig.get_path("stdlib") + "/", sysconfig.get_path("platstdlib") + "/"})
