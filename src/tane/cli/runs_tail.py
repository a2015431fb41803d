"""`tane runs tail`."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import click

from tane import errors, outcomes
from tane.cli import homes, show, tables
from tane.ledger import connection, read, records

_PAUSE = 0.3
_LATE = 5  # looks at a run that lives, between two looks at whether it does


@click.command(short_help="follow a run that is at work")
@click.argument("given", nargs=-1, metavar="[FLOW.py] [RUN]")
@click.option(
    "-n", "limit", default=10, type=click.IntRange(min=0), metavar="N", help="Begin with the last N lines (10)."
)
@click.option("--json", "as_json", is_flag=True, help="Print each line as JSON.")
@homes.environment
@homes.where
def command(given: tuple[str, ...], limit: int, as_json: bool, env: tuple[str, ...], path: str) -> None:
    """Follow a run that is at work: its log and its metrics as they come, until it ends, however it ends. Without RUN
    the newest that is at work.

    \b
    Examples:
      tane runs tail
      tane runs tail 20261121-10 -n 50
    """
    path, prefix = homes.words(given, path, "run")
    home = homes.find(path, env)
    with homes.ledger_of(home) as ledger:
        run = _chosen(ledger, prefix)
        if run.status is outcomes.RunStatus.RUNNING:
            name = f" {tables.visible(run.name)}" if run.name else ""
            click.echo(f"following run {run.run}{name}; Ctrl-C leaves it at work", err=True)
        for line in _Tail(ledger, home, run).lines(limit):
            click.echo(json.dumps(line, default=str, ensure_ascii=False) if as_json else _text(line))


def _chosen(ledger: connection.Ledger, prefix: str) -> records.RunRecord:
    if prefix:
        return read.run(ledger, prefix)
    live = read.runs(ledger, status=outcomes.RunStatus.RUNNING, limit=1)
    if live:
        return live[0]
    newest = read.runs(ledger, limit=1)
    if not newest:
        raise errors.UsageError("nothing has run here yet", hint="tane run")
    last = newest[0]
    raise errors.UsageError(
        f"no run is at work here; the last one, {last.run}, {last.status}", hint=f"tane show {last.run} --log"
    )


class _Tail:
    """One run that is followed."""

    def __init__(self, ledger: connection.Ledger, home: homes.Home, run: records.RunRecord) -> None:
        self.ledger = ledger
        self.run = run
        self.log = home.work / "runs" / run.run / "log.jsonl"
        self._at = 0
        self._rest = b""
        self._counts: dict[str, int] = {}

    def lines(self, limit: int) -> Iterator[dict[str, Any]]:
        """What is there already, the last `limit` lines of it; then what comes; at last how it ended."""
        before = sorted([*self._logged(), *self._measured()], key=_time)
        yield from before[len(before) - limit :] if limit else ()
        looks = 0
        while True:
            looks += 1
            state = self._state() if looks % _LATE == 1 else None
            yield from sorted([*self._logged(), *self._measured()], key=_time)
            if state is not None and state.status is not outcomes.RunStatus.RUNNING:
                yield from self._end(state)
                return
            time.sleep(_PAUSE)

    def _state(self) -> records.RunRecord:
        return read.run(self.ledger, self.run.run)

    def _end(self, state: records.RunRecord) -> Iterator[dict[str, Any]]:
        yield from sorted([*self._logged(final=True), *self._measured()], key=_time)
        said: dict[str, Any] = {"event": "ended", "run": state.run, "status": str(state.status), "at": state.ended}
        if state.error:
            said["error"] = state.error.splitlines()[0]
        yield said

    def _logged(self, *, final: bool = False) -> list[dict[str, Any]]:
        """The lines of the log that are new; the last one only when it is whole, or will never be."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        self._at += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        if final and self._rest:
            whole, self._rest = [*whole, self._rest], b""
        return [_parsed(line) for line in whole if line]

    def _measured(self) -> list[dict[str, Any]]:
        """The points of metrics that are new."""
        found = []
        for metric in read.metrics(self.ledger, self.run.run):
            seen = self._counts.get(metric.name, 0)
            if metric.count > seen:
                points = sorted(read.series(self.ledger, self.run.run, metric.name), key=lambda point: point.at)
                self._counts[metric.name] = len(points)
                found += [
                    {
                        "event": "metric",
                        "at": point.at,
                        "name": metric.name,
                        "step": point.step,
                        "value": _plain(point.value),
                    }
                    for point in points[seen:]
                ]
        return found


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _parsed(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8", "replace")
    try:
        found = json.loads(text)
        return found if isinstance(found, dict) and isinstance(found.get("at"), int | float) else {"line": text}
    except ValueError:  # cut short by a crash
        return {"line": text}


def _time(line: dict[str, Any]) -> float:
    return float(line.get("at", math.inf))


def _text(line: dict[str, Any]) -> str:
    if "line" in line:
        return tables.visible(line["line"])
    if line["event"] == "metric":
        value = line["value"]
        shown = value if isinstance(value, str) else tables.number(value)
        return f"{tables.when(line['at'])}  {tables.visible(line['name'])} = {shown} (step {line['step']})"
    if line["event"] == "ended":
        how = "was killed" if line["status"] == "killed" else line["status"]
        more = f": {line['error']}" if line.get("error") else ""
        return f"run {line['run']} {how}, {tables.when(line['at'])}{more}"
    return tables.visible(show.log_line(json.dumps(line)))
