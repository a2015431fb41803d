"""Rows as Markdown tables and as JSON, with what must be known of the machine to read them."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from contests import FLOOR, OURS, PEER, Line, Row, Span

Versions = Mapping[str, Mapping[str, str]]


def machine() -> dict[str, Any]:
    """The processor, the memory and the versions that the numbers hold for."""
    model = "unknown processor"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def as_json(rows: Sequence[Row], versions: Versions) -> dict[str, Any]:
    """All tries, for later comparison."""
    return {"machine": machine(), "versions": versions, "rows": [dataclasses.asdict(row) for row in rows]}


def table(rows: Sequence[Row]) -> str:
    """A line for each contestant: what it took, how many times as long as Tane, and whether the goal is reached."""
    lines = [
        "| work | contestant | median | best | CPU | memory | times Tane's | elsewhere | goal | load |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|---|",
    ]
    for row in rows:
        first = True
        for line in row.lines:
            title, load = (row.title, f"{row.load[0]:.1f}-{row.load[1]:.1f}") if first else ("", "")
            goal = f"{time(row.goal)}: {verdict(row)}" if row.goal is not None and line is row.ours else ""
            cells = [title, line.name, *_figures(line, row), _elsewhere(line), goal, load]
            lines.append(f"| {' | '.join(cells)} |")
            first = False
    notes = [f"- {row.title}: {row.note}." for row in rows if row.note]
    return "\n".join([*lines, "", pace(rows), "", *notes]).strip()


def readme(rows: Sequence[Row], about: Mapping[str, Any], versions: Versions) -> str:
    """A line for each piece of work, as the README has it: medians, bests in brackets."""
    cpu, cores, memory = about["processor"], about["cores"], about["memory_gib"]
    installed = sorted({f"{name} {number}" for found in versions.values() for name, number in found.items()})
    loads = [load for row in rows for load in row.load]
    lines = [
        f"{cpu}, {cores} cores, {memory} GiB, {about['system']}, Python {about['python']}; {', '.join(installed)}.",
        f"Load average {min(loads):.1f} to {max(loads):.1f}. {pace(rows)}".strip(),
        "",
        "| work | floor | Tane | peers | goal | reached |",
        "|---|---|--:|---|--:|---|",
    ]
    for row in rows:
        floors, peers = ("; ".join(_brief(line, row) for line in row.of(role)) for role in (FLOOR, PEER))
        ours = "; ".join(_ours(line, row.ours) for line in row.of(OURS))
        goal = time(row.goal) if row.goal is not None else ""
        lines.append(f"| {row.title} | {floors} | {ours} | {peers} | {goal} | {verdict(row)} |")
    notes = [f"- {row.title}: {row.note}." for row in rows if row.note]
    return "\n".join([*lines, "", *notes]).strip()


def pace(rows: Sequence[Row]) -> str:
    """How this machine compares with the one where the figures called "elsewhere" were taken."""
    found = [
        line.best / (sum(line.elsewhere) / 2)
        for row in rows
        for line in row.lines
        if line.role != OURS and line.tries and line.elsewhere
    ]
    if not found:
        return ""
    middle = statistics.median(found)
    return (
        f"What others took here is {middle:.2g} times what they took elsewhere "
        f"(best tries; the middle of {len(found)} figures, {min(found):.2g} to {max(found):.2g})."
    )


def verdict(row: Row) -> str:
    """Whether Tane reached the goal: judged by its median."""
    if row.goal is None:
        return ""
    if not row.ours.tries:
        return "**failed**"
    if row.ours.median <= row.goal:
        return "yes"
    return "at best" if row.ours.best <= row.goal else "**no**"


def told(row: Row) -> str:
    """One line for the terminal."""
    found = (f"{line.name} {time(line.median) if line.tries else line.failure}" for line in row.lines)
    return f"{row.title}: {', '.join(found)}"


def time(seconds: float) -> str:
    """`seconds` in the unit that reads best, to three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size * 0.9995:
            return f"{seconds / size:.3g} {unit}" if seconds < size * 999.5 else f"{seconds / size:,.0f} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _figures(line: Line, row: Row) -> list[str]:
    if not line.tries:
        return [line.failure, "", "", "", ""]
    best = f"{time(line.best)}, then {line.failure}" if line.failure else time(line.best)
    memory = f"{line.memory / 2**20:,.0f} MiB" if line.memory else ""
    cpu = time(line.cpu) if line.cpu else ""
    return [time(line.median), best, cpu, memory, _times(line, row)]


def _times(line: Line, row: Row) -> str:
    if not row.ours.tries:
        return ""
    value = line.best / row.ours.best
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _elsewhere(line: Line) -> str:
    return _spanned(line.elsewhere) if line.elsewhere else ""


def _spanned(span: Span) -> str:
    low, high = span
    return time(low) if low == high else f"{time(low)} to {time(high)}"


def _brief(line: Line, row: Row) -> str:
    """`kedro 985 (804) ms, 5.8 times, elsewhere 478 ms`."""
    elsewhere = f", elsewhere {_spanned(line.elsewhere)}" if line.elsewhere else ""
    if not line.tries:
        return f"{line.name}: {line.failure}{elsewhere}"
    more = f", **{_times(line, row)}x**" if row.ours.tries and line.role == PEER else ""
    failed = f", then {line.failure}" if line.failure else ""
    return f"{line.name} {time(line.median)}{more}{failed}{elsewhere}"


def _ours(line: Line, first: Line) -> str:
    if not line.tries:
        return f"**{line.failure}**"
    name = "" if line is first else f"{line.name[len(first.name) :].strip()} "
    memory = f", {line.memory / 2**20:,.0f} MiB" if line.memory else ""
    return f"{name}**{time(line.median)}** ({time(line.best)}){memory}"
