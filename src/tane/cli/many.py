"""What a command of many runs looks like while it goes on: a sweep with its jobs, a backfill with its windows."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Generic, Protocol, TextIO, TypeVar

from tane import events
from tane.cli import progress

FEW = 24  # so many have a line each
_PACE = 2.0  # seconds between two lines of how far it is


class Ended(Protocol):
    """One more has ended: `ended` of the `todo` of this call."""

    @property
    def ended(self) -> int:
        """How many have, with this one."""
        ...

    @property
    def todo(self) -> int:
        """How many are to."""
        ...


Began = TypeVar("Began")
One = TypeVar("One", bound=Ended)


class Lines(Generic[Began, One]):
    """Plain lines: for what all have in common as for a run, then for each that has ended, or every few seconds.

    A command says with a class of its own what they are called, and what their lines are.
    """

    word = ""
    began_with: type[Began]
    ended_with: type[One]

    def __init__(self, out: TextIO, quiet: bool = False) -> None:
        self.out = out
        self._quiet = quiet
        self._shared = progress.Lines(out)
        self._began = self._said = time.monotonic()
        self._todo = 0
        self.is_alone = True  # nothing but these lines says how far it is

    def __enter__(self) -> Lines[Began, One]:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or user code closed it
            self.out.flush()

    def observe(self, told: Any) -> None:
        """Write what has happened."""
        if not self._quiet:
            for line in self.lines(told):
                print(line, file=self.out, flush=True)

    def lines(self, told: Any) -> list[str]:
        """The lines for what has happened."""
        if isinstance(told, self.began_with):
            self._began = time.monotonic()
            self._todo, said = self.begin(told)
            return said
        if isinstance(told, self.ended_with):
            return self._end(told)
        if isinstance(told, events.RunStarted):
            self._shared.lines(told)
            return [f"  {progress.plural(told.steps, 'step')} that all {self.word}s share:"]
        if isinstance(told, events.RunEnded):
            self._began = time.monotonic()
            return []
        return self._shared.lines(told)

    def begin(self, told: Began) -> tuple[int, list[str]]:
        """How many there are to do, and the lines before the first."""
        raise NotImplementedError

    def end(self, told: One) -> tuple[bool, str]:
        """Whether it has to be told even among many, and its line."""
        raise NotImplementedError

    def others(self) -> list[str]:
        """How many have ended otherwise than well, in words."""
        raise NotImplementedError

    def _end(self, told: One) -> list[str]:
        urgent, line = self.end(told)
        if urgent or told.todo <= FEW:
            return [line.rstrip()]
        now = time.monotonic()
        if not self.is_alone or now - self._said < _PACE or told.ended == told.todo:
            return []
        self._said = now
        return [f"  {self.how_far(told.ended)}"]

    def how_far(self, ended: int) -> str:
        """How many have ended, and how long the rest may take."""
        spent = time.monotonic() - self._began
        left = spent / ended * (self._todo - ended) if ended else 0.0
        ahead = [f"about {progress.seconds(left)} left"] if left > 1 else []
        return ", ".join([f"{ended} of {progress.plural(self._todo, self.word)}", *self.others(), *ahead])


class Live(Generic[Began, One]):
    """The same on a terminal, with a last line that moves."""

    def __init__(self, lines: Lines[Began, One]) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive
        from rich.text import Text

        self._lines = lines
        self._lines.is_alone = False
        self._text = Text
        self._console = Console(file=lines.out, highlight=False)
        self._live = RichLive(Text(""), console=self._console, refresh_per_second=8, transient=True)
        self._ended = 0

    def __enter__(self) -> Live[Began, One]:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def observe(self, told: Any) -> None:
        """Print lines above the moving one."""
        if isinstance(told, self._lines.ended_with):
            self._ended = told.ended
        for line in self._lines.lines(told):
            style = "bold red" if line.startswith("  FAILED") else "yellow" if line.startswith("  warning") else ""
            self._console.print(self._text(line, style=style))
        self._live.update(self._text(f"  {self._lines.how_far(self._ended)}" if self._ended else "", style="cyan"))
