"""What a run looks like while it goes on, and when it has ended: plain lines, and live on a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any, TextIO

from tane import events
from tane.outcomes import StepStatus
from tane.runs import preview, results

_WIDTH = 34
_SHOWN = ("loading", "saved", "restored", "replaced")
_PACE = 2.0  # seconds between two lines on how far a fanned-out step is


class Lines:
    """Plain lines, one for each thing that happens: for logs, pipes and continuous integration."""

    def __init__(self, out: TextIO, quiet: bool = False) -> None:
        self._out = out
        self._quiet = quiet
        self._ended_ones: set[int] = set()
        self._steps = 0
        self._said = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or user code closed it
            self._out.flush()

    def observe(self, event: events.Event) -> None:
        """Write what `event` means for a reader."""
        if self._quiet:
            return
        for line in self.lines(event):
            print(line, file=self._out)

    def lines(self, event: events.Event) -> list[str]:
        """The lines for one event."""
        match event:
            case events.RunStarted(run=run, pipeline=pipeline, steps=steps):
                self._steps = steps
                return [f"run {run}: pipeline {pipeline}, {plural(steps, 'step')}"]
            case events.StepStarted(node=node, reasons=reasons):
                return [f"  running  {node:<{_WIDTH}} {'; '.join(map(str, reasons))}".rstrip()]
            case events.DatasetMoved(verb=verb, name=name, type=kind, place=place) if verb in _SHOWN:
                return [f"  {verb:<8} {name:<{_WIDTH}} {kind}: {place}"]
            case events.Notice(level=level, text=text):
                return [f"  {level}: {text}"]
            case events.ItemEnded():
                return self._item_ended(event)
            case events.StepEnded():
                return self._ended(event)
        return []

    def _item_ended(self, event: events.ItemEnded) -> list[str]:
        """How far a fanned-out step is, every few seconds."""
        now = time.monotonic()
        if now - self._said < _PACE or event.ended == event.count:
            return []
        self._said = now
        return [f"  items    {event.node:<{_WIDTH}} {event.ended} of {event.count}"]

    @property
    def _done(self) -> int:
        return len(self._ended_ones)

    def _ended(self, event: events.StepEnded) -> list[str]:
        self._ended_ones.add(event.position)  # a reused step may have to work after all
        count = f"Completed {self._done} of {self._steps}"
        if event.status is StepStatus.SUCCEEDED:
            return [f"  done     {event.node:<{_WIDTH}} {seconds(event.seconds):<8} {count}"]
        if event.status is StepStatus.REUSED:
            return [f"  reused   {event.node:<{_WIDTH}} {count}"]
        if event.status is StepStatus.PRUNED:
            return [f"  pruned   {event.node:<{_WIDTH}} {event.error}".rstrip()]
        if event.status is StepStatus.SKIPPED:
            why = f" {event.error}" if event.error else ""
            return [f"  skipped  {event.node:<{_WIDTH}}{why}".rstrip()]
        return [f"  FAILED   {event.node:<{_WIDTH}} {event.error.splitlines()[0] if event.error else ''}".rstrip()]


class Live(Lines):
    """The same lines on a terminal, with a last line that shows what runs and how long it may take."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        from rich.console import Console
        from rich.live import Live as RichLive
        from rich.text import Text

        self._text = Text
        self._console = Console(file=out, highlight=False)
        self._live = RichLive(self._bar(), console=self._console, refresh_per_second=8, transient=True)
        self._running: dict[str, str] = {}  # how far each is, where that is known
        self._began = time.monotonic()

    def __enter__(self) -> Live:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def observe(self, event: events.Event) -> None:
        """Print the event's lines above the moving one."""
        if isinstance(event, events.StepStarted):
            self._running[event.node] = ""
        elif isinstance(event, events.ItemEnded):
            self._running[event.node] = f" ({event.ended} of {event.count})"
        elif isinstance(event, events.StepEnded):
            self._running.pop(event.node, None)
        lines = self.lines(event)
        self._live.update(self._bar())
        for line in lines:
            self._console.print(self._text(line, style=_style(event)))

    def _bar(self) -> Any:
        running: dict[str, str] = getattr(self, "_running", {})
        if not self._steps:
            return self._text("")
        spent = time.monotonic() - self._began
        left = spent / self._done * (self._steps - self._done) if self._done else 0.0
        names = ", ".join(f"{name}{how_far}" for name, how_far in list(running.items())[:3]) or "..."
        ahead = f", about {seconds(left)} left" if self._done and left > 1 else ""
        return self._text(f"  {self._done} of {self._steps} steps; running {names}{ahead}", style="cyan")


def observer(*, quiet: bool = False) -> Lines:
    """The view that fits standard output."""
    if not quiet and sys.stdout.isatty():
        return Live(sys.stdout)
    return Lines(sys.stdout, quiet)


def run_text(run: results.Run) -> str:
    """What is said when a run has ended."""
    lines = [f"{_summary(run)} in {seconds(run.seconds)}; run {run.id} {run.status}"]
    lines += [f"  {name} = {metric.last:.6g}" for name, metric in sorted(run.metrics.items())]
    return "\n".join(lines)


def standing_text(run: results.Run) -> str:
    """What is said when the same command finds nothing to do."""
    lines = [f"nothing changed since run {run.id}: {plural(len(run.steps), 'step')} up to date"]
    lines += [f"  {name} = {metric.last:.6g}" for name, metric in sorted(run.metrics.items())]
    return "\n".join(lines)


def plan_text(planned: preview.Preview) -> str:
    """A plan, one line a step, reasons beside it."""
    words = {"run": "run", "reuse": "reuse", "skip": "skip", "wait": "wait"}
    lines = []
    for step in planned.steps:
        reasons = "; ".join(map(str, step.reasons))
        lines.append(f"  {words[step.action]:<6} {step.node:<{_WIDTH}} {reasons}".rstrip())
    for note in planned.files:
        lines.append(f"  file   {note.path} {_FILES[note.action]}")
    lines += [f"  note   {notice}" for notice in planned.notices]
    counts = {action: sum(step.action == action for step in planned.steps) for action in words}
    told = ", ".join(f"{count} {_PLANNED[action]}" for action, count in counts.items() if count)
    head = f"pipeline {planned.pipeline}: {told}"
    return "\n".join([head, *lines])


_FILES = {
    "restore": "is missing and would be restored",
    "replace": "was changed by hand: its bytes would be kept and the file replaced",
    "place": "holds what another run made and would be replaced",
}
_PLANNED = {"run": "to run", "reuse": "to reuse", "skip": "to skip", "wait": "waiting for those"}


def plural(count: int, word: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def seconds(value: float) -> str:
    """A duration for people."""
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def _summary(run: results.Run) -> str:
    parts = [f"{count} {status}" for status, count in run.counts.items()]
    return f"{plural(len(run.steps), 'step')}: {', '.join(parts) or 'none'}"


def _style(event: events.Event) -> str:
    if isinstance(event, events.StepEnded):
        if event.status is StepStatus.FAILED:
            return "bold red"
        if event.status is StepStatus.REUSED:
            return "dim"
        return "yellow" if event.status in (StepStatus.PRUNED, StepStatus.SKIPPED) else ""
    if isinstance(event, events.Notice):
        return "yellow"
    return "dim" if isinstance(event, events.DatasetMoved) else ""
