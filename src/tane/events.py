"""A small event bus, and the context variable through which code inside a node reaches the run it belongs to.

The records are what plug-ins get (docs/plugins.md): their fields are a promise. Observers see events in the order they
subscribed and never change a result: what an observer raises is noted in `Bus.faults` as text, and the run goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from tane import errors, fielded, outcomes


@fielded.frozen
class RunStarted:
    """A run begins: its id, the pipeline's name and how many steps it has."""

    run: str
    pipeline: str
    steps: int


@fielded.frozen
class StepStarted:
    """A step begins to work, for these reasons."""

    run: str
    node: str
    position: int
    reasons: Sequence[outcomes.Reason]


@fielded.frozen
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
    outputs: Mapping[str, str] = fielded.field(default_factory=dict)


@fielded.frozen
class ItemEnded:
    """One more item of a fanned-out step has ended: `ended` of `count` so far."""

    run: str
    node: str
    position: int
    ended: int
    count: int


@fielded.frozen
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
    load: Callable[[], Any] | None = fielded.field(default=None, repr=False, compare=False)


@fielded.frozen
class Notice:
    """Something the user should know: level is "info" or "warning"."""

    run: str
    level: str
    text: str


@fielded.frozen
class RunEnded:
    """A run has ended, with how many steps of each status."""

    run: str
    status: outcomes.RunStatus
    counts: Mapping[outcomes.StepStatus, int]
    seconds: float
    error: str = ""
    pipeline: str = ""


@fielded.frozen
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
    pruned: errors.PrunedTrial | None  # what `report` has raised

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Record one point of each metric."""
        ...

    def report(self, value: float, step: int | None, name: str) -> None:
        """Record how far it has come; where that is a trial that falls behind, raises `errors.PrunedTrial`."""
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        ...

    def set_note(self, note: str) -> None:
        """Give the run its note."""
        ...

    def log_file(self, path: str, name: str, kind: str) -> None:
        """Keep a file or folder."""
        ...

    def log_data(self, data: bytes, name: str, kind: str) -> None:
        """Keep bytes as a file."""
        ...

    def whole(self) -> Sink:
        """The same run, of no step in particular."""
        ...


REPORT = "report"  # the metric that reports go to where nobody gives it a name
active: ContextVar[Sink | None] = ContextVar("tane_active_run", default=None)
_under_way: list[Sink] = []


class working:  # noqa: N801  used as a function; a generator would cost a trivial step a tenth of its time
    """Inside, `sink` is what code reaches its run through."""

    __slots__ = ("_outer", "_sink", "_token")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def __enter__(self) -> None:
        outer = active.get()  # a step that has begun a run of its own in memory waits for it
        self._outer = outer if outer is not None and outer in _under_way else None
        if self._outer is not None:
            _under_way.remove(self._outer)
        self._token = active.set(self._sink)
        _under_way.append(self._sink)

    def __exit__(self, *failure: object) -> None:
        _under_way.remove(self._sink)
        active.reset(self._token)
        if self._outer is not None:
            _under_way.append(self._outer)


def current() -> Sink | None:
    """What the caller reaches its run through, or None.

    A thread that user code has started knows nothing of the step it works for. It is the one that is under way; where
    several steps of one run are, it is that run.
    """
    found = active.get()
    if found is not None or not _under_way or threading.current_thread() is threading.main_thread():
        return found
    going = tuple(_under_way)
    if len(going) > 1:
        return going[0].whole() if len({sink.run for sink in going}) == 1 else None
    return going[0] if going else None
