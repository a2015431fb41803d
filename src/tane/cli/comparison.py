"""A comparison of runs in words: a column for each of a few runs, a line for each of many; and as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tane import fielded
from tane.cli import facts, tables
from tane.versions import comparing, curves

ABSENT = comparing.ABSENT
_FEW = 4  # runs that have a column each
_WIDE = 118  # cells of a line, where many runs have many values
_DIFF_LINES = 60
_SHOWN = 30  # packages
TAB = "\t"


def text(found: comparing.Comparison, *, whole: bool = False, everything: bool = False) -> str:
    """The comparison for people. With `whole` all lines of code that differ, with `everything` what is equal too."""
    marks = labels(len(found.sides))
    parts = [
        _heads(found, marks),
        *(
            _values_of_few(found, marks, everything)
            if len(marks) <= _FEW
            else [_values_of_many(found, marks, everything)]
        ),
        _code(found, marks, whole),
        _data("sources", found.sources, marks),
        _data("results", found.outputs, marks),
        _environment(found, marks, everything),
        _notes(found, marks),
    ]
    return "\n".join(part for part in parts if part)


def labels(count: int) -> list[str]:
    """What the runs are called in short: letters for a few, numbers for many."""
    return list("abcd"[:count]) if count <= _FEW else [str(at + 1) for at in range(count)]


def listed(runs: Iterable[int], marks: Sequence[str]) -> str:
    """Places of runs in short: "a, b", or "1-4, 7"."""
    spans: list[list[int]] = []
    for at in runs:
        if spans and spans[-1][1] == at - 1:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    if len(marks) <= _FEW:
        return ", ".join(marks[at] for first, last in spans for at in range(first, last + 1))
    return ", ".join(marks[first] if first == last else f"{marks[first]}-{marks[last]}" for first, last in spans)


def _heads(found: comparing.Comparison, marks: Sequence[str]) -> str:
    rows = [
        (
            mark,
            side.run.run,
            side.run.name,
            str(side.run.status),
            tables.when(side.run.started),
            tables.duration(facts.seconds(side.run)),
            side.run.pipeline or "(script)",
        )
        for mark, side in zip(marks, found.sides, strict=True)
    ]
    filled = [at for at in range(7) if any(row[at] for row in rows)]
    head = tables.table([[row[at] for at in filled] for row in rows], right={filled.index(5)})
    pipelines = {side.run.pipeline for side in found.sides}
    return head + ("\nnote: these are runs of different pipelines" if len(pipelines) > 1 else "")


# --- values ---------------------------------------------------------------------------------------------------------


def _values_of_few(found: comparing.Comparison, marks: Sequence[str], everything: bool) -> list[str]:
    """Parameters, metrics and tags with a column for each run."""
    params, tags = ([row for row in rows if row.differs or everything] for rows in (found.params, found.tags))
    return [
        _section("parameters", params, marks, _said(found.params), tables.value),
        _metrics(found, marks),
        _section("tags", tags, marks, "", tables.value),
    ]


def _said(rows: Sequence[comparing.Row]) -> str:
    if not rows:
        return ""
    differing = sum(row.differs for row in rows)
    return f"{differing} of {len(rows)} differ" if differing else _alike(len(rows))


def _alike(count: int) -> str:
    return f"the {count} do not differ" if count > 1 else "the one there is does not differ"


def _values_of_many(found: comparing.Comparison, marks: Sequence[str], everything: bool) -> str:
    """Parameters that differ, metrics and tags with a line for each run."""
    columns = [
        [row.name, *(_shown(value, show) for value in row.values)]
        for rows, show, always in (
            (found.params, tables.value, everything),
            (found.metrics, tables.number, True),
            (found.tags, tables.value, everything),
        )
        for row in rows
        if row.differs or always
    ]
    blocks = [
        tables.table(
            list(zip(marks, *(column[1:] for column in block), strict=True)),
            ("", *(column[0] for column in block)),
            range(len(block) + 1),
            indent="  ",
        )
        for block in _blocks(columns, _WIDE - len(marks[-1]) - 2)
    ]
    said = f": {_said(found.params)}" if found.params else ""
    return tables.section(f"parameters{said}; metrics", "\n\n".join(blocks)) or f"\nparameters{said}"


def _metrics(found: comparing.Comparison, marks: Sequence[str]) -> str:
    if len(marks) != 2:
        return _section("metrics", list(found.metrics), marks, "", tables.number)
    rows = [
        (row.name, *(_shown(value, tables.number) for value in row.values), *difference(*row.values))
        for row in found.metrics
    ]
    body = tables.table(rows, ("", *marks, f"{marks[1]} - {marks[0]}", ""), right={1, 2, 3, 4}, indent="  ")
    return tables.section("metrics", body if rows else "")


def difference(one: Any, other: Any) -> tuple[str, str]:
    """By how much a number went up or down, and by which part of it; empty where that cannot be said."""
    if one is ABSENT or other is ABSENT or not (math.isfinite(one) and math.isfinite(other)):
        return "", ""
    if one == other:
        return "0", ""
    gap = other - one
    return f"{gap:+.6g}", percent(one, other)


def percent(one: float, other: float) -> str:
    """By which part of it a number went up or down; empty where it was nothing."""
    part = 100 * (other - one) / abs(one) if one else math.inf
    return f"{part:+.3g}%" if abs(part) < 100 else f"{part:+.0f}%" if abs(part) < 1e6 else ""


def _section(
    title: str, rows: Sequence[comparing.Row], marks: Sequence[str], said: str, show: Callable[[Any], str]
) -> str:
    """What a few runs have: a line for each value."""
    head = f"{title}: {said}" if said else title
    if not rows:
        return f"\n{head}" if said else ""
    cells = [(row.name, *(_shown(value, show) for value in row.values)) for row in rows]
    return tables.section(head, tables.table(cells, ("", *marks), range(1, len(marks) + 1), indent="  "))


def _blocks(columns: Sequence[list[str]], room: int) -> list[list[list[str]]]:
    """The columns in groups that are no wider than `room`."""
    blocks: list[list[list[str]]] = []
    left = 0
    for column in columns:
        width = max(map(len, column)) + 2
        if not blocks or width > left:
            blocks.append([])
            left = room
        blocks[-1].append(column)
        left -= width
    return blocks


def _shown(value: Any, show: Callable[[Any], str]) -> str:
    return "-" if value is ABSENT else show(value)


# --- code -----------------------------------------------------------------------------------------------------------


def _code(found: comparing.Comparison, marks: Sequence[str], whole: bool) -> str:
    if not any(state.git for state in found.states) and not found.nodes:
        return ""
    same = len(found.states) == 1 and not found.nodes
    rows = [
        (listed(state.runs, marks), facts.git(state.git) or "not in Git", f"({state.why})" if state.why else "")
        for state in found.states
    ]
    lines = [tables.table(rows, indent="  ")]
    nodes = [
        (node.node, listed(runs, marks), "; ".join(parts))
        for node in found.nodes
        for parts, runs in comparing.grouped(node.parts).items()
        if parts
    ]
    if nodes:
        first = marks[0]
        lines.append(tables.table(nodes, ("node", "in", f"differs from {first} in"), indent="  "))
    for state in found.states:
        if state.diff:
            lines.append(_diff(state, marks, whole))
    return tables.section("code: the same" if same else "code", "\n".join(lines))


def _diff(state: comparing.State, marks: Sequence[str], whole: bool) -> str:
    lines = state.diff.rstrip("\n").splitlines()
    more = len(lines) - _DIFF_LINES
    if not whole and more > 0:
        lines = [*lines[:_DIFF_LINES], f"... and {more} lines more: --diff shows all, --html a page"]
    head = f"\n  from {marks[0]} to {listed(state.runs, marks)}:"
    return "\n".join([head, *(f"  {tables.visible(line, TAB)}" for line in lines)])


# --- data and packages ----------------------------------------------------------------------------------------------


def _data(title: str, rows: Sequence[comparing.Row], marks: Sequence[str]) -> str:
    differing = [row for row in rows if row.differs]
    if not rows:
        return ""
    if not differing:
        return f"\n{title}: {_alike(len(rows))}"
    said = f"{len(differing)} of {len(rows)} differ"
    if len(marks) <= _FEW:
        return _section(title, differing, marks, said, datum)
    cells = []
    for row in differing:
        for value, runs in comparing.grouped(row.values).items():
            cells.append((row.name, _shown(value, datum), f"in {listed(runs, marks)}"))
    return tables.section(f"{title}: {said}", tables.table(cells, indent="  "))


def datum(given: comparing.Datum) -> str:
    """A dataset's content: the beginning of its digest, its size, its rows and columns."""
    shape = f", {given.rows} x {given.columns}" if given.rows is not None else ""
    return f"{tables.digest(given.digest)} {tables.size(given.bytes)}{shape}"


def _environment(found: comparing.Comparison, marks: Sequence[str], everything: bool) -> str:
    differing = [row for row in found.environment if row.differs]
    shown = list(found.environment) if everything else differing
    if not found.environment:
        return ""
    if not shown:
        return f"\nenvironment: the {len(found.environment)} packages do not differ"
    said = f"{len(differing)} of {len(found.environment)} differ"
    more = 0 if everything else max(0, len(shown) - _SHOWN)
    shown = shown[: len(shown) - more]
    rest = f"\n  and {more} more (--all shows all)" if more else ""
    if len(marks) <= _FEW:
        return _section("environment", shown, marks, said, str) + rest
    cells = [
        (row.name, _shown(value, str), f"in {listed(runs, marks)}")
        for row in shown
        for value, runs in comparing.grouped(row.values).items()
    ]
    return tables.section(f"environment: {said}", tables.table(cells, indent="  ")) + rest


def _notes(found: comparing.Comparison, marks: Sequence[str]) -> str:
    said = [
        f"  {mark}: " + side.note.strip().replace("\n", "\n     ")
        for mark, side in zip(marks, found.sides, strict=True)
        if side.note.strip()
    ]
    return tables.section("notes", "\n".join(said))


# --- plain values ---------------------------------------------------------------------------------------------------


def as_dict(found: comparing.Comparison, drawn: Sequence[curves.Curve]) -> dict[str, Any]:
    """The comparison as plain values; what a run does not have is left out of its row."""
    runs = [side.run.run for side in found.sides]
    return {
        "runs": [
            {
                "id": side.run.run,
                "name": side.run.name,
                "status": str(side.run.status),
                "pipeline": side.run.pipeline,
                "experiment": side.run.experiment,
                "started": tables.iso(side.run.started),
                "seconds": round(facts.seconds(side.run), 6),
                "note": side.note,
            }
            for side in found.sides
        ],
        "params": _rows(found.params, runs),
        "metrics": _rows(found.metrics, runs),
        "tags": _rows(found.tags, runs),
        "code": {
            "states": [
                {"runs": [runs[at] for at in each.runs], "git": dict(each.git), "diff": each.diff, "unknown": each.why}
                for each in found.states
            ],
            "nodes": [
                {"node": each.node, "differs": {run: list(parts) for run, parts in zip(runs, each.parts, strict=True)}}
                for each in found.nodes
            ],
        },
        "sources": _rows(found.sources, runs),
        "outputs": _rows(found.outputs, runs),
        "environment": _rows(found.environment, runs),
        "curves": [
            {
                "name": curve.name,
                "lines": [
                    {**fielded.asdict(line), "run": runs[line.run], "thinned": line.count != len(line.values)}
                    for line in curve.lines
                ],
            }
            for curve in drawn
        ],
    }


def _rows(rows: Sequence[comparing.Row], runs: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "differs": row.differs,
            "values": {
                run: fielded.asdict(value) if isinstance(value, comparing.Datum) else value
                for run, value in zip(runs, row.values, strict=True)
                if value is not ABSENT
            },
        }
        for row in rows
    ]
