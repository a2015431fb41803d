"""From the raw table to a training, a validation and a hold-out part."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ... import schema

METHODS = ("time", "random")


def check_transactions(transactions: pd.DataFrame) -> pd.DataFrame:
    """The transactions with `row`, their position in the file. Raises ValueError for a table of another layout."""
    if unknown := [str(name) for name in transactions.columns if name not in schema.COLUMNS]:
        raise ValueError(f"transactions: columns are unknown: {', '.join(unknown)}")
    schema.check(transactions, schema.COLUMNS, "transactions")
    if transactions.empty:
        raise ValueError("transactions: the table has no rows")
    checked = transactions[list(schema.COLUMNS)].astype({schema.LABEL: "int8"}).reset_index(drop=True)
    checked.insert(0, "row", np.arange(len(checked)))
    return checked


def split_transactions(
    checked: pd.DataFrame, split: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Training, validation and hold-out rows. Rows equal in all but their label stay together."""
    method = split["method"]
    if method not in METHODS:
        raise ValueError(f"split.method is {method!r}; choose one of {', '.join(METHODS)}")
    for key in ("test_share", "validation_share"):
        if not 0 < split[key] < 1:
            raise ValueError(f"split.{key} is {split[key]}; it must lie between 0 and 1")
    random = np.random.default_rng(split["seed"])
    if method == "time":
        cut = np.quantile(checked["Time"], 1 - split["test_share"], method="higher")
        held = (checked["Time"] >= cut).to_numpy()  # equal rows have equal times: none straddles the cut
    else:
        held = _draw(checked, split["test_share"], random)
    rest, holdout = checked[~held], checked[held]
    watched = _draw(rest, split["validation_share"], random)
    parts = {"training": rest[~watched], "validation": rest[watched], "hold-out": holdout}
    for name, part in parts.items():
        if part["Class"].nunique() < 2:
            raise ValueError(f"the {name} part has no frauds or nothing else; change split.* or give more rows")
    train, validation, holdout = (part.reset_index(drop=True) for part in parts.values())
    return train, validation, holdout


def _draw(table: pd.DataFrame, share: float, random: np.random.Generator) -> np.ndarray:
    """A random `share` of `table` as a mask, the same share of each class, equal rows together."""
    group = table.groupby(list(schema.FEATURES), sort=False).ngroup().to_numpy()
    label = pd.Series(table["Class"].to_numpy()).groupby(group).max().to_numpy()
    taken = np.zeros(len(label), dtype=bool)
    for value in (0, 1):
        groups = random.permutation(np.flatnonzero(label == value))
        taken[groups[: round(share * len(groups))]] = True
    return taken[group]
