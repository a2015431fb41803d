"""What a backfill pins when it begins, and all that can be checked before anything runs. Called by `backfills`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tane import errors, fielded
from tane.digest import hashing, values
from tane.ledger import connection, records
from tane.plan import code, environment, steps
from tane.project import projects
from tane.runs import opening, sources, window_runs, windowed, windows
from tane.store import objects


class Base(NamedTuple):
    """What is asked for, beside the windows."""

    project: projects.Project
    pipeline: str
    selection: opening.Selection
    parameters: Mapping[str, Any]


@fielded.mutable
class Prepared:
    """All that is known before anything runs. `own` are the sources of single windows, by label."""

    cut: windows.Windows
    hands: window_runs.Hands
    windowed: windowed.Windowed
    own: dict[str, sources.Sources | errors.TaneError]
    like: str
    basis: str
    notices: list[str]

    @property
    def shared(self) -> frozenset[str]:
        """The nodes that can be done once for all windows: they are the same in each, and what they give is kept."""
        found: set[str] = set()
        pipeline = self.hands.pipeline
        for node in pipeline.nodes:
            kept = node.cache and node.name not in self.windowed.nodes
            if kept and all(other.name in found for other in pipeline.depends(node)):
                found.add(node.name)
        return frozenset(found)


def prepare(
    base: Base,
    cut: windows.Windows,
    ledger: connection.Ledger,
    store: objects.Objects,
    inputs: Mapping[str, Any],
    pinned: Mapping[str, records.Kept] | None = None,
    pins: Mapping[str, Mapping[str, records.Kept]] | None = None,
    *,
    look_only: bool = False,
) -> Prepared:
    """Check all that can be checked, pin every source, and find out what differs from window to window."""
    project = base.project
    pipeline = opening.chosen(project, base.pipeline, base.selection)
    config, first = project.config, cut[0]
    windowed.check_parameters(base.parameters, str(config.origin("parameters", windowed.PARAMETER)))
    frame = window_runs.Frame(
        backfill="",
        path=str(project.flow or project.root),
        pipeline=base.pipeline,
        selection=base.selection,
        config=config,
        parameters=base.parameters,
        sources=sources.Sources(),
        record=_NO_RECORD,
    )
    hands = window_runs.Hands(frame, project, ledger, store)
    one = hands.catalog(first)
    one.check_ready(pipeline.datasets())
    found = windowed.look(pipeline, one, hands.catalog(windowed.SOMEWHERE))
    hands.open(first)  # checks parameters and places
    shared_names = frozenset(pipeline.free_inputs()) - found.sources
    shared = hands.resolve(first, shared_names, given=inputs, pinned=pinned, look_only=look_only)
    own = _own(hands, cut, found.sources, pins or {}, look_only)
    frame = fielded.replace(
        frame,
        sources=fielded.replace(shared, signatures={}),
        code=hands.code(windowed.SOMEWHERE),
        files=hands.files(windowed.SOMEWHERE),
        report=found.placed | found.parts,
    )
    hands = window_runs.Hands(frame, project, ledger, store)
    like = _like(base, cut)
    return Prepared(cut, hands, found, own, like, _basis(hands, cut, own, like), shared.notices)


_NO_RECORD = records.RunRecord("", "")


def _own(
    hands: window_runs.Hands,
    cut: windows.Windows,
    names: frozenset[str],
    pins: Mapping[str, Mapping[str, records.Kept]],
    look_only: bool,
) -> dict[str, sources.Sources | errors.TaneError]:
    """The sources that each window has for itself; the error for one that lacks one."""
    found: dict[str, sources.Sources | errors.TaneError] = {}
    for window in cut if names else ():
        try:
            own = hands.resolve(window, names, pinned=pins.get(window.label), look_only=look_only)
        except errors.TaneError as error:
            found[window.label] = error
        else:
            found[window.label] = fielded.replace(own, signatures={})
    return found


def _like(base: Base, cut: windows.Windows) -> str:
    """The digest of what was asked for."""
    asked = [base.pipeline, cut.start, cut.end, str(cut.every), cut.zone]
    return hashing.combine("backfill", *asked, values.of(base.selection.as_dict()).digest)


def _basis(
    hands: window_runs.Hands,
    cut: windows.Windows,
    own: Mapping[str, sources.Sources | errors.TaneError],
    like: str,
) -> str:
    """The digest of all that the results of the windows depend on: while it is the same, what is done stays done."""
    opened, frame = hands.open(cut[0]), hands.frame
    keys = opened.keys(None)
    parameters = windowed.without_window(frame.parameters)
    parts = [like, steps.PYTHON, values.of(parameters).digest, values.of(frame.config.catalog).digest]
    parts += [frame.code, *(f"{name}=={version}" for name, version in environment.installed(opened.packages).items())]
    for name, kept in frame.sources.kept.items():
        seen = keys.seen(kept, name)
        parts += (name, seen.digest, seen.transformed)
    for label, found in own.items():
        kept_here = {} if isinstance(found, errors.TaneError) else found.kept
        parts += (label, *(keys.seen(kept, name).digest for name, kept in kept_here.items()))
    for name in sorted(opened.pipeline.datasets()):
        dataset = opened.catalog.find(name)
        if dataset is not None and dataset.code:
            parts += (name, code.of_class(dataset.code, cache=opened.code_cache).digest)
        if opened.transforms:
            parts += (name, opened.transforms.digest(name, dataset.type if dataset is not None else ""))
    return hashing.combine("basis", *parts)


def as_document(own: Mapping[str, sources.Sources]) -> dict[str, Any]:
    """The sources that windows have for themselves, by label, as the ledger keeps them."""
    return {label: [fielded.asdict(kept) for kept in found.kept.values()] for label, found in own.items()}


def from_document(content: Mapping[str, Any]) -> dict[str, dict[str, records.Kept]]:
    """What `as_document` was given, by label and name."""
    return {
        label: {each["name"]: records.Kept(**{key: _tuple(value) for key, value in each.items()}) for each in found}
        for label, found in content.items()
    }


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
