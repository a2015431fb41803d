"""The digest of a step's code: of everything in the project that its function can reach.

The planner calls `of` for each node and `of_class` for the classes that stored values name. It promises
that a digest stays the same when comments, docstrings, formatting, annotations, positions, file names or
unreached code change, and changes when anything that can change a result does. `parts` says in people's
words what it is made of.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tane import fielded
from tane.digest import hashing
from tane.plan import parts, reach
from tane.project import loaded
from tane.store import signatures


@fielded.frozen
class CodeDigest:
    """The digest of some code and what it is made of.

    `parts` maps labels ("helper scale() in features.py") to digests; `imports` are the top-level modules of
    installed packages it reaches; `files` the project files it rests on; `whole` says why the whole package
    was taken, or is empty. `undefined` are names that code uses and nothing defines, with the label of the code.
    """

    digest: str
    parts: Mapping[str, str]
    imports: frozenset[str]
    files: frozenset[Path]
    whole: str = ""
    undefined: tuple[tuple[str, str], ...] = ()

    @property
    def absent(self) -> bool:
        """Whether it is the code of a class or function that is no longer there."""
        return any(label.endswith(reach.ABSENT) for label in self.parts) and len(self.parts) == 1


class Cache:
    """What one run has learnt about the code of the project in folder `root`. Safe between threads."""

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()
        self._reach = reach.Reach(root)
        self._began = time.time_ns()
        self._done: dict[int, tuple[Any, CodeDigest]] = {}  # keeps the object, so that no id is used twice
        self._annotated: dict[tuple[int, tuple[str, ...]], tuple[Any, CodeDigest]] = {}
        self._classes: dict[str, CodeDigest] = {}

    def function(self, func: Any) -> CodeDigest:
        """The digest of a callable, computed once."""
        known = self._done.get(id(func))
        if known is None:
            with self._lock:
                found = _digest(self._reach.part(func), own=True)
            known = self._done[id(func)] = (func, found)
        return known[1]

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """A stretch of many digests, at whose end the syntax trees are forgotten: they are many objects and none is
        garbage before, so that looking for some would take longer than all the rest.
        """
        collecting = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            with self._lock:
                self._reach.texts.rest()
            if collecting:
                gc.enable()

    def annotated(self, func: Any, annotations: Mapping[str, Any]) -> CodeDigest:
        """The digest of a callable and of the annotations of some of its arguments, computed once."""
        key = id(func), tuple(annotations)
        known = self._annotated.get(key)
        if known is None:
            with self._lock:
                found = _digest(self._reach.annotated_part(func, annotations), own=True)
            known = self._annotated[key] = (func, found)
        return known[1]

    def named(self, name: str) -> CodeDigest:
        """The digest of a class or function called "module:qualname", computed once."""
        known = self._classes.get(name)
        if known is None:
            with self._lock:
                known = _digest(self._reach.named_part(name), own=False)
            self._classes[name] = known
        return known

    def is_of_now(self, module: loaded.Module) -> bool:
        """Whether a module that was imported after all this was learnt, here or in another process, is what it was
        learnt from: its file looks as when this process imported and read it, or is older.
        """
        texts, file = self._reach.texts, module.file
        imported, was_read = loaded.signature(module.name, file), texts.signature(file)
        if imported is None and was_read is None:
            return module.sig[2] < self._began
        if imported is not None and imported not in (module.sig, was_read):
            return False
        return was_read in (None, module.sig) or texts.still_says(file)

    def files(self) -> dict[str, signatures.Signature]:
        """The source files that were read, by path, with how they looked when they said what this process goes by."""
        imported = {file: sig for module in list(sys.modules.values()) for file, sig in loaded.looked(module)}
        return {file: imported.get(file, sig) for file, sig in self._reach.texts.files().items()}


def of(func: Any, *, cache: Cache) -> CodeDigest:
    """The digest of a callable: a function, class, method, partial, decorated function or instance."""
    return cache.function(func)


def of_annotated(func: Any, annotations: Mapping[str, Any], *, cache: Cache) -> CodeDigest:
    """As `of`, together with the types that turn what some arguments are given into something else."""
    return cache.annotated(func, annotations)


def of_class(name: str, cache: Cache) -> CodeDigest:
    """The digest of the class or function called "module:qualname"; one that no longer exists has its own."""
    return cache.named(name)


def diff_parts(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The labels that changed, appeared or vanished, the node's own function first.

    What moved to another file unchanged is left out.
    """
    changed = {label for label in old.keys() | new.keys() if old.get(label) != new.get(label)}
    gone = {old[label]: label for label in changed if label not in new}
    moved = {label for label in changed if label not in old and new[label] in gone}
    changed -= moved | {gone[new[label]] for label in moved}
    return sorted(changed, key=lambda label: (_rank(label), label))


_ORDER = ("function", "settings", "arguments", "class", "helper", "constant", "closure", "module", "import")


def _rank(label: str) -> int:
    word = label.partition(" ")[0]
    return _ORDER.index(word) if word in _ORDER else len(_ORDER)


def _digest(root: parts.Part, *, own: bool) -> CodeDigest:
    """Read the graph breadth first, edges in the order of their names, so that neither positions nor names
    of files or modules take part. A part that leads nowhere is written by its digest, any other by its
    number.
    """
    numbers = {root: 0}
    order = [root]
    leaves: dict[parts.Part, None] = {}
    tokens: list[str] = []
    for part in order:
        tokens.append(part.own)
        edges = part.edges
        for name, target in sorted(edges, key=_edge_name) if len(edges) > 1 else edges:
            if target.edges:
                number = numbers.get(target)
                if number is None:
                    number = numbers[target] = len(order)
                    order.append(target)
                tokens.append(f"{name}={number}")
            else:
                leaves[target] = None
                tokens.append(f"{name}:{target.own}")
        tokens.append("")
    every = [*order, *leaves]
    looks = bool([part for part in every if part.looks])
    if looks:
        tokens += [part.order for part in every]
    return _summary(every, hashing.combine("code", *tokens), _own_label(root) if own else "", looks)


def _edge_name(edge: tuple[str, parts.Part]) -> tuple[str, str]:
    return edge[0], edge[1].own


def _own_label(root: parts.Part) -> str:
    seen = {root}
    while root.wraps is not None and root.wraps not in seen:
        root = root.wraps
        seen.add(root)
    return root.label


def _summary(every: list[parts.Part], digest: str, own: str, looks: bool) -> CodeDigest:
    labels: dict[str, set[str]] = {}
    imports: frozenset[str] = frozenset()
    files: set[Path] = set()
    reasons: set[str] = set()
    undefined: set[tuple[str, str]] = set()
    for part in every:
        if part.own:
            labels.setdefault(part.label, set()).add(part.own)
        if looks and part.order:
            labels.setdefault(part.label, set()).add(part.order)
        if part.imports:
            imports |= part.imports
        if part.file is not None:
            files.add(part.file)
        if part.whole:
            reasons.add(part.whole)
        if part.undefined:
            undefined.update((name, part.label) for name in part.undefined)
    named = {
        label.replace("helper ", "function ", 1) if label == own else label: (
            next(iter(owns)) if len(owns) == 1 else hashing.combine("parts", *sorted(owns))
        )
        for label, owns in sorted(labels.items())
    }
    whole = min(reasons, default="")
    return CodeDigest(digest, named, imports, frozenset(files), whole, tuple(sorted(undefined)))
