"""What each logging call does to a sink. The functions of `logs` and the methods of an open run come here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import errors, events
from tane.tracking import media, plain


def metrics(sink: events.Sink, values: Mapping[str, Any], step: Any) -> None:
    """Points of metrics at one step."""
    if not isinstance(values, Mapping):
        raise errors.UsageError(
            f"metrics are given as {type(values).__name__}, not by name", hint='write log_metrics({"loss": 0.5})'
        )
    checked = {_text(name): float(v) if type(v) is float else plain.number(name, v) for name, v in values.items()}
    sink.log_metrics(checked, step if step is None or type(step) is int else plain.whole(step))


def note(sink: events.Sink, text: str) -> None:
    """The note, in Markdown."""
    sink.set_note(str(text))


def artifact(sink: events.Sink, path: str | Path, name: str | None) -> None:
    """A file or a folder."""
    source = Path(path)
    if not source.exists():
        raise errors.UsageError(f"there is no file or folder {source}", hint="write it before you log it")
    full = media.named(name or source.name or source.resolve().name)
    sink.log_file(str(source), full, "folder" if source.is_dir() else "file")


def text(sink: events.Sink, content: str, name: str) -> None:
    """A text."""
    sink.log_data(str(content).encode("utf-8", "backslashreplace"), media.named(name), "text")


def document(sink: events.Sink, name: str, content: Any) -> None:
    """Nested content as JSON or YAML."""
    full = media.named(name, ".json")
    sink.log_data(media.document(content, Path(full).suffix, name), full, "document")


def table(sink: events.Sink, name: str, rows: Any) -> None:
    """A table."""
    full = media.named(name, media.table_suffix(rows))
    if not media.is_frame(rows):
        sink.log_data(media.table(rows, Path(full).suffix, name), full, "table")
        return
    with media.scratch() as folder:
        path = folder / f"table{Path(full).suffix}"
        media.write_frame(rows, path, name)
        sink.log_file(str(path), full, "table")


def figure(sink: events.Sink, name: str, value: Any) -> None:
    """A figure of Matplotlib or Plotly."""
    if not media.is_figure(value):
        raise errors.UsageError(
            f"{name!r} is {type(value).__name__}, not a figure",
            hint="log_figure takes Matplotlib and Plotly figures; use log_image for images, log_artifact for files",
        )
    full = media.named(name, ".html" if media.is_plotly(value) else ".png")
    with media.scratch() as folder:
        path = folder / f"figure{Path(full).suffix}"
        media.write_figure(value, path, name)
        sink.log_file(str(path), full, "figure")


def image(sink: events.Sink, name: str, value: Any) -> None:
    """An image: an array, one of Pillow, or the path of a file."""
    if isinstance(value, str | Path):
        source = Path(value)
        if not source.is_file():
            raise errors.UsageError(f"there is no file {source}", hint="write the image before you log it")
        sink.log_file(str(source), media.named(name, source.suffix), "image")
        return
    if media.is_figure(value):
        figure(sink, name, value)
        return
    full = media.named(name, ".png")
    with media.scratch() as folder:
        path = folder / f"image{Path(full).suffix}"
        media.write_image(value, path, name)
        sink.log_file(str(path), full, "image")


def model(sink: events.Sink, value: Any, name: str) -> None:
    """A model: any object that can be pickled."""
    full = media.named(name, ".pkl")
    if not full.endswith(".joblib"):
        sink.log_data(media.model(value, name), full, "model")
        return
    with media.scratch() as folder:
        path = folder / "model.joblib"
        media.write_joblib(value, path, name)
        sink.log_file(str(path), full, "model")


def _text(name: Any) -> str:
    return name if type(name) is str else str(name)
