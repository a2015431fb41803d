"""`tane.search_runs`: the runs that a filter is true of, as a data frame with a row for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from tane import errors, extras
from tane.ledger import connection, search
from tane.tracking import places

_TIMES = ("started", "ended")


def search_runs(
    filter: str = "",
    *,
    sort: str | Sequence[str] = (),
    limit: int | None = None,
    path: str | os.PathLike[str] = ".",
    experiment: str | None = None,
    study: str | None = None,
    deleted: bool = False,
    windows: bool = False,
) -> Any:
    """The runs recorded around `path` that `filter` is true of, as a pandas data frame, newest first.

    A filter is like "metrics.auc > 0.8 and params.model = 'lightgbm'"; `sort` has names as they stand in it, each with
    `-` before it for the greatest first. Columns are what every run has (`run`, `status`, `started`, ...), then
    `params.*`, `metrics.*` and `tags.*`. Deleted runs, and those that are windows of a backfill, are found where they
    are asked for. Raises `errors.UsageError` for a filter that cannot be read, or a limit below 1.
    """
    if limit is not None and limit < 1:
        raise errors.UsageError(f"limit is {limit}", hint="give 1 or more, or leave it away for all runs")
    pandas = extras.require("pandas", "pandas", "search_runs")
    with closing(connection.open_ledger(places.looked_for(path).ledger, create=False)) as ledger:
        columns = search.columns(
            ledger,
            filter,
            sort=sort,
            limit=limit,
            experiment=experiment,
            study=study,
            deleted=deleted,
            windows=windows,
        )
    typed = {name: _typed(pandas, name, values) for name, values in columns.items()}
    return pandas.DataFrame(typed, copy=False)


def _typed(pandas: Any, name: str, values: list[Any]) -> Any:
    """A column of the type that it has whatever its values are; parameters keep theirs."""
    if name.startswith("metrics.") or name == "duration":
        return _numbers(values)
    if name in _TIMES:
        return pandas.to_datetime(_numbers(values), unit="s", utc=True)
    if name == "trial":
        return pandas.array(values, dtype="Int64")
    return values


def _numbers(values: list[Any]) -> Any:
    """Numbers, with NaN where there is none."""
    numpy = extras.require("numpy", "pandas", "search_runs")
    return numpy.array(values, dtype="float64")
