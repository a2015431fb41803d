"""Canonical digests of Python values: equal values have equal digests, whatever the hash seed or object identity.

A value is written as a tagged, length-prefixed byte string and hashed. Containers keep their order (it can be
observed), sets do not have one. NumPy arrays, pandas and polars frames are taken by content (`frames`). Any other
object is taken by what its pickle would hold: the callable and arguments of `__reduce_ex__` and its state, so that
nothing that survives pickling is left out. Parts that can be changed are followed once, and pointed back to where they
are met again: who changes one in place changes all that are the same object, so two values in which other parts are
one are different values. (What only the elements of a set share does not count, for a set has no order.)

The classes and functions that a pickle would name live as code outside of the value. `Fingerprint.classes` lists those
of the project, `Fingerprint.libraries` the installed packages of the others, so that a planner can add their code and
versions.
"""

from __future__ import annotations

import copyreg
import datetime
import enum
import marshal
import os
import pickle
import struct
import sys
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
        self._known: dict[int, bytes] = {}  # id -> encoded form of something met before that nobody can change
        self._open: dict[int, int] = {}  # id -> depth, of such things while they are written: a cycle points back
        self._places: dict[int, int] = {}  # id -> number, in the order they are met, of things that can be changed
        self._met: list[int] = []  # the ids in both, in order, so that they can be forgotten again
        self._alive: list[Any] = []  # keeps those objects, so that no id is used twice

    def encode(self, value: Any) -> bytes:
        kind = type(value)
        if kind in _ATOMS:
            written = marshal.dumps(value, 2)
            return written if len(written) < _LARGE else b"L" + bytes.fromhex(hashing.of_bytes(written))
        number = id(value)
        place = self._places.get(number)
        if place is not None:
            return b"^" + struct.pack(">I", place)
        if _is_fixed(kind):
            return self._fixed(value, kind, number)
        self._places[number] = len(self._places)
        self._met.append(number)
        self._alive.append(value)
        return _short(self._compound(value, kind))

    def _fixed(self, value: Any, kind: type, number: int) -> bytes:
        """What cannot be changed itself: the same wherever it is met, unless what it holds can be changed."""
        known = self._known.get(number)
        if known is not None:
            return known
        if number in self._open:
            return b"~" + struct.pack(">I", self._open[number])
        before = len(self._places)
        self._open[number] = len(self._open)
        try:
            encoded = _short(self._compound(value, kind))
        finally:
            del self._open[number]
        if len(self._places) == before:
            self._known[number] = encoded
            self._met.append(number)
        self._alive.append(value)
        return encoded

    def _compound(self, value: Any, kind: type) -> bytes:
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(self, value)
        by_content = frames.encoder(kind)
        if by_content is not None:
            self.libraries.add(kind.__module__.partition(".")[0])
            try:
                return by_content(value, self.encode)
            except (RecursionError, MemoryError, CannotDigest):
                raise
            except Exception:  # a type of column that its library does not give away
                return self._reduced(value)
        if isinstance(value, type):
            return b"c" + (self._named(value) if _importable(value) else self.made(value))
        return self._reduced(value)

    def sequence(self, tag: bytes, items: Any) -> bytes:
        if _ATOMS.issuperset(map(type, items)):
            return tag + b"a" + marshal.dumps(tuple(items), 2)
        return tag + struct.pack(">Q", len(items)) + b"".join(map(self.encode, items))

    def mapping(self, value: dict[Any, Any]) -> bytes:
        return b"d" + self.sequence(b"k", value.keys()) + self.sequence(b"v", value.values())

    def unordered(self, tag: bytes, items: Iterable[Any]) -> bytes:
        encoded = []
        for item in items:
            met = len(self._met)
            encoded.append(self.encode(item))
            for number in self._met[met:]:  # the elements come in any order: none may count for the next
                self._places.pop(number, None)
                self._known.pop(number, None)
            del self._met[met:]
        encoded.sort()
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

    def made(self, value: type) -> bytes:
        """A class that no module offers, by what it is made of: no planner could look up its code."""
        members = [(name, member) for name, member in vars(value).items() if name not in _NO_MEMBERS]
        told = self.sequence(b"l", [value.__qualname__, value.__bases__, [name for name, _ in members]])
        return b"C" + told + b"".join(self.member(member) for _, member in members)

    def member(self, value: Any) -> bytes:
        """What a class has under one name."""
        if isinstance(value, (staticmethod, classmethod)):
            return b"w" + self.encode(value.__func__)
        if isinstance(value, property):
            return b"p" + self.encode((value.fget, value.fset, value.fdel))
        if isinstance(value, _DESCRIPTORS):
            return b"-"
        try:
            return self.encode(value)
        except CannotDigest:  # the name of a lock that the class holds says as much as the lock
            return self.encode(type(value).__qualname__)

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


def _importable(thing: Any) -> bool:
    module = sys.modules.get(thing.__module__ or "")
    found: Any = module
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing and thing.__module__ != "__main__"


def _short(encoded: bytes) -> bytes:
    return encoded if len(encoded) <= 64 else b"#" + bytes.fromhex(hashing.of_bytes(encoded))


def _is_fixed(kind: type) -> bool:
    """Whether things of exactly this type cannot be changed, whatever becomes of what they hold."""
    found = _KINDS.get(kind)
    if found is None:
        name = (kind.__module__.partition(".")[0], kind.__name__)
        found = kind in _FIXED or name in _FIXED_NAMES or issubclass(kind, (type, enum.Enum, datetime.tzinfo))
        numpy = sys.modules.get("numpy")
        if numpy is not None and not found:
            found = issubclass(kind, (numpy.generic, numpy.dtype)) and kind is not numpy.void
        if len(_KINDS) < 4096:
            _KINDS[kind] = found
    return found


_KINDS: dict[type, bool] = {}
_FIXED = frozenset(
    {
        tuple,
        frozenset,
        range,
        slice,
        type(...),
        type(NotImplemented),
        types.FunctionType,
        types.BuiltinFunctionType,
        types.MethodType,
        types.ModuleType,
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
    }
)
_FIXED_NAMES = frozenset(
    {
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("uuid", "UUID"),
        ("re", "Pattern"),
        *(("pathlib", name) for name in ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")),
        *(("pandas", name) for name in ("Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType")),
    }
)
_NO_MEMBERS = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__module__",
        "__qualname__",
        "__doc__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__abstractmethods__",
        "_abc_impl",
    }
)
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType)


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


_COMPILED = f"{sys.base_exec_prefix}/{sys.platlibdir}/python{sys.version_info.major}.{sys.version_info.minor}/"
_STDLIB = (f"{os.path.dirname(os.__file__)}/", _COMPILED)  # as `sysconfig` says, which takes long to import
