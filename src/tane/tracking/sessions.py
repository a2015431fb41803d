"""Runs that need no pipeline: `start_run` in a script, a notebook, a REPL, a thread, or inside of a node.

The run is recorded from its first line. A script that crashes leaves it marked failed, one that is killed leaves a
lease that runs out, and a script that just ends closes it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tane import errors, events, fielded, outcomes
from tane.ledger import connection, leases, read, records, write
from tane.plan import environment
from tane.project import snapshot
from tane.store import referrers
from tane.tracking import calls, current, destinations, endings, mirrors, past, places, plain, system

_log = logging.getLogger("tane.tracking")


class TrackedRun(past.RecordedRun):
    """An open run. Use it as a context manager, or call `end`. Its methods log to it, wherever they are called."""

    def __init__(
        self, goal: destinations.Destination, record: records.RunRecord, *, leads: bool, beside: bool, every: float
    ) -> None:
        ledger, store = goal.places
        super().__init__(record.run, ledger, store)
        self._goal = goal
        self._leads = leads
        self._process = os.getpid()
        self._open = True
        self._ending = threading.Lock()
        self._ended = threading.Event()
        self.bare = True  # nobody has entered it as a context manager
        if leads and goal.ledger is not None:
            threading.Thread(target=self._live, args=(goal.ledger,), name="tane-lease", daemon=True).start()
        self._opened = current.enter(goal.sink, beside=beside)
        _left_open[self] = None
        endings.watch(_close_all)
        self._sampler = system.Sampler(goal.sink, every) if every else None

    # --- its time ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> TrackedRun:
        self.bare = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end(*endings.of(error))
        except errors.TaneError as fault:  # what went wrong first tells more
            if error is None:
                raise
            _log.warning("run %s could not be closed: %s", self.id, fault)

    def end(self, status: str = outcomes.RunStatus.SUCCEEDED, error: str = "") -> None:
        """Close the run, as "succeeded", "failed" or "interrupted"; a second call does nothing."""
        if status not in _ENDINGS:
            hint = errors.did_you_mean(str(status), _ENDINGS, f"write one of {', '.join(_ENDINGS)}")
            raise errors.UsageError(f"a run cannot end as {status!r}", hint=hint)
        with self._ending:
            if not self._open:
                return
            self._open = False
        self._ended.set()
        _left_open.pop(self, None)
        current.leave(self._opened)
        if self._process != os.getpid():  # a fork of the process that leads it
            return
        if self._sampler is not None:
            self._sampler.stop()
        self._goal.end(self.id, outcomes.RunStatus(status), error, self._leads)

    def _live(self, ledger: connection.Ledger) -> None:
        """Show those on other machines, who cannot look at this process, that it lives."""
        while not self._ended.wait(leases.LEASE / 6):
            try:
                write.beat(ledger, self.id)
            except errors.TaneError:  # closed; or lost, which the next that is logged tells
                return

    # --- what it logs -----------------------------------------------------------------------------------------------

    @property
    def _sink(self) -> events.Sink:
        if not self._open:
            raise errors.UsageError(f"run {self.id} has ended", hint=f"tane.start_run(run={self.id!r}) goes on with it")
        return self._goal.sink

    def log_param(self, name: str, value: Any) -> None:
        """Record one parameter."""
        self._sink.log_params({name: value})

    def log_params(self, params: Any) -> None:
        """Record parameters; see `tane.log_params`."""
        self._sink.log_params(params)

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Record one point of a metric."""
        calls.metrics(self._sink, {name: value}, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record one point of each metric, all at one step."""
        calls.metrics(self._sink, metrics, step)

    def set_tag(self, name: str, value: str) -> None:
        """Set one tag."""
        self._sink.set_tags({name: value})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._sink.set_tags(tags)

    def set_note(self, text: str) -> None:
        """Give the run its note, in Markdown."""
        calls.note(self._sink, text)

    def log_artifact(self, path: str | Path, name: str | None = None) -> None:
        """Keep a file or a folder."""
        calls.artifact(self._sink, path, name)

    def log_text(self, text: str, name: str) -> None:
        """Keep a text as a file."""
        calls.text(self._sink, text, name)

    def log_dict(self, name: str, content: Any) -> None:
        """Keep nested content as JSON or YAML."""
        calls.document(self._sink, name, content)

    def log_table(self, name: str, rows: Any) -> None:
        """Keep a table; see `tane.log_table`."""
        calls.table(self._sink, name, rows)

    def log_figure(self, name: str, figure: Any) -> None:
        """Keep a figure."""
        calls.figure(self._sink, name, figure)

    def log_image(self, name: str, image: Any) -> None:
        """Keep an image; see `tane.log_image`."""
        calls.image(self._sink, name, image)

    def log_model(self, model: Any, name: str = "model") -> None:
        """Keep a model; see `tane.log_model`."""
        calls.model(self._sink, model, name)

    @property
    def note(self) -> str:
        """Its note, in Markdown. Set it to write it."""
        return super().note

    @note.setter
    def note(self, text: str) -> None:
        calls.note(self._sink, text)


_ENDINGS = ("succeeded", "failed", "interrupted", "pruned")
_left_open: dict[TrackedRun, None] = {}


def _close_all(ending: endings.Ending) -> None:
    """Close what is open when the process ends, the innermost first."""
    for run in reversed(list(_left_open)):
        try:
            run.end(*ending)
        except errors.TaneError as error:
            _log.warning("run %s could not be closed: %s", run.id, error)


def start_run(
    name: str = "",
    *,
    tags: Mapping[str, str] | None = None,
    params: Any = None,
    note: str = "",
    experiment: str = "",
    group: str = "",
    job_type: str = "",
    nested: bool = True,
    run: str = "",
    join: bool = False,
    system_metrics: bool | float = False,
    sinks: Sequence[Any] | str | None = None,
) -> TrackedRun:
    """Open a run here and make it the active one.

    It is recorded in the project the current folder belongs to, else in `.tane` of the current folder. Inside of a run
    or a node it is nested in that, unless `nested` is False. `run` goes on with an earlier run, by id; with `join` it
    logs to one that another process leads. `system_metrics` samples the machine, every so many seconds. `sinks` are
    what it logs to: by default the ledger, and what the project names.
    """
    return begin(
        Part(),
        name,
        tags=tags,
        params=params,
        note=note,
        experiment=experiment,
        group=group,
        job_type=job_type,
        nested=nested,
        run=run,
        join=join,
        system_metrics=system_metrics,
        sinks=sinks,
    )


class Part(NamedTuple):
    """What a run is beside what `start_run` says: how it was configured, and which point of which sweep."""

    config: Mapping[str, Any] = {}
    study: str = ""
    trial: int = -1


def begin(
    part: Part,
    name: str = "",
    *,
    tags: Mapping[str, str] | None = None,
    params: Any = None,
    note: str = "",
    experiment: str = "",
    group: str = "",
    job_type: str = "",
    nested: bool = True,
    run: str = "",
    join: bool = False,
    system_metrics: bool | float = False,
    sinks: Sequence[Any] | str | None = None,
) -> TrackedRun:
    """As `start_run`, for a run that is part of something."""
    every = system.seconds(system_metrics)
    outer = current.active() if nested and not run else None
    parent = _parent(outer)
    home = places.here() if parent is None else fielded.replace(places.here(), ledger=parent[0], store=parent[1])
    names = _names(sinks, home)
    given, marks = plain.params(params or {}, home.secrets), plain.tags(tags or {}, home.secrets)
    goal = destinations.Destination(home, names, run)
    try:
        if run:
            record = _resumed(goal, run, name, experiment, join)
        else:
            record = _new(goal, name, experiment, group, job_type, outer.run if outer and parent else "", part)
        goal.begin(record, ("joined" if join else "resumed") if run else "started")
        if run:
            goal.go_on(record.run)
    except BaseException:
        goal.close()
        raise
    if nested and not run:
        _tell_of_forgotten()
    opened = TrackedRun(goal, record, leads=not join, beside=not nested, every=every)
    if marks:
        opened.set_tags(marks)
    if given:
        opened.log_params(given)
    if note:
        opened.set_note(note)
    return opened


def _parent(outer: events.Sink | None) -> tuple[Path, Path] | None:
    """The ledger and the store of the run around; None where there is none, or it is not recorded."""
    found = getattr(outer, "place", None)
    return found if isinstance(found, tuple) else None


def _names(given: Sequence[Any] | str | None, home: places.Home) -> tuple[Any, ...]:
    if given is None:
        return (mirrors.LEDGER, *(name for name in home.sinks if name != mirrors.LEDGER))
    return mirrors.split(given) if isinstance(given, str) else tuple(given)


def _new(
    goal: destinations.Destination, name: str, experiment: str, group: str, job_type: str, parent: str, part: Part
) -> records.RunRecord:
    """Record a run that begins here, nested in `parent` if that is not empty."""
    ledger, store, home = goal.ledger, goal.store, goal.home
    around = read.run(ledger, parent) if parent and ledger is not None else None
    experiment = experiment or (around.experiment if around else "") or os.environ.get("TANE_EXPERIMENT", "")
    state = snapshot.take(home.root, home.code, home.conf)
    diff = ""
    installed = ""
    if ledger is not None and store is not None:
        referrers.note(home.store, home.ledger, home.root)
        diff = store.put(state.git.diff) if state.git.diff else ""
        store.flush()
        installed = write.add_document(ledger, environment.installed(environment.user_cache()))
    record = records.RunRecord(
        run=records.new_run_id(),
        pipeline="",
        kind="script",
        started=time.time(),
        command=_masked(state.command, home.secrets),
        git=snapshot.for_ledger(state.git, diff),
        host=state.host,
        user=state.user,
        pid=os.getpid(),
        python=state.python,
        name=str(name),
        environment=installed,
        experiment=str(experiment),
        group=str(group) or (around.group if around else ""),
        job_type=str(job_type),
        parent=parent,
        config=part.config,
        study=part.study,
        trial=part.trial,
    )
    if ledger is not None:
        if record.experiment and write.use_experiment(ledger, record.experiment):
            print(f"tane: experiment {record.experiment!r} is new: this is its first run", file=sys.stderr)
        write.start_run(ledger, record)
    return record


def _resumed(goal: destinations.Destination, prefix: str, name: str, experiment: str, join: bool) -> records.RunRecord:
    """Take over a run that has ended, or join one that goes on. Raises `errors.UsageError` when that cannot be."""
    ledger = goal.ledger
    if ledger is None:
        raise errors.UsageError("a run can be gone on with in the ledger only", hint='add "ledger" to sinks')
    found = read.run(ledger, prefix)
    for what, given, had in (("name", name, found.name), ("experiment", experiment, found.experiment)):
        if given and given != had:
            raise errors.UsageError(
                f"run {found.run} has the {what} {had!r}, not {given!r}", hint=f"leave the {what} out to go on with it"
            )
    if join:
        return found
    if found.kind != "script":
        raise errors.UsageError(
            f"run {found.run} is one of a pipeline: it ends with its steps",
            hint=f"tane run --resume {found.run} repeats it; join=True logs to it while it goes on",
        )
    alive = found.status is outcomes.RunStatus.RUNNING
    if alive or not write.resume_run(ledger, found, os.uname().nodename, os.getpid()):
        here = found.pid == os.getpid() and found.host == os.uname().nodename
        raise errors.UsageError(
            f"run {found.run} is open {'in this process' if here else f'in process {found.pid} on {found.host}'}",
            hint="end() it first" if here else "wait for its end, or log to it with join=True",
        )
    return found


def _tell_of_forgotten() -> None:
    """Somebody who types may have forgotten that a run is open: say that the new one is nested in it."""
    around = current.innermost()
    if around is None or not endings.is_interactive():
        return
    for run in _left_open:
        if run.bare and run.id == around.sink.run:
            print(
                f"tane: run {run.id} is open still: the new one is nested in it "
                "(end() ends it, nested=False starts one beside it)",
                file=sys.stderr,
            )


def _masked(command: Sequence[str], secrets: plain.Secrets) -> tuple[str, ...]:
    """The words of a command without passwords: "--password=..." and what follows "--password"."""
    found: list[str] = []
    before = ""
    for word in command:
        name, equals, value = word.partition("=")
        if equals:
            found.append(f"{name}={plain.masked(name, value, secrets)}")
        else:
            found.append(plain.masked(before, word, secrets))
        before = word if word.startswith("-") and not equals else ""
    return tuple(found)
