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
from pathlib import Path

from tane.digest import hashing
from tane.plan import anatomy, packages, parts, places, sources, syntax, telling


class Texts:
    """What has been read of one project's text."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.once = os.urandom(16).hex()  # for text that may differ from what was loaded: never seen again
        self._wholes: dict[tuple[str, bool], parts.Part] = {}
        self._sources: dict[str, sources.Source] = {}
        self._syntax: dict[int, syntax.Syntax] = {}
        self._homes: dict[tuple[int, str], parts.At] = {}

    def read(self, tree: ast.AST, namespace: parts.Namespace, documents: bool = False) -> syntax.Syntax:
        """The syntax of one definition that stands in a module."""
        found = self._syntax.get(id(tree))  # sources keep their trees, so that no id is used twice
        if found is None:
            foreign, ours = functools.partial(_is_foreign, namespace), functools.partial(_is_ours, namespace)
            found = self._syntax[id(tree)] = syntax.read(tree, documents=documents, foreign=foreign, ours=ours)
        return found

    def source(self, file: str, namespace: parts.Namespace | None = None) -> sources.Source:
        """One source file or notebook cell."""
        found = self._sources.get(file)
        if found is None:
            found = self._sources[file] = sources.Source(file, namespace or {})
        return found

    def located(self, word: str, qualname: str, namespace: parts.Namespace, file: str) -> parts.Part:
        """A new part called after its definition and file: "helper scale() in features.py"."""
        name = qualname.replace("<locals>.", "").replace("<lambda>", "lambda")
        shown = f"{word} {name}" if word == "class" or name.endswith("lambda") else f"{word} {name}()"
        path = None if file.startswith("<") else Path(file)
        return parts.Part(f"{shown} in {_short(namespace, file)}", "", file=path)

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
            known = self._homes[key] = parts.At(f"constant {bound} in {_short(home)}", home, bound)
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
            name = f"package {found.name}" if folder else f"files beside {_short(namespace)}"
            name = name if module else "code of the project"
            own = found.digest if found.fresh else hashing.combine("touched", found.digest, self.once)
            imports = {top for one in found.imports for top in anatomy.outside_top(one)}
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


def _short(namespace: parts.Namespace, file: str = "") -> str:
    file = file or str(namespace.get("__file__") or "<notebook>")
    return places.short(file, str(namespace.get("__name__", "")))
