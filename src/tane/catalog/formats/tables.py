"""Tables as pandas and polars data frames: CSV, Parquet and JSON.

The defaults are those of the libraries, except that pandas writes CSV without its index, as Kedro does.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from tane.catalog.formats import contract, streams

_PANDAS = ("pandas", "pyarrow")  # pandas reads text into Arrow when that is installed


@dataclass(frozen=True, slots=True)
class _Table:
    """What all tables share."""

    options: contract.Options
    distributions: ClassVar[tuple[str, ...]] = _PANDAS
    faithful: ClassVar[bool] = False
    write_only: ClassVar[bool] = False
    folders: ClassVar[bool] = False
    empty: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class PandasCSV(_Table):
    """`pandas.read_csv` and `DataFrame.to_csv`."""

    def read(self, path: str) -> Any:
        """The data frame; a row that does not fit is a `Problem` with its line."""
        import pandas

        try:
            return contract.call(pandas.read_csv, path, **self.options.load_args)
        except pandas.errors.EmptyDataError:
            raise contract.Problem("there is no column in the file", _EMPTY) from None
        except pandas.errors.ParserError as error:
            raise _broken_row(str(error), "pandas") from error

    def write(self, value: Any, path: str) -> None:
        """Write a data frame or a series."""
        _write_pandas(value, "to_csv", path, {"index": False, **self.options.save_args})


@dataclass(frozen=True, slots=True)
class PandasJSON(_Table):
    """`pandas.read_json` and `DataFrame.to_json`."""

    def read(self, path: str) -> Any:
        """The data frame."""
        import pandas

        return contract.call(pandas.read_json, path, **self.options.load_args)

    def write(self, value: Any, path: str) -> None:
        """Write a data frame or a series."""
        _write_pandas(value, "to_json", path, dict(self.options.save_args))


@dataclass(frozen=True, slots=True)
class PandasParquet(_Table):
    """`pandas.read_parquet` and `DataFrame.to_parquet`; a folder of parts may be read."""

    folders: ClassVar[bool] = True

    def read(self, path: str) -> Any:
        """The data frame."""
        import pandas

        return contract.call(pandas.read_parquet, path, **self.options.load_args)

    def write(self, value: Any, path: str) -> None:
        """Write a data frame."""
        if not hasattr(value, "to_parquet"):
            raise _not_pandas(value)
        contract.call(value.to_parquet, path, **self.options.save_args)


@dataclass(frozen=True, slots=True)
class PolarsCSV(_Table):
    """`polars.read_csv` and `DataFrame.write_csv`."""

    distributions: ClassVar[tuple[str, ...]] = ("polars",)

    def read(self, path: str) -> Any:
        """The data frame; a row that does not fit is a `Problem` with its line."""
        import polars

        try:
            return contract.call(polars.read_csv, path, **self.options.load_args)
        except polars.exceptions.NoDataError:
            raise contract.Problem("there is no column in the file", _EMPTY) from None
        except polars.exceptions.PolarsError as error:
            raise self._explained(error, path) from error

    def write(self, value: Any, path: str) -> None:
        """Write a data frame."""
        _check_polars(value)
        if self.options.compression:
            with streams.writing(path, self.options.compression) as file:
                contract.call(value.write_csv, file, **self.options.save_args)
        else:
            contract.call(value.write_csv, path, **self.options.save_args)

    def _explained(self, error: Exception, path: str) -> contract.Problem:
        # polars names no line, so look for the row that is too long
        separator = str(self.options.load_args.get("separator", ","))
        with streams.reading_text(path, self.options.compression) as text:
            rows = csv.reader(text, delimiter=separator)
            width = len(next(rows, []))
            for row in rows:
                if len(row) > width:
                    what = f"expected {width} fields, saw {len(row)}"
                    return contract.Problem(what, _BAD_LINES["polars"], rows.line_num)
        return contract.Problem(f"polars could not read it: {_first(error)}", "mend the file, or set load_args")


@dataclass(frozen=True, slots=True)
class PolarsParquet(_Table):
    """`polars.read_parquet` and `DataFrame.write_parquet`; a folder of parts may be read."""

    distributions: ClassVar[tuple[str, ...]] = ("polars",)
    folders: ClassVar[bool] = True

    def read(self, path: str) -> Any:
        """The data frame."""
        import polars

        return contract.call(polars.read_parquet, path, **self.options.load_args)

    def write(self, value: Any, path: str) -> None:
        """Write a data frame."""
        _check_polars(value)
        contract.call(value.write_parquet, path, **self.options.save_args)


_EMPTY = "write a header line into the file, or give the names: load_args: {names: [...]}"
_BAD_LINES = {
    "pandas": "mend that line, or skip such lines with load_args: {on_bad_lines: skip}",
    "polars": "mend that line, or cut such lines with load_args: {truncate_ragged_lines: true}",
}


def _broken_row(message: str, library: str) -> contract.Problem:
    fields = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if fields:
        what = f"expected {fields[1]} fields, saw {fields[3]}"
        return contract.Problem(what, _BAD_LINES[library], int(fields[2]))
    quote = re.search(r"EOF inside string starting at row (\d+)", message)
    if quote:  # counted from the first row below the header
        return contract.Problem(
            "a quote that opens here is never closed",
            "close the quote, or set load_args: {quoting: 3}",
            int(quote[1]) + 1,
        )
    return contract.Problem(f"it could not be parsed: {message.strip()}", _BAD_LINES[library])


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _write_pandas(value: Any, method: str, path: str, args: dict[str, Any]) -> None:
    if not hasattr(value, method) or type(value).__module__.startswith("polars"):
        raise _not_pandas(value)
    write = getattr(value, method)
    packing = args.get("compression", "infer")
    how = packing if isinstance(packing, dict) else {"method": packing}
    named = how.get("method", "infer")
    if named == "gzip" or (named == "infer" and streams.compression_of(path) == "gzip"):
        # pandas would write the time and the file's name into the file
        args.pop("compression", None)
        with streams.writing(path, "gzip", int(how.get("compresslevel", 6))) as file:
            contract.call(write, file, **args)
    else:
        contract.call(write, path, **args)


def _not_pandas(value: Any) -> contract.Problem:
    module = type(value).__module__.partition(".")[0]
    if module == "polars":
        return contract.wrong_type(value, "a pandas data frame", "use the polars type of dataset, or .to_pandas()")
    return contract.wrong_type(value, "a pandas data frame", "return a DataFrame, or choose another type for it")


def _check_polars(value: Any) -> None:
    import polars

    if isinstance(value, polars.LazyFrame):
        raise contract.wrong_type(value, "a polars data frame", "return its .collect()")
    if not isinstance(value, polars.DataFrame):
        raise contract.wrong_type(value, "a polars data frame", "return one, or choose another type for the dataset")
