"""Plain functions: data in, data out. No parameter of a model is among their arguments, so no model runs them again."""

import pandas as pd
from sklearn.model_selection import train_test_split

from ...schema import MEASURES, QUALITY


def clean(wines: pd.DataFrame) -> pd.DataFrame:
    """Each wine once: a wine that is in both parts of a split makes a model look better than it is."""
    missing = [column for column in (*MEASURES, QUALITY) if column not in wines]
    if missing:
        raise ValueError(f"the table of wines has no column {', '.join(missing)}")
    return wines.drop_duplicates(ignore_index=True)


def add_ratios(clean_wines: pd.DataFrame) -> pd.DataFrame:
    """What tasters notice is often a proportion of two measures."""
    return clean_wines.assign(
        free_share=clean_wines["free sulfur dioxide"] / clean_wines["total sulfur dioxide"],
        sweetness=clean_wines["residual sugar"] / clean_wines["fixed acidity"],
    )


def split(wine_features: pd.DataFrame, test_share: float, random_state: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The wines to train with, and those set aside."""
    train, test = train_test_split(wine_features, test_size=test_share, random_state=random_state)
    return train.reset_index(drop=True), test.reset_index(drop=True)


def measure(train_part: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread of each feature among the wines to train with."""
    features = train_part.drop(columns=QUALITY)
    return pd.DataFrame({"mean": features.mean(), "spread": features.std().replace(0.0, 1.0)})


def scale(
    train_part: pd.DataFrame, test_part: pd.DataFrame, spreads: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both parts in units of the spread; the wines set aside have no say in it."""
    return _scaled(train_part, spreads), _scaled(test_part, spreads)


def _scaled(part: pd.DataFrame, spreads: pd.DataFrame) -> pd.DataFrame:
    features = part.drop(columns=QUALITY)
    return ((features - spreads["mean"]) / spreads["spread"]).assign(**{QUALITY: part[QUALITY]})
