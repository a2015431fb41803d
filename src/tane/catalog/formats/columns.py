"""Tables by columns: Parquet, Feather and CSV through Arrow, as pandas frames or Arrow tables, whole or in chunks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from tane import errors
from tane.catalog.formats import contract, streams, tables

_BATCH = "batch_size"
_BATCH_ARGS = frozenset({_BATCH, "columns", "filters"})
_DAMAGED = "make the file again, or correct the entry's type or filepath"


class _Columns(contract.Whole):
    """What they share: with `load_args: {batch_size: N}` they give chunks of at most N rows."""

    __slots__ = ()
    streams: ClassVar[bool] = True
    folders: ClassVar[bool] = True
    kind: ClassVar[str] = "parquet"

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return self.options.load_args.get(_BATCH) is not None

    def _batches(self, path: str) -> Iterator[Any]:
        """Arrow tables of at most `batch_size` rows; at least one, for the columns."""
        import pyarrow
        import pyarrow.dataset

        args = self.options.load_args
        rows = contract.count(args, _BATCH)
        for key in args:
            if key not in _BATCH_ARGS:
                hint = errors.did_you_mean(key, _BATCH_ARGS, "with batch_size go columns and filters")
                raise contract.EntryProblem(f"the option {key!r} does not go with batch_size", hint)
        where = None
        if args.get("filters"):
            import pyarrow.parquet

            where = pyarrow.parquet.filters_to_expression(_tuples(args["filters"]))
        with _damaged():
            source = pyarrow.dataset.dataset(path, format=self.kind, partitioning="hive")
            columns = args.get("columns")
            _check_names(columns or (), source.schema.names)
            scanner = source.scanner(
                columns=columns, filter=where, batch_size=rows, batch_readahead=1, fragment_readahead=1
            )
            none = True
            for batch in scanner.to_batches():
                if batch.num_rows:
                    none = False
                    yield pyarrow.Table.from_batches([batch])
            if none:
                yield scanner.projected_schema.empty_table()


class PandasParquet(_Columns):
    """`pandas.read_parquet` and `DataFrame.to_parquet`; a folder of parts may be read."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = tables.PANDAS

    def read(self, path: str) -> Any:
        """The data frame, or frames of at most `batch_size` rows."""
        import pandas

        if self.lazy:
            return contract.Chunks(_frames(self._batches(path), self.options.load_args))
        args = dict(self.options.load_args)
        if args.get("filters"):
            args["filters"] = _tuples(args["filters"])
        with _damaged():
            return contract.call(pandas.read_parquet, path, **args)

    def write(self, value: Any, path: str) -> None:
        """Write a data frame."""
        tables.check_pandas(value, "to_parquet")
        contract.call(value.to_parquet, path, **self.options.save_args)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write frames of one schema."""
        args = dict(self.options.save_args)
        if args.pop("partition_cols", None):
            raise contract.EntryProblem("partition_cols cannot be written chunk by chunk", contract.STREAMING)
        if args.pop("engine", "pyarrow") not in ("auto", "pyarrow"):
            raise contract.EntryProblem("chunks are written by the engine pyarrow", "leave out engine in save_args")
        index = args.pop("index", None)
        write_parquet((_arrow(chunk, index) for chunk in chunks), path, args)


class PandasFeather(_Columns):
    """`pandas.read_feather` and `DataFrame.to_feather`."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = tables.PANDAS
    folders: ClassVar[bool] = False
    kind: ClassVar[str] = "feather"

    def read(self, path: str) -> Any:
        """The data frame, or frames of at most `batch_size` rows."""
        import pandas

        if self.lazy:
            return contract.Chunks(_frames(self._batches(path), self.options.load_args))
        with _damaged():
            return contract.call(pandas.read_feather, path, **self.options.load_args)

    def write(self, value: Any, path: str) -> None:
        """Write a data frame."""
        tables.check_pandas(value, "to_feather")
        contract.call(value.to_feather, path, **self.options.save_args)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write frames of one schema."""
        write_ipc((_arrow(chunk, None) for chunk in chunks), path, self.options.save_args)


class ArrowParquet(_Columns):
    """An Arrow table from and to Parquet; a folder of parts may be read."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("pyarrow",)

    def read(self, path: str) -> Any:
        """The table, or tables of at most `batch_size` rows."""
        import pyarrow.parquet

        if self.lazy:
            return contract.Chunks(self._batches(path))
        args = dict(self.options.load_args)
        if args.get("filters"):
            args["filters"] = _tuples(args["filters"])
        with _damaged():
            return contract.call(pyarrow.parquet.read_table, path, **args)

    def write(self, value: Any, path: str) -> None:
        """Write a table."""
        import pyarrow.parquet

        contract.call(pyarrow.parquet.write_table, arrow_table(value), path, **self.options.save_args)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write tables of one schema."""
        write_parquet(map(arrow_table, chunks), path, self.options.save_args)


class ArrowFeather(_Columns):
    """An Arrow table from and to a Feather file, which is Arrow's own file format (IPC)."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("pyarrow",)
    folders: ClassVar[bool] = False
    kind: ClassVar[str] = "feather"

    def read(self, path: str) -> Any:
        """The table, or tables of at most `batch_size` rows."""
        import pyarrow.feather

        if self.lazy:
            return contract.Chunks(self._batches(path))
        with _damaged():
            return contract.call(pyarrow.feather.read_table, path, **self.options.load_args)

    def write(self, value: Any, path: str) -> None:
        """Write a table."""
        import pyarrow.feather

        contract.call(pyarrow.feather.write_feather, arrow_table(value), path, **self.options.save_args)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write tables of one schema."""
        write_ipc(map(arrow_table, chunks), path, self.options.save_args)


class ArrowCSV(contract.Whole):
    """An Arrow table from and to CSV. `load_args` and `save_args` are Arrow's options, all in one mapping."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("pyarrow",)
    streams: ClassVar[bool] = True

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return self.options.load_args.get(_BATCH) is not None

    def read(self, path: str) -> Any:
        """The table, or tables of at most `batch_size` rows."""
        import pyarrow.csv

        if self.lazy:
            return contract.Chunks(self._batches(path))
        options = self._options()
        with self._broken(path), streams.reading(path, self.options.compression) as file:
            return pyarrow.csv.read_csv(file, **options)

    def _batches(self, path: str) -> Iterator[Any]:
        import pyarrow
        import pyarrow.csv

        rows = contract.count(self.options.load_args, _BATCH)
        options = self._options()
        with self._broken(path), streams.reading(path, self.options.compression) as file:
            reader = pyarrow.csv.open_csv(file, **options)
            none = True
            for block in reader:
                for start in range(0, block.num_rows, rows):
                    none = False
                    yield pyarrow.Table.from_batches([block.slice(start, rows)])
            if none:
                yield reader.schema.empty_table()

    def write(self, value: Any, path: str) -> None:
        """Write a table."""
        self.write_chunks(iter([value]), path)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write tables below one header."""
        import pyarrow.csv

        options = contract.call(pyarrow.csv.WriteOptions, **self.options.save_args)
        with streams.writing(path, self.options.compression) as file:
            _write(
                map(arrow_table, chunks),
                lambda schema: pyarrow.csv.CSVWriter(file, schema, write_options=options),
            )

    def _options(self) -> dict[str, Any]:
        """The mapping's options, each with the class that knows it."""
        import pyarrow.csv

        classes = {
            "read_options": pyarrow.csv.ReadOptions,
            "parse_options": pyarrow.csv.ParseOptions,
            "convert_options": pyarrow.csv.ConvertOptions,
        }
        sorted_: dict[str, dict[str, Any]] = {name: {} for name in classes}
        known = [name for kind in classes.values() for name in vars(kind) if not name.startswith("_")]
        for key, value in self.options.load_args.items():
            home = next((name for name, kind in classes.items() if key in vars(kind)), "")
            if key == _BATCH:
                continue
            if not home:
                hint = errors.did_you_mean(key, known, "see the documentation of pyarrow.csv for its options")
                raise contract.EntryProblem(f"pyarrow.csv takes no option {key!r}", hint)
            sorted_[home][key] = value
        return {name: classes[name](**values) for name, values in sorted_.items()}

    @contextlib.contextmanager
    def _broken(self, path: str) -> Iterator[None]:
        import pyarrow

        try:
            yield
        except pyarrow.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                raise contract.Problem(
                    "there is no column in the file",
                    "write a header line into the file, or give the names: load_args: {column_names: [...]}",
                ) from None
            separator = str(self.options.load_args.get("delimiter", ","))
            row = tables.uneven_row(path, self.options.compression, separator)
            if row is None:
                raise contract.Problem(tables.first_line(error), "mend the file, or set load_args") from error
            raise contract.Problem(row[1], "mend that line", row[0]) from error


def arrow_table(value: Any) -> Any:
    """`value` as an Arrow table, if it is one or a record batch."""
    import pyarrow

    if isinstance(value, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([value])
    if not isinstance(value, pyarrow.Table):
        raise contract.wrong_type(value, "an Arrow table", "return a pyarrow.Table, or choose another type for it")
    return value


def write_parquet(chunks: Iterable[Any], path: str, args: Mapping[str, Any]) -> None:
    """Arrow tables into one Parquet file, each a row group or several."""
    import pyarrow.parquet

    options = dict(args)
    size = options.pop("row_group_size", None)
    _write(
        chunks,
        lambda schema: contract.call(pyarrow.parquet.ParquetWriter, path, schema, **options),
        lambda writer, chunk: writer.write_table(chunk, size),
    )


def write_ipc(chunks: Iterable[Any], path: str, args: Mapping[str, Any]) -> None:
    """Arrow tables into one Feather file."""
    import pyarrow.ipc

    options = contract.call(_ipc_options, **args)
    with open(path, "wb") as file:
        _write(chunks, lambda schema: pyarrow.ipc.new_file(file, schema, options=options))


def _ipc_options(compression: str | None = "lz4") -> Any:
    import pyarrow.ipc

    return pyarrow.ipc.IpcWriteOptions(compression=None if compression == "uncompressed" else compression)


def _write(
    chunks: Iterable[Any],
    open_writer: Callable[[Any], Any],
    put: Callable[[Any, Any], None] = lambda writer, chunk: writer.write_table(chunk),
) -> None:
    writer, schema = None, None
    try:
        for number, chunk in enumerate(chunks, 1):
            if writer is None:
                schema = chunk.schema
                writer = open_writer(schema)
            put(writer, _fitted(chunk, schema, number))
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise contract.no_chunk()


def _fitted(chunk: Any, schema: Any, number: int) -> Any:
    """The chunk in the first one's schema. Only columns without any value may be of another type."""
    import pyarrow

    if chunk.schema.equals(schema):
        return chunk.replace_schema_metadata(schema.metadata)
    tables.check_columns(schema.names, chunk.schema.names)
    for name in schema.names:
        wanted, found = schema.field(name).type, chunk.schema.field(name).type
        if wanted != found and found != pyarrow.null():
            raise contract.Problem(
                f"the column {name!r} of chunk {number} is {found}, but was {wanted} in the first one",
                "give it the same type in every chunk: .astype(...), or dtype in the load_args of what it is read from",
            )
    return chunk.cast(schema).replace_schema_metadata(schema.metadata)


def _arrow(frame: Any, index: bool | None) -> Any:
    import pyarrow

    tables.check_pandas(frame, "to_parquet")
    return pyarrow.Table.from_pandas(frame, preserve_index=index)


def _frames(batches: Iterator[Any], args: Mapping[str, Any]) -> Iterator[Any]:
    """pandas frames, whose rows are counted on from one to the next as in the whole frame."""
    import pandas

    done = 0
    for batch in batches:
        frame = batch.to_pandas()
        if isinstance(frame.index, pandas.RangeIndex):
            start, step = (0, 1) if args.get("filters") else _range(batch.schema)
            first = start + done * step
            frame.index = pandas.RangeIndex(first, first + len(frame) * step, step, name=frame.index.name)
        done += len(frame)
        yield frame


def _range(schema: Any) -> tuple[int, int]:
    """Where the index of the whole frame starts, and its step."""
    index = (schema.pandas_metadata or {}).get("index_columns") or [{}]
    if isinstance(index[0], dict) and index[0].get("kind") == "range":
        return int(index[0]["start"]), int(index[0]["step"])
    return 0, 1


def _check_names(wanted: Iterable[str], known: list[str]) -> None:
    for name in wanted:
        if name not in known:
            hint = errors.did_you_mean(name, known, f"the file has {', '.join(known)}")
            raise contract.EntryProblem(f"columns names {name!r}, which the file does not have", hint)


def _tuples(filters: Any) -> Any:
    """Filters as Arrow wants them: YAML knows no tuples."""
    if isinstance(filters, list) and filters and isinstance(filters[0], list):
        if filters[0] and isinstance(filters[0][0], list):
            return [_tuples(part) for part in filters]
        return [tuple(part) for part in filters]
    return filters


@contextlib.contextmanager
def _damaged() -> Iterator[None]:
    import pyarrow

    try:
        yield
    except pyarrow.ArrowInvalid as error:
        what = re.sub(r"Could not open \w+ input source '[^']*': ", "", tables.first_line(error))
        raise contract.Problem(f"it could not be loaded: {what}", f"check the file: {_DAMAGED}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise contract.Problem(f"it could not be loaded: {error}", f"check the file: {_DAMAGED}") from error
