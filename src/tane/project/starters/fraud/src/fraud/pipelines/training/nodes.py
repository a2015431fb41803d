"""Training of either kind of model, with its losses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import tane

from . import models


def train_model(
    train: pd.DataFrame, validation: pd.DataFrame, model: Mapping[str, Any], natural_fraud_rate: float
) -> tuple[models.FraudModel, pd.DataFrame]:
    """The model of `model["kind"]` and its loss by epoch. Raises ValueError for an unknown kind."""
    kind = model["kind"]
    if kind not in TRAINERS:
        raise ValueError(f"model.kind is {kind!r}; choose one of {', '.join(TRAINERS)}")
    with threadpool_limits(1):  # sums in another order would give other digits
        return TRAINERS[kind](train, validation, natural_fraud_rate, seed=model["seed"], **model[kind])


def train_networks(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    natural_fraud_rate: float,
    *,
    seed: int,
    members: int,
    hidden_layers: list[int],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    fraud_weight: int,
    input_noise: float,
    input_mask: float,
) -> tuple[models.FraudModel, pd.DataFrame]:
    """Networks trained side by side, an epoch at a time."""
    inputs, labels = models.inputs_of(train), train["Class"].to_numpy()
    scaling = models.Scaling.fit(inputs)
    inputs, watched = scaling(inputs), scaling(models.inputs_of(validation))
    shown = np.repeat(np.arange(len(labels)), np.where(labels == 1, fraud_weight, 1))
    seeds = np.random.SeedSequence(seed).spawn(members)
    randoms = [np.random.default_rng(each) for each in seeds]
    networks = [
        MLPClassifier(
            tuple(hidden_layers),
            alpha=weight_decay,
            learning_rate_init=learning_rate,
            batch_size=min(batch_size, len(shown)),
            random_state=int(each.generate_state(1)[0]),
        )
        for each in seeds
    ]
    losses = Losses(labels, validation["Class"].to_numpy(), fraud_weight)
    for epoch in range(epochs):
        for network, random in zip(networks, randoms, strict=True):
            rows = random.permutation(shown)
            seen = inputs[rows] + input_noise * random.standard_normal((len(rows), inputs.shape[1]))
            seen *= random.random(seen.shape) >= input_mask
            network.partial_fit(seen, labels[rows], classes=[0, 1])
        losses.add(epoch, _mean_log_odds(networks, inputs), _mean_log_odds(networks, watched))
    shift = models.prior_shift(labels, fraud_weight, natural_fraud_rate)
    return models.FraudModel("neural_network", scaling, tuple(networks), shift), losses.table()


def train_boosting(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    natural_fraud_rate: float,
    *,
    seed: int,
    members: int,
    iterations: int,
    learning_rate: float,
    max_leaf_nodes: int,
    min_samples_leaf: int,
    l2_regularization: float,
    max_features: float,
    fraud_weight: float,
) -> tuple[models.FraudModel, pd.DataFrame]:
    """Boosted trees; an epoch is an iteration."""
    inputs, labels = models.inputs_of(train), train["Class"].to_numpy()
    watched = models.inputs_of(validation)
    weights = np.where(labels == 1, fraud_weight, 1.0)
    forests = [
        HistGradientBoostingClassifier(
            learning_rate=learning_rate,
            max_iter=iterations,
            max_leaf_nodes=max_leaf_nodes,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            max_features=max_features,
            early_stopping=False,
            random_state=int(each.generate_state(1)[0]),
        ).fit(inputs, labels, sample_weight=weights)
        for each in np.random.SeedSequence(seed).spawn(members)
    ]
    losses = Losses(labels, validation["Class"].to_numpy(), fraud_weight)
    stages = zip(_staged_log_odds(forests, inputs), _staged_log_odds(forests, watched), strict=True)
    for iteration, (on_train, on_validation) in enumerate(stages):
        losses.add(iteration, on_train, on_validation)
    shift = models.prior_shift(labels, fraud_weight, natural_fraud_rate)
    return models.FraudModel("gradient_boosting", None, tuple(forests), shift), losses.table()


TRAINERS = {"neural_network": train_networks, "gradient_boosting": train_boosting}


class Losses:
    """Cross-entropy of the ensemble by epoch, frauds weighted as in training; logged as it is added."""

    def __init__(self, labels: np.ndarray, validation_labels: np.ndarray, fraud_weight: float) -> None:
        self._labels, self._validation_labels, self._fraud_weight = labels, validation_labels, fraud_weight
        self._rows: list[dict[str, float]] = []

    def add(self, epoch: int, on_train: np.ndarray, on_validation: np.ndarray) -> None:
        """Take in the log-odds of an epoch."""
        row = {
            "train_loss": self._loss(self._labels, on_train),
            "validation_loss": self._loss(self._validation_labels, on_validation),
        }
        for name, value in row.items():
            tane.log_metric(name, value, step=epoch)
        self._rows.append({"epoch": epoch, **row})

    def table(self) -> pd.DataFrame:
        """A row per epoch: epoch, train_loss, validation_loss."""
        return pd.DataFrame(self._rows, columns=["epoch", "train_loss", "validation_loss"])

    def _loss(self, labels: np.ndarray, odds: np.ndarray) -> float:
        each = np.logaddexp(0, np.where(labels == 1, -odds, odds))
        return float(np.average(each, weights=np.where(labels == 1, self._fraud_weight, 1.0)))


def _mean_log_odds(networks: list[Any], inputs: np.ndarray) -> np.ndarray:
    return np.mean([models.log_odds(network.predict_proba(inputs)[:, 1]) for network in networks], axis=0)


def _staged_log_odds(forests: list[Any], inputs: np.ndarray) -> list[np.ndarray]:
    staged = zip(*(forest.staged_decision_function(inputs) for forest in forests), strict=True)
    return [np.mean([odds.ravel() for odds in stage], axis=0) for stage in staged]
