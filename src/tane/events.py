"""A small event bus, and the context variable through which code inside a node reaches the run it belongs to.

Observers see events in the order they subscribed and never change a result: what an observer raises is passed to
`Bus.failed` observers as text, not to the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from tane import outcomes


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins: its id, the pipeline's name and how many steps it has."""

    run: str
    pipeline: str
    steps: int


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins to work, for these reasons."""

    run: str
    node: str
    position: int
    reasons: Sequence[outcomes.Reason]


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step has ended; `seconds` is its wall time (0 when reused).

    When it failed, `error` says what went wrong and `traceback` where in the user's code.
    """

    run: str
    node: str
    position: int
    status: outcomes.StepStatus
    seconds: float = 0.0
    error: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class DatasetMoved:
    """A dataset was loaded, saved, restored or replaced (`verb`); `place` is its path or URL, or "memory"."""

    run: str
    verb: str
    name: str
    type: str
    place: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know: level is "info" or "warning"."""

    run: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run has ended, with how many steps of each status."""

    run: str
    status: outcomes.RunStatus
    counts: Mapping[outcomes.StepStatus, int]
    seconds: float
    error: str = ""


Event = RunStarted | StepStarted | StepEnded | DatasetMoved | Notice | RunEnded
Observer = Callable[[Event], None]


class Bus:
    """Passes events to observers, in the order they subscribed."""

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers: list[Observer] = list(observers)
        self.faults: list[str] = []

    def subscribe(self, observer: Observer) -> None:
        """Add `observer` behind those there are."""
        self._observers.append(observer)

    def publish(self, event: Event) -> None:
        """Show `event` to every observer; what one raises is noted in `faults` and stops no one."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception as error:
                self.faults.append(f"{observer!r} on {type(event).__name__}: {error!r}")


class Sink(Protocol):
    """What code inside a node can reach of its run. `tracking` provides it; workers carry one too."""

    run: str

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Record one point of each metric."""
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        ...

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep a file or folder."""
        ...


active: ContextVar[Sink | None] = ContextVar("tane_active_run", default=None)
