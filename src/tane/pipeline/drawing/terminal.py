"""A scene as text for a terminal: one row a node, in topological order, and a rail of who feeds whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tane.pipeline import nodes
from tane.pipeline.drawing import folding, palette, rail, ranking, wording
from tane.pipeline.drawing.scene import Item, Scene

_LEAST_WIDTH, _LEAST_FLOW, _MOST_NAME = 40, 24, 34

Span = tuple[str, str]  # a text and its ANSI code, "" for none


class _Look(NamedTuple):
    """The signs that are drawn, in unicode or ASCII."""

    plain: bool

    @property
    def arrow(self) -> str:
        return "->" if self.plain else "→"

    def lines(self, text: str) -> str:
        return text.translate(rail.PLAIN) if self.plain else text

    def fit(self, name: str, most: int) -> str:
        return wording.shorten(wording.visible(name), most, "~" if self.plain else "…")

    def status(self, item: Item) -> str:
        step = item.step
        if not step.status:
            return ""
        sign = palette.status(step.status)
        spent = f" {wording.duration(step.seconds)}" if step.seconds is not None else ""
        return f"{sign.plain if self.plain else sign.sign} {wording.visible(step.status)}{spent}"


class _Widths(NamedTuple):
    """The columns of the table. With too little room for what flows `beside` a name, it stands below."""

    rail: int
    name: int
    flow: int
    beside: bool
    whole: int


def draw(drawn: Scene, width: int = 100, *, color: bool = False, ascii_only: bool = False) -> str:
    """The rows, each of at most `width` columns (40 at least); ends with a newline.

    `ascii_only` draws with ASCII signs; names stay as they are.
    """
    width, look = max(width, _LEAST_WIDTH), _Look(ascii_only)
    lines = [[(look.fit(drawn.title, width), "1")], [(_summary(drawn), "2")], []]
    lines += _table(drawn, width, look)
    return "\n".join(_line(spans, color) for spans in lines) + "\n"


def _table(drawn: Scene, width: int, look: _Look) -> list[list[Span]]:
    graph, _ = folding.reduce(drawn, parameters=False, datasets=False)
    links = [(edge.source, edge.target) for edge in graph.edges]
    followers: list[list[int]] = [[] for _ in graph.items]
    for (source, target), back in zip(links, ranking.backward(len(graph.items), links), strict=True):
        if not back:
            followers[source].append(target)
    sequence = rail.order(followers)
    rows = rail.rows(rail.thin(followers, sequence), sequence, most=max(4, width // 10))
    items = drawn.workers()
    widths = _widths(rows, items, width, look)
    after: dict[int, list[str]] = {}
    for edge in graph.edges:
        if edge.order and not edge.when:
            after.setdefault(edge.target, []).append(graph.items[edge.source].name)
    lines: list[list[Span]] = []
    for row in rows:
        if row.node is None:
            lines.append([(look.lines(row.text), "2")])
        else:
            item = items[row.node]
            flow = _wrap(_flow(drawn, item, after.get(row.node, ()), look), widths.flow, look)
            lines += _node(item, flow, row, widths, look)
    return lines


def _widths(rows: Sequence[rail.Row], items: Sequence[Item], width: int, look: _Look) -> _Widths:
    left = max((len(row.text) for row in rows), default=0) + 2
    status = max((wording.cells(look.status(item)) + 2 for item in items), default=0)
    longest = max((wording.cells(item.name) for item in items), default=0)
    name = min(_MOST_NAME, width // 3, longest)
    flow = width - left - name - 2 - status
    if flow >= _LEAST_FLOW:
        return _Widths(left, name, flow, True, width)
    return _Widths(left, max(10, width - left - status), max(10, width - left - 2), False, width)


def _node(item: Item, flow: list[list[Span]], row: rail.Row, widths: _Widths, look: _Look) -> list[list[Span]]:
    """A node's lines: rail, name, what flows and status; then what flows on."""
    name, status = look.fit(item.name, widths.name), look.status(item)
    line = [*_rail(row, item, widths.rail, look), (name, "1")]
    if widths.beside:
        line += [(" " * (widths.name + 2 - wording.cells(name)), ""), *(flow.pop(0) if flow else [])]
    if status:
        used = sum(wording.cells(text) for text, _ in line) + wording.cells(status)
        line += [(" " * max(widths.whole - used, 2), ""), (status, palette.status(item.step.status).ansi)]
    indent = " " * (widths.name + 2 if widths.beside else 2)
    below = look.lines(row.below).ljust(widths.rail)
    return [line, *([(below, "2"), (indent, ""), *more] for more in flow)]


def _rail(row: rail.Row, item: Item, wide: int, look: _Look) -> list[Span]:
    text, at = look.lines(row.text).ljust(wide), row.bullet
    code = palette.status(item.step.status).ansi if item.step.status else "1"
    return [(text[:at], "2"), (text[at : at + 1], code), (text[at + 1 :], "2")]


def _flow(drawn: Scene, item: Item, after: Sequence[str], look: _Look) -> list[Span]:
    """What a node takes, an arrow, what it makes; parameters and what it only waits for are dim."""
    takes = [drawn.items[at].name for at in item.takes]
    makes = [drawn.items[at].name for at in item.makes]
    words = [(f"{name},", "2" * nodes.is_parameter(name)) for name in takes]
    if words:
        words[-1] = (takes[-1], words[-1][1])
    if makes:
        words += [(look.arrow, "2"), *((f"{name},", "") for name in makes[:-1]), (makes[-1], "")]
    if after:
        words += [("after", "2"), *((f"{name},", "2") for name in after[:-1]), (after[-1], "2")]
    said = ["shell command"] if item.command else []
    said += [wording.count(item.holds, "node")] if item.holds else []
    said += wording.marks(item.when, item.over, item.always)
    return words + [(f"({text})", "2") for text in said]


def _wrap(words: Sequence[Span], width: int, look: _Look) -> list[list[Span]]:
    """The words in lines of at most `width`; the arrow stays with what follows it."""
    lines: list[list[Span]] = []
    room = 0
    for at, (text, code) in enumerate(words):
        arrow = text == look.arrow
        word = look.fit(text, width - len(look.arrow) - 1)
        wide = wording.cells(word)
        needed = wide + 1 + wording.cells(look.fit(words[at + 1][0], width - len(text) - 1)) if arrow else wide
        if lines and needed + 1 <= room:
            lines[-1] += [(" ", ""), (word, code)]
            room -= wide + 1
        else:
            lines.append([(word, code)])
            room = width - wide
    return lines


def _summary(drawn: Scene) -> str:
    folded = drawn.of_kind("namespace")
    said = [wording.count(len(drawn.of_kind("node")) + sum(item.holds for item in folded), "node")]
    said += [f"{wording.count(len(folded), 'namespace')} folded"] if folded else []
    said += [
        wording.count(len(drawn.of_kind("dataset")), "dataset"),
    ]
    parameters = drawn.of_kind("parameter")
    if parameters:
        said.append(wording.count(len(parameters), "parameter"))
    return ", ".join(said)


def _line(spans: Sequence[Span], color: bool) -> str:
    plain = "".join(text for text, _ in spans).rstrip()
    if not color:
        return plain
    return "".join(f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text for text, code in spans)
