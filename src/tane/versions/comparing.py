"""How runs differ: what they were given, what they measured, and the code, data and packages they rested on.

`compare` gathers it for `tane compare`. Everything comes from the records, so runs can be compared whatever the project
says today; only the lines of code that differ need the repository.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import fielded
from tane.ledger import connection, read, records
from tane.plan import code as code_digests
from tane.store import objects
from tane.versions import code_states, data_shapes


class _Absent:
    """Stands for a value that a run does not have."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()


@fielded.frozen
class Row:
    """Something that runs may have: its name, what each has (`ABSENT` for nothing), and whether that differs."""

    name: str
    values: tuple[Any, ...]
    differs: bool


@fielded.frozen
class Side:
    """One of the runs."""

    run: records.RunRecord
    metrics: Mapping[str, records.MetricSummary]
    note: str


@fielded.frozen
class Datum:
    """A dataset as one run had it. `rows`, `columns` and `names` are known where its bytes say so cheaply."""

    digest: str
    bytes: int
    rows: int | None = None
    columns: int | None = None
    names: tuple[str, ...] = ()


@fielded.frozen
class State:
    """A state of the code: the runs that had it, by their places; how it differs from that of the first run.

    `why` says why that is not known.
    """

    runs: tuple[int, ...]
    git: Mapping[str, str]
    diff: str = ""
    why: str = ""


@fielded.frozen
class NodeCode:
    """A node whose code is not the same in all runs: for each what differs from the first run that has it."""

    node: str
    parts: tuple[tuple[str, ...], ...]


@fielded.frozen
class Comparison:
    """How some runs differ. Rows are sorted by name and have a value for each run, in the order of `sides`."""

    sides: tuple[Side, ...]
    params: tuple[Row, ...]
    metrics: tuple[Row, ...]
    tags: tuple[Row, ...]
    states: tuple[State, ...]
    nodes: tuple[NodeCode, ...]
    sources: tuple[Row, ...]
    outputs: tuple[Row, ...]
    environment: tuple[Row, ...]


@fielded.frozen
class Place:
    """Where records, objects and code are."""

    ledger: connection.Ledger
    store: objects.Objects
    root: Path
    code: tuple[Path, ...]
    conf: Path


def compare(place: Place, runs: Sequence[records.RunRecord]) -> Comparison:
    """How `runs` differ from each other."""
    ledger = place.ledger
    sides = tuple(
        Side(run, {each.name: each for each in read.metrics(ledger, run.run)}, read.note(ledger, run.run))
        for run in runs
    )
    steps = [read.steps(ledger, run.run) for run in runs]
    sources = [{kept.name: kept for kept in read.sources(ledger, run.run)} for run in runs]
    outputs = [{kept.name: kept for step in each for kept in step.outputs} for each in steps]
    shapes = data_shapes.Shapes(place.store)
    return Comparison(
        sides,
        params=rows([params(ledger, run) for run in runs]),
        metrics=rows([{name: each.last for name, each in side.metrics.items()} for side in sides]),
        tags=rows([read.tags(ledger, run.run) for run in runs]),
        states=_states(place, runs),
        nodes=_nodes(ledger, steps),
        sources=_data(runs, sources, shapes),
        outputs=_data(runs, outputs, shapes),
        environment=rows([_environment(ledger, run) for run in runs]),
    )


def params(ledger: connection.Ledger, run: records.RunRecord) -> dict[str, Any]:
    """The parameters of a run by dotted name: those it was started with, and those logged to it."""
    return read.params(ledger, run.run, whole=True)


def rows(sides: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """What the runs have under each name, sorted by name."""
    names = sorted({name for side in sides for name in side})
    return tuple(_row(name, tuple(side.get(name, ABSENT) for side in sides)) for name in names)


def _row(name: str, values: tuple[Any, ...]) -> Row:
    return Row(name, values, any(not same(values[0], each) for each in values[1:]))


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to a reader: NaN is itself, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other) or (one != one and other != other)


def grouped(values: Sequence[Any]) -> dict[Any, list[int]]:
    """The places of each distinct value."""
    found: dict[Any, list[int]] = {}
    for at, value in enumerate(values):
        found.setdefault(value, []).append(at)
    return found


# --- code -----------------------------------------------------------------------------------------------------------


def _states(place: Place, runs: Sequence[records.RunRecord]) -> tuple[State, ...]:
    """The states of the code, that of the first run first. Two that come to the same files are one."""
    with code_states.opened(place.root, place.code, place.conf) as repository:
        found: dict[object, tuple[list[int], records.RunRecord, code_states.State]] = {}
        for at, run in enumerate(runs):
            state = _state(repository, run, place.store)
            key = state.tree or (run.git.get("commit", ""), run.git.get("diff", ""), run.git.get("dirty", ""))
            found.setdefault(key, ([], run, state))[0].append(at)
        states: list[State] = []
        first = next(iter(found.values()))[2]
        merged: dict[str, int] = {}
        for places, run, state in found.values():
            diff, why = "", state.why or ("the code of the first run is not known" if first.why else "")
            if states and not why and repository is not None:
                diff = repository.diff(first, state).decode("utf-8", "replace")
            if not why and diff in merged:  # commits that differ in nothing that is code or configuration
                known = states[merged[diff]]
                states[merged[diff]] = fielded.replace(known, runs=tuple(sorted((*known.runs, *places))))
                continue
            if not why:
                merged[diff] = len(states)
            states.append(State(tuple(places), dict(run.git), diff, why))
        return tuple(states)


def _state(
    repository: code_states.Repository | None, run: records.RunRecord, store: objects.Objects
) -> code_states.State:
    if repository is None:
        return code_states.State(why="there is no Git repository here" if run.git else "no Git, no code on record")
    return repository.of_run(run.git, store)


def _nodes(ledger: connection.Ledger, steps: Sequence[Sequence[records.StepRecord]]) -> tuple[NodeCode, ...]:
    """The nodes whose code differs between runs that have them."""
    by_node = [{step.node: step.basis.code for step in each if step.basis.code} for each in steps]
    found = []
    for name in sorted({name for each in by_node for name in each}):
        digests = [each.get(name, "") for each in by_node]
        distinct = [digest for digest in dict.fromkeys(digests) if digest]
        if len(distinct) > 1:
            documents = {digest: read.document(ledger, digest) for digest in distinct}
            first = documents[distinct[0]]
            parts = {digest: tuple(code_digests.diff_parts(first, content)) for digest, content in documents.items()}
            found.append(NodeCode(name, tuple(parts.get(digest, ()) for digest in digests)))
    return tuple(found)


# --- data and packages ----------------------------------------------------------------------------------------------


def _data(
    runs: Sequence[records.RunRecord],
    kept: Sequence[Mapping[str, records.Kept]],
    shapes: data_shapes.Shapes,
) -> tuple[Row, ...]:
    """The datasets by name. How many rows and columns they have is looked up where their contents differ."""
    found = []
    for name in sorted({name for each in kept for name in each}):
        sides = [each.get(name) for each in kept]
        digests = [each.digest if each else None for each in sides]
        differs = any(digest != digests[0] for digest in digests)
        values = [
            ABSENT if each is None else _datum(each, shapes.of(each, run) if differs else None)
            for each, run in zip(sides, runs, strict=True)
        ]
        found.append(Row(name, tuple(values), differs))
    return tuple(found)


def _datum(kept: records.Kept, shape: data_shapes.Shape | None) -> Datum:
    if shape is None:
        return Datum(kept.digest, kept.bytes)
    return Datum(kept.digest, kept.bytes, shape.rows, shape.columns, shape.names)


def _environment(ledger: connection.Ledger, run: records.RunRecord) -> dict[str, str]:
    """What a run rested on beside code and data: versions of packages and of Python; its machine."""
    installed = read.document(ledger, run.environment) if run.environment else {}
    known = {"python": run.python, "host": run.host}
    return {**{f"({name})": value for name, value in known.items() if value}, **installed}
