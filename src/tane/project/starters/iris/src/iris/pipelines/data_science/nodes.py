"""Prediction, and how good it is: in numbers and in a picture."""

import logging

import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

import tane

from ...schema import SPECIES
from .models import Classifier

logger = logging.getLogger(__name__)


def predict(classifier: Classifier, test_flowers: pd.DataFrame) -> pd.DataFrame:
    """The species that the model gives each flower, beside its own."""
    return pd.DataFrame({"predicted": classifier.predict(test_flowers), "actual": test_flowers[SPECIES]})


def evaluate(predictions: pd.DataFrame) -> dict[str, float | int | str]:
    """How many of the flowers are recognised, and their share."""
    total = len(predictions)
    if not total:
        raise ValueError("there are no flowers to test with: raise test_data_ratio")
    right = int((predictions["predicted"] == predictions["actual"]).sum())
    tane.log_metrics({"accuracy": right / total, "right": right, "total": total})
    logger.info("%d of %d flowers are recognised", right, total)
    return {"accuracy": right / total, "right": right, "total": total, "right_of_total": f"{right} of {total}"}


def draw_confusion_matrix(predictions: pd.DataFrame) -> Figure:
    """Which species are taken for which."""
    species = sorted({*predictions["actual"], *predictions["predicted"]})
    counts = confusion_matrix(predictions["actual"], predictions["predicted"], labels=species)
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title="Flowers set aside", xlabel="predicted", ylabel="actual")
    axes.imshow(counts, cmap="Blues", vmin=0)
    axes.set_xticks(range(len(species)), species)
    axes.set_yticks(range(len(species)), species)
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            shade = "white" if count > counts.max() / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=shade)
    return figure
