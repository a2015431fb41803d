"""Spreadsheets: Excel files as one data frame, or as a dict of them by sheet."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tane import errors
from tane.catalog.formats import contract, streams, tables

_TIMES = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")


class Excel(contract.Whole):
    """`pandas.read_excel` and `to_excel`. A dict of frames is a file of several sheets."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("pandas", "pyarrow", "openpyxl")

    def read(self, path: str) -> Any:
        """The frame; with a list of names, or with null, as `sheet_name` a dict of frames."""
        import pandas

        args = {"engine": "openpyxl", **self.options.load_args}
        try:
            with _quiet():
                return contract.call(pandas.read_excel, path, **args)
        except (zipfile.BadZipFile, KeyError) as error:
            raise contract.Problem(
                f"it is not an Excel file, or it is damaged: {error}", "save it again as .xlsx"
            ) from error
        except ValueError as error:
            found = re.search(r"Worksheet (?:named '(.*)'|index (\d+)) ", str(error))
            if found is None:
                raise
            with pandas.ExcelFile(path, engine=args["engine"]) as book:
                sheets = [str(name) for name in book.sheet_names]
            wanted = found[1] or found[2]
            hint = errors.did_you_mean(wanted, sheets, f"the file has the sheets {', '.join(sheets)}")
            raise contract.EntryProblem(f"there is no sheet {wanted!r} in the file", hint) from None

    def write(self, value: Any, path: str) -> None:
        """Write a frame, or a dict of frames as sheets; without the index unless `save_args` want it."""
        import pandas

        args = {"index": False, **self.options.save_args}
        about = args.pop("writer", None) or {}
        engine = args.pop("engine", about.get("engine", "openpyxl"))
        sheets = value if isinstance(value, Mapping) else {args.pop("sheet_name", "Sheet1"): value}
        if not sheets:
            raise contract.Problem("it was given no sheet", "return a dict with at least one frame")
        args.pop("sheet_name", None)
        for frame in sheets.values():
            tables.check_pandas(frame, "to_excel")
        buffer = io.BytesIO()
        with pandas.ExcelWriter(buffer, engine=engine) as writer:
            for name, frame in sheets.items():
                contract.call(frame.to_excel, writer, sheet_name=str(name), **args)
        with streams.writing(path) as file:
            _timeless(buffer, file)


def _timeless(made: io.BytesIO, file: Any) -> None:
    """Copy an Excel file, which is a zip archive, without the times of its making."""
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _TIMES.sub(rb"\g<1>1980-01-01T00:00:00Z\g<3>", content)
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 6)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings about what a file has besides its cells: styles, validations."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
        yield
