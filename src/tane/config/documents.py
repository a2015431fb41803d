"""YAML text to trees that know file, line and column. `layers` and `groups` call it.

YAML is only composed by PyYAML; values are made here, so that nothing but plain values can come out and every
mistake of a file is found at once. PyYAML is imported when the first text is read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tane import errors
from tane.config import origins, scalars, trees

_TAG = "tag:yaml.org,2002:"


def read(text: str, file: str, faults: list[errors.Fault], *, hide: bool = False) -> trees.Branch | None:
    """The mapping that the document `text` of `file` holds; an empty document is an empty mapping.

    Mistakes go to `faults`; None when nothing can be made of the text. With `hide` no line of it is quoted.
    """
    start = origins.Origin(file, 1, origins.FILE, 1)
    reader = _Reader(file, faults, hide=hide)
    node = _compose(text, reader)
    if node is _BROKEN:
        return None
    tree = reader.whole(node, start) if node is not None else None
    if isinstance(tree, trees.Branch):
        return tree
    if node is None or (isinstance(tree, trees.Leaf) and tree.value is None):
        return trees.Branch({}, start)
    if tree is not None:
        reader.fault(node, f"the file holds {trees.kind(tree)}, not keys and values", "write it as `key: value`")
    return None


def package(text: str, file: str, faults: list[errors.Fault]) -> str | None:
    """The package that the first lines of a file name: `# @package db.main`. None when they name none."""
    if "@" not in text:
        return None
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare:
            continue
        words = bare.lstrip("#").split() if bare.startswith("#") else []
        if not words or not words[0].startswith("@"):
            return None
        if words[0] == "@package":
            if len(words) == 2:
                return words[1]
            hint = "write # @package _global_, or # @package a.b"
            faults.append(errors.Fault(f"{bare!r} names no package", f"{file}:{number}", hint))
            return None
    return None


_BROKEN = object()


def _compose(text: str, reader: _Reader) -> Any:
    """The node of the document, None when it is empty, `_BROKEN` with a fault when it is not YAML."""
    import yaml

    try:
        return yaml.compose(text, Loader=loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        where, quoted = reader.file, ""
        if mark is not None:
            where = f"{reader.file}:{mark.line + 1}:{mark.column + 1}"
            lines = text.splitlines()
            if not reader.hide and mark.line < len(lines) and lines[mark.line].strip():
                quoted = f": {trees.shown(lines[mark.line].strip())}"
        reader.faults.append(errors.Fault(f"this is not YAML: {problem}{quoted}", where, _hint(problem)))
    return _BROKEN


def _hint(problem: str) -> str:
    for part, hint in _HINTS.items():
        if part in problem:
            return hint
    return "look at this line and the one above: indentation, a missing colon, a bracket or quote left open"


_HINTS = {
    "cannot start any token": "indent with spaces, not tabs; put text that begins with @ ` or % in quotes",
    "mapping values are not allowed": "put text that contains ': ' in quotes, and check the indentation",
    "could not find expected ':'": "write `key: value`, with a space after the colon",
    "expected <block end>": "lines of one mapping or list must begin in the same column",
    "undefined alias": "define it first with &name, or put text that begins with * in quotes",
    "another document": "keep one document in a file: take out the line `---`",
    "special characters": "take out the control character",
    "control characters": "take out the control character",
}


class _Reader:
    """One document: makes trees of its nodes, and faults of what is wrong in it."""

    def __init__(self, file: str, faults: list[errors.Fault], *, hide: bool = False) -> None:
        self.file = file
        self.faults = faults
        self.hide = hide
        self._open: set[int] = set()

    def whole(self, node: Any, origin: origins.Origin) -> trees.Tree | None:
        """The tree of the document's outermost node, or None with a fault."""
        try:
            return self.tree(node, origin)
        except RecursionError:
            self.faults.append(errors.Fault("it is nested too deeply", str(origin), "make it flatter"))
            return None

    def origin(self, node: Any) -> origins.Origin:
        mark = node.start_mark
        return origins.Origin(self.file, mark.line + 1, origins.FILE, mark.column + 1)

    def fault(self, node: Any, what: str, hint: str) -> None:
        self.faults.append(errors.Fault(what, str(self.origin(node)), hint))

    def tree(self, node: Any, origin: origins.Origin) -> trees.Tree | None:
        """The tree of `node`, or None with a fault."""
        if id(node) in self._open:
            self.fault(node, "the anchor contains itself", "take the alias (*name) out of the part it names")
            return None
        tag = node.tag
        if node.id == "scalar":
            return self._scalar(node, tag, origin)
        if tag not in (f"{_TAG}map", f"{_TAG}seq") or (tag == f"{_TAG}map") is not (node.id == "mapping"):
            self._bad_tag(node)
            return None
        self._open.add(id(node))
        try:
            if node.id == "mapping":
                return trees.Branch(self._entries(node), origin)
            made = [self.tree(item, self.origin(item)) for item in node.value]
            return trees.Items(tuple(item for item in made if item is not None), origin)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: Any, tag: str, origin: origins.Origin) -> trees.Leaf | None:
        make = _MAKERS.get(tag)
        if make is None:
            self._bad_tag(node)
            return None
        try:
            return trees.Leaf(make(node.value), origin)
        except ValueError:
            self.fault(
                node,
                f"{trees.shown(node.value)} cannot be read as {tag.removeprefix(_TAG)}",
                "mend the value, or put it in quotes to make it text",
            )
            return None

    def _bad_tag(self, node: Any) -> None:
        tag = node.tag.replace(_TAG, "!!")
        self.fault(
            node,
            f"the tag {tag} is not allowed",
            "write plain values: text, numbers, true, false, lists, mappings",
        )

    def _entries(self, node: Any) -> dict[trees.Key, trees.Tree]:
        """The entries of a mapping, those of `<<` first, so that its own replace them."""
        merged: dict[trees.Key, trees.Tree] = {}
        own: dict[trees.Key, trees.Tree] = {}
        lines: dict[trees.Key, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged = self._merged(value_node) | merged
                continue
            key = self._key(key_node)
            if key is None:
                continue
            text, line = trees.key_text(key.value), key_node.start_mark.line + 1
            if text in lines or key.value in own:  # 1 and true read apart, but Python holds them for one key
                first = lines[text if text in lines else key.value]
                what = f"the key {text!r} stands twice in one mapping: here and on line {first}"
                self.fault(key_node, what, "keep one of them")
                continue
            lines[text] = lines[key.value] = line
            value = self.tree(value_node, self.origin(key_node))
            if value is not None:
                own[key.value] = value
        return merged | own

    def _key(self, node: Any) -> trees.Leaf | None:
        if node.id != "scalar":
            self.fault(node, "a list or mapping is used as a key", "use text or a number; put {braces} in quotes")
            return None
        return self._scalar(node, node.tag, self.origin(node))

    def _merged(self, node: Any) -> dict[trees.Key, trees.Tree]:
        merged: dict[trees.Key, trees.Tree] = {}
        for part in node.value if node.id == "sequence" else (node,):
            tree = self.tree(part, self.origin(part)) if part.id == "mapping" else None
            if isinstance(tree, trees.Branch):
                merged = {**tree.entries, **merged}
            elif part.id != "mapping":
                self.fault(part, "`<<` takes a mapping or a list of mappings", "write `<<: *name` of a mapping")
        return merged


def _bool(text: str) -> bool:
    if not scalars.BOOL.match(text):
        raise ValueError(text)
    return text.lower() == "true"


_MAKERS: dict[str, Callable[[str], scalars.Scalar]] = {
    f"{_TAG}str": str,
    f"{_TAG}int": scalars.whole,
    f"{_TAG}float": scalars.number,
    f"{_TAG}bool": _bool,
    f"{_TAG}null": lambda text: None,
}


@lru_cache(maxsize=1)
def loader() -> Any:
    """PyYAML's parser, in C where there is one, that tells scalars apart by the rules of `scalars`."""
    import re

    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's own way to say it

    digits = "-+.0123456789"
    for tag, pattern, first in (
        ("null", scalars.NULL, ["~", "n", "N", ""]),
        ("bool", scalars.BOOL, list("tTfF")),
        ("int", scalars.INT, list(digits)),
        ("float", scalars.FLOAT, list(digits)),
        ("merge", re.compile(r"<<\Z"), ["<"]),
    ):
        Loader.add_implicit_resolver(f"{_TAG}{tag}", pattern, first)
    return Loader
