"""A database by its URL: opening it, in one transaction, and saying in words what it refuses.

Called by `tables` and `queries`. No message holds the password: neither the URL's, nor what a driver repeats of it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog import masking
from tane.catalog.formats import contract

_DRIVERS = {  # the dialect, the module that speaks it, what installs that
    "postgresql": ("psycopg", "pip install 'tane[postgres]'"),
    "mysql": ("pymysql", "pip install pymysql, and write mysql+pymysql://"),
    "mariadb": ("pymysql", "pip install pymysql, and write mariadb+pymysql://"),
    "mssql": ("pyodbc", "pip install pyodbc"),
    "oracle": ("oracledb", "pip install oracledb, and write oracle+oracledb://"),
}
_DIALECTS = ("sqlite", "postgresql", "mysql", "mariadb", "mssql", "oracle", "duckdb", "snowflake", "bigquery")
_FORM = "write con: postgresql://user:password@host/database in credentials.yml; encode @ : / in a password as %40 ..."
_NO_TABLE = re.compile(
    r"no such table: (?:main\.)?(\S+)|(?<!of )relation \"(.+?)\" does not exist|Table '(.+?)' doesn't exist"
)


class Database:
    """A database. `credentials` hold its URL as `con`; the rest of them goes to SQLAlchemy's `create_engine`."""

    __slots__ = ("_options", "_path", "_secrets", "_url", "place")

    def __init__(self, credentials: Mapping[str, Any] | None, root: Path | None) -> None:
        import sqlalchemy

        options = dict(credentials) if isinstance(credentials, Mapping) else {}
        con = options.pop("con", None)
        if not isinstance(con, str) or not con:
            raise contract.EntryProblem(
                "it has no database", "name credentials with con: sqlite:///data/shop.db or postgresql://..."
            )
        try:
            url = sqlalchemy.make_url(con)
        except (sqlalchemy.exc.ArgumentError, ValueError):
            raise contract.EntryProblem("the database's URL cannot be understood", _FORM) from None
        if url.drivername == "postgres":
            url = url.set(drivername="postgresql")
        if url.drivername == "postgresql" and _is_there("psycopg"):
            url = url.set(drivername="postgresql+psycopg")  # what the extra installs, whatever SQLAlchemy prefers
        self.place = masking.url(con.partition("?")[0])
        self._secrets = [*masking.leaves(url.password), *_secret_leaves(url.query), *_secret_leaves(options)]
        self._options = options
        self._path: Path | None = None
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            name = str(url.database)
            if not name.startswith("file:"):
                self._path = (root or Path()) / Path(name).expanduser()
                url = url.set(database=str(self._path))
        self._url = url

    def __repr__(self) -> str:
        return f"Database({self.place})"

    @contextlib.contextmanager
    def reading(self, **execution_options: Any) -> Iterator[Any]:
        """A connection that sees one state of the database and changes nothing, as far as it can promise that."""
        if self._path is not None and not self._path.is_file():
            raise contract.Problem(f"there is no database file {self._path}", "correct con in credentials.yml")
        with self._connection(execution_options, read_only=True) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Any]:
        """A connection in one transaction: all that is done inside is done, or nothing."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection({}, read_only=False) as connection:
            yield connection
            connection.commit()

    def is_there(self) -> bool:
        """Whether the file of an SQLite database exists; servers are asked when they are needed."""
        return self._path is None or self._path.is_file()

    @contextlib.contextmanager
    def _connection(self, execution_options: Mapping[str, Any], *, read_only: bool) -> Iterator[Any]:
        import sqlalchemy

        engine = self._engine(read_only=read_only)
        cursors: list[Any] = []
        sqlalchemy.event.listen(
            engine, "after_cursor_execute", lambda _connection, cursor, *_more: cursors.append(cursor)
        )
        try:
            with self._worded(self._unreachable):
                connection = engine.connect().execution_options(**execution_options)
                if read_only and engine.dialect.name == "postgresql":
                    connection = connection.execution_options(postgresql_readonly=True)
                connection.begin()
            with connection, self._worded(lambda said: self._refused(said, connection)):
                if read_only and engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA query_only = ON")
                try:
                    yield connection
                finally:
                    _close(cursors)
        except sqlalchemy.exc.SQLAlchemyError as error:  # of closing
            raise contract.Problem(f"{self.place}: {self._said(error)}", "run again") from None
        finally:
            engine.dispose()

    def _engine(self, *, read_only: bool) -> Any:
        import sqlalchemy

        dialect = self._url.get_backend_name()
        try:
            engine = contract.call(sqlalchemy.create_engine, self._url, **self._options)
        except sqlalchemy.exc.NoSuchModuleError:
            hint = errors.did_you_mean(dialect, _DIALECTS, f"known are {', '.join(_DIALECTS)}")
            raise contract.EntryProblem(f"there is no kind of database {dialect!r}", hint) from None
        except ImportError as error:
            module, hint = _DRIVERS.get(dialect, (error.name, f"pip install {error.name}"))
            raise errors.MissingExtraError(
                f"the database {self.place} needs the package {error.name or module!r}, which is not installed",
                hint=hint,
            ) from None
        except (TypeError, sqlalchemy.exc.SQLAlchemyError) as error:
            raise contract.EntryProblem(
                f"the database cannot be set up: {self._said(error)}",
                "correct what stands beside con in credentials.yml",
            ) from None
        if dialect == "sqlite":
            # the driver would end the transaction at CREATE and DROP, and begin it only at INSERT
            sqlalchemy.event.listen(engine, "connect", _leave_transactions)
            sqlalchemy.event.listen(engine, "begin", _begin_reading if read_only else _begin_writing)
        return engine

    @contextlib.contextmanager
    def _worded(self, explain: Callable[[str], contract.Problem]) -> Iterator[None]:
        """Turn what SQLAlchemy, the driver and pandas raise into a problem, alone: what led to it may say more."""
        import pandas
        import sqlalchemy

        try:
            yield
        except (sqlalchemy.exc.SQLAlchemyError, pandas.errors.DatabaseError) as error:
            problem = explain(self._said(error))
        else:
            return
        raise problem

    def _said(self, error: BaseException) -> str:
        """The driver's own words, on one line, without the password."""
        while error.__cause__ is not None and not hasattr(error, "orig"):
            error = error.__cause__
        words = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
        spot = next((line.strip() for line in words[1:] if line.startswith("LINE ")), "")
        return masking.text(words[0] + (f" ({spot})" if spot else ""), self._secrets)

    def _unreachable(self, said: str) -> contract.Problem:
        place = f"the database {self.place}"
        if "locked" in said:
            return self._locked()
        if re.search(
            r"password authentication failed|no password supplied|Access denied|role \".*\" does not exist", said
        ):
            return contract.Problem(
                f"{place} does not accept the user or the password: {said}", "correct con in credentials.yml"
            )
        if re.search(r"database \".*\" does not exist|Unknown database", said):
            return contract.Problem(f"{place} does not exist: {said}", "make it, or correct con in credentials.yml")
        if "not a database" in said:
            return contract.Problem(
                f"{place} is no SQLite database, or it is damaged", "correct con in credentials.yml"
            )
        hint = "look whether it runs, and whether host, port and path in con are right"
        return contract.Problem(f"{place} cannot be opened: {said}", hint)

    def _refused(self, said: str, connection: Any) -> contract.Problem:
        if "locked" in said:
            return self._locked()
        missing = _NO_TABLE.search(said)
        if missing:
            return self.no_table(next(name for name in missing.groups() if name), connection)
        if "not a database" in said or "malformed" in said:
            return contract.Problem(
                f"the database {self.place} is damaged, or no SQLite database", "put back a copy of it"
            )
        if "read-only" in said or "readonly" in said:
            return contract.Problem(
                f"it may only be read: {said}", "a query must not write; use pandas.SQLTableDataset"
            )
        return contract.Problem(
            f"the database {self.place} refused: {said}", "correct the query, or the table's columns"
        )

    def _locked(self) -> contract.Problem:
        return contract.Problem(
            f"the database {self.place} is locked by another program",
            "try again later; readers and writers get along once PRAGMA journal_mode=WAL was given to the file",
        )

    def no_table(self, name: str, connection: Any, schema: str | None = None) -> contract.Problem:
        """The problem of a table that is not there, with the nearest that is."""
        import sqlalchemy

        known: list[str] = []
        try:
            connection.rollback()  # a refused transaction answers nothing
            look = sqlalchemy.inspect(connection)
            known = [*look.get_table_names(schema=schema), *look.get_view_names(schema=schema)]
        except sqlalchemy.exc.SQLAlchemyError:
            pass  # the names are only for the hint
        some = ", ".join(known[:8])
        hint = errors.did_you_mean(name, known, f"it has {some}" if some else "it has no table yet")
        return contract.Problem(f"there is no table {name!r} in {self.place}", hint)


def _close(cursors: list[Any]) -> None:
    """End answers that were not read to their end: the server holds them, and drivers warn of it."""
    for cursor in cursors:
        with contextlib.suppress(Exception):  # what failed is closed
            cursor.close()


def _leave_transactions(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


def _begin_reading(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # waits for another writer; turning to writing later would not


def _secret_leaves(options: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for key, value in options.items():
        if isinstance(value, Mapping):
            found += _secret_leaves(value)
        elif masking.is_secret(str(key)):
            found += masking.leaves(value)
    return found


def _is_there(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None
