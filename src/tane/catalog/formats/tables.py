"""Tables as pandas data frames in text files: CSV, JSON and XML; CSV and JSON lines also chunk by chunk.

The defaults are those of pandas, except that the index is not written, as with Kedro. What other formats share of
data frames is here too: whether a value is one, and which of a CSV's rows is broken.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from tane import errors
from tane.catalog.formats import contract, streams

PANDAS = ("pandas", "pyarrow")  # pandas reads text into Arrow when that is installed
EMPTY = "write a header line into the file, or give the names: load_args: {names: [...]}"
_SKIP = "mend that line, or skip such lines with load_args: {on_bad_lines: skip}"
_CHUNKED = ("", "gzip", "bz2", "xz")  # the compressions that a file can be written through


class PandasCSV(contract.Whole):
    """`pandas.read_csv` and `DataFrame.to_csv`; with `load_args: {chunksize: N}` an iterator of frames."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = PANDAS
    streams: ClassVar[bool] = True

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return self.options.load_args.get("chunksize") is not None

    def read(self, path: str) -> Any:
        """The data frame, or its chunks; a row that does not fit is a `Problem` with its line."""
        import pandas

        args = dict(self.options.load_args)
        if args.get("skipfooter"):
            args.setdefault("engine", "python")  # the only one that can; pandas would warn and take it as well
        if contract.count(args, "chunksize"):
            return contract.Chunks(_csv_chunks(path, args))
        if args.get("iterator"):
            raise contract.EntryProblem(
                "iterator does not say how many rows to give at a time", "write load_args: {chunksize: 100000}"
            )
        with _reading_csv(args):
            return contract.call(pandas.read_csv, path, **args)

    def write(self, value: Any, path: str) -> None:
        """Write a data frame or a series."""
        check_pandas(value, "to_csv")
        args = {"index": False, **self.options.save_args}
        method, level = _packing(args, path)
        if method in _CHUNKED and args.get("mode", "w") == "w":
            self._write([value], path, args, method, level)
        else:
            contract.call(value.to_csv, path, **args)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write the frames below one header; the bytes are those of the frame they make up."""
        args = {"index": False, **self.options.save_args}
        method, level = _packing(args, path)
        if method not in _CHUNKED:
            raise contract.EntryProblem(f"{method} cannot be written chunk by chunk", "choose gzip, bz2 or xz")
        self._write(chunks, path, args, method, level)

    def _write(self, chunks: Iterable[Any], path: str, args: dict[str, Any], method: str, level: int) -> None:
        args = {key: value for key, value in args.items() if key not in ("compression", "mode")}
        encoding, faults = args.pop("encoding", None) or "utf-8", args.pop("errors", "strict")
        columns: list[Any] | None = None
        with (
            streams.writing(path, method, level) as file,
            io.TextIOWrapper(file, encoding, faults, newline="") as text,
        ):
            for chunk in chunks:
                check_pandas(chunk, "to_csv")
                if columns is None:
                    columns = _columns(chunk)
                else:
                    check_columns(columns, _columns(chunk))
                    args["header"] = False
                contract.call(chunk.to_csv, text, **args)
        if columns is None:
            raise contract.no_chunk()


class PandasJSON(contract.Whole):
    """`pandas.read_json` and `DataFrame.to_json`; JSON lines with `chunksize` in `load_args` as chunks."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = PANDAS

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return self.options.load_args.get("chunksize") is not None

    @property
    def streams(self) -> bool:
        """JSON lines can be written one after the other."""
        return bool(self.options.save_args.get("lines"))

    def read(self, path: str) -> Any:
        """The data frame, or its chunks."""
        import pandas

        args = self.options.load_args
        if contract.count(args, "chunksize"):
            if not args.get("lines"):
                raise contract.EntryProblem(
                    "only JSON lines can be read in chunks", "write load_args: {lines: true, chunksize: 100000}"
                )
            return contract.Chunks(self._chunks(path))
        try:
            return contract.call(pandas.read_json, path, **args)
        except ValueError as error:
            raise self._explained(error, path, 0) from error

    def write(self, value: Any, path: str) -> None:
        """Write a data frame or a series."""
        check_pandas(value, "to_json")
        args = dict(self.options.save_args)
        method, level = _packing(args, path)
        if method == "gzip":  # pandas would write the time and the file's name into the file
            args.pop("compression", None)
            with streams.writing(path, method, level) as file:
                contract.call(value.to_json, file, **args)
        else:
            contract.call(value.to_json, path, **args)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write the frames' rows as lines."""
        args = {"orient": "records", **self.options.save_args}
        if not args.get("lines"):
            raise contract.EntryProblem(
                "only JSON lines can be written chunk by chunk", "write save_args: {orient: records, lines: true}"
            )
        method, level = _packing(args, path)
        if method not in _CHUNKED:
            raise contract.EntryProblem(f"{method} cannot be written chunk by chunk", "choose gzip, bz2 or xz")
        args = {key: value for key, value in args.items() if key not in ("compression", "mode")}
        any_chunk = False
        with streams.writing(path, method, level) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            for chunk in chunks:
                check_pandas(chunk, "to_json")
                text.write(contract.call(chunk.to_json, **args))
                any_chunk = True
        if not any_chunk:
            raise contract.no_chunk()

    def _chunks(self, path: str) -> Iterator[Any]:
        import pandas

        rows = 0
        try:
            with contract.call(pandas.read_json, path, **self.options.load_args) as reader:
                for chunk in reader:
                    rows += len(chunk)
                    yield chunk
        except ValueError as error:
            raise self._explained(error, path, rows) from error

    def _explained(self, error: ValueError, path: str, rows: int) -> Exception:
        """The first line that is no JSON, if that is the reason. `rows` are known to be good."""
        args = self.options.load_args
        packing = args.get("compression", "infer")
        method = self.options.compression if packing == "infer" else packing
        if method not in (*_CHUNKED, None):
            return error
        with streams.reading_text(path, method or "", args.get("encoding") or "utf-8") as text:
            try:
                if not args.get("lines"):
                    json.load(text)
                for line, content in enumerate(text, 1):
                    if line > rows and content.strip():
                        _parse(content, line)
            except json.JSONDecodeError as found:
                return contract.Problem(f"it is not JSON: {found.msg}", "mend the file", found.lineno)
        return error


class PandasXML(contract.Whole):
    """`pandas.read_xml` and `DataFrame.to_xml`, by Python's own parser unless `parser` says otherwise."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = PANDAS

    def read(self, path: str) -> Any:
        """The data frame."""
        from xml.etree import ElementTree

        import pandas

        try:
            return contract.call(pandas.read_xml, path, **{"parser": "etree", **self.options.load_args})
        except ElementTree.ParseError as error:
            line = error.position[0]
            raise contract.Problem(f"it is not XML: {error.msg.partition(':')[0]}", "mend the file", line) from None

    def write(self, value: Any, path: str) -> None:
        """Write a data frame."""
        check_pandas(value, "to_xml")
        args = {"index": False, "parser": "etree", **self.options.save_args}
        method, level = _packing(args, path)
        args.pop("compression", None)
        if method not in _CHUNKED:
            raise contract.EntryProblem(f"there is no compression {method!r} for it", "choose gzip, bz2 or xz")
        with streams.writing(path, method, level) as file:
            contract.call(value.to_xml, file, compression=None, **args)


def check_pandas(value: Any, method: str = "to_csv") -> None:
    """Raise unless `value` is a pandas frame (or series) that has the method."""
    module = type(value).__module__.partition(".")[0]
    if hasattr(value, method) and module != "polars":
        return
    if module == "polars":
        hint = "use the polars type of dataset, or .to_pandas()"
    elif isinstance(value, Iterator):
        hint = "let the node yield its chunks itself, or return one DataFrame"
    else:
        hint = "return a DataFrame, or choose another type for it"
    raise contract.wrong_type(value, "a pandas data frame", hint)


def check_columns(first: list[Any], these: list[Any]) -> None:
    """Raise unless a chunk has the columns of the first one."""
    if first == these:
        return
    lacking = [name for name in first if name not in these]
    more = [name for name in these if name not in first]
    what = "its columns stand in another order than those of the first chunk"
    if lacking or more:
        parts = [f"lacks {', '.join(map(repr, lacking))}"] * bool(lacking)
        parts += [f"has {', '.join(map(repr, more))} besides"] * bool(more)
        what = f"a chunk {' and '.join(parts)}, unlike the first one"
    raise contract.Problem(what, "give every chunk the same columns in the same order")


def uneven_row(path: str, compression: str, separator: str) -> tuple[int, str] | None:
    """The line of the first row that is longer than the header, and how long; for parsers that do not say."""
    if len(separator) != 1:
        return None
    with streams.reading_text(path, compression) as text:
        rows = csv.reader(text, delimiter=separator)
        width = len(next(rows, []))
        for row in rows:
            if len(row) > width:
                return rows.line_num, f"expected {width} fields, saw {len(row)}"
    return None


def first_line(error: Exception) -> str:
    """The first line of what a library has to say."""
    return str(error).strip().partition("\n")[0]


def _columns(value: Any) -> list[Any]:
    return list(value.columns) if hasattr(value, "columns") else [value.name]


def _packing(args: Mapping[str, Any], path: str) -> tuple[str, int]:
    """How the writer's `compression` packs: the method ("" for not at all) and the level."""
    packing = args.get("compression", "infer")
    how = packing if isinstance(packing, dict) else {"method": packing}
    method = how.get("method", "infer")
    if method == "infer":
        method = streams.compression_of(path) or _other_packing(path)
    more = set(how) - {"method", "compresslevel"}
    return ("other" if more else method or ""), int(how.get("compresslevel", 6))


def _other_packing(path: str) -> str:
    return next((name for name in ("zip", "zst", "tar") if path.endswith("." + name)), "")


def _csv_chunks(path: str, args: dict[str, Any]) -> Iterator[Any]:
    import pandas

    rows = 0
    with _reading_csv(args), contract.call(pandas.read_csv, path, **args) as reader:
        while True:
            try:
                chunk = next(reader, None)
            except pandas.errors.ParserError:
                raise
            except ValueError as error:
                raise contract.Problem(
                    f"a value of the rows {rows + 1} to {rows + args['chunksize']} does not fit: {error}",
                    "mend the file, or correct the dtype in load_args",
                ) from error
            if chunk is None:
                return
            rows += len(chunk)
            yield chunk


@contextlib.contextmanager
def _reading_csv(args: Mapping[str, Any]) -> Iterator[None]:
    """Say in our words what pandas finds wrong with a CSV or with the options for it."""
    import pandas

    try:
        yield
    except pandas.errors.EmptyDataError:
        raise contract.Problem("there is no column in the file", EMPTY) from None
    except pandas.errors.ParserError as error:
        raise _broken_row(str(error)) from error
    except (ValueError, TypeError) as error:
        problem = _wrong_option(str(error), args)
        if problem is None:
            raise
        raise problem from error


def _wrong_option(message: str, args: Mapping[str, Any]) -> contract.EntryProblem | None:
    """The option of `load_args` that pandas complains about, or None if it is the file."""
    dates = args.get("parse_dates")
    if isinstance(dates, dict) or (isinstance(dates, list) and any(isinstance(part, list) for part in dates)):
        return contract.EntryProblem(
            "parse_dates cannot put several columns together",
            "name single columns: parse_dates: [date]; put columns together in a node",
        )
    missing = re.search(r"(?:Missing column provided to 'parse_dates'|but not found): (.*)", message)
    if missing:
        option = "parse_dates" if "parse_dates" in message else "usecols"
        return contract.EntryProblem(
            f"{option} names columns that the file does not have: {missing[1].strip('[]')}",
            "correct the names in load_args, or look whether sep fits the file",
        )
    index = re.fullmatch(r"Index (.*) invalid", message)
    if index:
        return contract.EntryProblem(f"index_col names {index[1]!r}, which is no column", "correct it in load_args")
    engine = re.match(r"Unknown engine: (\S+)", message)
    if engine:
        known = ("c", "python", "pyarrow")
        hint = errors.did_you_mean(engine[1], known, f"choose one of {', '.join(known)}")
        return contract.EntryProblem(f"there is no engine {engine[1]!r}", hint)
    if re.search(r"not supported (for|with)|Only length-1|not understood|must be|Only booleans|has no len", message):
        return contract.EntryProblem(f"pandas cannot take the load_args: {message}", "correct the entry's load_args")
    return None


def _broken_row(message: str) -> contract.Problem:
    fields = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if fields:
        return contract.Problem(f"expected {fields[1]} fields, saw {fields[3]}", _SKIP, int(fields[2]))
    quote = re.search(r"EOF inside string starting at row (\d+)", message)
    if quote:  # counted from the first row below the header
        return contract.Problem(
            "a quote that opens here is never closed",
            "close the quote, or set load_args: {quoting: 3}",
            int(quote[1]) + 1,
        )
    return contract.Problem(f"it could not be parsed: {message.strip()}", _SKIP)


def _parse(content: str, line: int) -> None:
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        error.lineno = line
        raise
