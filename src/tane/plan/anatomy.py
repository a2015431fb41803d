"""Live objects taken apart without running any of their code: cells, defaults, state, contents.

`reach` calls it to walk values. Nothing here calls a method that a project could have written.
"""

from __future__ import annotations

import collections
import contextvars
import enum
import functools
import importlib.util
import io
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tane.digest import values
from tane.plan import sources

Pairs = list[tuple[str, Any]]

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)})
MISSING = object()
LIBRARY_CALLABLES = (
    types.BuiltinFunctionType,
    types.MethodWrapperType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_LOCKS = frozenset({type(threading.Lock()), type(threading.RLock()), threading.Condition})
_RAW_FILES = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
_REFERENCES = (weakref.ReferenceType, weakref.WeakMethod, weakref.KeyedRef)
_BY_ATTRIBUTES = frozenset({"threading", "queue", "logging"})  # what these cannot pickle is their locks
_LAYOUTS: tuple[type, ...] = (
    dict,
    list,
    tuple,
    set,
    frozenset,
    str,
    int,
    float,
    complex,
    bytes,
    BaseException,
)
_TRANSPARENT = frozenset({*_LAYOUTS, Exception, object, enum.Enum, enum.IntEnum, enum.StrEnum, enum.Flag})


def held(value: Any, module: str) -> Pairs | None:
    """What a part of Python's own machinery holds, or None for all else: nothing in a lock or a thread, the
    name of an open file or a logger, the items of a queue. A logger called after its `module` has no name.
    """
    kind = type(value)
    if kind in _LOCKS or (isinstance(value, threading.Thread) and kind.__module__ == "threading"):
        return []
    if kind.__module__ in ("_io", "io"):
        return _file(value, kind)
    if kind in _REFERENCES:
        return [("referent", value())]
    if kind is contextvars.ContextVar:
        try:
            return [("name", value.name), ("value", value.get())]
        except LookupError:  # neither set nor with a default
            return [("name", value.name)]
    if kind is threading.local:
        return sorted(vars(value).items())
    if kind in (weakref.WeakValueDictionary, weakref.WeakKeyDictionary):
        return _mapping(value)
    if kind is weakref.WeakSet:
        return _numbered(sorted(value, key=_order))
    if kind.__module__ == "logging" and kind.__qualname__ in ("Logger", "RootLogger"):
        return [("name", "" if value.name == module else value.name)]
    if kind.__module__ in _BY_ATTRIBUTES:
        return sorted(vars(value).items())
    return None


def _file(value: Any, kind: type) -> Pairs | None:
    """An open file by its name and mode; one in memory by its content (None: its pickle has it)."""
    try:
        if kind is io.TextIOWrapper:
            return [("buffer", value.buffer), ("encoding", value.encoding), ("errors", value.errors)]
        if kind in _RAW_FILES:
            return [("raw", value.raw)]
        if kind is io.FileIO:
            return [("name", value.name if isinstance(value.name, str) else ""), ("mode", value.mode)]
    except (ValueError, AttributeError):  # detached
        return []
    return None


def type_name(value: Any) -> str:
    """The full name of a value's type."""
    return f"{type(value).__module__}:{type(value).__qualname__}"


def cells(function: types.FunctionType) -> Pairs:
    """The filled closure cells of a function by name."""
    found: Pairs = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # not filled yet
            continue
    return found


def defaults(function: types.FunctionType) -> Pairs:
    """The default values of a function as they are now."""
    if not function.__defaults__ and not function.__kwdefaults__:
        return []
    found = [(f"default {i}", value) for i, value in enumerate(function.__defaults__ or ())]
    return found + [(f"default {name}", value) for name, value in sorted((function.__kwdefaults__ or {}).items())]


def contents(value: Any, kind: type) -> Pairs | None:
    """The parts of a builtin container or wrapper by name, or None for everything else."""
    if kind is functools.partial:
        place = _keyword_places(value)
        words = [(f"keyword {place.get(name, '')}{name}", item) for name, item in value.keywords.items()]
        return [("func", value.func), *_numbered(value.args), *words]
    if kind is types.MethodType:
        return [("func", value.__func__), ("self", value.__self__)]
    if kind in (staticmethod, classmethod):
        return [("func", value.__func__)]
    if kind is property:
        return [("get", value.fget), ("set", value.fset), ("delete", value.fdel)]
    if kind in _STATEFUL:
        return sorted((name, item) for name, item in vars(value).items() if name != "lock")
    if kind in (set, frozenset):
        return _numbered(sorted(value, key=_order))
    if kind in (list, tuple, collections.deque):
        return _numbered(value)
    if kind in _MAPPINGS:
        pairs = _mapping(value)
        return [*pairs, ("factory", value.default_factory)] if kind is collections.defaultdict else pairs
    return None


def _keyword_places(value: functools.partial[Any]) -> dict[str, str]:
    """The places of a partial's keywords, for a function that may see their order (`**options`)."""
    func = value.func
    while isinstance(func, functools.partial):
        func = func.func
    code = getattr(func, "__code__", None)
    if isinstance(code, types.CodeType) and not code.co_flags & _TAKES_ALL_KEYWORDS:
        return {}
    return {name: f"{number} " for number, name in enumerate(value.keywords)}


_TAKES_ALL_KEYWORDS = 0x08  # as `inspect.CO_VARKEYWORDS`
_STATEFUL = (
    functools.cached_property,
    functools.partialmethod,
    functools.singledispatchmethod,
    types.SimpleNamespace,
)
_MAPPINGS = (
    dict,
    collections.OrderedDict,
    collections.defaultdict,
    collections.Counter,
    types.MappingProxyType,
)
_PLAIN_CONTAINERS = (dict, list, tuple, set, frozenset)


def is_plain(value: Any) -> bool:
    """Whether nested builtin containers hold nothing but numbers, text and the like."""
    todo, seen = [value], set()
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind in ATOMS:
            continue
        if kind not in _PLAIN_CONTAINERS:
            return False
        if id(item) in seen:
            continue
        seen.add(id(item))
        if kind is dict:
            todo.extend(item)
            todo.extend(item.values())
        else:
            todo.extend(item)
    return True


def is_transparent(kind: type) -> bool:
    """Whether the state of instances can be read without their own pickling code."""
    return all(base in _TRANSPARENT or is_project_class(base) for base in kind.__mro__)


def state(value: Any) -> Pairs:
    """What an instance holds: attributes, slots, and the content of a builtin base."""
    kind = type(value)
    found: Pairs = []
    for base in kind.__mro__:
        if base in _LAYOUTS:
            found.extend((f"base {name}", item) for name, item in _base_content(value, base))
            break
        for name, descriptor in vars(base).items():
            if isinstance(descriptor, types.MemberDescriptorType) and is_project_class(base):
                item = _slot(descriptor, value, kind)
                if item is not MISSING:
                    found.append((f"slot {name}", item))
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        attributes = {}
    return sorted(found, key=lambda pair: pair[0]) + sorted(attributes.items(), key=lambda pair: pair[0])


def _slot(descriptor: types.MemberDescriptorType, value: Any, kind: type) -> Any:
    try:
        return descriptor.__get__(value, kind)
    except AttributeError:  # not set
        return MISSING


def _base_content(value: Any, base: type) -> Pairs:
    if base is dict:
        return _mapping(dict(dict.items(value)))
    if base in (set, frozenset):
        return _numbered(sorted(base.__iter__(value), key=_order))
    if base in (list, tuple):
        return _numbered(base.__iter__(value))
    if base is BaseException:
        return _numbered(value.args)
    if base is str:
        return [("value", str.__str__(value))]
    if base is bytes:
        return [("value", bytes.__getitem__(value, slice(None)))]
    return [("value", _NUMBERS[base](value))]


_NUMBERS: dict[type, Callable[[Any], str]] = {
    int: int.__repr__,
    float: float.__repr__,
    complex: complex.__repr__,
}


def _mapping(value: Mapping[Any, Any]) -> Pairs:
    found: Pairs = []
    for number, (key, item) in enumerate(value.items()):  # the order can be seen by who iterates
        if type(key) in ATOMS:
            found.append((f"{number} {type(key).__name__} {key!r}", item))
        else:
            found += [(f"{number} key", key), (f"{number} value", item)]
    return found


def _numbered(items: Any) -> Pairs:
    return [(str(number), item) for number, item in enumerate(items)]


def _order(item: Any) -> tuple[str, str]:
    if type(item) in ATOMS:
        return type_name(item), repr(item)
    if isinstance(item, (type, types.FunctionType)):
        return type_name(item), f"{item.__module__}:{item.__qualname__}"
    try:
        return type_name(item), values.of(item).digest
    except Exception:  # the value's own pickling code may raise anything
        return type_name(item), ""


def is_project_class(kind: type) -> bool:
    """Whether a class is the project's."""
    return sources.is_project_name(kind.__module__)


def home_of(kind: type) -> tuple[str, Mapping[str, Any]]:
    """The file and module namespace in which a class was defined."""
    functions = [f for _, member in class_members(kind) for f in functions_of(member)]
    methods = [f for f in functions if f.__qualname__.startswith(kind.__qualname__ + ".")]
    module = sys.modules.get(kind.__module__)
    file = sources.file_of(module)
    if not file:  # a notebook cell
        file = next((f.__code__.co_filename for f in methods if is_cell(f.__code__)), "<notebook>")
    if module is not None:
        return str(file), vars(module)
    return str(file), methods[0].__globals__ if methods else {}


def is_cell(code: types.CodeType) -> bool:
    """Whether code has a source of its own (generated methods have none)."""
    file = code.co_filename
    return file != "<string>" and not (file.startswith("<") and "generated" in file)


def is_generated(function: types.FunctionType) -> bool:
    """Whether a member was made from the class statement, as by dataclasses, bare or behind a library's wrapper."""
    inner = vars(function).get("__wrapped__")
    if isinstance(inner, types.FunctionType) and not sources.is_project_code(function.__code__, function.__globals__):
        function = inner
    return not is_cell(function.__code__)


def live_shape(kind: type, loose: bool) -> list[str]:
    """What can be seen of a class as it was loaded, for when no file tells. Nobody sees the annotations of a `loose`
    one.
    """
    shape = [repr(sorted(name for name in vars(kind) if name not in _VOLATILE))]
    if loose:
        return shape
    notes = vars(kind).get("__annotations__")
    if isinstance(notes, dict):
        shape.append(repr([(name, str(note)) for name, note in notes.items()]))
    lazy = vars(kind).get("__annotate_func__")
    if isinstance(lazy, types.FunctionType):
        shape.append(sources.bytecode(lazy.__code__))
    return shape


def is_unwatched(kind: type) -> bool:
    """Whether neither a metaclass nor a base saw in which order a class lists its members, and with what annotations,
    and nothing made more of them later.
    """
    return type(kind) is type and kind.__bases__ == (object,) and _MADE_LATER.isdisjoint(vars(kind))


_MADE_LATER = frozenset({"__dataclass_fields__", "__attrs_attrs__"})
_VOLATILE = frozenset({"__annotations_cache__", "__abstractmethods__", "_abc_impl", "__doc__"})


def class_members(kind: type) -> Iterator[tuple[str, Any]]:
    """The members of a class that could hold something which its class statement does not say."""
    is_enum = issubclass(kind, enum.Enum)
    for name, value in sorted(vars(kind).items()):
        if isinstance(value, _SLOTS) or name in _GENERATED or name.startswith("_abc_"):
            continue
        if name.startswith("__") and name.endswith("__") and not isinstance(value, _FUNCTIONS):
            continue
        if is_enum and (name.startswith("_") or isinstance(value, kind)):
            continue
        yield name, value


_FUNCTIONS = (types.FunctionType, staticmethod, classmethod)
_GENERATED = frozenset({"__weakref__", "__dict__", "__annotate__", "__annotate_func__", "__annotations_cache__"})


def functions_of(member: Any) -> list[types.FunctionType]:
    """The functions a member of a class consists of."""
    if isinstance(member, types.FunctionType):
        return [member]
    found = contents(member, type(member)) if isinstance(member, _MEMBERS) else None
    return [value for _, value in found or () if isinstance(value, types.FunctionType)]


_MEMBERS = (staticmethod, classmethod, property, functools.cached_property)


def find(module: str, qualname: str) -> Any:
    """What a loaded module holds under a qualified name, or None."""
    found: Any = sys.modules.get(module)
    for step in qualname.split(".") if qualname else ():
        try:
            found = vars(found).get(step)
        except TypeError:
            return None
    return found


def wrapped(value: Any) -> Pairs:
    """What a decorator's result says it stands for, read without running code."""
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return []
    return [(word, attributes[word]) for word in ("__wrapped__", "py_func") if word in attributes]


def named_cells(function: types.FunctionType) -> Pairs:
    """The closure cells of a function, called so that they cannot be taken for anything else."""
    return [(f"closure {name}", value) for name, value in cells(function)]


def imported_by(code: types.CodeType) -> list[str]:
    """The modules that compiled code imports ("" for a relative import)."""
    import dis  # slow to import and rarely needed

    found: list[str] = []
    before: list[Any] = [0, 0]
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            found.append("" if before[0] else str(step.argval))
        before = [before[1], step.argval]
    return found


def outside_top(module: str | None) -> set[str]:
    """The top-level name of a module of an installed package, as a set; empty for all other modules."""
    top = (module or "").partition(".")[0]
    if not top or top in sys.stdlib_module_names or top in ("tane", "__main__"):
        return set()
    loaded = sys.modules.get(top)
    return set() if loaded is not None and sources.is_project_module(loaded) else {top}


def is_project_top(top: str) -> bool:
    """Whether a top-level module name, imported or not, belongs to the project."""
    if top in sys.stdlib_module_names or top == "tane":
        return False
    module = sys.modules.get(top)
    if module is not None:
        return sources.is_project_module(module)
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return False
    if spec is None:
        return False
    places = [spec.origin] if spec.has_location else [f"{p}{os.sep}" for p in spec.submodule_search_locations or ()]
    return any(place and sources.is_project_file(place) for place in places)
