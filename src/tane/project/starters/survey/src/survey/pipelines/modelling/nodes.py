"""Training, prediction, and how far off it is: in numbers and in a picture."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

import tane

from ...schema import QUALITY
from . import models

logger = logging.getLogger(__name__)


def train(train_wines: pd.DataFrame, model: Mapping[str, Any]) -> models.Regressor:
    """The model that `conf/base/model/` describes, trained."""
    logger.info("training %s", ", ".join(f"{name}={value}" for name, value in model.items()))
    return models.fit(train_wines.drop(columns=QUALITY), train_wines[QUALITY], model)


def predict(regressor: models.Regressor, test_wines: pd.DataFrame) -> pd.DataFrame:
    """The quality that the model gives each wine, beside the tasters'."""
    predicted = regressor.predict(test_wines.drop(columns=QUALITY))
    return pd.DataFrame({"predicted": predicted, "actual": test_wines[QUALITY]})


def evaluate(predictions: pd.DataFrame) -> dict[str, float]:
    """How far off the predictions are, in points of quality; `r2` is the share of the variance they explain."""
    if predictions.empty:
        raise ValueError("there are no wines to test with: raise split.test_share")
    actual, predicted = predictions["actual"], predictions["predicted"]
    scores = {
        "rmse": float(root_mean_squared_error(actual, predicted)),
        "mae": float(mean_absolute_error(actual, predicted)),
        "r2": float(r2_score(actual, predicted)),
    }
    tane.log_metrics(scores)
    return scores


def draw_errors(predictions: pd.DataFrame) -> Figure:
    """How the predictions spread, for each quality that the tasters gave."""
    marks = np.sort(predictions["actual"].unique())
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title="Wines set aside", xlabel="quality, as the tasters say", ylabel="quality, as the model says")
    groups = [predictions.loc[predictions["actual"] == mark, "predicted"] for mark in marks]
    axes.boxplot(groups, positions=marks, widths=0.6, showfliers=False)
    axes.plot(marks, marks, linestyle="--", linewidth=1, color="grey")
    return figure
