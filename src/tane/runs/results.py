"""What a run gives back: typed, frozen, serialisable. An unknown name is an error, never a silent None."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tane import errors, fielded, outcomes
from tane.ledger import records
from tane.pipeline import namespaces
from tane.runs import figures, pages, standing


@fielded.frozen
class StepResult:
    """One step of a run: why it ran, how long it took (seconds), what it made (digest by dataset name)."""

    node: str
    status: outcomes.StepStatus
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu: float = 0.0
    peak_memory: int = 0  # bytes; 0 when not sampled
    outputs: Mapping[str, str] = fielded.field(default_factory=dict)
    error: str = ""
    attempts: int = 1

    @classmethod
    def of(cls, record: records.StepRecord) -> StepResult:
        """What a record says of a step that has ended."""
        return cls(
            record.node,
            record.status,
            record.reasons,
            record.ended - record.started,
            record.cpu,
            record.peak_memory,
            {kept.name: kept.digest for kept in record.outputs},
            record.error,
            record.attempts,
        )

    def _row(self) -> list[str]:
        return pages.step_row(self.node, str(self.status), self.reasons, self.seconds, self.outputs, self.error)

    def _repr_html_(self) -> str:
        return pages.step_table([self._row()])


@fielded.frozen
class Run:
    """A finished run. `run["model"]` is the value of a dataset it made or used, loaded when asked for."""

    id: str
    pipeline: str
    status: outcomes.RunStatus
    steps: tuple[StepResult, ...]
    params: Mapping[str, Any]
    metrics: Mapping[str, records.MetricSummary]
    seconds: float
    versions: Mapping[str, str]  # dataset name -> digest
    published: bool = True
    error: errors.TaneError | None = None
    notes: tuple[str, ...] = ()
    rests: standing.Rests | None = fielded.field(repr=False, compare=False, default=None)
    _load: Callable[[str], Any] = fielded.field(repr=False, compare=False, default=lambda name: None)
    _figures: Callable[[], Sequence[figures.Figure]] = fielded.field(repr=False, compare=False, default=tuple)

    def __getitem__(self, dataset: str) -> Any:
        """The value of `dataset`. Raises `errors.UsageError` when the run has none of that name.

        Its namespace may be left out where only one is so called: `run["end"]` of the flow `Hello` is "Hello.end".
        """
        dataset = namespaces.in_full(dataset, self.versions)
        if dataset not in self.versions:
            raise errors.UsageError(
                f"run {self.id} has no dataset {dataset!r}",
                hint=errors.did_you_mean(dataset, self.versions, f"it has: {', '.join(sorted(self.versions))}"),
            )
        return self._load(dataset)

    def __contains__(self, dataset: object) -> bool:
        return isinstance(dataset, str) and namespaces.in_full(dataset, self.versions) in self.versions

    def __iter__(self) -> Iterator[str]:
        return iter(self.versions)

    def step(self, node: str) -> StepResult:
        """The step of node `node`, with or without its namespace. Raises `errors.UsageError` when there is none."""
        node = namespaces.in_full(node, [step.node for step in self.steps])
        for step in self.steps:
            if step.node == node:
                return step
        names = [step.node for step in self.steps]
        raise errors.UsageError(
            f"run {self.id} has no step {node!r}", hint=errors.did_you_mean(node, names, f"it has: {', '.join(names)}")
        )

    def _repr_html_(self) -> str:
        """How notebooks show it: its steps, metrics and figures."""
        return pages.run(
            (self.id, self.pipeline),
            str(self.status),
            self.seconds,
            [step._row() for step in self.steps],
            self.metrics,
            self._figures(),
            self.notes,
            str(self.error) if self.error else "",
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How IPython shows it where there is no HTML: in a line."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        printer.text(f"<run {self.id} of {self.pipeline}: {self.status}; {counts}>")

    @property
    def counts(self) -> dict[outcomes.StepStatus, int]:
        """How many steps ended in each way."""
        found = dict.fromkeys(outcomes.StepStatus, 0)
        for step in self.steps:
            found[step.status] += 1
        return {status: count for status, count in found.items() if count}

    def as_dict(self) -> dict[str, Any]:
        """The run as plain values, for JSON."""
        return {
            "id": self.id,
            "pipeline": self.pipeline,
            "status": str(self.status),
            "seconds": round(self.seconds, 6),
            "published": self.published,
            "params": json.loads(json.dumps(self.params, default=str)),
            "metrics": {name: fielded.asdict(metric) for name, metric in self.metrics.items()},
            "datasets": dict(self.versions),
            "steps": [
                {**fielded.asdict(step), "status": str(step.status), "outputs": dict(step.outputs)}
                for step in self.steps
            ],
            "notes": list(self.notes),
            "error": str(self.error) if self.error else "",
        }

    def raise_for_status(self) -> Run:
        """The run itself if it succeeded; otherwise raises the error that ended it."""
        if self.error is not None:
            raise self.error
        return self
