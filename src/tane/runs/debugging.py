"""Doing one step of an earlier run again, with the very inputs it had, outside of any run: for `tane debug` and
notebooks. Nothing is recorded or kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from tane import errors, events, fielded
from tane.ledger import connection, read, records
from tane.outcomes import StepStatus
from tane.pipeline import callables, commands, graph, nodes
from tane.plan import checks, code, environment, scripts, steps, transforms
from tane.project import projects
from tane.runs import arguments, givens, keying, sources
from tane.store import filedigests, objects
from tane.tracking import sinks


@fielded.frozen
class Replay:
    """One step, or one item of it, with its inputs loaded. `call()` does it again."""

    run: str
    step: str
    func: Any
    positional: tuple[Any, ...]
    by_name: Mapping[str, Any]
    error: str
    streams: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """What the function is given, by the names of its arguments."""
        takes = callables.signature(self.func)
        names = takes.positional if takes is not None else ()
        return {**dict(zip(names, self.positional, strict=False)), **self.by_name}

    def call(self) -> Any:
        """What the function returns for them. It may log: that goes nowhere. What it raises comes out as it is."""
        with events.working(sinks.MemorySink(self.run)):
            result = self.func(*self.positional, **self.by_name)
            return list(result) if self.streams else result


def replay(project: projects.Project, step: str = "", run: str = "") -> Replay:
    """The step called `step` of a run, with its inputs: of the last run that had it, or in which it failed.

    Without a name it is the step that failed. Raises `errors.UsageError` when there is no such step, and
    `errors.StoreError` when its inputs are no longer in the store.
    """
    ledger = connection.open_ledger(project.ledger, create=False)
    try:
        record, found = _find(ledger, step, run)
        then = _as_it_was(project, record)
        return _load(then, ledger, objects.Objects(then.store, read_only=True), record, found)
    finally:
        ledger.close()


def _find(ledger: connection.Ledger, name: str, run: str) -> tuple[records.RunRecord, records.StepRecord]:
    """The run and the step that are meant."""
    if run:
        record = read.run(ledger, run)
        found = _step(ledger, record, name)
        if found is None:
            known = [step.node for step in read.steps(ledger, record.run)]
            what = f"run {record.run} has no step {name!r}" if name else f"no step of run {record.run} failed"
            hint = errors.did_you_mean(name, known, f"its steps: {', '.join(known)}")
            raise errors.UsageError(what, hint=hint if name else f"name one: {', '.join(known)}")
        return record, found
    seen: dict[str, None] = {}
    for record in read.runs(ledger, limit=50):
        found = _step(ledger, record, name)
        if found is not None:
            return record, found
        steps_of = read.steps(ledger, record.run)
        skipped = next((step for step in steps_of if step.node == name), None)
        if skipped is not None:
            raise errors.UsageError(
                f"step {name!r} was skipped in run {record.run}: it was given nothing",
                hint="debug the step that failed",
            )
        seen.update(dict.fromkeys(step.node for step in steps_of))
    if name:
        hint = errors.did_you_mean(name, seen, f"the last runs had: {', '.join(seen) or 'no steps'}")
        raise errors.UsageError(f"no run had a step {name!r}", hint=hint)
    raise errors.UsageError("no step has failed in the last 50 runs", hint="name a step: tane debug STEP")


def _step(ledger: connection.Ledger, record: records.RunRecord, name: str) -> records.StepRecord | None:
    """The step, or item, of that name; without a name the first that failed. A failed item goes before its step."""
    if record.kind not in ("run", "window"):
        return None
    for step in read.steps(ledger, record.run):
        if step.node == name and step.key:
            return _item(ledger, record, step) or step
        if not name and step.status is StepStatus.FAILED and step.key:
            return _item(ledger, record, step) or step
        if name.startswith(f"{step.node}["):
            items = read.items(ledger, record.run, step.position)
            return next((item for item in items if item.node == name), None)
    return None


def _item(ledger: connection.Ledger, record: records.RunRecord, step: records.StepRecord) -> records.StepRecord | None:
    """Of a fanned-out step the first item that failed, else its first; None for another step."""
    if not step.basis.options.get("over"):
        return None
    items = read.items(ledger, record.run, step.position)
    return next((item for item in items if item.status is StepStatus.FAILED), items[0] if items else None)


def _as_it_was(project: projects.Project, record: records.RunRecord) -> projects.Project:
    """The project with the environments and overrides of that run."""
    asked = record.config.get("asked", {})
    return projects.open_project(
        project.flow or project.root,
        env=asked.get("environments", ()),
        overrides=asked.get("overrides", ()),
        environ=project.environ,
        params=projects.recorded_params(asked, project.root),
    )


def _load(
    project: projects.Project,
    ledger: connection.Ledger,
    store: objects.Objects,
    record: records.RunRecord,
    found: records.StepRecord,
) -> Replay:
    described = _node(project, record, found)
    if isinstance(described.func, commands.Command):
        raise errors.UsageError(
            f"step {found.node!r} is a command: there is no Python to look into",
            hint=f"what it said is in the run's log: tane show {record.run} --log",
        )
    noted = {kept.name: kept for kept in read.inputs(ledger, record.run, found.position)}
    over = () if noted else described.over  # what a failed item was given is noted; of others, that of the whole step
    single = graph.Pipeline([fielded.replace(described, over=over, when=None, after=(), bare=False)])
    parameters = record.params
    converted = checks.check(single, parameters, project.config.origin, project.catalog, {})
    cache = code.Cache(project.root)
    active = transforms.Transforms(project.transforms(), cache)
    rests = scripts.Rests(project.root, project.catalog, filedigests.FileDigests(store).of)
    step = steps.prepare(single, parameters, converted, cache, rests)[0]
    keys = keying.Keys(project.catalog, ledger, store, None, cache, environment.user_cache(), active)
    place = arguments.Place(store, ledger)
    known = _inputs(ledger, record, found, step, noted)
    start = sources.Sources(kept=known, left_out=[name for name in step.node.optional if name not in known])
    given = givens.Givens("", single, project.catalog, place, keys, active, start, root=project.root, keep=False)
    fan = given.fan(step) if over else None
    task = given.task(step, found.node, remote=False, fan=fan, index=found.position % records.ITEMS)
    # what is loaded lazily stays readable for as long as this process lives: there is no step whose end could end it
    during = ExitStack()
    return Replay(
        record.run,
        found.node,
        task.func,
        tuple(argument.fetch(place, during) for argument in task.positional),
        {name: argument.fetch(place, during) for name, argument in task.by_name},
        found.error,
        task.streams,
    )


def _node(project: projects.Project, record: records.RunRecord, found: records.StepRecord) -> nodes.Node:
    pipelines = project.pipelines()
    name = found.node.partition("[")[0] if found.position >= records.ITEMS else found.node
    pipeline = pipelines.get(record.pipeline)
    described = pipeline.by_name.get(name) if pipeline is not None else None
    if described is None:
        known = list(pipeline.by_name) if pipeline is not None else []
        raise errors.UsageError(
            f"pipeline {record.pipeline!r} no longer has a node {name!r}",
            hint=errors.did_you_mean(name, known, "look at that run: tane show " + record.run),
        )
    return described


def _inputs(
    ledger: connection.Ledger,
    record: records.RunRecord,
    found: records.StepRecord,
    step: steps.Step,
    noted: dict[str, records.Kept],
) -> dict[str, records.Kept]:
    """What the step was given: noted when it failed, else what that run's other steps made and its sources."""
    if not noted:
        noted = {kept.name: kept for kept in read.sources(ledger, record.run)}
        for other in read.steps(ledger, record.run):
            noted.update((kept.name, kept) for kept in other.outputs)
    lost = [name for name in step.takes if name not in step.node.optional and not _is_kept(noted.get(name))]
    if lost:
        raise errors.UsageError(
            f"{', '.join(lost)} of step {found.node!r} in run {record.run} was not kept",
            hint='set keep = "all" in [tool.tane], or run it again under the debugger: python -m pdb -m tane run',
        )
    return {name: noted[name] for name in step.takes if name in noted}


def _is_kept(kept: records.Kept | None) -> bool:
    return kept is not None and bool(kept.value or kept.file)
