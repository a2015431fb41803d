"""What can be trained: a function for each name that the parameter `model.name` may have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import tane

Probabilities = Callable[[pd.DataFrame], np.ndarray]
Fit = Callable[..., Probabilities]  # measures, species as numbers, random_state=, and the model's own settings


@dataclass(frozen=True)
class Classifier:
    """A trained model with the columns it takes and the species it knows."""

    name: str
    measures: tuple[str, ...]
    species: tuple[str, ...]
    probabilities: Probabilities

    def predict(self, flowers: pd.DataFrame) -> np.ndarray:
        """The most probable species of each flower."""
        most = np.argmax(self.probabilities(flowers[list(self.measures)]), axis=1)
        return np.array(self.species, dtype=object)[most]


def fit_lightgbm(
    measures: pd.DataFrame,
    species: np.ndarray,
    *,
    random_state: int,
    rounds: int,
    early_stopping_rounds: int,
    validation_ratio: float,
    hyper_parameters: Mapping[str, Any],
) -> Probabilities:
    """Boosted trees, until the loss on flowers set aside for that gets no better."""
    train, watched, train_species, watched_species = train_test_split(
        measures, species, test_size=validation_ratio, random_state=random_state, stratify=species
    )
    settings = {
        "objective": "multiclass",
        "num_class": len(np.unique(species)),
        "metric": "multi_logloss",
        "seed": random_state,
        "verbosity": -1,
        **hyper_parameters,
        "deterministic": True,  # with one thread and one order of sums: the same trees everywhere
        "force_row_wise": True,
        "num_threads": 1,
    }
    losses: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        settings,
        lightgbm.Dataset(train, train_species),
        rounds,
        valid_sets=[lightgbm.Dataset(watched, watched_species)],
        valid_names=["validation"],
        callbacks=[
            lightgbm.early_stopping(early_stopping_rounds, verbose=False),
            lightgbm.record_evaluation(losses),
        ],
    )
    for step, loss in enumerate(losses["validation"]["multi_logloss"]):
        tane.log_metric("validation_loss", loss, step=step)
    tane.log_metric("best_round", booster.best_iteration)
    return booster.predict


def fit_logistic_regression(
    measures: pd.DataFrame, species: np.ndarray, *, random_state: int, hyper_parameters: Mapping[str, Any]
) -> Probabilities:
    """A linear model: something to hold the trees against."""
    return LogisticRegression(random_state=random_state, **hyper_parameters).fit(measures, species).predict_proba


FITS: Mapping[str, Fit] = {"lightgbm": fit_lightgbm, "logistic_regression": fit_logistic_regression}


@dataclass(frozen=True)
class Trainer:
    """A node that is an object: its fields are what no run changes, its arguments what each run gives it."""

    measures: Sequence[str]
    target: str

    def __call__(self, train_flowers: pd.DataFrame, model: dict[str, Any], random_state: int) -> Classifier:
        """The model of the name `model["name"]`, trained with the settings that stand under that name."""
        name = model["name"]
        if name not in FITS:
            raise ValueError(f"there is no model {name!r}; model.name is one of {', '.join(FITS)}")
        species, numbers = np.unique(train_flowers[self.target].astype(object), return_inverse=True)
        measures = train_flowers[list(self.measures)]
        probabilities = FITS[name](measures, numbers, random_state=random_state, **model[name])
        return Classifier(name, tuple(self.measures), tuple(species), probabilities)
