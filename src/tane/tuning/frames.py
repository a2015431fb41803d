"""The trials of a study as a data frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from tane import extras


class Row(Protocol):
    """What a trial has to show."""

    def as_dict(self) -> dict[str, Any]:
        """Its parts by name."""
        ...


def of_trials(metrics: Sequence[str], trials: Iterable[Row]) -> Any:
    """A pandas data frame: a row for each trial; `metrics.*` are its values, `params.*` its point."""
    pandas = extras.require("pandas", "pandas", "a study as a data frame")
    rows = []
    for trial in trials:
        said = trial.as_dict()
        values = said.pop("values") or [None] * len(metrics)
        params = said.pop("params")
        row = {key: said[key] for key in ("number", "state", "run", "seconds", "feasible")}
        row |= {f"metrics.{name}": value for name, value in zip(metrics, values, strict=True)}
        rows.append(row | {f"params.{name}": value for name, value in params.items()})
    return pandas.DataFrame(rows)
