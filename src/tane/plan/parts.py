"""The parts that a piece of code reaches, as plain records: `reach` makes them, `code` reads them off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tane import fielded

Namespace = Mapping[str, Any]
Edges = list[tuple[str, "Part"]]


@fielded.mutable(eq=False)
class Part:
    """One thing that code reaches: its own digest, and the names under which it uses other parts.

    `order` is how a class lists its members, where its own digest does not say; it counts beside what `looks` at it.
    `wraps` is what a decorator or a partial stands before; `whole` says why the whole package was taken; `undefined`
    are names that it uses and nobody defines.
    """

    label: str
    own: str
    edges: list[tuple[str, Part]] = fielded.field(default_factory=list)
    imports: frozenset[str] = frozenset()
    file: Path | None = None
    whole: str = ""
    wraps: Part | None = None
    undefined: tuple[str, ...] = ()
    order: str = ""
    looks: bool = False


class At(NamedTuple):
    """How a value was reached: its label, and the module namespace and name that hold it, if any.

    `soft` values stand beside syntax that says how they came about: without content, their type will do.
    """

    label: str
    namespace: Namespace
    name: str = ""
    soft: bool = False
