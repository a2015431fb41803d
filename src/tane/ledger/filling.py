"""What migrations compute from the rows there are, where SQL alone does not reach. `migrations` calls it.

Each function belongs to one released migration and goes on giving what it gave then.
"""

from __future__ import annotations

import sqlite3

from tane.ledger import rows

_AT_ONCE = 1_000


def searched(connection: sqlite3.Connection) -> None:
    """Migration 2: what search goes by. Of a run what `detail` says; parameters as numbers or texts."""
    logged = connection.execute("select run, name, value from params").fetchall()
    connection.execute("delete from params")
    connection.executemany(
        f"insert into params (run, {rows.PARAM}) values (?, ?, ?, ?, ?, ?)",
        [(run, *rows.of_param(name, rows.parsed(value))) for run, name, value in logged],
    )
    last = 0
    while True:
        found = connection.execute(
            "select id, detail from runs where id > ? order by id limit ?", (last, _AT_ONCE)
        ).fetchall()
        if not found:
            return
        last = found[-1][0]
        details = [(run, rows.parsed(detail)) for run, detail in found]
        connection.executemany(
            "update runs set account = ?, command = ?, python = ?, git_commit = ?, git_branch = ?, git_dirty = ? "
            "where id = ?",
            [(*rows.told(detail), run) for run, detail in details],
        )
        connection.executemany(
            f"insert into params (run, given, {rows.PARAM}) values (?, 1, ?, ?, ?, ?, ?) "
            "on conflict (run, name) do nothing",
            [
                (run, *rows.of_param(name, value))
                for run, detail in details
                for name, value in rows.flatten(detail.get("params") or {}).items()
            ],
        )
