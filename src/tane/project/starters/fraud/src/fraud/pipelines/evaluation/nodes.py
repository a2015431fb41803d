"""How good is the model on transactions it has not seen: numbers and pictures, all from scores."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn import metrics as measures

import tane

from ..training.models import FraudModel


def score_holdout(model: FraudModel, holdout: pd.DataFrame) -> pd.DataFrame:
    """The hold-out's row ids, labels and scores."""
    return pd.DataFrame({"row": holdout["row"], "Class": holdout["Class"], "score": model.score(holdout)})


def measure(holdout_scores: pd.DataFrame, natural_fraud_rate: float, false_alarm_rate: float) -> dict[str, float]:
    """The metrics of the hold-out; those named *_natural are weighted to the natural share of frauds."""
    labels, scores = _labels_and_scores(holdout_scores)
    weights = _natural_weights(labels, natural_fraud_rate)
    threshold = _threshold(labels, scores, false_alarm_rate)
    values = {
        "pr_auc": measures.average_precision_score(labels, scores),
        "pr_auc_natural": measures.average_precision_score(labels, scores, sample_weight=weights),
        "roc_auc": measures.roc_auc_score(labels, scores),
        f"recall_at_{100 * false_alarm_rate:g}pct_fpr": _recall_at(labels, scores, false_alarm_rate),
        "precision_natural": measures.precision_score(
            labels, scores >= threshold, sample_weight=weights, zero_division=0.0
        ),
        "log_loss_natural": measures.log_loss(labels, scores, sample_weight=weights, labels=[0, 1]),
        "holdout_rows": len(labels),
        "holdout_frauds": int(labels.sum()),
    }
    values = {name: float(value) for name, value in values.items()}
    for name, value in values.items():
        tane.log_metric(name, value)
    return values


def draw_loss_curve(loss_history: pd.DataFrame) -> Figure:
    """Training and validation loss by epoch."""
    figure, axes = _figure("Loss", "epoch", "cross-entropy, frauds weighted")
    axes.plot(loss_history["epoch"], loss_history["train_loss"], label="training")
    axes.plot(loss_history["epoch"], loss_history["validation_loss"], label="validation")
    axes.legend()
    return figure


def draw_roc_curve(holdout_scores: pd.DataFrame) -> Figure:
    """Frauds caught against honest transactions stopped."""
    labels, scores = _labels_and_scores(holdout_scores)
    stopped, caught, _ = measures.roc_curve(labels, scores, drop_intermediate=False)
    figure, axes = _figure("ROC", "share of honest transactions stopped", "share of frauds caught")
    axes.plot(stopped, caught, label=f"area {measures.roc_auc_score(labels, scores):.3f}")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    axes.legend(loc="lower right")
    return figure


def draw_pr_curve(holdout_scores: pd.DataFrame, natural_fraud_rate: float) -> Figure:
    """Precision against recall, in the hold-out and at the natural share of frauds."""
    labels, scores = _labels_and_scores(holdout_scores)
    figure, axes = _figure("Precision and recall", "recall", "precision")
    for name, weights in (("hold-out", None), ("natural share", _natural_weights(labels, natural_fraud_rate))):
        precision, recall, _ = measures.precision_recall_curve(labels, scores, sample_weight=weights)
        area = measures.average_precision_score(labels, scores, sample_weight=weights)
        axes.step(recall, precision, where="post", label=f"{name}, area {area:.3f}")
    axes.set_ylim(0, 1.05)
    axes.legend(loc="lower left")
    return figure


def draw_confusion_matrix(holdout_scores: pd.DataFrame, false_alarm_rate: float) -> Figure:
    """Who is stopped at the threshold that stops at most `false_alarm_rate` of the honest."""
    labels, scores = _labels_and_scores(holdout_scores)
    threshold = _threshold(labels, scores, false_alarm_rate)
    counts = measures.confusion_matrix(labels, scores >= threshold, labels=[False, True])
    figure, axes = _figure(f"Stopped at a score of {threshold:.2g}", "decision", "truth")
    axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks([0, 1], ["passed", "stopped"])
    axes.set_yticks([0, 1], ["honest", "fraud"])
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            dark = count > line.sum() / 2
            axes.text(column, row, f"{count:,}", ha="center", va="center", color="white" if dark else "black")
    return figure


def _labels_and_scores(holdout_scores: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = holdout_scores["Class"].to_numpy() == 1, holdout_scores["score"].to_numpy(float)
    if labels.all() or not labels.any():
        raise ValueError("the hold-out has no frauds or nothing else: it says nothing about a model")
    return labels, scores


def _natural_weights(labels: np.ndarray, natural_fraud_rate: float) -> np.ndarray:
    """Weights under which frauds make up `natural_fraud_rate` of the rows."""
    honest = labels.sum() / (~labels).sum() * (1 - natural_fraud_rate) / natural_fraud_rate
    return np.where(labels, 1.0, honest)


def _recall_at(labels: np.ndarray, scores: np.ndarray, false_alarm_rate: float) -> float:
    return float((scores[labels] >= _threshold(labels, scores, false_alarm_rate)).mean())


def _threshold(labels: np.ndarray, scores: np.ndarray, false_alarm_rate: float) -> float:
    """The lowest score from which on at most `false_alarm_rate` of the honest are stopped."""
    stopped, _, thresholds = measures.roc_curve(labels, scores, drop_intermediate=False)
    return float(thresholds[np.flatnonzero(stopped <= false_alarm_rate)[-1]])


def _figure(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=across, ylabel=up)
    return figure, axes
