"""What a sweep looks like while it goes on, when it has ended, and before it begins."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from tane.cli import many, progress, tables
from tane.ledger import studies
from tane.tuning import sweep_leading, sweep_records, sweeps

_ROWS = 100  # so many rows has the table that a command ends with
_METRICS = 6  # so many metrics have a column when none is asked for
_MARKS = {sweep_records.SUCCEEDED: "done", sweep_records.FAILED: "FAILED"}
_PUBLISH = "jobs publish nothing to the workspace: tane show {}/NUMBER --artifacts DIR lays one out"


class Lines(many.Lines[sweep_leading.Began, sweep_leading.PointEnded]):
    """The jobs before they begin, then a line for each that has ended."""

    word = "job"
    began_with = sweep_leading.Began
    ended_with = sweep_leading.PointEnded

    def __init__(self, out: TextIO, quiet: bool = False) -> None:
        super().__init__(out, quiet)
        self._failed = 0

    def begin(self, told: sweep_leading.Began) -> tuple[int, list[str]]:
        """The jobs that are to be done."""
        goes_on = f", {len(told.todo)} to do" if len(told.todo) < len(told.points) else ""
        count = progress.plural(len(told.points), "job")
        head = f"sweep {told.sweep}{' goes on' if told.goes_on else ''}: pipeline {told.pipeline}, {count}{goes_on}"
        shown = [told.points[number] for number in told.todo[: many.FEW]]
        lines = [head, *(f"  #{point.number:<4} {_named(point.values)}".rstrip() for point in shown)]
        if len(told.todo) > many.FEW:
            lines.append(f"  ... and {len(told.todo) - many.FEW} more")
        if told.todo:
            lines.append(f"  {_PUBLISH.format(told.sweep)}")
        return len(told.todo), lines

    def end(self, told: sweep_leading.PointEnded) -> tuple[bool, str]:
        """A job with its metrics, or with what went wrong."""
        state = told.state
        failed = state.status != sweep_records.SUCCEEDED
        self._failed += failed
        said = _first(state.error) if failed else _numbers(state)
        mark = _MARKS.get(state.status, state.status)
        return failed, f"  {mark:<8} #{state.number:<4} {progress.seconds(state.seconds):<8} {said}"

    def others(self) -> list[str]:
        """How many failed."""
        return [f"{self._failed} failed"] if self._failed else []


Shown = Lines | many.Live[sweep_leading.Began, sweep_leading.PointEnded]


def observer(*, quiet: bool = False) -> Shown:
    """The view that fits standard output."""
    lines = Lines(sys.stdout, quiet)
    return many.Live(lines) if not quiet and sys.stdout.isatty() else lines


# --- pages ----------------------------------------------------------------------------------------------------------


def ended_text(found: sweeps.Sweep) -> str:
    """What is said when a sweep has ended: its jobs, best first, and what came of it."""
    table = _table(found, _ROWS)
    if found.done_before == len(found) and found.status == "succeeded":
        return f"{table}\nnothing to do: {_all_of(len(found))} before"
    before = f", {found.done_before} of them before" if found.done_before else ""
    last = f"{_counted(found)}{before} in {progress.seconds(found.seconds)}; sweep {found.id} {found.status}"
    return f"{table}\n{last}"


def _all_of(count: int) -> str:
    return "1 job succeeded" if count == 1 else f"all {count} jobs succeeded"


def status_text(found: sweeps.Sweep) -> str:
    """How the jobs of a sweep stand."""
    took = f", took {progress.seconds(found.seconds)}" if found.seconds else ""
    head = f"sweep {found.id} {found.status}{took}: pipeline {found.pipeline}"
    return f"{head}\n{_table(found, len(found))}\n{_counted(found)}"


def list_text(known: Sequence[tuple[studies.Study, sweeps.Sweep]]) -> str:
    """The sweeps there are, newest first."""
    if not known:
        return "no sweep yet: tane sweep --help shows how to begin one"
    rows = [
        (found.id, tables.when(study.created), found.pipeline, str(len(found)), str(found.status), _over(found))
        for study, found in known
    ]
    return tables.table(rows, ("sweep", "began", "pipeline", "jobs", "status", "over"), right={3})


def list_dict(known: Sequence[tuple[studies.Study, sweeps.Sweep]]) -> list[dict[str, Any]]:
    """The same as plain values, for JSON."""
    return [
        {
            "id": found.id,
            "began": tables.iso(study.created),
            "pipeline": found.pipeline,
            "status": str(found.status),
            "counts": found.counts,
            "over": list(found.varied),
        }
        for study, found in known
    ]


def plan_text(pipeline: str, planned: Sequence[sweeps.Planned]) -> str:
    """The jobs that there would be, and what would run in each."""
    rows = []
    for each in planned:
        work = "" if each.plan is None else ", ".join(s.node for s in each.plan.steps if s.action in ("run", "wait"))
        rest = "it has succeeded" if each.done else work or "nothing: all is reused"
        rows.append((f"#{each.point.number}", _named(each.point.values), rest))
    todo = sum(not each.done for each in planned)
    table = tables.table(rows, ("job", "values", "to run"))
    return f"pipeline {pipeline}: {todo} of {progress.plural(len(planned), 'job')} to do\n{table}"


def plan_dict(pipeline: str, planned: Sequence[sweeps.Planned]) -> dict[str, Any]:
    """The same as plain values, for JSON."""
    return {
        "pipeline": pipeline,
        "jobs": [
            {
                "number": each.point.number,
                "overrides": list(each.point.overrides),
                "values": dict(each.point.values),
                "done": each.done,
                "steps": each.plan.as_dict()["steps"] if each.plan is not None else [],
            }
            for each in planned
        ],
    }


def _table(found: sweeps.Sweep, most: int) -> str:
    """A row for each job, best first: what it was given where that differs, its metrics, how it ended."""
    keys = found.varied or tuple(found.points[0].values) if found.points else ()
    metrics = found.reported
    if not found.metrics:
        metrics = metrics[:_METRICS]
    header = ("job", *keys, *metrics, "status", "took", "run")
    rows = [
        (
            f"#{state.number}",
            *(tables.value(state.values[key]) if key in state.values else "" for key in keys),
            *(tables.number(state.metrics[name]) if name in state.metrics else "" for name in metrics),
            state.status,
            progress.seconds(state.seconds) if state.run else "",
            state.run,
        )
        for state in found.ranked[:most]
    ]
    first = len(keys) + 1
    text = tables.table(rows, header, right=set(range(first, first + len(metrics))))
    if len(found) > most:
        text += f"\n... and {len(found) - most} more: tane sweep --show {found.id}"
    failed = [state for state in found if state.error]
    lines = [f"  #{state.number:<4} {_first(state.error)}" for state in failed[: many.FEW]]
    more = [f"  ... and {len(failed) - many.FEW} more"] if len(failed) > many.FEW else []
    return "\n".join([text, *(["failed:", *lines, *more] if failed else [])])


def _over(found: sweeps.Sweep) -> str:
    return ", ".join(found.varied)


def _counted(found: sweeps.Sweep) -> str:
    told = ", ".join(f"{count} {status}" for status, count in found.counts.items())
    return f"{progress.plural(len(found), 'job')}: {told}"


def _named(values: Any) -> str:
    """What a job has of what was swept over, on one line."""
    return "  ".join(f"{key}={tables.value(value)}" if value is not None else key for key, value in values.items())


def _numbers(state: sweeps.State) -> str:
    shown = list(state.metrics.items())[:_METRICS]
    return "  ".join(f"{name}={tables.number(value)}" for name, value in shown)


def _first(text: str) -> str:
    return text.partition("\n")[0]
