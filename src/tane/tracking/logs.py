"""The logging calls of the public interface: they reach the run the caller is inside of.

Inside a node that is the run of the pipeline, also in a worker process and in threads the node starts; between
`start_run` and its end it is that run. Elsewhere the calls do nothing, so that a node is a plain function in a test.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import errors, events

_log = logging.getLogger("tane.tracking")
_session: list[events.Sink] = []  # runs opened by start_run, innermost last; threads of the user see them too


def active() -> events.Sink | None:
    """The run the caller is inside of, or None."""
    return events.current() or (_session[-1] if _session else None)


def enter(sink: events.Sink) -> None:
    """Make `sink` the active run of this process, until `leave`."""
    _session.append(sink)


def leave(sink: events.Sink) -> None:
    """End what `enter` began."""
    if sink in _session:
        _session.remove(sink)


def log_param(name: str, value: Any) -> None:
    """Record one parameter of the active run."""
    log_params({name: value})


def log_params(params: Mapping[str, Any]) -> None:
    """Record parameters of the active run; nested mappings are flattened to dotted names."""
    if sink := _sink("log_params"):
        sink.log_params(params)


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """Record one point of a metric; `step` is the iteration, counted from 0 when not given."""
    log_metrics({name: value}, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Record one point of each metric, all at one `step`. NaN and infinities are kept as such.

    Raises `errors.UsageError` for a value that is not a number.
    """
    sink = _sink("log_metrics")
    if sink is None:
        return
    for name, value in metrics.items():
        try:
            float(value)
        except (TypeError, ValueError):
            raise errors.UsageError(
                f"metric {name!r} is {type(value).__name__}, not a number",
                hint="log a number; text belongs into set_tag or log_artifact",
            ) from None
    sink.log_metrics(metrics, step)


def set_tag(name: str, value: str) -> None:
    """Set one tag of the active run."""
    set_tags({name: value})


def set_tags(tags: Mapping[str, str]) -> None:
    """Set tags of the active run; a tag set again takes the new value."""
    if sink := _sink("set_tags"):
        sink.set_tags(tags)


def log_artifact(path: str | Path, name: str | None = None) -> None:
    """Keep a file or a folder with the active run, under `name` (its own name by default)."""
    sink = _sink("log_artifact")
    if sink is None:
        return
    source = Path(path)
    if not source.exists():
        raise errors.UsageError(f"there is no file or folder {source}", hint="write it before you log it")
    sink.log_file(str(source), _inside(name or source.name), "folder" if source.is_dir() else "file")


def log_text(text: str, name: str) -> None:
    """Keep `text` with the active run as a file called `name`."""
    if sink := _sink("log_text"):
        import tempfile  # slow to import

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "text")
            file.write_text(text, encoding="utf-8")
            sink.log_file(str(file), _inside(name), "file")


def log_figure(name: str, figure: Any) -> None:
    """Keep a Matplotlib or Plotly figure with the active run.

    The suffix of `name` says as what: .png (the default), .svg, .pdf for Matplotlib; .html (the default), .json for
    Plotly.
    """
    sink = _sink("log_figure")
    if sink is None:
        return
    plotly = hasattr(figure, "to_plotly_json")
    if not plotly and not hasattr(figure, "savefig"):
        raise errors.UsageError(
            f"{name!r} is a {type(figure).__name__}, not a figure",
            hint="log_figure takes Matplotlib and Plotly figures; use log_artifact for files",
        )
    suffix = Path(name).suffix or (".html" if plotly else ".png")
    full = _inside(name if Path(name).suffix else name + suffix)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "figure" + suffix)
        if not plotly:
            figure.savefig(file)
        elif suffix == ".json":
            figure.write_json(file)
        else:
            figure.write_html(file, include_plotlyjs=True)
        sink.log_file(str(file), full, "figure")


def _inside(name: str) -> str:
    """An artifact's name is a relative path that cannot leave its run."""
    parts = Path(name).parts
    if not name or Path(name).is_absolute() or ".." in parts:
        raise errors.UsageError(f"{name!r} cannot name an artifact", hint="use a relative path without '..'")
    return Path(name).as_posix()


def _sink(call: str) -> events.Sink | None:
    sink = active()
    if sink is None:
        _log.debug("%s outside of a run: nothing recorded; open one with tane.start_run()", call)
    return sink
