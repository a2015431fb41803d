"""Whether a database's content changed, as cheaply as it can be said. Called by `tables` and `queries`.

Databases keep no digest of their tables. A user who has a column that tells (a time of change, a counter) says so
with `digest_query`; else the content itself is digested: whole by the engine, in chunks here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tane.catalog.formats import contract
from tane.catalog.sql import databases
from tane.digest import hashing, values


def answer(database: databases.Database, query: str, *what: str) -> str:
    """The digest of what the database answers to `query`, asked for `what` (a table, a query, their arguments)."""
    with database.reading() as connection:
        result = connection.exec_driver_sql(query)
        if not result.returns_rows:
            raise contract.EntryProblem(
                "the digest_query answers nothing", "write a select, such as select max(id) ..."
            )
        rows = [tuple(map(repr, row)) for row in result]
    return hashing.combine("sql.answer", database.place, query, *what, repr(rows))


def content(chunks: Iterator[Any]) -> str | None:
    """The digest of all chunks, read one by one; None where a value in them has none."""
    try:
        return hashing.combine("sql.content", *[values.of(chunk).digest for chunk in chunks])
    except values.CannotDigest:
        return None


def streaming(rows: int) -> dict[str, Any]:
    """The execution options of a connection that gives its answer in chunks of `rows`, if any."""
    return {"stream_results": True, "max_row_buffer": rows} if rows else {}
