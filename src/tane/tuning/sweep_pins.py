"""What a sweep pins when it begins, and all that can be checked before anything runs. Called by `sweeps`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tane import errors, fielded
from tane.catalog import catalogs
from tane.digest import hashing, values
from tane.ledger import records
from tane.plan import code, environment, steps
from tane.runs import opening
from tane.tuning import jobs, sweep_points

_MANY = 4  # so many points are named in a message


@fielded.mutable
class Prepared:
    """All that is known before anything runs: a job for each point, and the marks of its steps."""

    hands: jobs.Jobs
    points: sweep_points.Points
    jobs: list[jobs.Job]
    marks: list[Mapping[str, str]]
    code: str
    like: str
    basis: str
    notices: list[str]


def prepare(hands: jobs.Jobs, points: sweep_points.Points) -> Prepared:
    """Compose and check every job, and pin every source. Raises one error for what is wrong in any of them."""
    made: list[jobs.Job] = []
    marks: list[Mapping[str, str]] = []
    wrong: dict[errors.Fault, list[int]] = {}
    kind: type[errors.TaneError] = errors.ConfigError
    like = _like(hands, points)
    basis = _Basis(like)
    for point in points.points:
        try:
            job = hands.prepare(point.overrides)
            opened = hands.open(job)
        except errors.TaneError as error:
            kind = type(error) if not wrong else kind
            for fault in error.faults:
                wrong.setdefault(fault, []).append(point.number)
            continue
        made.append(job)
        marks.append(hands.marks(opened))
        basis.add(opened, hands)
    if wrong:
        faults = [_of_points(fault, numbers, points.points) for fault, numbers in wrong.items()]
        raise kind.of(faults, "the sweep cannot start")
    notices = list(hands.notices)
    if points.twice:
        said = "; ".join(text or "(nothing)" for text in points.twice[:_MANY])
        more = f"; and {len(points.twice) - _MANY} more" if len(points.twice) > _MANY else ""
        notices.append(f"asked for twice, and done once: {said}{more}")
    notices += _saved_by_themselves(hands, made, marks)
    return Prepared(hands, points, made, marks, basis.code, like, basis.digest, notices)


def _of_points(fault: errors.Fault, numbers: Sequence[int], points: Sequence[sweep_points.Point]) -> errors.Fault:
    """A fault with the points it is found in, unless those are all."""
    if len(numbers) == len(points) > 1:
        return fault
    named = ", ".join(f"#{number}" for number in numbers[:_MANY])
    more = f" and {len(numbers) - _MANY} more" if len(numbers) > _MANY else ""
    text = points[numbers[0]].text if len(numbers) == 1 else ""
    return fault._replace(what=f"{named}{more}{f' ({text})' if text and text not in fault.where else ''}: {fault.what}")


def _like(hands: jobs.Jobs, points: sweep_points.Points) -> str:
    """The digest of what was asked for."""
    shop = hands.shop
    parts = [shop.name, values.of(shop.selection.as_dict()).digest, *hands.project.environments, "|"]
    parts += hands.overrides
    return hashing.combine("sweep", *parts, *(part for point in points.points for part in ("point", *point.overrides)))


class _Basis:
    """Gathers the digest of all that the results of the points depend on: while it is the same, what is done stays."""

    def __init__(self, like: str) -> None:
        self._parts = [like, steps.PYTHON]
        self._seen: set[tuple[str, ...]] = set()
        self._code: list[str] = []
        self._catalogs: list[catalogs.Catalog] = []

    def add(self, opened: opening.Opened, hands: jobs.Jobs) -> None:
        """Add what one point depends on."""
        if not self._seen:  # it is the same for all points
            installed = environment.installed(opened.packages)
            self._parts += [f"{name}=={version}" for name, version in installed.items()]
        self._parts += ["point", hashing.combine("parameters", repr(opened.parameters))]
        for name in opened.start.kept:
            seen = hands.seen(opened, name)
            self._once(name, seen.digest, seen.transformed)
        for step in opened.steps:
            if self._once("code", step.node.name, step.code.digest):
                self._code += (step.node.name, step.code.digest)
        if opened.catalog not in self._catalogs:
            self._catalogs.append(opened.catalog)
            self._add_catalog(opened)

    def _add_catalog(self, opened: opening.Opened) -> None:
        for name in sorted(opened.pipeline.datasets()):
            dataset = opened.catalog.find(name)
            if dataset is not None:
                self._once("entry", name, repr(dataset.facts()))
                if dataset.code:
                    self._once("class", code.of_class(dataset.code, cache=opened.code_cache).digest)
            if opened.transforms:
                self._once("transforms", name, opened.transforms.digest(name, dataset.type if dataset else ""))

    def _once(self, *parts: str) -> bool:
        """Add something unless it is there already; whether it was not."""
        if parts in self._seen:
            return False
        self._seen.add(parts)
        self._parts += parts
        return True

    @property
    def code(self) -> str:
        return hashing.combine("code", *self._code)

    @property
    def digest(self) -> str:
        return hashing.combine("basis", *self._parts)


def _saved_by_themselves(hands: jobs.Jobs, made: Sequence[jobs.Job], marks: Sequence[Mapping[str, str]]) -> list[str]:
    """Datasets that save themselves, and that several points would save to one place, each something else.

    Raises `errors.CatalogError` for those that steps take as well: a point might see what another has made.
    """
    pipeline, catalog = hands.shop.pipeline, made[0].catalog
    if len({job.catalog for job in made}) > 1 or len(made) == 1:
        return []
    same = {name for name, mark in marks[0].items() if all(each.get(name) == mark for each in marks)}
    faults: list[errors.Fault] = []
    notices: list[str] = []
    for node in pipeline.nodes:
        for name in node.outputs if node.name not in same else ():
            dataset = catalog.find(name)
            if dataset is None or dataset.kind != "object":
                continue
            what = f"{name} ({dataset.type}) is saved to the same place by each job"
            hint = "write ${params:...} into its entry, so that each has a place of its own; or take the entry away"
            if pipeline.consumers(name):
                faults.append(errors.Fault(f"{what}, and loaded from there", dataset.where, hint))
            else:
                notices.append(f"{what}: the last one stays ({hint})")
    if faults:
        raise errors.CatalogError.of(faults, "jobs would see what others have made")
    return notices


def as_document(pins: Sequence[jobs.Pin]) -> dict[str, Any]:
    """Pinned sources, as the ledger keeps them."""
    return {"sources": [{"entry": pin.entry, "kept": fielded.asdict(pin.kept)} for pin in pins]}


def from_document(content: Mapping[str, Any]) -> list[jobs.Pin]:
    """What `as_document` was given."""
    return [
        jobs.Pin(each["entry"], records.Kept(**{key: _tuple(value) for key, value in each["kept"].items()}))
        for each in content.get("sources", ())
    ]


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
