"""The text behind the parts: source files, syntax and whole packages, each read once, and where names are
bound.

`reach` keeps one for each run. Files are read when first needed and never again: one run sees one state.
"""

from __future__ import annotations

import ast
import builtins
import functools
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

from tane.digest import hashing
from tane.plan import anatomy, packages, parts, places, sources, syntax, telling
from tane.store import signatures


class Texts:
    """What has been read of one project's text."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.once = os.urandom(16).hex()  # for text that may differ from what was loaded: never seen again
        self._wholes: dict[tuple[str, bool], parts.Part] = {}
        self._sources: dict[str, sources.Source] = {}
        self._syntax: dict[tuple[int, bool, bool], syntax.Syntax] = {}
        self._asked: dict[int, tuple[Callable[[str], bool], Callable[[str], bool]]] = {}
        self._places: dict[tuple[str, int], tuple[str, Path | None]] = {}
        self._homes: dict[tuple[int, str], parts.At] = {}

    def rest(self) -> None:
        """Forget all trees until they are asked for again: they are large, and most of them are read once."""
        self._syntax.clear()
        for source in self._sources.values():
            source.rest()

    def read(
        self, tree: ast.AST, namespace: parts.Namespace, documents: bool = False, loose: bool = False
    ) -> syntax.Syntax:
        """The syntax of one definition that stands in a module."""
        key = id(tree), documents, loose
        found = self._syntax.get(key)  # sources keep their trees, so that no id is used twice
        if found is None:
            asked = self._asked.get(id(namespace))
            if asked is None:
                asked = functools.partial(_is_foreign, namespace), functools.partial(_is_ours, namespace)
                self._asked[id(namespace)] = asked
            found = syntax.read(tree, documents=documents, loose=loose, foreign=asked[0], ours=asked[1])
            self._syntax[key] = found
        return found

    def source(self, file: str, namespace: parts.Namespace | None = None) -> sources.Source:
        """One source file or notebook cell."""
        found = self._sources.get(file)
        if found is None:
            found = self._sources[file] = sources.Source(file, namespace or {})
        return found

    def signature(self, file: str) -> signatures.Signature | None:
        """How a source file looked when it was read; None when it was not."""
        found = self._sources.get(file)
        return found.sig if found is not None else None

    def files(self) -> dict[str, signatures.Signature]:
        """How all source files looked that were read, by path."""
        return {file: source.sig for file, source in list(self._sources.items()) if source.sig is not None}

    def still_says(self, file: str) -> bool:
        """Whether a source file that was read says what it said then: it may have been saved again as it was."""
        found = self._sources.get(file)
        return found is not None and found.is_as_it_was()

    def located(self, word: str, qualname: str, namespace: parts.Namespace, file: str) -> parts.Part:
        """A new part called after its definition and file: "helper scale() in features.py"."""
        if "<" in qualname:
            qualname = qualname.replace("<locals>.", "").replace("<lambda>", "lambda")
        call = "" if word == "class" or qualname.endswith("lambda") else "()"
        shown, path = self._place(namespace, file)
        return parts.Part(f"{word} {qualname}{call} in {shown}", "", file=path)

    def _place(self, namespace: parts.Namespace, file: str = "") -> tuple[str, Path | None]:
        """What a file of a module, or its own, is called, and where it is."""
        found = self._places.get((file, id(namespace)))
        if found is None:
            name = file or str(namespace.get("__file__") or "<notebook>")
            shown = places.short(name, str(namespace.get("__name__", "")))
            found = self._places[file, id(namespace)] = shown, None if name.startswith("<") else Path(name)
        return found

    def at(self, namespace: parts.Namespace, name: str) -> parts.At:
        """Where a global name was first bound: constants are called by their home, not by an importer."""
        key = (id(namespace), name)
        known = self._homes.get(key)
        if known is None:
            home, bound = namespace, name
            for _ in range(20):
                found = self._import_home(home, bound)
                if found is None or (found[0] is home and found[1] == bound):
                    break
                home, bound = found
            known = self._homes[key] = parts.At(f"constant {bound} in {self._place(home)[0]}", home, bound)
        return known

    def _import_home(self, namespace: parts.Namespace, name: str) -> tuple[parts.Namespace, str] | None:
        """The project module and name from which `name` was imported, if it was."""
        file = str(namespace.get("__file__") or "")
        if not file.endswith((".py", ".pyw")) or name not in namespace:
            return None
        source = self.source(file, namespace)
        bound = source.bindings(name)
        if len(bound) > 1:
            return None
        for statement in bound or source.star_imports():
            for module_name, attribute in places.import_targets(statement, name, namespace):
                module = sys.modules.get(module_name)
                if module is None or not sources.is_project_module(module):
                    continue
                if vars(module).get(attribute, anatomy.MISSING) is namespace[name]:
                    return vars(module), attribute
        return None

    def whole(self, namespace: parts.Namespace, sign: telling.Sign, where: str) -> parts.Part:
        """A part that stands for the whole package around a module."""
        part = parts.Part(where, hashing.combine("reaches the whole package"))
        self.take_whole(part, namespace, sign, where)
        return part

    def take_whole(self, part: parts.Part, namespace: parts.Namespace, sign: telling.Sign, where: str) -> None:
        """Join the whole package around a module to `part`, because of `sign`."""
        module, file = str(namespace.get("__name__", "")), namespace.get("__file__")
        if module and not sources.is_project_name(module):
            module, file = "", None
        folder = packages.folder_of(module, file) if module else None
        key = (str(folder) if folder else str(module and file and Path(file).parent), sign.as_text)
        if key not in self._wholes:
            found = packages.whole(module, file, self.root, as_text=sign.as_text, source=self.source)
            name = f"package {found.name}" if folder else f"files beside {self._place(namespace)[0]}"
            name = name if module else "code of the project"
            own = found.digest if found.fresh else hashing.combine("touched", found.digest, self.once)
            imports = frozenset(top for one in found.imports for top in anatomy.outside_top(one))
            whole = parts.Part(name, own, imports=imports)
            whole.edges = [("file", parts.Part(name, "", file=path)) for path in sorted(found.files)]
            self._wholes[key] = whole
        part.edges.append(("whole", self._wholes[key]))
        part.whole = min(filter(None, (part.whole, f"{sign.word} in {where.removeprefix('helper ')}")))


def _is_foreign(namespace: parts.Namespace, name: str) -> bool:
    """Whether a name leads to an installed package, or to where nobody knows."""
    value = namespace.get(name, getattr(builtins, name, anatomy.MISSING) if name else anatomy.MISSING)
    if value is anatomy.MISSING:
        return True
    module = value.__name__ if isinstance(value, types.ModuleType) else type(value).__module__
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        module = value.__module__
    return bool(anatomy.outside_top(module))


def _is_ours(namespace: parts.Namespace, name: str) -> bool:
    """Whether a name leads to Tane."""
    return name in namespace and places.is_ours(namespace[name])
