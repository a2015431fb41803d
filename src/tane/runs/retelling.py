"""What a run of a pipeline tells the sinks beside the ledger: that it began, what reused steps had logged, and how
it ended.

What its steps log reaches them from where the steps work. Where a project names no other sinks, nothing is done.
"""

from __future__ import annotations

from tane import outcomes
from tane.ledger import read, records
from tane.runs import opening, results
from tane.tracking import mirrors


class Retelling:
    """The other sinks of one run. Raises `errors.UsageError` when one of them cannot be used."""

    def __init__(self, opened: opening.Opened, run: str) -> None:
        self._opened = opened
        self._run = run
        setup = opened.logging
        self._others = mirrors.of_run(run, setup) if setup.names else None

    def started(self, record: records.RunRecord) -> None:
        """The run begins."""
        if self._others is not None:
            self._others.tell("started", **mirrors.described(record, self._opened.logging.secrets))

    def ended(self, run: results.Run) -> None:
        """The run has ended."""
        if self._others is None:
            return
        for step in run.steps:
            if step.status is outcomes.StepStatus.REUSED:
                self._inherited(step.node)
        self._others.tell("ended", status=str(run.status), error=str(run.error) if run.error else "")
        self._others.close()

    def _inherited(self, node: str) -> None:
        """What a reused step logged when it was done, which the ledger shows in this run too."""
        ledger, store = self._opened.ledger, self._opened.store
        told = mirrors.of_run(self._run, self._opened.logging, node)
        for metric in read.metrics(ledger, self._run, node=node):
            for point in read.series(ledger, self._run, metric.name, node=node):
                told.tell("metrics", point.at, step=point.step, metrics={point.name: point.value})
        for artifact in read.artifacts(ledger, self._run, node=node):
            with store.named(artifact.file, "kept") as path:
                told.tell("artifact", name=artifact.path, kind=artifact.kind, file=str(path))
