"""`preview`: what a run would do now, and why, without doing it. The same decisions as the loop's, over the same keys.

A step whose inputs come from one that will run cannot be decided: it waits. Early cut-off may still spare it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from tane import errors, fielded
from tane.ledger import read, records
from tane.outcomes import Reason, Why
from tane.plan import decisions, steps
from tane.project import projects
from tane.runs import forms, givens, opening, pages, publishing


@fielded.frozen
class PlannedStep:
    """What would happen to a step: "run", "reuse", "skip", or "wait" until those it needs are done."""

    node: str
    action: Literal["run", "reuse", "skip", "wait"]
    reasons: tuple[Reason, ...] = ()


@fielded.frozen
class FileNote:
    """What would happen to a file of the workspace.

    "restore": it is gone; "replace": it was changed by hand; "place": it holds what another run made.
    """

    path: str
    action: Literal["restore", "replace", "place"]


@fielded.frozen
class Preview:
    """A plan to be read: steps in order, files that would be put right, notices."""

    pipeline: str
    steps: tuple[PlannedStep, ...]
    files: tuple[FileNote, ...]
    notices: tuple[str, ...]

    @property
    def nothing_to_do(self) -> bool:
        """Whether a run would change nothing."""
        return not self.files and all(step.action in ("reuse", "skip") for step in self.steps)

    def _repr_html_(self) -> str:
        steps = [(step.node, step.action, "; ".join(map(str, step.reasons))) for step in self.steps]
        return pages.preview(self.pipeline, steps, [(note.path, note.action) for note in self.files], self.notices)

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain values, for JSON."""
        return {
            "pipeline": self.pipeline,
            "steps": [
                {"node": step.node, "action": step.action, "reasons": [str(reason) for reason in step.reasons]}
                for step in self.steps
            ],
            "files": [{"path": note.path, "action": note.action} for note in self.files],
            "notices": list(self.notices),
        }


def preview(
    project: projects.Project,
    pipeline: str = opening.DEFAULT,
    *,
    selection: opening.Selection | None = None,
    inputs: Mapping[str, Any] | None = None,
    force: bool | Iterable[str] = False,
) -> Preview:
    """Decide every step that can be decided now. Nothing is recorded, run or placed."""
    chosen = selection or opening.Selection()
    with opening.open_pipeline(project, pipeline, chosen, inputs or {}, look_only=True) as opened:
        forced = opening.forced(opened, force)
        return _Previewing(opened, forced).look()


def look(opened: opening.Opened) -> Preview:
    """The same for a pipeline that is open already."""
    return _Previewing(opened, frozenset()).look()


class _Previewing:
    """One look over the steps, in order."""

    def __init__(self, opened: opening.Opened, forced: frozenset[str]) -> None:
        self._opened = opened
        self._forced = forced
        self._keys = opened.keys(None)
        self._given = givens.Givens(
            "",
            opened.pipeline,
            opened.catalog,
            opened.place,
            self._keys,
            opened.transforms,
            opened.start,
            root=opened.project.root,
            keep=opened.keeps,
        )
        self._actions: dict[str, PlannedStep] = {}
        self._files: list[FileNote] = []

    def look(self) -> Preview:
        for step in self._opened.steps:
            self._actions[step.node.name] = self._decide(step)
        self._revive()
        return Preview(
            self._opened.name,
            tuple(self._actions.values()),
            tuple(self._files),
            tuple(self._opened.start.notices),
        )

    def _decide(self, step: steps.Step) -> PlannedStep:
        node, keys, given = step.node, self._keys, self._given
        undecided = self._undecided(step)
        if undecided is not None:
            return undecided
        seen = {name: keys.seen(kept, name) for name in step.takes if (kept := given.find(name))}
        key, basis, versions = keys.of(step, seen)
        found, damage = keys.judged(keys.result(key), key, node.name)
        known = decisions.Known(
            found is not None,
            damage,
            lambda: keys.before(node.name),
            keys.document,
        )
        decision = decisions.decide(step, basis, versions, known, forced=node.name in self._forced)
        if decision.action != "reuse" or found is None:
            return PlannedStep(node.name, decision.action, decision.reasons)
        lacking = forms.lacking(found.outputs, node.outputs, self._opened.catalog, keys, keep=self._opened.keeps)
        if lacking:
            return PlannedStep(node.name, "run", (Reason(Why.OPTION, lacking),))
        for name, kept in zip(node.outputs, found.outputs, strict=True):
            formed = forms.known(kept, name, self._opened.catalog, self._opened.ledger, keys, keep=self._opened.keeps)
            if formed is not None:  # else it is to be written in a form not seen before: what it gives is not known
                given.add(formed)
                self._look_at_file(name, formed)
        return PlannedStep(node.name, "reuse")

    def _undecided(self, step: steps.Step) -> PlannedStep | None:
        """What becomes of a step whose inputs are not all known, or are not to be made, or whose condition fails."""
        node, absent = step.node, self._given.absent(step)
        if absent.skipped:
            return self._skips(step, Reason(Why.WITHOUT, f"{absent.skipped[0]}, which is skipped"))
        unknown = absent.unmade or [name for name in step.looks if not self._is_there(name)]
        if unknown:
            return self._waits(step, unknown)
        if node.when is None:
            return None
        try:
            holds = self._given.holds(step)
        except errors.TaneError as error:  # as the run will: plan what can be planned all the same
            return PlannedStep(node.name, "run", (Reason(Why.WHEN, f"{node.when} cannot be told: {error.what}"),))
        return None if holds else self._skips(step, Reason(Why.WHEN, f"{node.when} does not hold"))

    def _waits(self, step: steps.Step, unknown: Sequence[str]) -> PlannedStep:
        pipeline = self._opened.pipeline
        producers = dict.fromkeys(producer.name for name in unknown if (producer := pipeline.producer(name)))
        return PlannedStep(step.node.name, "wait", decisions.waits(list(producers)).reasons)

    def _skips(self, step: steps.Step, reason: Reason) -> PlannedStep:
        self._given.leave_out(step.node.outputs)
        return PlannedStep(step.node.name, "skip", (reason,))

    def _is_there(self, name: str) -> bool:
        """Whether a value can be looked at now."""
        kept = self._given.find(name)
        return name in self._given.held or (kept is not None and self._keys.is_whole(kept))

    def _look_at_file(self, name: str, kept: records.Kept) -> None:
        dataset = self._opened.catalog.find(name)
        if dataset is None or dataset.kind != "file" or dataset.local is None or not kept.file:
            return
        current = self._opened.files.of(dataset.local)
        if current == kept.file:
            return
        place = publishing.relative(dataset.local, self._opened.project.root)
        if current is None:
            self._files.append(FileNote(place, "restore"))
        elif current == read.placed(self._opened.ledger, place) or read.kept_file(self._opened.ledger, current):
            self._files.append(FileNote(place, "place"))
        else:
            self._files.append(FileNote(place, "replace"))

    def _revive(self) -> None:
        """A reused step whose value was not kept runs again when a step that runs takes it."""
        pipeline = self._opened.pipeline
        for step in reversed(self._opened.steps):
            node = step.node
            if self._actions[node.name].action != "reuse":
                continue
            for output in node.outputs:
                kept = self._given.find(output)
                takers = [taker.name for taker in pipeline.consumers(output)]
                running = [taker for taker in takers if self._actions[taker].action in ("run", "wait")]
                if kept is not None and running and not kept.value and not kept.file:
                    why = Reason(Why.NEVER_KEPT, f"{output} is needed by {running[0]}")
                    self._actions[node.name] = PlannedStep(node.name, "run", (why,))
