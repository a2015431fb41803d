"""The digest of a step's code: of everything in the project that its function can reach.

The planner calls `of` for each node and `of_class` for the classes that stored values name. It promises
that a digest stays the same when comments, docstrings, formatting, annotations, positions, file names or
unreached code change, and changes when anything that can change a result does. `parts` says in people's
words what it is made of.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import fielded
from tane.digest import hashing
from tane.plan import parts, reach


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


class Cache:
    """What one run has learnt about the code of the project in folder `root`. Safe between threads."""

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()
        self._reach = reach.Reach(root)
        self._done: dict[int, tuple[Any, CodeDigest]] = {}  # keeps the object, so that no id is used twice
        self._classes: dict[str, CodeDigest] = {}

    def function(self, func: Any) -> CodeDigest:
        """The digest of a callable, computed once."""
        known = self._done.get(id(func))
        if known is None:
            with self._lock:
                found = _digest(self._reach.part(func), own=True)
            known = self._done[id(func)] = (func, found)
        return known[1]

    def named(self, name: str) -> CodeDigest:
        """The digest of a class or function called "module:qualname", computed once."""
        known = self._classes.get(name)
        if known is None:
            with self._lock:
                known = _digest(self._reach.named_part(name), own=False)
            self._classes[name] = known
        return known


def of(func: Any, *, cache: Cache) -> CodeDigest:
    """The digest of a callable: a function, class, method, partial, decorated function or instance."""
    return cache.function(func)


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
    tokens: list[str] = []
    for part in order:
        tokens.append(part.own)
        for name, target in sorted(part.edges, key=_edge_name):
            if target.edges:
                number = numbers.get(target)
                if number is None:
                    number = numbers[target] = len(order)
                    order.append(target)
                tokens.append(f"{name}={number}")
            else:
                tokens.append(f"{name}:{target.own}")
        tokens.append("")
    return _summary(order, hashing.combine("code", *tokens), _own_label(root) if own else "")


def _edge_name(edge: tuple[str, parts.Part]) -> tuple[str, str]:
    return edge[0], edge[1].own


def _own_label(root: parts.Part) -> str:
    seen = {root}
    while root.wraps is not None and root.wraps not in seen:
        root = root.wraps
        seen.add(root)
    return root.label


def _summary(order: list[parts.Part], digest: str, own: str) -> CodeDigest:
    labels: dict[str, set[str]] = {}
    imports: set[str] = set()
    files: set[Path] = set()
    reasons: set[str] = set()
    undefined: set[tuple[str, str]] = set()
    leaves = {target for part in order for _, target in part.edges if not target.edges}
    for part in (*order, *leaves):
        if part.own:
            labels.setdefault(part.label, set()).add(part.own)
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
    return CodeDigest(digest, named, frozenset(imports), frozenset(files), whole, tuple(sorted(undefined)))
