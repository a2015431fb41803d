"""Plain functions: data in, data out. Where the data lies is the catalog's business."""

import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import train_test_split

from ...schema import MEASURES, SPECIES


def remove_outliers(flowers: pd.DataFrame, max_samples: int, random_state: int) -> pd.DataFrame:
    """The flowers that an isolation forest does not take for outliers."""
    missing = [column for column in (*MEASURES, SPECIES) if column not in flowers]
    if missing:
        raise ValueError(f"the table of flowers has no column {', '.join(missing)}")
    forest = IsolationForest(max_samples=min(max_samples, len(flowers)), random_state=random_state)
    usual = forest.fit_predict(flowers[list(MEASURES)]) == 1
    return flowers[usual].reset_index(drop=True)


def scale(inliers: pd.DataFrame) -> pd.DataFrame:
    """Each measure from 0, its least value, to 1, its greatest."""
    measured = inliers[list(MEASURES)]
    low, high = measured.min(), measured.max()
    spread = (high - low).replace(0.0, 1.0)  # what never varies is 0
    return ((measured - low) / spread).assign(**{SPECIES: inliers[SPECIES]})


def split(scaled_flowers: pd.DataFrame, test_data_ratio: float, random_state: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The flowers to train with, and those set aside."""
    train, test = train_test_split(scaled_flowers, test_size=test_data_ratio, random_state=random_state)
    return train.reset_index(drop=True), test.reset_index(drop=True)
