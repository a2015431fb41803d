"""What a backfill looks like while it goes on, when it has ended, and before it begins."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, TextIO

from tane import errors, events
from tane.cli import progress, tables
from tane.runs import backfill_leading, backfill_records, backfills, preview, windows

_PACE = 2.0  # seconds between two lines on how far it is
_FEW = 24  # so many windows have a line each
_MARKS = {"succeeded": "done", "reused": "reused", "failed": "FAILED", "interrupted": "stopped"}

Planned = Sequence[tuple[windows.Window, preview.Preview | errors.TaneError | None]]


class Lines:
    """Plain lines: for what all windows share as for a run, then for each window, or every few seconds for many."""

    def __init__(self, out: TextIO, quiet: bool = False) -> None:
        self._out = out
        self._quiet = quiet
        self._shared = progress.Lines(out)
        self._tally: dict[str, int] = {}
        self._todo = 0
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or user code closed it
            self._out.flush()

    def observe(self, told: backfill_leading.Told) -> None:
        """Write what has happened."""
        if not self._quiet:
            for line in self.lines(told):
                print(line, file=self._out, flush=True)

    def lines(self, told: backfill_leading.Told) -> list[str]:
        """The lines for what has happened."""
        match told:
            case backfill_leading.Began():
                return self._begin(told)
            case backfill_leading.WindowEnded():
                return self._ended(told)
            case events.RunStarted():
                self._shared.lines(told)
                return [f"  {progress.plural(told.steps, 'step')} that all windows share:"]
            case events.RunEnded():
                self._began = time.monotonic()
                return []
        return self._shared.lines(told)

    def _begin(self, told: backfill_leading.Began) -> list[str]:
        self._todo, self._began = told.todo, time.monotonic()
        goes_on = f", {told.todo} to do" if told.todo < len(told.cut) else ""
        head = f"backfill {told.backfill}{' goes on' if told.goes_on else ''}: pipeline {told.pipeline}"
        return [f"{head}, {_range(told.cut)}{goes_on}"]

    def _ended(self, told: backfill_leading.WindowEnded) -> list[str]:
        state = told.state
        self._tally[state.status] = self._tally.get(state.status, 0) + 1
        failed = state.status not in backfill_records.DONE
        if failed or told.todo <= _FEW:
            said = _first(state.error) if failed else progress.seconds(state.seconds)
            return [f"  {_MARKS.get(state.status, state.status):<8} {state.window.label:<22} {said}".rstrip()]
        now = time.monotonic()
        if now - self._said < _PACE or told.ended == told.todo:
            return []
        self._said = now
        return [f"  {self.how_far(told.ended)}"]

    def how_far(self, ended: int) -> str:
        """How many windows have ended, and how long the rest may take."""
        spent = time.monotonic() - self._began
        left = spent / ended * (self._todo - ended) if ended else 0.0
        others = [f"{count} {word}" for word, count in sorted(self._tally.items()) if word != "succeeded"]
        ahead = [f"about {progress.seconds(left)} left"] if left > 1 else []
        return ", ".join([f"{ended} of {progress.plural(self._todo, 'window')}", *others, *ahead])


class Live(Lines):
    """The same on a terminal, with a last line that moves."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        from rich.console import Console
        from rich.live import Live as RichLive
        from rich.text import Text

        self._text = Text
        self._console = Console(file=out, highlight=False)
        self._live = RichLive(Text(""), console=self._console, refresh_per_second=8, transient=True)
        self._windows = 0

    def __enter__(self) -> Live:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def observe(self, told: backfill_leading.Told) -> None:
        """Print lines above the moving one."""
        if isinstance(told, backfill_leading.WindowEnded):
            self._windows = told.ended
            self._said = time.monotonic()  # the moving line says how far it is
        for line in self.lines(told):
            style = "bold red" if line.startswith("  FAILED") else "yellow" if line.startswith("  warning") else ""
            self._console.print(self._text(line, style=style))
        self._live.update(self._text(f"  {self.how_far(self._windows)}" if self._windows else "", style="cyan"))


def observer(*, quiet: bool = False) -> Lines:
    """The view that fits standard output."""
    if not quiet and sys.stdout.isatty():
        return Live(sys.stdout)
    return Lines(sys.stdout, quiet)


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
