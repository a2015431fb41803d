"""Tables, figures, images and models as files: what `log_table` and its like keep, `load_artifact` gives back.

The formats are those of the catalog; the suffix of the name chooses. Everything is made in a folder of its own, which
is gone when the sink has taken what it keeps.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import errors, extras
from tane.catalog import kinds
from tane.catalog.formats import contract
from tane.tracking import plain

_PANDAS = {
    ".csv": "pandas.CSVDataset",
    ".parquet": "pandas.ParquetDataset",
    ".feather": "pandas.FeatherDataset",
    ".xlsx": "pandas.ExcelDataset",
}
_TABLES: dict[str, dict[str, str]] = {
    "pandas": _PANDAS,
    "polars": {".csv": "polars.CSVDataset", ".parquet": "polars.ParquetDataset"},
    "pyarrow": {".csv": "arrow.CSVDataset", ".parquet": "arrow.ParquetDataset", ".feather": "arrow.FeatherDataset"},
}
_PLOTLY = (".html", ".json")
_PNG = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # what PNG calls so many channels


# --- names ----------------------------------------------------------------------------------------------------------


def named(name: str, suffix: str = "") -> str:
    """The name of an artifact: a relative path that cannot leave its run; `suffix` is added where it has none."""
    path = Path(name) if isinstance(name, str) else Path()
    parts = path.parts
    odd = (
        not parts
        or path.is_absolute()
        or ".." in name.replace("\\", "/").split("/")
        or any(ord(letter) < 32 for letter in name)
    )
    if odd or any(len(part.encode("utf-8", "surrogateescape")) > 250 for part in parts):
        raise errors.UsageError(
            f"{_short(name)} cannot name an artifact",
            hint="use a relative path without '..' and control characters, such as 'plots/loss.png'",
        )
    return path.as_posix() if path.suffix or not suffix else path.as_posix() + suffix


def _short(name: Any) -> str:
    shown = repr(name)
    return shown if len(shown) <= 80 else shown[:77] + "..."


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a file that is about to be kept."""
    import tempfile  # slow to import

    with tempfile.TemporaryDirectory(prefix="tane-") as folder:
        yield Path(folder)


# --- tables ---------------------------------------------------------------------------------------------------------


def table_suffix(rows: Any) -> str:
    """The suffix of a table whose name has none."""
    return ".csv" if is_frame(rows) else ".json"


def is_frame(rows: Any) -> bool:
    """Whether it is a data frame of pandas, polars or Arrow."""
    return _library(rows) in _TABLES


def write_frame(frame: Any, path: Path, name: str) -> None:
    """Write a data frame as its suffix says."""
    library = _library(frame)
    if library == "pandas":
        frame = _with_index(frame)
    kind = _TABLES[library].get(path.suffix)
    if kind is None:
        raise _no_suffix(name, path.suffix, _TABLES[library])
    _format(kind, path.suffix, name, lambda one: one.write(frame, str(path)))


def table(rows: Any, suffix: str, name: str, secrets: plain.Secrets = ()) -> bytes:
    """Rows of plain Python - mappings, sequences, columns by name - as JSON or CSV."""
    content = [{str(key): item for key, item in row.items()} for row in _rows(rows, name)]
    content = plain.document(content, secrets)
    if suffix == ".json":
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in content)
        return f"[\n{lines}\n]\n".encode("utf-8", "backslashreplace")
    if suffix == ".csv":
        import csv
        import io

        file = io.StringIO(newline="")
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in content for key in row)))
        writer.writeheader()
        writer.writerows(content)
        return file.getvalue().encode("utf-8", "backslashreplace")
    raise _no_suffix(name, suffix, (".json", ".csv"))


def _library(value: Any) -> str:
    home = type(value).__module__.partition(".")[0]
    return home if type(value).__name__ in ("DataFrame", "Series", "Table", "LazyFrame") else ""


def _with_index(frame: Any) -> Any:
    """A frame whose labels are a column, where they say something; a series becomes a frame."""
    if type(frame).__name__ == "Series":
        frame = frame.to_frame("value" if frame.name is None else frame.name)
    if type(frame.index).__name__ == "RangeIndex" and not frame.index.name:
        return frame
    return frame.reset_index()


def _rows(rows: Any, name: str) -> list[Mapping[Any, Any]]:
    given = rows.tolist() if hasattr(rows, "tolist") and hasattr(rows, "dtype") else rows
    if isinstance(given, Mapping):
        columns = {key: list(column) for key, column in given.items() if _is_column(column)}
        if len(columns) == len(given) and len({len(column) for column in columns.values()}) <= 1:
            return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        raise errors.UsageError(
            f"the columns of table {name!r} are not lists of one length",
            hint="give a list of rows, or columns of equal length by name; one mapping is for log_dict",
        )
    if isinstance(given, list | tuple):
        if all(isinstance(row, Mapping) for row in given):
            return list(given)
        if all(isinstance(row, list | tuple) for row in given):
            return [dict(enumerate(row)) for row in given]
    raise errors.UsageError(
        f"table {name!r} is {type(rows).__name__}, which has no rows",
        hint="give a data frame, or a list of rows: [{'name': 'a', 'score': 0.5}, ...]",
    )


def _is_column(column: Any) -> bool:
    return not isinstance(column, str | bytes | Mapping) and hasattr(column, "__iter__")


# --- figures and images ---------------------------------------------------------------------------------------------


def is_figure(value: Any) -> bool:
    """Whether it is a figure of Plotly, one of Matplotlib, or something that has one: axes, a grid of seaborn."""
    return is_plotly(value) or hasattr(getattr(value, "figure", value), "savefig")


def is_plotly(value: Any) -> bool:
    """Whether it is a figure of Plotly."""
    return hasattr(value, "to_plotly_json")


def write_figure(figure: Any, path: Path, name: str) -> None:
    """Write a figure as its suffix says."""
    if is_plotly(figure):
        if path.suffix not in _PLOTLY:
            raise _no_suffix(name, path.suffix, _PLOTLY)
        _format("plotly.PlotlyDataset", path.suffix, name, lambda one: one.write(figure, str(path)))
    else:
        _format("matplotlib.MatplotlibDataset", path.suffix, name, lambda one: one.write(figure, str(path)))


def write_image(image: Any, path: Path, name: str) -> None:
    """Write an image of Pillow, or an array: grey, colour, colour with alpha; of 0 to 255, or of 0.0 to 1.0."""
    if hasattr(image, "save") and hasattr(image, "mode"):
        _format("pillow.ImageDataset", path.suffix, name, lambda one: one.write(image, str(path)))
        return
    data = _png(_array(image, name), name)
    if path.suffix == ".png":
        path.write_bytes(data)
        return
    import io

    pillow = extras.require("PIL.Image", "pillow", f"image {name!r}")
    made = pillow.open(io.BytesIO(data))
    _format("pillow.ImageDataset", path.suffix, name, lambda one: one.write(made, str(path)))


def _array(image: Any, name: str) -> Any:
    for step in ("detach", "cpu", "numpy"):  # a tensor, wherever it lies
        if hasattr(image, step):
            image = getattr(image, step)()
    if isinstance(image, list | tuple):
        image = extras.require("numpy", "numpy", f"image {name!r}").asarray(image)
    if not hasattr(image, "dtype") or not hasattr(image, "tobytes"):
        raise errors.UsageError(
            f"image {name!r} is {type(image).__name__}, not an image",
            hint="give an array, an image of Pillow or the path of a file; log_figure takes figures",
        )
    if image.ndim == 2:
        image = image[:, :, None]
    elif image.ndim == 3 and image.shape[2] not in _COLOURS and image.shape[0] in (1, 3, 4):
        image = image.transpose(1, 2, 0)  # channels first, as in PyTorch
    if image.ndim != 3 or image.shape[2] not in _COLOURS or not image.size:
        raise errors.UsageError(
            f"image {name!r} has the shape {tuple(image.shape)}",
            hint="give height x width, or height x width x channels (1 to 4)",
        )
    return image


def _png(image: Any, name: str) -> bytes:
    low, high = float(image.min()), float(image.max())
    if image.dtype.kind == "b":
        image = image.astype("uint8") * 255
    elif image.dtype.kind == "f" and low >= 0 and high <= 1:
        image = (image * 255).round().astype("uint8")
    elif image.dtype.kind in "uif" and low >= 0 and high <= 255:
        image = (image.round() if image.dtype.kind == "f" else image).astype("uint8")
    else:
        raise errors.UsageError(
            f"image {name!r} has values from {low:g} to {high:g}", hint="scale them to 0.0 to 1.0, or to 0 to 255"
        )
    import zlib

    height, width, channels = image.shape
    size = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    rows = image.tobytes()
    stride = width * channels
    lines = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    return _PNG + _chunk(b"IHDR", size) + _chunk(b"IDAT", zlib.compress(lines, 6)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    import zlib

    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# --- documents and models -------------------------------------------------------------------------------------------


def document(content: Any, suffix: str, name: str, secrets: plain.Secrets = ()) -> bytes:
    """Nested content as JSON or YAML."""
    found = plain.document(content, secrets)
    if suffix == ".json":
        return (json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")
    if suffix in (".yml", ".yaml"):
        import yaml

        return str(yaml.safe_dump(found, sort_keys=False, allow_unicode=True)).encode("utf-8", "backslashreplace")
    raise _no_suffix(name, suffix, (".json", ".yml"))


def model(value: Any, name: str) -> bytes:
    """An object as a pickle that plain `pickle.load` reads; classes of the script itself go along by value."""
    try:
        data = pickle.dumps(value, 5)
        if b"__main__" not in data:
            return data
    except Exception:
        pass
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(value, 5))
    except Exception as error:
        raise errors.UsageError(
            f"model {name!r} cannot be kept: {error}",
            hint="keep what can be pickled, such as its parameters, or write a file and use log_artifact",
        ) from None


def write_joblib(value: Any, path: Path, name: str) -> None:
    """An object as joblib writes it."""
    joblib = extras.require("joblib", "joblib", f"model {name!r}")
    joblib.dump(value, path)


# --- back -----------------------------------------------------------------------------------------------------------


def read(path: Path, name: str, kind: str) -> Any:
    """What was logged: a model as the object, a table of a frame as a data frame of pandas, rows and documents as plain
    Python, texts as `str`, an image as one of Pillow, a figure of Plotly as a figure; all else as bytes.
    """
    suffix = path.suffix
    if kind == "model":
        return _unpickled(path, name)
    if kind == "table" and suffix in _PANDAS:
        older = extras.require("pandas", "pandas", f"artifact {name!r}").__version__ < "3"
        more = {"float_precision": "round_trip"} if suffix == ".csv" and older else {}
        return _format(_PANDAS[suffix], suffix, name, lambda one: one.read(str(path)), more)
    if kind == "figure" and suffix == ".json":
        return _format("plotly.PlotlyDataset", suffix, name, lambda one: one.read(str(path)))
    if kind == "image" or (kind == "figure" and suffix == ".png"):
        return _format("pillow.ImageDataset", suffix, name, lambda one: one.read(str(path)))
    if kind in ("table", "document"):
        text = path.read_text(encoding="utf-8")
        if suffix == ".json":
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    return path.read_text(encoding="utf-8") if kind == "text" else path.read_bytes()


def _unpickled(path: Path, name: str) -> Any:
    try:
        if path.suffix == ".joblib":
            return extras.require("joblib", "joblib", f"model {name!r}").load(path)
        with path.open("rb") as file:
            return pickle.load(file)
    except ModuleNotFoundError as error:
        raise errors.UsageError(
            f"model {name!r} needs the module {error.name!r}, which is not there",
            hint="install the package it was made with: `tane show RUN` has its versions",
        ) from error


def _format(
    name: str, suffix: str, artifact: str, act: Callable[[contract.Format], Any], load: Mapping[str, Any] | None = None
) -> Any:
    """Have a format of the catalog act, with what it has to say as an error of the user's."""
    kind = kinds.KINDS[name]
    if kind.module:
        extras.require(kind.module, kind.extra, f"artifact {artifact!r}")
    try:
        return act(kind.make(contract.Options(suffix, load_args=load or {})))
    except contract.Problem as problem:
        raise errors.UsageError(f"artifact {artifact!r}: {problem.what}", hint=problem.hint) from problem


def _no_suffix(name: str, suffix: str, known: Any) -> errors.UsageError:
    return errors.UsageError(f"{name!r} cannot be written as {suffix}", hint=f"end its name in {' or '.join(known)}")
