"""Card transactions in the layout of the fraud starter, made up: `make_transactions.py FILE`."""

import sys

import numpy as np
import pandas as pd
from watch import Watch

ROWS, FRAUDS = 27_490, 360

with Watch():
    random = np.random.default_rng(0)
    label = np.zeros(ROWS, dtype=int)
    label[random.choice(ROWS, FRAUDS, replace=False)] = 1
    components = random.standard_normal((ROWS, 28)) + np.where(np.arange(28) < 6, 2.0, 0.0) * label[:, None]
    table = pd.DataFrame(components, columns=[f"V{number}" for number in range(1, 29)])
    table.insert(0, "Time", np.sort(random.integers(0, 172_800, ROWS)).astype(float))
    table["Amount"] = random.gamma(1.0, 80.0, ROWS).round(2)
    table["Class"] = label
    table.to_csv(sys.argv[1], index=False)
