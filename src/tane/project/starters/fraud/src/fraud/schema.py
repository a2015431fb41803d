"""The layout of the transactions, and the check that a table has it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

FEATURES = ("Time", *(f"V{number}" for number in range(1, 29)), "Amount")
LABEL = "Class"
COLUMNS = (*FEATURES, LABEL)


def check(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Raise ValueError naming every column of `columns` that is missing, not numeric or has gaps."""
    faults = []
    if missing := [name for name in columns if name not in table.columns]:
        faults.append(f"columns are missing: {', '.join(missing)}")
    present = [name for name in columns if name in table.columns]
    if text := [name for name in present if not pd.api.types.is_numeric_dtype(table[name])]:
        faults.append(f"columns are not numeric: {', '.join(text)}")
    if gaps := [name for name in present if name not in text and not np.isfinite(table[name].to_numpy(float)).all()]:
        faults.append(f"columns have missing or infinite values: {', '.join(gaps)}")
    checked = LABEL in columns and LABEL in present and LABEL not in (*text, *gaps)
    if checked and (wrong := sorted(set(table[LABEL]) - {0, 1})):
        faults.append(f"{LABEL} must be 0 or 1, but holds {', '.join(f'{value:g}' for value in wrong[:5])}")
    if faults:
        raise ValueError(f"{what}: {'; '.join(faults)}")
