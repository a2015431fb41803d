"""What is trained: an ensemble that scores transactions with the probability of fraud at the natural rate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

INPUTS = tuple(f"V{number}" for number in range(1, 29))


def inputs_of(table: pd.DataFrame) -> np.ndarray:
    """The model's inputs. Time is left out: a model that knows the hour does worse on later transactions."""
    amount = np.log1p(np.maximum(table["Amount"].to_numpy(float), 0.0))
    return np.column_stack([table[list(INPUTS)].to_numpy(float), amount])


@dataclass(frozen=True)
class Scaling:
    """Standardised inputs with long tails drawn in: frauds lie many standard deviations out."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def fit(cls, inputs: np.ndarray) -> "Scaling":
        deviation = inputs.std(axis=0)
        return cls(inputs.mean(axis=0), np.where(deviation > 0, deviation, 1.0))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        return np.arcsinh((inputs - self.mean) / self.deviation)


@dataclass(frozen=True)
class FraudModel:
    """Members whose log-odds are averaged. `shift` takes the log-odds from the training rate to the natural one."""

    kind: str
    scaling: Scaling | None
    members: tuple[Any, ...]
    shift: float

    def score(self, table: pd.DataFrame) -> np.ndarray:
        """The probability of fraud for each row of `table`, which may be in any order and of any length."""
        if not len(table):
            return np.zeros(0)
        inputs = inputs_of(table)
        if self.scaling is not None:
            inputs = self.scaling(inputs)
        with threadpool_limits(1):
            odds = np.mean([log_odds(member.predict_proba(inputs)[:, 1]) for member in self.members], axis=0)
        return 1 / (1 + np.exp(-(odds + self.shift)))


def log_odds(probability: np.ndarray) -> np.ndarray:
    """ln(p / (1 - p)), finite also for 0 and 1."""
    bounded = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(bounded) - np.log1p(-bounded)


def prior_shift(labels: np.ndarray, fraud_weight: float, natural_fraud_rate: float) -> float:
    """What to add to log-odds learned from `labels`, frauds counted `fraud_weight` times, to have the natural rate."""
    frauds = int(labels.sum())
    trained = np.log(fraud_weight * frauds / (len(labels) - frauds))
    return float(np.log(natural_fraud_rate / (1 - natural_fraud_rate)) - trained)
