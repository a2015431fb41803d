"""What each dataset was last, for all of them at once. The doors that list datasets call it; it only reads."""

from __future__ import annotations

from typing import NamedTuple

from tane.ledger import connection, records, rows


class Newest(NamedTuple):
    """The newest run that had a dataset, when that was, and what it had."""

    run: str
    at: float
    kept: records.Kept


def newest(ledger: connection.Ledger) -> dict[str, Newest]:
    """Dataset name -> what the newest run that made or took it had."""
    found: dict[str, Newest] = {}
    for name, run in ledger.rows(
        "select kept.name, max(outputs.run) from kept join outputs on outputs.kept = kept.id "
        "where outputs.position < ? group by kept.name",
        (records.ITEMS,),  # parts of a fanned-out step are no versions of what it makes
    ):
        for label, started, ended, *kept in ledger.rows(
            f"select runs.run, runs.started, steps.ended, {rows.KEPT} from outputs "
            "join kept on kept.id = outputs.kept "
            "join steps on steps.run = outputs.run and steps.position = outputs.position "
            "join runs on runs.id = outputs.run "
            "where outputs.run = ? and kept.name = ? and outputs.position < ? order by outputs.position desc limit 1",
            (run, name, records.ITEMS),
        ):
            found[name] = Newest(label, ended or started, rows.kept(kept))
    return found
