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
from tane.tracking import calls, current

_log = logging.getLogger("tane.tracking")
active = current.active


def log_param(name: str, value: Any) -> None:
    """Record one parameter of the active run."""
    if sink := _sink("log_param"):
        sink.log_params({name: value})


def log_params(params: Any) -> None:
    """Record parameters of the active run: a mapping, a dataclass, an `argparse.Namespace`; dotted names for nested.

    Values of any size and kind are kept, those without a plain form as text; secrets are masked.
    """
    if sink := _sink("log_params"):
        sink.log_params(params)


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """Record one point of a metric; `step` is the iteration, counted from 0 when not given."""
    if sink := _sink("log_metric"):
        calls.metrics(sink, {name: value}, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Record one point of each metric, all at one `step`. NaN and infinities are kept as such.

    Raises `errors.UsageError` for a value that is not a number.
    """
    if sink := _sink("log_metrics"):
        calls.metrics(sink, metrics, step)


def report(value: float, step: int | None = None, name: str = "") -> None:
    """Say how far the work has come: a point of the metric `name`, by default what the study it is a trial of is after.

    A trial that falls behind the others ends here, as pruned: what is raised is not to be caught. Elsewhere it only
    logs, as "report" where there is no name; outside of a run it does nothing.
    """
    sink = events.current() or active()
    if sink is None:
        _log.debug("report outside of a run: nothing recorded; open one with tane.start_run()")
        return
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise errors.UsageError(
            f"what is reported is {type(value).__name__}, not a number", hint="report the score or loss so far"
        ) from None
    sink.report(number, step, name)


def set_tag(name: str, value: str) -> None:
    """Set one tag of the active run."""
    if sink := _sink("set_tag"):
        sink.set_tags({name: value})


def set_tags(tags: Mapping[str, str]) -> None:
    """Set tags of the active run; a tag set again takes the new value."""
    if sink := _sink("set_tags"):
        sink.set_tags(tags)


def set_note(text: str) -> None:
    """Give the active run its note, in Markdown, in place of the one it has."""
    if sink := _sink("set_note"):
        calls.note(sink, text)


def log_artifact(path: str | Path, name: str | None = None) -> None:
    """Keep a file or a folder with the active run, under `name` (its own name by default)."""
    if sink := _sink("log_artifact"):
        calls.artifact(sink, path, name)


def log_text(text: str, name: str) -> None:
    """Keep `text` with the active run as a file called `name`."""
    if sink := _sink("log_text"):
        calls.text(sink, text, name)


def log_dict(name: str, content: Any) -> None:
    """Keep nested content with the active run, as JSON or, where `name` ends in .yml, as YAML."""
    if sink := _sink("log_dict"):
        calls.document(sink, name, content)


def log_table(name: str, rows: Any) -> None:
    """Keep a table with the active run: a data frame, a list of rows (mappings or lists), or columns by name.

    The suffix of `name` says as what: of frames .csv (the default), .parquet and others, of rows .json (the default) or
    .csv.
    """
    if sink := _sink("log_table"):
        calls.table(sink, name, rows)


def log_figure(name: str, figure: Any) -> None:
    """Keep a Matplotlib or Plotly figure with the active run.

    The suffix of `name` says as what: .png (the default), .svg, .pdf for Matplotlib; .html (the default), .json for
    Plotly.
    """
    if sink := _sink("log_figure"):
        calls.figure(sink, name, figure)


def log_image(name: str, image: Any) -> None:
    """Keep an image with the active run: an array (0 to 255, or 0.0 to 1.0), one of Pillow, or the path of a file."""
    if sink := _sink("log_image"):
        calls.image(sink, name, image)


def log_model(model: Any, name: str = "model") -> None:
    """Keep a model, or any object that can be pickled, with the active run; `tane.load_artifact` gives it back.

    A `name` that ends in .joblib has it written by joblib.
    """
    if sink := _sink("log_model"):
        calls.model(sink, model, name)


def _sink(call: str) -> events.Sink | None:
    sink = current.active()
    if sink is None:
        _log.debug("%s outside of a run: nothing recorded; open one with tane.start_run()", call)
    return sink
