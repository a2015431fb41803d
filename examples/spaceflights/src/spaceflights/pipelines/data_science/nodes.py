"""Split, fit, judge."""

from dataclasses import dataclass

import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.metrics import max_error, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split


@dataclass
class Model:
    """What a model looks at, and what is set aside to judge it."""

    features: list[str]
    test_share: float = 0.2
    seed: int = 0


def split(table: pd.DataFrame, model: Model) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to learn from, and those to judge by."""
    train, test = train_test_split(
        table[[*model.features, "price"]], test_size=model.test_share, random_state=model.seed
    )
    return train, test


def fit(train: pd.DataFrame) -> LinearRegression:
    """A line through the prices."""
    return LinearRegression().fit(train.drop(columns="price"), train["price"])


def predict(regressor: LinearRegression, test: pd.DataFrame) -> pd.DataFrame:
    """True and predicted price of what was set aside."""
    return pd.DataFrame({"price": test["price"], "predicted": regressor.predict(test.drop(columns="price"))})


def judge(predictions: pd.DataFrame) -> dict[str, float]:
    """How far off the predictions are."""
    true, predicted = predictions["price"], predictions["predicted"]
    return {
        "r2": float(r2_score(true, predicted)),
        "mean_absolute_error": float(mean_absolute_error(true, predicted)),
        "max_error": float(max_error(true, predicted)),
    }
