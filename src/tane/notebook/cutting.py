"""One cell that is a node, taken apart: what it loads, saves and shows, and the lines that are left for its function.

Called by `converting`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from tane import fielded
from tane.notebook import definitions, flow, given, reading, texts


@fielded.frozen
class Line:
    """A statement of a node: as it stands in the function, as text and as a tree."""

    text: str
    tree: ast.stmt


class Taking:
    """One cell taken apart: what it loads, saves and shows, and the lines that are left."""

    def __init__(
        self, cell: reading.Cell, seen: given.Seen, hoisted: frozenset[str], holds: Mapping[str, object]
    ) -> None:
        self._cell = cell
        self._seen = seen
        self._hoisted = hoisted
        self._holds = holds
        self._text = texts.Text(cell.source, cell.tree)
        self._names = {part.id for part in ast.walk(cell.tree) if isinstance(part, ast.Name)}
        self.arguments: dict[str, given.Given] = {}
        self.bound: dict[str, given.Given] = {}
        self.saved: list[tuple[str, str]] = []
        self.saved_before: list[tuple[str, str]] = []
        self.shown: list[str] = []
        self.looked_at: set[str] = set()

    def body(self) -> list[Line]:
        """The lines that are left, in order."""
        lines: list[Line] = []
        touched: set[str] = set()
        for statement in self._cell.tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            if getattr(statement, "name", None) in self._hoisted:
                continue
            if definitions.is_shown(statement):
                self._note_shown(statement)
                continue
            bound = self._seen.bound(statement)
            if bound is not None and bound[0] not in touched:
                self.bound[bound[0]] = bound[1]
                continue
            line = self._line(statement, lines)
            if line is not None:
                lines.append(line)
            touched.update(part.id for part in ast.walk(statement) if isinstance(part, ast.Name))
        if lines:
            self._bind(lines)
        return lines

    def _bind(self, lines: Sequence[Line]) -> None:
        """Variables that stand for what they load are arguments, where the lines that are left use them."""
        used = {part.id for line in lines for part in ast.walk(line.tree) if isinstance(part, ast.Name)}
        for name, each in self.bound.items():
            if name in used:
                self.arguments[name] = each

    def _note_shown(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return
        self.shown.append(ast.unparse(statement).split("\n")[0])
        assert isinstance(statement, ast.Expr)
        value = statement.value
        is_display = isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
        if is_display or isinstance(value, ast.Name | ast.Tuple | ast.List | ast.Dict | ast.JoinedStr):
            self.looked_at.update(part.id for part in ast.walk(value) if isinstance(part, ast.Name))

    def _line(self, statement: ast.stmt, before: Sequence[Line]) -> Line | None:
        saved = self._seen.saved(statement)
        if saved is None:
            edits = self._edits(statement)
            text = self._text.of(statement, edits)
            return Line(text, _parsed(text, statement))
        if isinstance(saved.value, ast.Name):
            written = flow.Flow().run(line.tree for line in before)
            if saved.value.id in written.writes or saved.value.id in written.changes:
                self.saved.append((saved.name, saved.value.id))
                return None
            if saved.value.id in self._holds and saved.value.id not in self.bound:
                self.saved_before.append((saved.name, saved.value.id))
                return None
        variable = self._free(texts.identifier(saved.name, "saved"))
        text = f"{variable} = {self._text.expression(saved.value, self._edits(saved.value))}"
        self.saved.append((saved.name, variable))
        return Line(text, _parsed(text, statement))

    def _edits(self, part: ast.AST) -> list[texts.Edit]:
        """What a part takes from the project becomes an argument."""
        edits = []
        for node, each in self._seen.uses(part):
            known = next((name for name, other in self.arguments.items() if other == each), None)
            if known is None and isinstance(node, ast.Name):  # all parameters, under the name they have
                known = node.id
                self.arguments[known] = each
            elif known is None:
                known = self._free(texts.identifier(each.word, "given"))
                self.arguments[known] = each
            edits.append(texts.Edit(node, known))
        return edits

    def _free(self, name: str) -> str:
        """`name`, or one like it that the cell does not use."""
        wished, count = name, 1
        while name in self._names or name in self._holds or name in definitions.BUILTINS:
            count += 1
            name = f"{wished}_{count}"
        self._names.add(name)
        return name


def _parsed(text: str, statement: ast.stmt) -> ast.stmt:
    """The tree of a statement's new text, its lines counted as in the cell."""
    parsed = ast.parse(text).body[0]
    return ast.increment_lineno(parsed, statement.lineno - parsed.lineno)
