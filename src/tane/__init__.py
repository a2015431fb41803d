"""Tane: git for what pipelines make.

Each name is imported when it is first used, so that `import tane` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "Flow": "tane.pipeline.flows",
    "LedgerStorage": "tane.tuning.storages",
    "Node": "tane.pipeline.nodes",
    "Parameter": "tane.pipeline.flows",
    "Pipeline": "tane.pipeline.graph",
    "Run": "tane.runs.results",
    "StepResult": "tane.runs.results",
    "TaneError": "tane.errors",
    "__version__": "tane.version",
    "autolog": "tane.integrations.autologs",
    "command": "tane.pipeline.commands",
    "compose": "tane.project.composing",
    "factory": "tane.config.targets",
    "get_run": "tane.tracking.past",
    "inject": "tane.scripts.injecting",
    "instantiate": "tane.project.composing",
    "load_artifact": "tane.tracking.past",
    "log_artifact": "tane.tracking.logs",
    "log_dict": "tane.tracking.logs",
    "log_figure": "tane.tracking.logs",
    "log_image": "tane.tracking.logs",
    "log_metric": "tane.tracking.logs",
    "log_metrics": "tane.tracking.logs",
    "log_model": "tane.tracking.logs",
    "log_param": "tane.tracking.logs",
    "log_params": "tane.tracking.logs",
    "log_table": "tane.tracking.logs",
    "log_text": "tane.tracking.logs",
    "main": "tane.scripts.mains",
    "node": "tane.pipeline.nodes",
    "open_project": "tane.tuning.workspaces",
    "report": "tane.tracking.logs",
    "run": "tane.runs.memory",
    "search_runs": "tane.tracking.searching",
    "set_note": "tane.tracking.logs",
    "set_tag": "tane.tracking.logs",
    "set_tags": "tane.tracking.logs",
    "start_run": "tane.tracking.sessions",
    "step": "tane.pipeline.flows",
    "tune": "tane.tuning.searching",
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


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext tane`: the project around a notebook, its magics, and pages for what it shows."""
    import_module("tane.notebook.extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext tane`: take that away again."""
    import_module("tane.notebook.extension").unload(shell)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
