"""The fixture `tiny_run`: a whole run, by the engine that runs in earnest, on as little as a test gives it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tane.pipeline import flow_members, graph, nodes
from tane.runs import opening, results, running
from tane.testing import clocks, sheltered

_OWN = "tiny"


class TinyRun:
    """Runs a pipeline of a sheltered project, or nodes that a test gives. Within a test, runs know of each other."""

    def __init__(self, workspace: sheltered.Workspace) -> None:
        self._workspace = workspace

    def __call__(
        self,
        what: str
        | type
        | graph.Pipeline
        | Iterable[nodes.Node | graph.Pipeline | Callable[..., Any]] = opening.DEFAULT,
        *,
        inputs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        env: str | Sequence[str] | None = None,
        force: bool | Iterable[str] = False,
        jobs: int | None = None,
        executor: str = "",
        **selection: Sequence[str],
    ) -> results.Run:
        """Run the pipeline named `what`, or the nodes, functions or flow that it is, and give back the run.

        `inputs` are values for datasets that no node makes, `params` parameters by dotted name, both instead of what
        the project says; the rest is as for `tane.open_project(".").run`. Raises what ended a run that failed.
        """
        extra = None if isinstance(what, str) else {_OWN: _pipeline(what)}
        overrides = [_override(name, value, added=extra is not None) for name, value in (params or {}).items()]
        project = self._workspace.altered(overrides, env, extra)
        project.pipelines()  # so that the clock of the test, if there is one, knows all modules
        clocks.spread()
        return running.run(
            project,
            _OWN if extra is not None else str(what),
            selection=opening.Selection(**selection),
            inputs=inputs,
            force=force,
            jobs=jobs,
            executor=executor,
        ).raise_for_status()


def _pipeline(what: Any) -> graph.Pipeline:
    if flow_members.is_flow(what):
        what = what.pipeline()
    return what if isinstance(what, graph.Pipeline) else graph.Pipeline(what)


def _override(name: str, value: Any, *, added: bool) -> str:
    """The override that gives a parameter; nodes of the test's own may take what the project does not have."""
    return f"{'++' if added else ''}{name}={json.dumps(value, ensure_ascii=False, default=str)}"
