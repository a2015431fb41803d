"""What the ledger knows of a run, gathered as plain values: for `--json`, for pages, for a run laid out as a folder."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tane import outcomes
from tane.cli import tables
from tane.ledger import connection, read, records
from tane.tracking import sinks

_SAID = {
    outcomes.StepStatus.SUCCEEDED: "run",
    outcomes.StepStatus.REUSED: "reused",
    outcomes.StepStatus.FAILED: "failed",
    outcomes.StepStatus.PRUNED: "pruned",
    outcomes.StepStatus.SKIPPED: "skipped",
}


def brief(
    run: records.RunRecord, counts: Mapping[outcomes.StepStatus, int], metrics: Mapping[str, float]
) -> dict[str, Any]:
    """A run in a list of runs."""
    return {
        "id": run.run,
        "name": run.name,
        "kind": run.kind,
        "status": str(run.status),
        "pipeline": run.pipeline,
        "started": tables.iso(run.started),
        "ended": tables.iso(run.ended),
        "seconds": round(seconds(run), 6),
        "command": list(run.command),
        "git": dict(run.git),
        "user": run.user,
        "host": run.host,
        "steps": {str(status): counts.get(status, 0) for status in outcomes.StepStatus},
        "metrics": dict(metrics),
        "error": run.error,
        "experiment": run.experiment,
        "group": run.group,
        "job_type": run.job_type,
        "parent": run.parent,
        "study": run.study,
        "trial": run.trial if run.trial >= 0 else None,
        "deleted": tables.iso(run.deleted),
    }


def briefs(ledger: connection.Ledger, runs: Sequence[records.RunRecord]) -> list[dict[str, Any]]:
    """Each of `runs` as `brief` has it."""
    ids = [run.run for run in runs]
    counts, metrics = read.counts(ledger, ids), read.last_values(ledger, ids)
    return [brief(run, counts.get(run.run, {}), metrics.get(run.run, {})) for run in runs]


def whole(ledger: connection.Ledger, run: records.RunRecord) -> dict[str, Any]:
    """All that is known of one run."""
    steps = read.steps(ledger, run.run)
    metrics = read.metrics(ledger, run.run)
    counts = read.counts(ledger, [run.run]).get(run.run, {})
    asked = run.config.get("asked") or {}
    logged = read.params(ledger, run.run)
    told = {**logged, **sinks.flatten(run.params)}
    return {
        **brief(run, counts, {}),
        "python": run.python,
        "pid": run.pid,
        "environment": run.environment,
        "published": run.published,
        "selection": dict(asked.get("selection") or {}),
        "environments": list(asked.get("environments") or ()),
        "choices": dict(asked.get("choices") or {}),
        "params_file": asked.get("params") or "",
        "config_sources": list(asked.get("sources") or ()),
        "children": [
            {"id": each.run, "name": each.name, "status": str(each.status), "seconds": round(seconds(each), 6)}
            for each in read.runs(ledger, parent=run.run)
        ],
        "note": read.note(ledger, run.run),
        "tags": read.tags(ledger, run.run),
        "params": dict(run.params),
        "default_params": {k: v for k, v in read.params(ledger, run.run, whole=True).items() if k not in told},
        "logged_params": logged,
        "metrics": {m.name: {"last": m.last, "min": m.min, "max": m.max, "count": m.count} for m in metrics},
        "steps": [_step(step) for step in steps],
        "inputs": [{"name": kept.name, **_kept(kept)} for kept in read.sources(ledger, run.run)],
        "outputs": [{"name": kept.name, **_kept(kept), "node": step.node} for step in steps for kept in step.outputs],
        "artifacts": [
            {"path": each.path, "digest": each.file, "bytes": each.bytes, "kind": each.kind}
            for each in read.artifacts(ledger, run.run)
        ],
    }


def seconds(run: records.RunRecord) -> float:
    """How long a run took, or has taken until now."""
    if run.ended:
        return max(run.ended - run.started, 0.0)
    return max(time.time() - run.started, 0.0) if run.status is outcomes.RunStatus.RUNNING else 0.0


def counted(steps: Mapping[str, int]) -> str:
    """How many steps ended in each way, in words: "1 run, 2 reused"."""
    said = [f"{steps[status]} {word}" for status, word in _SAID.items() if steps.get(status)]
    return ", ".join(said)


def git(state: Mapping[str, str]) -> str:
    """The commit a run stood on, in words; empty outside of Git."""
    if not state:
        return ""
    commit = state.get("commit", "")[:10] or "no commit yet"
    branch = f" ({state['branch']})" if state.get("branch") else ""
    return f"{commit}{branch}" + (", with uncommitted changes" if state.get("dirty") == "yes" else "")


def metric_names(found: Iterable[Mapping[str, Any]], most: int) -> list[str]:
    """The metrics that most runs have, at most `most` of them, in order of names."""
    tally: dict[str, int] = {}
    for each in found:
        for name in each["metrics"]:
            tally[name] = tally.get(name, 0) + 1
    return sorted(sorted(tally, key=lambda name: (-tally[name], name))[:most])


def _step(step: records.StepRecord) -> dict[str, Any]:
    return {
        "position": step.position,
        "node": step.node,
        "status": str(step.status),
        "reasons": list(step.reasons),
        "started": tables.iso(step.started),
        "seconds": round(max(step.ended - step.started, 0.0), 6),
        "cpu": round(step.cpu, 6),
        "peak_memory": step.peak_memory,
        "key": step.key,
        "params": {name.removeprefix("params:"): value for name, value in step.basis.params.items()},
        "outputs": {kept.name: kept.digest for kept in step.outputs},
        "origin": step.origin[0] if step.origin else "",
        "error": step.error,
    }


def _kept(kept: records.Kept) -> dict[str, Any]:
    return {"digest": kept.digest, "bytes": kept.bytes, "file": kept.file, "value": kept.value, "codec": kept.codec}
