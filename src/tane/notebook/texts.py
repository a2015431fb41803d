"""The text of a cell, cut into statements and edited without losing its comments. Called by `converting`."""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from collections.abc import Sequence

from tane import fielded, patterns


@fielded.frozen
class Edit:
    """Other text in place of an expression's."""

    node: ast.expr
    text: str


class Text:
    """A cell's source, of which statements are taken with the comments above them."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self._lines = source.split("\n")
        self._first: dict[int, int] = {}  # id of a statement -> the first of its lines, comments above it included
        self._shared: set[int] = set()
        end = 0
        for at, statement in enumerate(tree.body):
            start = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
            if start <= end:
                self._shared.update((id(statement), id(tree.body[at - 1])))
            self._first[id(statement)] = max(end + 1, self._comments(start, end))
            end = statement.end_lineno or statement.lineno

    def _comments(self, start: int, end: int) -> int:
        """The line on which the comments right above line `start` begin."""
        while start - 1 > end and self._lines[start - 2].lstrip().startswith("#"):
            start -= 1
        return start

    def of(self, statement: ast.stmt, edits: Sequence[Edit] = ()) -> str:
        """A statement as it is written, with `edits`; one that shares its line with another is written anew."""
        if id(statement) in self._shared:
            return ast.unparse(_Replace({id(edit.node): edit.text for edit in edits}).visit(statement))
        first, last = self._first[id(statement)], statement.end_lineno or statement.lineno
        lines = self._lines[first - 1 : last]
        for edit in sorted(edits, key=lambda each: (each.node.lineno, each.node.col_offset), reverse=True):
            start, stop = edit.node.lineno - first, (edit.node.end_lineno or edit.node.lineno) - first
            head = lines[start].encode()[: edit.node.col_offset].decode()
            tail = lines[stop].encode()[edit.node.end_col_offset :].decode()
            lines[start : stop + 1] = [head + edit.text + tail]
        text = "\n".join(lines)
        if self._is_named(lines[0]):
            text = "\n".join(lines[1:])
        return text.rstrip("; \t")

    @staticmethod
    def _is_named(line: str) -> bool:
        return _NAMED.match(line) is not None

    def expression(self, node: ast.expr, edits: Sequence[Edit] = ()) -> str:
        """An expression, written anew."""
        return ast.unparse(_Replace({id(edit.node): edit.text for edit in edits}).visit(node))


_NAMED = patterns.lazily(r"\s*#[ \t|]*node[ \t]*:")


class _Replace(ast.NodeTransformer):
    def __init__(self, texts: dict[int, str]) -> None:
        self._texts = texts

    def visit(self, node: ast.AST) -> ast.AST:
        text = self._texts.get(id(node))
        return ast.parse(text, mode="eval").body if text is not None else self.generic_visit(node)


def indented(text: str) -> str:
    """`text` four columns to the right; what lies within a string that spans lines stays where it is."""
    inside: set[int] = set()
    starts: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
        name = tokenize.tok_name[token.type]
        if name in ("FSTRING_START", "TSTRING_START"):
            starts.append(token.start[0])
        elif name in ("FSTRING_END", "TSTRING_END"):
            inside.update(range(starts.pop() + 1, token.end[0] + 1))
        elif name == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
    lines = text.split("\n")
    return "\n".join(f"    {line}" if line.strip() and at not in inside else line for at, line in enumerate(lines, 1))


def identifier(text: str, otherwise: str = "") -> str:
    """A name for Python made of some words; `otherwise` when nothing is left of them."""
    made = _ODD.sub("_", text.strip().lower()).strip("_")
    if made[:1].isdigit():
        made = f"{otherwise or 'cell'}_{made}"
    if keyword.iskeyword(made) or keyword.issoftkeyword(made):
        made += "_"
    return made or otherwise


_ODD = patterns.lazily(r"\W+")
