"""Results as a Markdown table and as JSON, with what must be known of the machine to read them."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import Any

import timing


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


def markdown(results: Sequence[timing.Result]) -> str:
    """One table: for each case what it took, how many times as long as Tane, and whether the goal is reached."""
    lines = [
        "| case | contestant | median | best | CPU | times Tane's | goal | load |",
        "|---|---|--:|--:|--:|--:|---|---|",
    ]
    for result in results:
        ours = result.best(result.case.ours)
        for place, name in enumerate(result.tries):
            title = result.case.title if not place else ""
            load = f"{result.load[0]:.1f}-{result.load[1]:.1f}" if not place else ""
            mine = name == result.case.ours
            ratio = "1" if mine else _ratio(result.best(name) / ours)
            times = " | ".join(time(seconds) for seconds in (result.median(name), result.best(name), result.cpu(name)))
            lines.append(f"| {title} | {name} | {times} | {ratio} | {verdict(result) if mine else ''} | {load} |")
    notes = [f"- {result.case.title}: {result.case.note}." for result in results if result.case.note]
    return "\n".join([*lines, "", *notes])


def _ratio(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def verdict(result: timing.Result) -> str:
    """The goal, and whether Tane reached it."""
    goal, ours = result.case.goal, result.case.ours
    if goal is None:
        return ""
    if result.median(ours) <= goal:
        return f"{time(goal)}: reached"
    return f"{time(goal)}: only at best" if result.best(ours) <= goal else f"{time(goal)}: missed"


def as_json(results: Sequence[timing.Result], versions: dict[str, dict[str, str]]) -> dict[str, Any]:
    """All tries, for later comparison."""
    return {
        "machine": machine(),
        "versions": versions,
        "cases": [
            {
                "title": result.case.title,
                "goal": result.case.goal,
                "load": result.load,
                "note": result.case.note,
                "contestants": {
                    name: {"wall": [one.wall for one in tries], "cpu": [one.cpu for one in tries]}
                    for name, tries in result.tries.items()
                },
            }
            for result in results
        ],
    }


def time(seconds: float) -> str:
    """`seconds` in the unit that reads best, to three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
