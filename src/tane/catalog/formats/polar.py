"""Tables as polars frames: one type for each kind of file, and Kedro's two that are told it by `file_format`.

A lazy frame is a query over the file: nothing is read before the node collects it, and no more than it asks for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from tane import errors, extras
from tane.catalog.formats import columns, contract, streams, tables

_CUT = "mend that line, or cut such lines with load_args: {truncate_ragged_lines: true}"
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
    ".jsonl": "ndjson",
    ".ndjson": "ndjson",
    ".json": "json",
}
_SCANS = ("csv", "parquet", "ipc", "ndjson")


class _Polars(contract.Whole):
    """What they share. `kind` is polars' word for the file: `read_<kind>`, `write_<kind>`."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("polars",)

    @property
    def kind(self) -> str:
        """What the entry says, else what the suffix does."""
        said = self.options.more.get("file_format")
        known = (*_SCANS, "json")
        kind = self._named
        if kind in known:
            return kind
        if said is None:
            raise contract.EntryProblem(
                f"the suffix {self.options.suffix!r} does not say what file it is",
                f"add file_format: {' | '.join(known)}",
            )
        hint = errors.did_you_mean(kind, known, f"choose one of {', '.join(known)}")
        raise contract.EntryProblem(f"there is no file_format {kind!r}", hint)

    @property
    def _named(self) -> str:
        """The kind as it is written, right or wrong."""
        said = self.options.more.get("file_format")
        return _SUFFIXES.get(self.options.suffix, "") if said is None else str(said)

    @property
    def folders(self) -> bool:
        """A folder of parts may be read."""
        return self._named == "parquet"

    @property
    def streams(self) -> bool:
        """All but one JSON document can be written chunk by chunk."""
        return self._named != "json"

    def read(self, path: str) -> Any:
        """The data frame; a row that does not fit is a `Problem` with its line."""
        import polars

        reader = getattr(polars, f"read_{self.kind}")
        compression = self.options.compression
        with self._explained(path), contextlib.ExitStack() as opened:
            source: Any = path
            if compression in ("bz2", "xz") or (compression and self.kind in ("json", "ipc")):
                source = opened.enter_context(streams.reading(path, compression))
            return contract.call(reader, source, **self.options.load_args)

    def write(self, value: Any, path: str) -> None:
        """Write a data frame."""
        _check(value)
        write = getattr(value, f"write_{self.kind}")
        if self.options.compression:
            with streams.writing(path, self.options.compression) as file:
                contract.call(write, file, **self.options.save_args)
        else:
            contract.call(write, path, **self.options.save_args)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write frames of one schema, one below the other."""
        kind = self.kind
        if kind == "json":
            super().write_chunks(chunks, path)
        if kind in ("csv", "ndjson"):
            self._write_text(chunks, path, kind)
            return
        extras.require("pyarrow", "arrow", f"writing {kind} chunk by chunk")
        write = columns.write_parquet if kind == "parquet" else columns.write_ipc
        write((_checked(chunk).to_arrow() for chunk in chunks), path, self.options.save_args)

    def _write_text(self, chunks: Iterator[Any], path: str, kind: str) -> None:
        args = dict(self.options.save_args)
        names: list[str] | None = None
        with streams.writing(path, self.options.compression) as file:
            for chunk in chunks:
                _check(chunk)
                if names is None:
                    names = chunk.columns
                else:
                    tables.check_columns(names, chunk.columns)
                    args |= {"include_header": False} if kind == "csv" else {}
                contract.call(getattr(chunk, f"write_{kind}"), file, **args)
        if names is None:
            raise contract.no_chunk()

    @contextlib.contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        import polars

        try:
            yield
        except polars.exceptions.NoDataError:
            raise contract.Problem("there is no column in the file", tables.EMPTY) from None
        except polars.exceptions.PolarsError as error:
            row = None
            if self.kind == "csv":  # polars names no line, so look for the row that is too long
                separator = str(self.options.load_args.get("separator", ","))
                row = tables.uneven_row(path, self.options.compression, separator)
            if row is not None:
                raise contract.Problem(row[1], _CUT, row[0]) from error
            what = f"polars could not read it: {tables.first_line(error)}"
            raise contract.Problem(what, "mend the file, or set load_args") from error


class PolarsCSV(_Polars):
    """`polars.read_csv` and `DataFrame.write_csv`."""

    __slots__ = ()
    kind: ClassVar[str] = "csv"
    _named: ClassVar[str] = "csv"


class PolarsParquet(_Polars):
    """`polars.read_parquet` and `DataFrame.write_parquet`; a folder of parts may be read."""

    __slots__ = ()
    kind: ClassVar[str] = "parquet"
    _named: ClassVar[str] = "parquet"


class PolarsJSON(_Polars):
    """`polars.read_json` and `DataFrame.write_json`."""

    __slots__ = ()
    kind: ClassVar[str] = "json"
    _named: ClassVar[str] = "json"


class PolarsEager(_Polars):
    """A data frame from and to the kind of file that `file_format` names."""

    __slots__ = ()


class PolarsLazy(_Polars):
    """A lazy frame over the file: `scan_<file_format>`. Lazy frames are written as they are computed."""

    __slots__ = ()
    lazy: ClassVar[bool] = True

    def read(self, path: str) -> Any:
        """The query over the file; its head is read, to see that the file is what it should be."""
        import polars

        if self.kind == "json":
            raise contract.EntryProblem("a JSON document cannot be scanned", "use file_format: ndjson")
        if self.options.compression in ("bz2", "xz"):
            raise contract.EntryProblem(
                f"polars cannot scan {self.options.compression} files", "compress it as .gz, or not at all"
            )
        with self._explained(path):
            frame = contract.call(getattr(polars, f"scan_{self.kind}"), path, **self.options.load_args)
            frame.collect_schema()
            return frame

    def write(self, value: Any, path: str) -> None:
        """Write a lazy frame as it is computed, or a data frame."""
        import polars

        if not isinstance(value, polars.LazyFrame):
            super().write(value, path)
            return
        kind = self.kind
        sink: Callable[..., Any] | None = getattr(value, f"sink_{kind}", None)
        if sink is None:
            raise contract.EntryProblem("a lazy frame cannot be written as JSON", "use file_format: ndjson")
        if self.options.compression:
            with streams.writing(path, self.options.compression) as file:
                contract.call(sink, file, **self.options.save_args)
        else:
            contract.call(sink, path, **self.options.save_args)


def _check(value: Any) -> None:
    import polars

    if isinstance(value, polars.LazyFrame):
        raise contract.wrong_type(
            value, "a polars data frame", "return its .collect(), or use polars.LazyPolarsDataset"
        )
    if not isinstance(value, polars.DataFrame):
        hint = "return one, or choose another type for the dataset"
        if isinstance(value, Iterator):
            hint = "let the node yield its chunks itself, or return one DataFrame"
        raise contract.wrong_type(value, "a polars data frame", hint)


def _checked(value: Any) -> Any:
    _check(value)
    return value
