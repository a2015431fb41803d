"""`pandas.SQLQueryDataset`: the answer to a query as a pandas data frame. Made by `datasets` from its entry.

It cannot be saved. The query is asked in a transaction that is never committed, read-only where the database knows
such: a query that writes leaves nothing behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from tane.catalog.formats import contract
from tane.catalog.sql import databases, versions


class SQLQuery:
    """`read_sql_query` of `sql`, or of the text in the file `filepath`; by `chunksize` an iterator of frames."""

    def __init__(
        self,
        sql: str | None = None,
        filepath: str | None = None,
        credentials: Mapping[str, Any] | None = None,
        load_args: Mapping[str, Any] | None = None,
        save_args: Mapping[str, Any] | None = None,
        execution_options: Mapping[str, Any] | None = None,
        digest_query: str | None = None,
        root: Path | None = None,
    ) -> None:
        if (sql is None) == (filepath is None):
            what = "it has no query" if sql is None else "it has both sql and filepath"
            raise contract.EntryProblem(what, "write sql: select ..., or filepath: queries/orders.sql")
        if save_args:
            raise contract.EntryProblem("a query cannot be saved", "leave out save_args, or use pandas.SQLTableDataset")
        self._sql = sql
        self._path = None if filepath is None else (root or Path()) / filepath
        self._database = databases.Database(credentials, root)
        self._load_args = dict(load_args or {})
        if "con" in self._load_args:
            raise contract.EntryProblem("con does not belong here", "put it into credentials.yml, and name that")
        self._options = dict(execution_options or {})
        self._digest_query = digest_query
        self._rows = contract.count(self._load_args, "chunksize")

    def __repr__(self) -> str:
        return f"SQLQuery({self._database.place})"

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return bool(self._rows)

    def load(self) -> Any:
        """The answer, or its chunks."""
        if self.lazy:
            return contract.Chunks(self._chunks())
        with contextlib.closing(self._chunks()) as chunks:
            return next(chunks)

    def exists(self) -> bool:
        """Whether it can be asked, so far as that can be seen without asking."""
        return self._database.is_there() and (self._path is None or self._path.is_file())

    def digest(self) -> str | None:
        """What `digest_query` answers; the content of an answer that is read in chunks; else None."""
        if self._digest_query:
            return versions.answer(self._database, self._digest_query, self._text(), str(self._load_args))
        return versions.content(self._chunks()) if self.lazy else None

    def _text(self) -> str:
        if self._sql is not None:
            return self._sql
        assert self._path is not None
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise contract.EntryProblem(f"there is no query file {self._path}", "correct the filepath") from None

    def _chunks(self) -> Generator[Any, None, None]:
        import pandas
        import sqlalchemy

        text = self._text().strip()
        if not text.strip("; \n"):
            raise contract.EntryProblem("the query is empty", "write sql: select ...")
        args = dict(self._load_args)
        params = args.get("params")
        query: Any = text  # for params in a list, as the driver wants them
        if isinstance(params, list):
            args["params"] = tuple(params)  # a list would be many sets of them
        elif params is None:
            query = sqlalchemy.text(text.replace(":", "\\:"))  # nothing in it is a name
        elif isinstance(params, Mapping):
            query = sqlalchemy.text(text)  # with names such as :since, for every driver
        with self._database.reading(**versions.streaming(self._rows), **self._options) as connection:
            try:
                found = contract.call(pandas.read_sql_query, query, connection, **args)
            except KeyError as error:
                raise contract.EntryProblem(
                    f"index_col names a column that the query does not give: {error.args[0]}",
                    "correct it in load_args, or select the column",
                ) from None
            if self.lazy:
                yield from found
            else:
                yield found
