"""A small event bus, and the context variable through which code inside a node reaches the run it belongs to.

The records are what plug-ins get (docs/plugins.md): their fields are a promise. Observers see events in the order they
subscribed and never change a result: what an observer raises is noted in `Bus.faults` as text, and the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
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

    When it failed, `error` says what went wrong and `traceback` where in the user's code. `outputs` are the digests of
    what it made, by dataset.
    """

    run: str
    node: str
    position: int
    status: outcomes.StepStatus
    seconds: float = 0.0
    error: str = ""
    traceback: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """One more item of a fanned-out step has ended: `ended` of `count` so far."""

    run: str
    node: str
    position: int
    ended: int
    count: int


@dataclass(frozen=True, slots=True)
class DatasetMoved:
    """A dataset is on its way: `verb` is "loading", "loaded", "saving", "saved", "restored" or "replaced".

    `place` is its path or URL, or "memory". `node` is the step that takes or makes it, `seconds` how long that took;
    `digest` and `bytes` are those of its content, as far as they are known. `load`, where there is one, gives the value
    anew, for the caller alone.
    """

    run: str
    verb: str
    name: str
    type: str
    place: str
    node: str = ""
    seconds: float = 0.0
    digest: str = ""
    bytes: int = 0
    load: Callable[[], Any] | None = field(default=None, repr=False, compare=False)


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
    pipeline: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step has failed, or, where `node` is empty, the whole run. Made for plug-ins; never published."""

    run: str
    pipeline: str
    node: str
    error: str
    traceback: str
    seconds: float


Event = RunStarted | StepStarted | StepEnded | ItemEnded | DatasetMoved | Notice | RunEnded
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
