"""A first look at a value or a file, for `tane data describe`: a few rows, a shape, the first lines; never all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from tane.cli import tables
from tane.pipeline.drawing import wording

ROWS = 5
COLUMNS = 8
LARGEST = 64_000_000  # bytes; what is larger is not loaded for a look
_CELL = 24
_LINE = 100
_READ = 8192
_TEXT = frozenset(
    {".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt", ".yml", ".yaml", ".md", ".log", ".sql", ".xml"}
)


def of_value(value: Any) -> dict[str, Any]:
    """What `value` looks like: in a word what it is, and a few rows, items or lines of it."""
    kind = type(value).__name__
    if isinstance(value, str):
        return {"is": f"text of {tables.count(len(value), 'character')}", "lines": _lines(value.splitlines())}
    if hasattr(value, "columns") and hasattr(value, "head") and hasattr(value, "shape"):
        return _table(value, kind)
    if hasattr(value, "to_pylist") and hasattr(value, "column_names"):
        return _arrow(value, kind)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _array(value, kind)
    if isinstance(value, Mapping):
        items = [f"{_cell(key)}: {_short(item)}" for key, item in islice(value.items(), ROWS)]
        return {"is": f"{kind} of {_entries(len(value))}", "lines": items + _more(len(value))}
    if isinstance(value, list | tuple | set | frozenset):
        return {
            "is": f"{kind} of {_items(len(value))}",
            "lines": [*map(_short, islice(value, ROWS)), *_more(len(value))],
        }
    return {"is": kind, "lines": [_short(value)]}


def of_file(path: Path) -> dict[str, Any]:
    """The first lines of a text file, or what lies in a folder; nothing is parsed."""
    if path.is_dir():
        names = sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())
        return {"is": f"folder of {tables.count(len(names), 'file')}", "lines": names[:ROWS] + _more(len(names))}
    size = path.stat().st_size
    if path.suffix.lower() not in _TEXT:
        return {"is": f"file of {tables.size(size)}, too large to be loaded for a look", "lines": []}
    with path.open("rb") as file:
        head = file.read(_READ).decode("utf-8", "replace")
    return {"is": f"file of {tables.size(size)}; its first lines", "lines": _lines(head.splitlines())}


def text(seen: Mapping[str, Any]) -> str:
    """What was seen, as lines for people."""
    shown = [f"  {seen['is']}"] if seen["is"] else []
    if seen.get("rows"):
        header = seen["columns"]
        body = tables.table([[str(cell) for cell in row] for row in seen["rows"]], header, indent="    ")
        shown.append(body)
        left = seen["width"] - len(header)
        shown += [f"    and {tables.count(left, 'more column')}"] if left > 0 else []
    shown += [f"    {line}" for line in seen.get("lines", ())]
    return "\n".join(shown)


def _table(frame: Any, kind: str) -> dict[str, Any]:
    """A data frame of pandas or polars, or what acts as one."""
    rows, width = frame.shape[0], frame.shape[1]
    names = [str(name) for name in islice(frame.columns, COLUMNS)]
    head = frame.head(ROWS)
    if hasattr(head, "iloc"):
        cells = [
            [_cell(value) for value in row] for row in head.iloc[:, : len(names)].itertuples(index=False, name=None)
        ]
    else:
        cells = [[_cell(value) for value in row[: len(names)]] for row in head.rows()]
    return _seen(kind, rows, width, names, cells)


def _arrow(table: Any, kind: str) -> dict[str, Any]:
    names = [str(name) for name in table.column_names[:COLUMNS]]
    rows = table.slice(0, ROWS).to_pylist()
    cells = [[_cell(row[name]) for name in names] for row in rows]
    return _seen(kind, table.num_rows, len(table.column_names), names, cells)


def _seen(kind: str, rows: int, width: int, names: list[str], cells: list[list[str]]) -> dict[str, Any]:
    said = f"{kind} of {tables.count(rows, 'row')} and {tables.count(width, 'column')}"
    return {"is": said, "columns": names, "rows": cells, "count": rows, "width": width}


def _array(array: Any, kind: str) -> dict[str, Any]:
    shape = " x ".join(map(str, array.shape)) or "one number"
    flat = array.ravel() if hasattr(array, "ravel") else array
    shown = ", ".join(_cell(value) for value in flat[: ROWS * 2])
    more = ", ..." if len(flat) > ROWS * 2 else ""
    return {"is": f"{kind} of {shape}, {array.dtype}", "lines": [f"{shown}{more}"] if shown else []}


def _cell(value: Any) -> str:
    return wording.visible(wording.shorten(str(value), _CELL))


def _short(value: Any) -> str:
    return wording.visible(wording.shorten(repr(value), _LINE))


def _lines(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [wording.visible(wording.shorten(line, _LINE)) for line in found[:ROWS]] + (
        ["..."] if len(found) > ROWS else []
    )


def _more(count: int) -> list[str]:
    return [f"and {count - ROWS} more"] if count > ROWS else []


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _items(count: int) -> str:
    return tables.count(count, "item")
