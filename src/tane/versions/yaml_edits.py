"""Changes to the text of a YAML file that leave everything else as it is: comments, order, quotes, empty lines.

`adopting` calls it. An entry is found by the line and column of its key, as origins say them. What cannot be changed in
place (an alias, a block of text, a merge) is told by None: the caller writes the value elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tane import errors
from tane.config import documents, trees


class Entry(NamedTuple):
    """A key and its value, as nodes of PyYAML."""

    key: Any
    value: Any
    parent: Any


class Text:
    """A YAML document to be changed. Every change gives a new one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._root = _composed(text)

    def entry(self, line: int, column: int) -> Entry | None:
        """The entry whose key stands there; lines and columns count from 1."""
        return next(
            (
                each
                for each in _entries(self._root, set())
                if (each.key.start_mark.line + 1, each.key.start_mark.column + 1) == (line, column)
            ),
            None,
        )

    def on_line(self, line: int) -> Entry | None:
        """The first entry whose key stands on a line."""
        return next((each for each in _entries(self._root, set()) if each.key.start_mark.line + 1 == line), None)

    def at_top(self, key: str) -> Entry | None:
        """The entry of the document's outermost mapping with that key."""
        found = self._root.value if self._root is not None and self._root.id == "mapping" else ()
        return next((Entry(name, value, self._root) for name, value in found if name.value == key), None)

    def raw(self, entry: Entry) -> str:
        """What is written as the value of an entry."""
        return self.text[self._at(entry.value.start_mark) : self._at(_end(entry.value))]

    def put(self, entry: Entry, value: Any) -> Text | None:
        """The text with another value of an entry."""
        node = entry.value
        if self._is_shared(entry):
            return None
        if node.id == "scalar" and node.style in ("|", ">"):
            return None
        start, end = self._at(node.start_mark), self._at(_end(node))
        if start == end:  # nothing stands behind the colon
            start = end = self._after_colon(entry)
            return self._with(start, end, f" {flow(value)}")
        if node.id == "sequence" and not node.flow_style and isinstance(value, list) and value:
            if len(value) == len(node.value) and all(item.id == "scalar" and item.value for item in node.value):
                return self._with_items(node.value, value)
            gap = "\n" + " " * node.start_mark.column + "- "
            return self._with(start, end, "- " + gap.join(map(flow, value)))
        if node.id in ("sequence", "mapping") and not node.flow_style:
            return self._with(self._after_colon(entry), end, f" {flow(value)}")
        quoted = node.id == "scalar" and node.style in ("'", '"') and isinstance(value, str)
        return self._with(start, end, _quoted(value, node.style) if quoted else flow(value))

    def add(self, entry: Entry | None, key: str, value: Any) -> Text | None:
        """The text with another key at the end of the mapping that is the value of `entry`, or of the document."""
        node = self._root if entry is None else entry.value
        written = _key(key)
        if node is None:
            gap = "" if not self.text or self.text.endswith("\n") else "\n"
            return Text(f"{self.text}{gap}{_block(written, value, 0)}\n")
        if node.id != "mapping":
            return None
        if entry is not None and self._is_shared(entry):
            return None
        if node.flow_style:
            end = self._at(node.end_mark) - 1
            comma = ", " if node.value else ""
            return self._with(end, end, f"{comma}{written}: {flow(value)}")
        indent = node.value[0][0].start_mark.column
        return self._behind(node, _block(" " * indent + written, value, indent))

    def append(self, entry: Entry, item: Any) -> Text | None:
        """The text with another item at the end of the list that is the value of `entry`."""
        node = entry.value
        if node.id != "sequence" or not node.value or self._is_shared(entry):
            return None
        if node.flow_style:
            end = self._at(node.end_mark) - 1
            return self._with(end, end, f", {flow(item)}")
        written = flow(item)
        bare = written[1:-1] if isinstance(item, Mapping) else written
        return self._behind(node, f"{' ' * node.start_mark.column}- {bare}")

    def _behind(self, node: Any, lines: str) -> Text | None:
        """The text with lines below the last one of a block."""
        end = self._at(_end(node))
        if self.text[:end].endswith("\n"):  # the block ends in a text of several lines
            return self._with(end, end, f"{lines}\n")
        line_end = self.text.find("\n", end)
        place = len(self.text) if line_end < 0 else line_end
        return self._with(place, place, f"\n{lines}")

    def remove(self, entry: Entry) -> Text | None:
        """The text without an entry, which may not be the only one of its mapping."""
        if len(entry.parent.value) < 2 or self._is_shared(entry):
            return None
        start, end = self._at(entry.key.start_mark), self._at(_end(entry.value))
        if not entry.parent.flow_style:
            if self.text[self._starts[entry.key.start_mark.line] : start].strip():
                return None  # the first one in an item of a list
            end = max(end, self._after_colon(entry))
            line_end = self.text.find("\n", end)
            whole = len(self.text) if line_end < 0 else line_end + 1
            return self._with(self._starts[entry.key.start_mark.line], whole, "")
        keys = [self._at(key.start_mark) for key, _ in entry.parent.value]
        number = keys.index(start)
        if number + 1 < len(keys):
            return self._with(start, keys[number + 1], "")
        before = entry.parent.value[number - 1][1]
        return self._with(self._at(_end(before)), end, "")

    def _with_items(self, nodes: Sequence[Any], values: Sequence[Any]) -> Text | None:
        """The text with other items of a list, each in its place beside its comment."""
        text, end = "", 0
        for node, value in zip(nodes, values, strict=True):
            quoted = node.style in ("'", '"') and isinstance(value, str)
            text += self.text[end : self._at(node.start_mark)] + (_quoted(value, node.style) if quoted else flow(value))
            end = self._at(node.end_mark)
        return self._with(0, end, text)

    def _with(self, start: int, end: int, new: str) -> Text | None:
        """The text with a part replaced; None when that is no YAML any more."""
        try:
            return Text(self.text[:start] + new + self.text[end:])
        except errors.ConfigError:
            return None

    def _at(self, mark: Any) -> int:
        start: int = self._starts[min(mark.line, len(self._starts) - 1)]
        return min(len(self.text), start + int(mark.column))

    def _after_colon(self, entry: Entry) -> int:
        return self.text.index(":", self._at(entry.key.end_mark)) + 1

    def _is_shared(self, entry: Entry) -> bool:
        """Whether a value is an anchor or an alias, or lies in one: to change it would change other places too."""
        start = self._at(entry.value.start_mark)
        behind = self._after_colon(entry)
        if start < behind:  # an alias: its node is the one it names
            return True
        return any(sign in self.text[behind:start] for sign in "&*")


def _composed(text: str) -> Any:
    import yaml

    try:
        return yaml.compose(text, Loader=documents.loader())
    except yaml.YAMLError as error:
        raise errors.ConfigError(f"this is not YAML: {error}", hint="mend the file") from None


def _entries(node: Any, seen: set[int]) -> Iterator[Entry]:
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "mapping":
        for key, value in node.value:
            yield Entry(key, value, node)
            yield from _entries(value, seen)
    elif node.id == "sequence":
        for item in node.value:
            yield from _entries(item, seen)


def _end(node: Any) -> Any:
    """Where the last character of a node stands: the marks of blocks lie behind the comments below them. An alias is
    the node it names, which stands elsewhere: then it is the end of the key.
    """
    while node.id != "scalar" and not node.flow_style and node.value:
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (None, last)
        if _is_before(value, key or node):
            return node.end_mark if key is None else key.end_mark
        node = value
    return node.end_mark


def _is_before(node: Any, other: Any) -> bool:
    one, two = node.start_mark, other.start_mark
    return bool((one.line, one.column) < (two.line, two.column))


# --- values as YAML -------------------------------------------------------------------------------------------------


def flow(value: Any) -> str:
    """A plain value on one line, as the configuration's reader understands it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return value if _reads_as(value, value) else _quoted(value, '"')
    if isinstance(value, float):
        return _float(value)
    return trees.key_text(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    written = repr(value)
    return written if _reads_as(written, value) else format(value, ".17e")


def _quoted(value: str, style: str) -> str:
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(_escaped(char) for char in value) + '"'


def _escaped(char: str) -> str:
    """A character between double quotes. Python's view of what can be printed is narrower than YAML's."""
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _key(key: Any) -> str:
    if not isinstance(key, str):
        return trees.key_text(key)
    return key if _reads_as(key, key) else _quoted(key, '"')


def _reads_as(written: str, value: Any) -> bool:
    """Whether a text without quotes is read as `value`, in a block and between brackets."""
    if not written or written != written.strip() or not written.isprintable():
        return False
    faults: list[errors.Fault] = []
    found = documents.read(f"v: {written}\nw: [{written}]\n", "", faults)
    if found is None or faults:
        return False
    known = trees.plain(found)
    return all(_is(each, value) for each in (known.get("v"), *(known.get("w") or [None]))) and len(known["w"]) == 1


def _is(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _block(head: str, value: Any, indent: int) -> str:
    """An entry on lines of its own: mappings with a line for each key, all else behind the colon."""
    if not isinstance(value, Mapping) or not value:
        return f"{head}: {flow(value)}"
    deeper = indent + 2
    lines = [_block(" " * deeper + _key(key), item, deeper) for key, item in value.items()]
    return "\n".join([f"{head}:", *lines])
