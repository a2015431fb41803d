"""What a backfill looks like while it goes on, when it has ended, and before it begins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, TextIO

from tane import errors
from tane.cli import many, progress, tables
from tane.runs import backfill_leading, backfill_records, backfills, preview, windows

_MARKS = {"succeeded": "done", "reused": "reused", "failed": "FAILED", "interrupted": "stopped"}

Planned = Sequence[tuple[windows.Window, preview.Preview | errors.TaneError | None]]


class Lines(many.Lines[backfill_leading.Began, backfill_leading.WindowEnded]):
    """A line for each window that has ended."""

    word = "window"
    began_with = backfill_leading.Began
    ended_with = backfill_leading.WindowEnded

    def __init__(self, out: TextIO, quiet: bool = False) -> None:
        super().__init__(out, quiet)
        self._tally: dict[str, int] = {}

    def begin(self, told: backfill_leading.Began) -> tuple[int, list[str]]:
        """The range of the windows."""
        goes_on = f", {told.todo} to do" if told.todo < len(told.cut) else ""
        head = f"backfill {told.backfill}{' goes on' if told.goes_on else ''}: pipeline {told.pipeline}"
        return told.todo, [f"{head}, {_range(told.cut)}{goes_on}"]

    def end(self, told: backfill_leading.WindowEnded) -> tuple[bool, str]:
        """A window with the time it took, or with what went wrong."""
        state = told.state
        self._tally[state.status] = self._tally.get(state.status, 0) + 1
        failed = state.status not in backfill_records.DONE
        said = _first(state.error) if failed else progress.seconds(state.seconds)
        return failed, f"  {_MARKS.get(state.status, state.status):<8} {state.window.label:<22} {said}"

    def others(self) -> list[str]:
        """How many ended otherwise than by work that went well."""
        return [f"{count} {word}" for word, count in sorted(self._tally.items()) if word != "succeeded"]


Shown = Lines | many.Live[backfill_leading.Began, backfill_leading.WindowEnded]


def observer(*, quiet: bool = False) -> Shown:
    """The view that fits standard output."""
    lines = Lines(sys.stdout, quiet)
    return many.Live(lines) if not quiet and sys.stdout.isatty() else lines


# --- pages ----------------------------------------------------------------------------------------------------------


def ended_text(found: backfills.Backfill) -> str:
    """What is said when a backfill has ended: how its windows stand, and what came of it."""
    if found.done_before == len(found) and found.error is None:
        return f"nothing to do: {progress.plural(len(found), 'window')} succeeded before"
    table = _states_text(found)
    before = f", {found.done_before} of them before" if found.done_before else ""
    last = f"{_counted(found)}{before} in {progress.seconds(found.seconds)}; backfill {found.id} {found.status}"
    return f"{table}\n{last}"


def status_text(found: backfills.Backfill) -> str:
    """How the windows of a backfill stand."""
    took = f", took {progress.seconds(found.seconds)}" if found.seconds else ""
    first, last = found.windows[0].window, found.windows[-1].window
    head = f"backfill {found.id} {found.status}{took}: pipeline {found.pipeline}, windows of {found.every} "
    return f"{head}from {first.start} to {last.end}\n{_states_text(found)}\n{_counted(found)}"


def _states_text(found: backfills.Backfill) -> str:
    """Windows that stand alike and follow each other have one line."""
    rows = []
    for (status, error), alike in _runs(found, lambda state: (state.status, _first(state.error))):
        labels = [state.window.label for state in alike]
        took = sum(state.seconds for state in alike)
        rows.append((_between(labels), str(len(alike)), status, progress.seconds(took) if took else "", error))
    return tables.table(rows, ("windows", "number", "status", "took", ""), right={1, 3})


def plan_text(pipeline: str, planned: Planned) -> str:
    """What would be done in each window; windows for which it is the same have one line."""
    rows = []
    for (work, rest), alike in _runs(planned, lambda each: _work(each[1])):
        rows.append((_between([window.label for window, _ in alike]), str(len(alike)), work, rest))
    table = tables.table(rows, ("windows", "number", "to run", "to reuse"), right={1})
    todo = sum(found is not None for _, found in planned)
    return f"pipeline {pipeline}: {todo} of {progress.plural(len(planned), 'window')} to do\n{table}"


def plan_dict(pipeline: str, planned: Planned) -> dict[str, Any]:
    """The same as plain values, for JSON. A window without steps has succeeded already."""
    return {"pipeline": pipeline, "windows": [_plan_dict(window, found) for window, found in planned]}


def _plan_dict(window: windows.Window, found: preview.Preview | errors.TaneError | None) -> dict[str, Any]:
    known = isinstance(found, preview.Preview)
    return {
        **window._asdict(),
        "done": found is None,
        "steps": found.as_dict()["steps"] if isinstance(found, preview.Preview) else [],
        "error": "" if found is None or known else str(found),
    }


def _work(found: preview.Preview | errors.TaneError | None) -> tuple[str, str]:
    """What would run in a window, and what would be reused, in words."""
    if found is None:
        return "", "all: it has succeeded"
    if isinstance(found, errors.TaneError):
        return f"cannot begin: {found.faults[0].what}", ""
    work = [step.node for step in found.steps if step.action in ("run", "wait")]
    return ", ".join(work), ", ".join(step.node for step in found.steps if step.action == "reuse")


def _runs(found: Iterable[Any], key: Callable[[Any], Any]) -> Iterable[tuple[Any, list[Any]]]:
    return ((alike, list(each)) for alike, each in groupby(found, key))


def _between(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{labels[0]} .. {labels[-1]}"


def _counted(found: backfills.Backfill) -> str:
    told = ", ".join(f"{count} {status}" for status, count in found.counts.items())
    return f"{progress.plural(len(found), 'window')}: {told}"


def _range(cut: windows.Windows) -> str:
    zone = f" {cut.zone}" if cut.zone else ""
    return f"{progress.plural(len(cut), 'window')} of {cut.every} from {cut.start} to {cut.end}{zone}"


def _first(text: str) -> str:
    return text.partition("\n")[0]
