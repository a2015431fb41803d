"""Where something came from: the step that made it, that step's code and parameters, and so on back to the sources.

Follows the ledger's records within a run, and from a run that started in the middle into the run that made what it
took. Each content is told once, however many took it, and long chains cost no recursion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tane import errors, fielded, outcomes
from tane.catalog import catalogs
from tane.cli import recorded, tables
from tane.ledger import connection, read, records

_LEAST_PREFIX = 4
_WORKED = (outcomes.StepStatus.SUCCEEDED, outcomes.StepStatus.REUSED)


@fielded.frozen
class Made:
    """The step that made something: where and when it worked, and what its result is a function of."""

    run: str
    node: str
    at: float
    seconds: float
    code: Mapping[str, str]
    params: Mapping[str, Any]
    libraries: Mapping[str, str]
    inputs: tuple[tuple[str, str], ...]  # name and digest


@fielded.frozen
class Content:
    """One dataset with one content; without `made` it is a source, found at `place`."""

    name: str
    digest: str
    bytes: int
    place: str
    made: Made | None


def trace(ledger: connection.Ledger, wanted: str, root: Path) -> list[Content]:
    """The lineage of `wanted`: a dataset's name, NAME@RUN, or the beginning of a digest. Itself first, sources last.

    Raises `errors.UsageError` when nothing of that name or digest is on record.
    """
    run, name = _start(ledger, wanted)
    tracing = _Tracing(ledger, root)
    found: dict[tuple[str, str], Content] = {}
    todo = [(run, name)]
    while todo:
        at, name = todo.pop()
        content, inputs_in = tracing.content(at, name)
        if (content.name, content.digest) in found:
            continue
        found[content.name, content.digest] = content
        if content.made is not None:
            todo += [(inputs_in, name) for name, _ in reversed(content.made.inputs)]
    return list(_in_order(found))


def _in_order(found: Mapping[tuple[str, str], Content]) -> Iterator[Content]:
    """Whatever was made before what it was made from, otherwise as found."""
    takers = dict.fromkeys(found, 0)
    for content in found.values():
        for taken in content.made.inputs if content.made else ():
            if taken in takers:
                takers[taken] += 1
    ready = [key for key, count in takers.items() if not count]
    while ready:
        content = found[ready.pop(0)]
        yield content
        for taken in content.made.inputs if content.made else ():
            if taken in takers:
                takers[taken] -= 1
                if not takers[taken]:
                    ready.append(taken)


def _start(ledger: connection.Ledger, wanted: str) -> tuple[str, str]:
    """The run and the name from which to go back."""
    name, at, prefix = wanted.rpartition("@")
    if at and name and not read.versions(ledger, wanted, limit=1):
        run = read.run(ledger, prefix).run
        names = [kept.name for kept in _all_kept(ledger, run)]
        if name not in names:
            hint = errors.did_you_mean(name, names, f"it has: {', '.join(sorted(names)) or 'nothing'}")
            raise errors.UsageError(f"run {run} neither made nor took a dataset {name!r}", hint=hint)
        return run, name
    versions = read.versions(ledger, wanted, limit=1)
    if versions:
        return versions[0].run, wanted
    if len(wanted) >= _LEAST_PREFIX and set(wanted) <= set("0123456789abcdef"):
        found = read.beginning(ledger, wanted)
        if len({kept.digest for kept in found}) > 1:
            listed = ", ".join(f"{kept.digest[:16]} ({kept.name})" for kept in found[:5])
            raise errors.UsageError(f"{wanted!r} stands for {len(found)} contents", hint=f"write more of it: {listed}")
        if found:
            return _maker(read.uses(ledger, found[0].name, found[0].digest)), found[0].name
    hint = errors.did_you_mean(wanted, read.names(ledger), "give a dataset, NAME@RUN, or four digits of a digest")
    raise errors.UsageError(f"nothing called {wanted!r} is on record", hint=hint)


def _maker(uses: list[read.Use]) -> str:
    """The run that made it, rather than one that only started from it."""
    return next((use.run for use in uses if use.position >= 0), uses[0].run)


def _all_kept(ledger: connection.Ledger, run: str) -> list[records.Kept]:
    made = [kept for step in read.steps(ledger, run) if step.status in _WORKED for kept in step.outputs]
    return made + read.sources(ledger, run)


@fielded.mutable
class _Known:
    """What one run tells: who made each dataset, what it started from, and where its catalog placed them."""

    makers: dict[str, tuple[records.StepRecord, records.Kept]]
    sources: dict[str, records.Kept]
    catalog: catalogs.Catalog


@fielded.mutable
class _Tracing:
    """Looks runs and documents up once each."""

    ledger: connection.Ledger
    root: Path
    runs: dict[str, _Known] = fielded.field(default_factory=dict)
    steps: dict[str, list[records.StepRecord]] = fielded.field(default_factory=dict)
    documents: dict[str, Mapping[str, Any]] = fielded.field(default_factory=dict)

    def content(self, run: str, name: str) -> tuple[Content, str]:
        """Dataset `name` as run `run` had it, and the run in which its inputs are to be looked up."""
        while True:
            known = self._run(run)
            if name in known.makers:
                step, kept = known.makers[name]
                return Content(name, kept.digest, kept.bytes, self._place(known, name), self._made(run, step)), run
            if name not in known.sources:
                return Content(name, "", 0, self._place(known, name), None), run
            kept = known.sources[name]
            earlier = [use for use in read.producers(self.ledger, kept.digest) if use.name == name]
            if not earlier:
                return Content(name, kept.digest, kept.bytes, self._place(known, name), None), run
            run = earlier[0].run

    def _made(self, run: str, step: records.StepRecord) -> Made:
        known, origin = self._run(run), step
        if step.origin is not None:
            run = step.origin[0]
            origin = next((s for s in self._steps(run) if s.position == step.origin[1]), step)
        return Made(
            run=run,
            node=step.node,
            at=origin.started,
            seconds=max(origin.ended - origin.started, 0.0),
            code=self._document(step.basis.code),
            params={name.removeprefix("params:"): value for name, value in step.basis.params.items()},
            libraries=self._document(step.basis.environment),
            inputs=tuple((name, self._digest(known, name)) for name in step.basis.inputs),
        )

    def _digest(self, known: _Known, name: str) -> str:
        kept = known.makers[name][1] if name in known.makers else known.sources.get(name)
        return kept.digest if kept else ""

    def _place(self, known: _Known, name: str) -> str:
        dataset = known.catalog.find(name)
        return dataset.place if dataset is not None else ""

    def _run(self, run: str) -> _Known:
        known = self.runs.get(run)
        if known is None:
            made = {
                kept.name: (step, kept) for step in self._steps(run) if step.status in _WORKED for kept in step.outputs
            }
            sources = {kept.name: kept for kept in read.sources(self.ledger, run)}
            catalog = recorded.catalog_of(read.run(self.ledger, run), self.root)
            known = self.runs[run] = _Known(made, sources, catalog)
        return known

    def _steps(self, run: str) -> list[records.StepRecord]:
        if run not in self.steps:
            self.steps[run] = read.steps(self.ledger, run)
        return self.steps[run]

    def _document(self, digest: str) -> Mapping[str, Any]:
        if digest not in self.documents:
            self.documents[digest] = read.document(self.ledger, digest) if digest else {}
        return self.documents[digest]


def as_dicts(found: list[Content]) -> list[dict[str, Any]]:
    """The lineage as plain values, for JSON."""
    return [
        {
            "name": content.name,
            "digest": content.digest,
            "bytes": content.bytes,
            "place": content.place,
            "made": None if content.made is None else _made_as_dict(content.made),
        }
        for content in found
    ]


def _made_as_dict(made: Made) -> dict[str, Any]:
    return {
        "run": made.run,
        "node": made.node,
        "at": tables.iso(made.at),
        "seconds": round(made.seconds, 6),
        "code": dict(made.code),
        "params": dict(made.params),
        "libraries": dict(made.libraries),
        "inputs": [{"name": name, "digest": digest} for name, digest in made.inputs],
    }


def text(found: list[Content]) -> str:
    """The lineage to be read: a block for each content."""
    return "\n\n".join(map(_block, found))


def _block(content: Content) -> str:
    head = [content.name, tables.digest(content.digest) if content.digest else "(not on record)"]
    head += [tables.size(content.bytes)] if content.digest else []
    head += [content.place] if content.place else []
    made = content.made
    if made is None:
        return "  ".join(head) + "\n  source"
    rows = [("made by", f"{made.node} in run {made.run}, {tables.when(made.at)}, took {tables.duration(made.seconds)}")]
    rows += _several("code", [f"{label} {str(digest)[:12]}" for label, digest in made.code.items()])
    rows += _several("params", [f"{name} = {tables.value(value)}" for name, value in made.params.items()])
    rows += _several("with", [", ".join(f"{name} {version}" for name, version in made.libraries.items())])
    rows += _several("from", [f"{name} {tables.digest(digest)}".rstrip() for name, digest in made.inputs])
    return "\n".join(["  ".join(head), tables.table(rows, indent="  ")])


def _several(word: str, lines: list[str]) -> list[tuple[str, str]]:
    return [("" if at else word, line) for at, line in enumerate(lines) if line]
