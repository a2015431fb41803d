"""Score new transactions with the kept model."""

import numpy as np
import pandas as pd

from ... import schema
from ..training.models import FraudModel


def score_transactions(model: FraudModel, new_transactions: pd.DataFrame) -> pd.DataFrame:
    """`row`, the position in the table, and `score`, one line per transaction. A Class column is not looked at."""
    schema.check(new_transactions, schema.FEATURES, "new_transactions")
    return pd.DataFrame({"row": np.arange(len(new_transactions)), "score": model.score(new_transactions)})
