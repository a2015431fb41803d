"""What a piece of code reaches: a graph of parts, found by walking live objects and hashing their syntax.

`code` calls it. It starts at a function, follows every name through the live namespace of its module (so
star imports, aliases, conditional definitions and monkey patches are what they are), and stops at data, at
installed packages and at the standard library. It promises that whatever it cannot follow is replaced by
the digest of the whole package, and that no project code runs except by being imported. All work is on a
list: depth of calls is no limit.
"""

from __future__ import annotations

import copyreg
import enum
import functools
import importlib
import os
import pickle
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from tane.digest import hashing, values
from tane.plan import anatomy, definitions, packages, parts, places, sources, telling, texts

ABSENT = " (not found)"  # how the label of a class or function ends that is no longer there


class Reach:
    """The parts of one project, each made once."""

    def __init__(self, root: Path) -> None:
        self.texts = texts.Texts(root.resolve())
        self._todo: deque[Callable[[], None]] = deque()
        self.definitions = definitions.Definitions(self.texts, self._visit, self._todo)
        self._ours: dict[tuple[str, int], bool] = {}
        self._known: dict[tuple[int, bool], tuple[Any, parts.Part]] = {}  # keeps the objects
        self._constants: dict[tuple[int, str], parts.Part] = {}

    def part(self, value: Any) -> parts.Part:
        """The part of a callable with everything it reaches."""
        if type(value) is types.FunctionType and self._is_ours(value):
            return self._finish(self._visit(value, parts.At("", value.__globals__)))
        if isinstance(value, functools.partial):
            label = "arguments of the partial"
        else:
            label = f"settings of {type(getattr(value, '__self__', value)).__qualname__}"
        return self._finish(self._visit(value, places.holder(value, label)))

    def annotated_part(self, value: Any, annotations: Mapping[str, Any]) -> parts.Part:
        """The part of a callable and of the annotations of some of its arguments, with everything they reach."""
        function = self.part(value)
        part = parts.Part(function.label, "", wraps=function)
        part.edges.append(("function", function))
        for name, annotation in annotations.items():
            label = f"annotation of {name}"
            kind = getattr(annotation, "__qualname__", "") if isinstance(annotation, type) else ""
            one = parts.Part(label, hashing.combine("annotation", kind))
            one.edges.append(("type", self._visit(annotation, parts.At(label, {}))))
            part.edges.append((f"annotation {name}", one))
        return self._finish(part)

    def named_part(self, name: str) -> parts.Part:
        """The part of the class or function known as "module:qualname", with everything it reaches."""
        return self._finish(self._named(name, f"class {name}"))

    def _finish(self, found: parts.Part) -> parts.Part:
        while self._todo:
            self._todo.popleft()()
        return found

    def _is_ours(self, function: types.FunctionType) -> bool:
        """Whether a function is the project's."""
        key = (function.__code__.co_filename, id(function.__globals__))
        known = self._ours.get(key)
        if known is None:
            known = self._ours[key] = sources.is_project_code(function.__code__, function.__globals__)
        return known

    # -- values --------------------------------------------------------------------------------------------

    def _visit(self, value: Any, at: parts.At) -> parts.Part:
        kind = type(value)
        if kind in anatomy.ATOMS:
            return self._constant(value, at)
        key = (id(value), at.soft and kind is not types.FunctionType and not isinstance(value, type))
        known = self._known.get(key)
        if known is not None:
            return known[1]
        part = self._begin(value, kind, at)
        self._known[key] = (value, part)
        return part

    def _constant(self, value: Any, at: parts.At) -> parts.Part:
        key = (id(at.namespace), at.name)
        if at.name and key in self._constants:
            return self._constants[key]
        if type(value) is str and value.startswith(os.sep) and len(value) < 4096:
            part = self._path(Path(value), at)
        else:
            part = parts.Part(at.label, values.of(value).digest)
        if at.name:
            self._constants[key] = part
        return part

    def _path(self, path: PurePath, at: parts.At) -> parts.Part:
        """A path counts relative to the project; what lies inside of the package counts by its content."""
        package = packages.folder_of(str(at.namespace.get("__name__", "")), None)
        if package is not None and package in (path, *path.parents):
            target = Path(path)
            if target.is_dir():
                return self.texts.whole(at.namespace, telling.Sign(f"the folder {path.name}"), at.label)
            if target.is_file():
                relative = target.relative_to(package).as_posix()
                return parts.Part(at.label, hashing.combine("file", relative, hashing.of_file(target)))
        inside = path.is_relative_to(self.texts.root)
        shown = path.relative_to(self.texts.root) if inside else path
        return parts.Part(at.label, hashing.combine("path", str(inside), shown.as_posix()))

    def _begin(self, value: Any, kind: type, at: parts.At) -> parts.Part:
        if kind is types.FunctionType:
            if not self._is_ours(value):
                return self._wrapper(value, at)
            code = value.__code__
            if at.soft and not anatomy.is_cell(code):  # generated: called by what it was made for
                part = parts.Part(at.label, "")
            else:
                part = self.texts.located("helper", code.co_qualname, value.__globals__, code.co_filename)
            return self._later(part, self.definitions.function, part, value)
        if isinstance(value, type):
            return self._class(value, at)
        if isinstance(value, types.ModuleType):
            return self._module(value, at)
        if isinstance(value, anatomy.LIBRARY_CALLABLES):
            return self._builtin(value, at)
        if isinstance(value, PurePath):
            return self._path(value, at)
        if value is sys.modules:
            return self._library("sys", "modules", at)
        if value is os.environ:
            return self._library("os", "environ", at)
        pairs = anatomy.contents(value, kind)
        if pairs is not None:
            if anatomy.is_plain(value):
                return parts.Part(at.label, values.of(value).digest)
            part = parts.Part(at.label, hashing.combine("container", kind.__qualname__, *(name for name, _ in pairs)))
            return self._later(part, self._children, part, pairs, at)
        if anatomy.is_project_class(kind):
            part = parts.Part(at.label, "")
            return self._later(part, self._instance, part, value, at)
        if anatomy.wrapped(value):
            return self._wrapper(value, at)
        return self._data(value, at)

    def _later(self, part: parts.Part, work: Callable[..., None], *args: Any) -> parts.Part:
        self._todo.append(functools.partial(work, *args))
        return part

    def _children(self, part: parts.Part, pairs: Iterable[tuple[str, Any]], at: parts.At) -> None:
        inside = parts.At(at.label, at.namespace, "", at.soft)
        for name, value in pairs:
            child = self._visit(value, inside)
            part.edges.append((name, child))
            if name in ("func", "__wrapped__", "py_func"):
                part.wraps = child

    def _data(self, value: Any, at: parts.At) -> parts.Part:
        """Anything with content; the project's classes it names join as code."""
        held = anatomy.held(value, str(at.namespace.get("__name__", "")))
        if held is not None:
            part = parts.Part(at.label, hashing.combine("held", anatomy.type_name(value)))
            made = self.definitions.statement(at, acting=True, live=True)
            part.edges += [("bound by", made)] if made else []
            return self._later(part, self._children, part, held, at)
        part = parts.Part(at.label, "")
        return part if self._content(part, value, at) else self._opaque(value, at)

    def _content(self, part: parts.Part, value: Any, at: parts.At) -> bool:
        """Take the content of `value` as its pickle would hold it; False when a pickle cannot hold it all."""
        try:
            found = values.of(value)
            by_name = None if type(value) in copyreg.dispatch_table else value.__reduce_ex__(5)
            pickle.Pickler(_Nowhere(), 5, buffer_callback=_drop).dump(value)  # refuses code without a name
        except Exception:  # the value's own pickling code may raise anything
            return False
        part.own = found.digest
        part.imports |= set(found.libraries)
        part.edges += [(name, self._named(name, at.label)) for name in found.classes]
        if isinstance(by_name, str):  # `NewType`, `TypeVar`: a name, with nothing of what it stands for
            holder = sys.modules.get(str(getattr(value, "__module__", "")))
            if not at.name and holder is not None:
                at = parts.At(at.label, vars(holder), by_name)
            made = self.definitions.statement(at, acting=True)
            part.edges += [("bound by", made)] if made else []
        return True

    def _named(self, name: str, label: str) -> parts.Part:
        """The part of a class or function known as "module:qualname"."""
        module_name, _, qualname = name.partition(":")
        try:
            found: Any = importlib.import_module(module_name)
            for step in qualname.split("."):
                found = getattr(found, step)
        except (Exception, SystemExit):  # an import runs user code
            label = f"{qualname} in {module_name}{ABSENT}"
            return parts.Part(label, hashing.combine("absent", name))
        return self._visit(found, parts.At(label, vars(sys.modules[module_name])))

    def _opaque(self, value: Any, at: parts.At) -> parts.Part:
        """A value without content that can be told: what made it stands for it, or else the whole package."""
        own = hashing.combine("opaque", anatomy.type_name(value))
        part = parts.Part(at.label, own, imports=frozenset(anatomy.outside_top(type(value).__module__)))
        if not at.soft:
            made = self.definitions.statement(at, acting=True)
            sign = telling.Sign(f"a {type(value).__name__}")
            part.edges.append(("bound by", made or self.texts.whole(at.namespace, sign, at.label)))
        return part

    def _instance(self, part: parts.Part, value: Any, at: parts.At) -> None:
        kind = type(value)
        part.edges.append(("class", self._visit(kind, parts.At(at.label, at.namespace))))
        if isinstance(value, enum.Enum):
            part.own = hashing.combine("member", str(value.name))
            return
        part.own = hashing.combine("instance")
        # an outside base may keep state where only its own pickling code finds it
        if anatomy.is_transparent(kind) or not self._content(part, value, at):
            self._children(part, anatomy.state(value), at)

    # -- classes and libraries -----------------------------------------------------------------------------

    def _class(self, kind: type, at: parts.At) -> parts.Part:
        if not anatomy.is_project_class(kind):
            part = self._library(kind.__module__, kind.__qualname__, at)
            if anatomy.find(kind.__module__, kind.__qualname__) is not kind:
                made = self.definitions.statement(at)
                part.edges += [("bound by", made)] if made else []
            return part
        file = places.file_of(kind.__module__)
        if file and not file.endswith((".py", ".pyw")):
            return self._compiled(kind.__module__, kind.__qualname__)
        home, namespace = anatomy.home_of(kind)
        part = self.texts.located("class", kind.__qualname__, namespace, home)
        return self._later(part, self.definitions.class_, part, kind, home, namespace, at)

    def _library(self, module: str, name: str, at: parts.At) -> parts.Part:
        label = f"import {module}.{name}" if name else f"import {module}"
        part = parts.Part(label, hashing.combine("library", module, name))
        part.imports |= anatomy.outside_top(module)
        sign = telling.outside(module, name.partition(".")[0])
        if sign is not None:
            self.texts.take_whole(part, at.namespace, sign, at.label)
        return part

    def _builtin(self, value: Any, at: parts.At) -> parts.Part:
        owner = getattr(value, "__self__", None)
        module = str(getattr(value, "__module__", None) or getattr(type(owner), "__module__", ""))
        if hasattr(value, "__objclass__"):
            module = value.__objclass__.__module__
        if owner is not None and not isinstance(owner, types.ModuleType):
            part = parts.Part(at.label, hashing.combine("method", value.__name__))
            return self._later(part, self._children, part, [("self", owner)], at)
        if module and sources.is_project_name(module):
            return self._compiled(module, value.__qualname__)
        return self._library(module, value.__qualname__, at)

    def _compiled(self, module: str, name: str) -> parts.Part:
        """Code of the project that has no Python source: the file it was built into."""
        file = places.file_of(module)
        own = hashing.combine("compiled", name, hashing.of_file(file) if file else "")
        return parts.Part(f"{name} in {places.short(file or module, module)}", own)

    def _wrapper(self, value: Any, at: parts.At) -> parts.Part:
        """A function or object made by a library: the library's own, or wrapped around something of ours."""
        module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", "")
        if anatomy.find(module, name) is value and not sources.is_project_name(module):
            return self._library(module, name, at)
        state = anatomy.wrapped(value)
        if isinstance(value, types.FunctionType):
            origin = str(value.__globals__.get("__name__", ""))
            state = [*state, *anatomy.named_cells(value), *anatomy.defaults(value)]
            made_by = value.__code__.co_qualname
        else:
            origin, made_by = type(value).__module__, type(value).__qualname__
        holder = vars(sys.modules[module]) if module in sys.modules else {}
        if holder.get(name) is value:
            at = parts.At(f"helper {name}() in {places.short(str(holder.get('__file__')), module)}", holder, name)
        part = parts.Part(at.label, hashing.combine("wrapper", origin, made_by))
        part.imports |= anatomy.outside_top(origin)
        made = self.definitions.statement(at, only_assigned=True)
        part.edges += [("bound by", made)] if made else []
        return self._later(part, self._children, part, state, parts.At(at.label, at.namespace, soft=True))

    def _module(self, module: types.ModuleType, at: parts.At) -> parts.Part:
        if sources.is_project_module(module):
            word = f"{module.__name__.rpartition('.')[2]} as a value"
            return self.texts.whole(vars(module), telling.Sign(word), at.label)
        return self._library(module.__name__, "", at)


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: object) -> int:
        return 0


def _drop(buffer: object) -> None:
    """Take a large buffer out of the pickle: its content is in the digest."""
