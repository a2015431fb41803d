"""`pandas.SQLTableDataset`: a table of a database as a pandas data frame. Made by `datasets` from its entry.

A table is saved in one transaction: whatever fails in the middle, the old table is still there (where the database
can undo CREATE and DROP: SQLite, PostgreSQL, SQL Server).
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog.formats import contract, tables
from tane.catalog.sql import databases, versions

_EXISTS = ("fail", "replace", "append", "delete_rows")


class SQLTable:
    """`read_sql_table` and `to_sql`, without the index; by `chunksize` in `load_args` an iterator of frames."""

    streams = True  # `save` takes an iterator of frames too

    def __init__(
        self,
        table_name: str,
        credentials: Mapping[str, Any] | None = None,
        load_args: Mapping[str, Any] | None = None,
        save_args: Mapping[str, Any] | None = None,
        digest_query: str | None = None,
        root: Path | None = None,
    ) -> None:
        self._name = str(table_name)
        self._database = databases.Database(credentials, root)
        self._load_args = dict(load_args or {})
        self._save_args = {"index": False, **(save_args or {})}
        self._digest_query = digest_query
        self._rows = contract.count(self._load_args, "chunksize")
        how = self._save_args.get("if_exists", "fail")
        if how not in _EXISTS:
            hint = errors.did_you_mean(str(how), _EXISTS, f"choose one of {', '.join(_EXISTS)}")
            raise contract.EntryProblem(f"if_exists is {how!r}", hint)
        for args in (self._load_args, self._save_args):
            if "con" in args:
                raise contract.EntryProblem("con does not belong here", "put it into credentials.yml, and name that")

    def __repr__(self) -> str:
        return f"SQLTable({self._name!r}, {self._database.place})"

    @property
    def lazy(self) -> bool:
        """Whether it gives chunks."""
        return bool(self._rows)

    def load(self) -> Any:
        """The table, or its chunks."""
        if self.lazy:
            return contract.Chunks(self._chunks())
        with contextlib.closing(self._chunks()) as chunks:
            return next(chunks)

    def save(self, data: Any) -> None:
        """Write a frame, or the frames of an iterator one after the other, as the table."""
        args = dict(self._save_args)
        schema = args.get("schema")
        chunks = data if isinstance(data, Iterator) else iter([data])
        none = True
        with self._database.writing() as connection:
            for chunk in chunks:
                tables.check_pandas(chunk, "to_sql")
                try:
                    contract.call(chunk.to_sql, self._name, connection, **args)
                except ValueError as error:
                    raise self._explained(error, schema) from None
                args["if_exists"] = "append"
                none = False
            if none:
                raise contract.no_chunk()

    def exists(self) -> bool:
        """Whether there is such a table, or a view."""
        if not self._database.is_there():
            return False
        with self._database.reading() as connection:
            return self._is_there(connection)

    def digest(self) -> str | None:
        """What `digest_query` answers; the content of a table that is read in chunks; else None."""
        if self._digest_query:
            return versions.answer(self._database, self._digest_query, self._name, str(self._load_args))
        return versions.content(self._chunks()) if self.lazy else None

    def _chunks(self) -> Generator[Any, None, None]:
        import pandas

        options = versions.streaming(self._rows)
        with self._database.reading(**options) as connection:
            if not self._is_there(connection):
                raise self._database.no_table(self._name, connection, self._load_args.get("schema"))
            try:
                found = contract.call(pandas.read_sql_table, self._name, connection, **self._load_args)
            except KeyError as error:
                raise self._no_column(error, connection) from None
            if self.lazy:
                yield from found
            else:
                yield found

    def _is_there(self, connection: Any) -> bool:
        import sqlalchemy

        schema = self._load_args.get("schema")
        look = sqlalchemy.inspect(connection)
        return bool(look.has_table(self._name, schema=schema)) or self._name in look.get_view_names(schema=schema)

    def _no_column(self, error: KeyError, connection: Any) -> contract.EntryProblem:
        import sqlalchemy

        schema = self._load_args.get("schema")
        known = [column["name"] for column in sqlalchemy.inspect(connection).get_columns(self._name, schema=schema)]
        wanted = str(error.args[0]).removeprefix("None of ['").removesuffix("'] are in the columns")
        hint = errors.did_you_mean(wanted, known, f"the table has {', '.join(known)}")
        return contract.EntryProblem(f"load_args name {wanted!r}, which is no column of {self._name!r}", hint)

    def _explained(self, error: ValueError, schema: str | None) -> contract.Problem:
        if "already exists" in str(error):
            full = f"{schema}.{self._name}" if schema else self._name
            return contract.Problem(
                f"there is a table {full!r} already",
                "say what is to become of it: save_args: {if_exists: replace}, or append, or delete_rows",
            )
        return contract.Problem(f"pandas could not write the table: {error}", "check the value and the save_args")
