"""Tane: git for what pipelines make.

Each name is imported when it is first used, so that `import tane` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "Flow": "tane.pipeline.flows",
    "Node": "tane.pipeline.nodes",
    "Parameter": "tane.pipeline.flows",
    "Pipeline": "tane.pipeline.graph",
    "Run": "tane.runs.results",
    "StepResult": "tane.runs.results",
    "TaneError": "tane.errors",
    "__version__": "tane.version",
    "command": "tane.pipeline.commands",
    "log_artifact": "tane.tracking.logs",
    "log_figure": "tane.tracking.logs",
    "log_metric": "tane.tracking.logs",
    "log_metrics": "tane.tracking.logs",
    "log_param": "tane.tracking.logs",
    "log_params": "tane.tracking.logs",
    "log_text": "tane.tracking.logs",
    "node": "tane.pipeline.nodes",
    "open_project": "tane.runs.sessions",
    "run": "tane.runs.memory",
    "set_tag": "tane.tracking.logs",
    "set_tags": "tane.tracking.logs",
    "start_run": "tane.tracking.sessions",
    "step": "tane.pipeline.flows",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    """Import `name` now, and remember it."""
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'tane' has no attribute {name!r}")
    value = getattr(import_module(where), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
