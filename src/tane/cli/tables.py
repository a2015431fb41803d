"""How the verbs write: columns that line up, times, sizes, digests and JSON. The same on a terminal and in a pipe."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tane.pipeline.drawing import wording

duration = wording.duration
count = wording.count
visible = wording.visible

_UNITS = ("kB", "MB", "GB", "TB", "PB")
_LONGEST = 60
_WIDEST = 300  # what a name or a cell may take: somebody may have named a parameter by a whole file


def table(
    rows: Sequence[Sequence[str]], header: Sequence[str] = (), right: Collection[int] = (), indent: str = ""
) -> str:
    """The rows below their header, each column as wide as its widest cell; columns in `right` are flush right."""
    shown = [[_fitting(cell) for cell in row] for row in ([header, *rows] if header else rows)]
    if not shown:
        return ""
    widths = [max(wording.cells(cell) for cell in column) for column in zip(*shown, strict=True)]
    lines = []
    for row in shown:
        cells = []
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - wording.cells(cell))
            cells.append(gap + cell if at in right else cell + gap)
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def section(title: str, body: str) -> str:
    """A titled part of a page, set apart; empty when there is nothing in it."""
    return f"\n{title}\n{body}" if body else ""


def values(named: Mapping[str, Any]) -> str:
    """Names and their values, one a line."""
    return "\n".join(f"  {_fitting(name)} = {value(each)}" for name, each in named.items())


def _fitting(text: str) -> str:
    return wording.visible(wording.shorten(text, _WIDEST))


def value(given: Any) -> str:
    """A parameter's value on one line, as JSON has it."""
    return wording.visible(wording.shorten(whole(given), _LONGEST))


def whole(given: Any) -> str:
    """A parameter's value whole, as JSON has it."""
    return given if isinstance(given, str) else json.dumps(given, default=str, ensure_ascii=False)


def number(given: float) -> str:
    """A metric's value."""
    return f"{given:.6g}"


def size(given: int) -> str:
    """A number of bytes for people: "812 B", "1.2 MB"."""
    if given < 1000:
        return f"{given} B"
    scaled = float(given)
    for unit in _UNITS:
        scaled /= 1000
        if scaled < 999.5 or unit == _UNITS[-1]:
            break
    return f"{scaled:.0f} {unit}" if scaled >= 99.5 else f"{scaled:.1f} {unit}"


def digest(given: str) -> str:
    """The first digits of a digest; a value that has none of its own says so."""
    return "(no digest)" if given.startswith("?") else given[:12]


def when(at: float) -> str:
    """A point in time, local; empty for none."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def iso(at: float) -> str | None:
    """A point in time for programs, UTC; None for none."""
    if not at:
        return None
    thousandths = round(at * 1000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(thousandths // 1000))
    return f"{text}.{thousandths % 1000:03d}Z"


def local(at: str | None) -> str:
    """What `iso` wrote, for people: local, to the second; empty for none."""
    if not at:
        return ""
    from datetime import datetime

    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def as_json(given: Any) -> str:
    """JSON that every program reads: numbers that JSON has no word for are the texts "NaN" and "Infinity"."""
    return json.dumps(_finite(given), indent=2, default=str, ensure_ascii=False)


def csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV, header first."""
    import csv as writing
    import io

    out = io.StringIO()
    writer = writing.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _finite(given: Any) -> Any:
    if isinstance(given, float) and not math.isfinite(given):
        return "NaN" if math.isnan(given) else "Infinity" if given > 0 else "-Infinity"
    if isinstance(given, Mapping):
        return {str(key): _finite(each) for key, each in given.items()}
    if isinstance(given, list | tuple):
        return [_finite(each) for each in given]
    return given
