"""Whether a ledger is sound, and which objects its last runs name. `runs.health` calls it; it only reads."""

from __future__ import annotations

from tane.ledger import connection, references

_RECENT = (
    "select kept.value, kept.file from outputs join kept on kept.id = outputs.kept where outputs.run in ({marks})",
    "select artifacts.file, '' from artifacts where artifacts.run in ({marks})",
)


def faults(ledger: connection.Ledger) -> list[str]:
    """What SQLite finds wrong with the file, and rows that point at rows which are not there; nothing when all is well.

    Raises `errors.LedgerError` for a file so damaged that it cannot be asked.
    """
    found = [str(row[0]) for row in ledger.rows("pragma integrity_check(20)")]
    if found != ["ok"]:
        return found
    return [
        f"a row of {table} points at a row of {parent} that is not there"
        for table, parent in dict.fromkeys((row[0], row[2]) for row in ledger.rows("pragma foreign_key_check"))
    ]


def named_lately(ledger: connection.Ledger, runs: int) -> set[str]:
    """The digests of the objects that the newest `runs` name, but for those whose values were given up."""
    gone = references.given_up(ledger)
    found = ledger.rows("select id, run from runs order by id desc limit ?", (runs,))
    newest = [number for number, run in found if run not in gone]
    marks = ",".join("?" * len(newest))
    if not newest:
        return set()
    named = {each for select in _RECENT for row in ledger.rows(select.format(marks=marks), newest) for each in row}
    return named - {"", None}
