"""Performing one step: fetch its arguments, call its function, keep what it returns.

Runs in this process or in a worker: a `Task` travels, an `Outcome` comes back. Nothing is recorded here but what the
function itself logs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tane import events, fielded
from tane.pipeline import commands, nodes
from tane.project import loaded
from tane.runs import arguments, calling, commanding, keeping, resource_use, streams
from tane.store import objects
from tane.tracking import mirrors


@fielded.frozen
class Task:
    """All that performing one step takes."""

    run: str
    node: str
    func: Callable[..., Any]
    positional: tuple[arguments.Argument, ...]
    by_name: tuple[tuple[str, arguments.Argument], ...]
    outputs: tuple[keeping.Output, ...]
    returns: nodes.Returns
    keys: tuple[str, ...]
    streams: bool = False
    root: str = ""  # the project's folder, in which commands work
    wrap: Callable[[events.Sink], events.Sink] | None = None  # around what it logs to, where it works elsewhere


@fielded.frozen
class Outcome:
    """What a step made, and what it took: start and end (epoch seconds), CPU seconds, peak memory in bytes.

    `loading` and `saving` are the seconds for each argument and each output, in order. `imported` are the
    modules of the user's that a worker process has imported for it, `handed` the small objects that it has made.
    """

    outputs: tuple[keeping.Made, ...]
    started: float
    ended: float
    cpu: float
    peak_memory: int
    loading: tuple[float, ...] = ()
    saving: tuple[float, ...] = ()
    imported: tuple[loaded.Module, ...] = ()
    handed: tuple[objects.Handed, ...] = ()


def perform(task: Task, place: arguments.Place) -> Outcome:
    """Do the work of `task`. Raises `errors.UserCodeError` when the user's function fails."""
    if isinstance(task.func, commands.Command):
        return _perform_command(task.func, task, place)
    started, use = time.time(), resource_use.watch()
    sink = _sink(task, place)
    clock = time.perf_counter
    loading: list[float] = []
    saving: list[float] = []
    with events.working(sink), use, ExitStack() as during:
        positional: list[Any] = []
        by_name: dict[str, Any] = {}
        since = clock()
        for argument in task.positional:
            positional.append(argument.fetch(place, during))
            loading.append(-since + (since := clock()))
        for name, argument in task.by_name:
            by_name[name] = argument.fetch(place, during)
            loading.append(-since + (since := clock()))
        result = calling.call(task.func, positional, by_name, task.node)
        if task.streams:
            outputs = streams.keep(task.outputs, result, task.returns, task.keys, task.node, place)
        else:
            del positional, by_name
            names = [output.name for output in task.outputs]
            returned = calling.unpack(result, task.node, names, task.returns, task.keys)
            del result
            made: list[keeping.Made] = []
            since = clock()
            for output, value in zip(task.outputs, returned, strict=True):
                made.append(keeping.keep(output, value, place, task.node))
                saving.append(-since + (since := clock()))
            outputs = tuple(made)
    ended = time.time()
    cpu, peak = use.stop(ended - started)
    return Outcome(outputs, started, ended, cpu, peak, tuple(loading), tuple(saving))


def _perform_command(command: commands.Command, task: Task, place: arguments.Place) -> Outcome:
    """The work of a task that is a command: it gets files, and writes files."""
    started = time.time()
    with events.working(_sink(task, place)):
        done = commanding.perform(command, task.node, task.positional, task.outputs, place, Path(task.root))
    return Outcome(done.outputs, started, time.time(), done.cpu, done.peak_memory)


def _sink(task: Task, place: arguments.Place) -> events.Sink:
    """What the step logs to."""
    sink = mirrors.of_step(place.ledger, place.store, task.run, task.node, place.logging)
    wrap = task.wrap or place.wrap
    return sink if wrap is None else wrap(sink)


def folder() -> str:
    """The working folder; empty when it has been deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""
