"""The floor: one insert into a SQLite database in WAL mode; 1,000 of them in one transaction."""

from __future__ import annotations

import sqlite3
import sys

import tracked

INSERT = "insert into points (run, name, step, value, at) values (?, ?, ?, ?, ?)"
database = sqlite3.connect("floor.db", isolation_level=None, timeout=30)
database.execute("pragma journal_mode = wal")
database.execute("pragma synchronous = normal")
database.execute(
    "create table if not exists points "
    "(id integer primary key, run integer, name text, step integer, value real, at real)"
)


def many(at: int) -> None:
    database.execute("begin")
    database.executemany(INSERT, [(1, name, at, number, 1.0) for name, number in tracked.BATCH.items()])
    database.execute("commit")


match sys.argv[1]:
    case "one":
        tracked.median(lambda at: database.execute(INSERT, (1, "loss", at, 0.5, 1.0)), tracked.ONCE)
    case "many":
        tracked.median(many, 40, per=len(tracked.BATCH))
