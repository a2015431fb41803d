"""What the ledger knows of backfills: which there are, what each was asked for, how its windows stand.

A backfill has a record among the runs, of kind "backfill", whose `config["backfill"]` is its spec. Its windows are
ordinary runs of kind "window", named "ID/label"; the newest of a label counts. Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.ledger import connection, read, records
from tane.outcomes import RunStatus, StepStatus
from tane.runs import windows

SUCCEEDED, REUSED, NOT_RUN = "succeeded", "reused", "not run"
DONE = (SUCCEEDED, REUSED)


class State(NamedTuple):
    """How one window stands.

    `status` is "succeeded", "reused" (nothing had to be done), "failed", "interrupted", "killed", "running" or
    "not run"; `run` is empty where there is none yet.
    """

    window: windows.Window
    status: str = NOT_RUN
    run: str = ""
    seconds: float = 0.0
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        rest = {"status": self.status, "run": self.run, "seconds": round(self.seconds, 6), "error": self.error}
        return {"label": self.window.label, "start": self.window.start, "end": self.window.end, **rest}


@fielded.frozen
class Backfill:
    """A backfill as it stands: its windows in order of time.

    `backfill["2026-01-01T0000"]` is the state of one, `backfill.load(label, dataset)` a value that its run made.
    """

    id: str
    pipeline: str
    status: RunStatus
    every: str
    windows: tuple[State, ...]
    seconds: float = 0.0
    error: errors.TaneError | None = None
    notes: tuple[str, ...] = ()
    done_before: int = 0  # windows that had succeeded before this call
    _load: Callable[[str, str], Any] = fielded.field(repr=False, compare=False, default=lambda run, name: None)

    def __getitem__(self, label: str) -> State:
        """The window of that label. Raises `errors.UsageError` when there is none."""
        for state in self.windows:
            if state.window.label == label:
                return state
        known = [state.window.label for state in self.windows]
        hint = errors.did_you_mean(label, known, f"they go from {known[0]} to {known[-1]}")
        raise errors.UsageError(f"backfill {self.id} has no window {label!r}", hint=hint)

    def __iter__(self) -> Iterator[State]:
        return iter(self.windows)

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def counts(self) -> dict[str, int]:
        """How many windows stand in each way."""
        found: dict[str, int] = {}
        for state in self.windows:
            found[state.status] = found.get(state.status, 0) + 1
        return found

    def load(self, label: str, dataset: str) -> Any:
        """The value of `dataset` in the window of that label. Raises `errors.UsageError` when it has none."""
        state = self[label]
        if not state.run:
            raise errors.UsageError(f"window {label} of backfill {self.id} has not run", hint="resume the backfill")
        return self._load(state.run, dataset)

    def as_dict(self) -> dict[str, Any]:
        """The backfill as plain values, for JSON."""
        return {
            "id": self.id,
            "pipeline": self.pipeline,
            "status": str(self.status),
            "every": self.every,
            "seconds": round(self.seconds, 6),
            "counts": self.counts,
            "windows": [state.as_dict() for state in self.windows],
            "notes": list(self.notes),
            "error": str(self.error) if self.error is not None else "",
        }

    def raise_for_status(self) -> Backfill:
        """The backfill itself if all that was to be done succeeded; otherwise raises the error that it ended with."""
        if self.error is not None:
            raise self.error
        return self


# --- records ----------------------------------------------------------------------------------------------------------


def spec(cut: windows.Windows, like: str, basis: str, pins: str) -> dict[str, Any]:
    """What a backfill's record says of it. `like` digests what was asked for, `basis` all that results depend on."""
    return {
        "from": cut.start,
        "to": cut.end,
        "every": str(cut.every),
        "tz": cut.zone,
        "windows": len(cut),
        "like": like,
        "basis": basis,
        "pins": pins,
    }


def windows_of(record: records.RunRecord) -> windows.Windows:
    """The windows of a recorded backfill."""
    said = record.config["backfill"]
    return windows.cut(said["from"], said["to"], said["every"], said["tz"])


def find(ledger: connection.Ledger, prefix: str) -> records.RunRecord:
    """The backfill whose id begins so, or has it behind the time; "last": the newest. Raises `errors.UsageError`."""
    if prefix in ("last", "latest"):
        found = read.runs(ledger, limit=1, kind=records.BACKFILL)
        if found:
            return found[0]
        raise errors.UsageError("there has been no backfill yet", hint="tane backfill --help shows how to begin one")
    record = read.run(ledger, prefix)
    if record.kind == records.WINDOW:
        return read.run(ledger, record.name.partition("/")[0])
    if record.kind != records.BACKFILL:
        known = ", ".join(each.run for each in read.runs(ledger, limit=5, kind=records.BACKFILL))
        raise errors.UsageError(
            f"{record.run} is a run, no backfill", hint=f"there are: {known}" if known else f"tane show {record.run}"
        )
    return record


def standing_on(ledger: connection.Ledger, pipeline: str, key: str, digest: str) -> records.RunRecord | None:
    """The newest backfill of a pipeline whose `key` ("like" or "basis") has that digest."""
    for record in read.runs(ledger, pipeline=pipeline, kind=records.BACKFILL):
        if record.config["backfill"][key] == digest:
            return record
    return None


def states(ledger: connection.Ledger, backfill: str) -> dict[str, State]:
    """How the windows that have run stand, by label. Their windows are not looked up: that is the caller's."""
    newest = {run.name.partition("/")[2]: run for run in read.windows(ledger, backfill)}
    counts = read.counts(ledger, [run.run for run in newest.values()])
    return {label: _state(label, run, counts.get(run.run, {})) for label, run in newest.items()}


def _state(label: str, run: records.RunRecord, counts: Mapping[StepStatus, int]) -> State:
    seconds = max(run.ended - run.started, 0.0) if run.ended else 0.0
    return State(windows.Window("", "", label), word(run.status, counts), run.run, seconds, run.error)


def word(status: RunStatus, counts: Mapping[StepStatus, int]) -> str:
    """How a window stands whose run ended so, in a word."""
    if status is RunStatus.SUCCEEDED and not counts.get(StepStatus.SUCCEEDED):
        return REUSED
    return str(status)


def look(ledger: connection.Ledger, record: records.RunRecord) -> Backfill:
    """A backfill as it stands now."""
    known = states(ledger, record.run)
    return Backfill(
        id=record.run,
        pipeline=record.pipeline,
        status=record.status,
        every=record.config["backfill"]["every"],
        windows=tuple(known.get(window.label, State(window))._replace(window=window) for window in windows_of(record)),
        seconds=max(record.ended - record.started, 0.0) if record.ended else 0.0,
    )
