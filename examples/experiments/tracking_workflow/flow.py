"""Which species is a penguin? A workflow whose runs are tracked: each step is kept, each number is recorded."""

import pandas as pd
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

import tane
from tane import Pipeline, node

MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def whole(penguins: pd.DataFrame) -> pd.DataFrame:
    return penguins.dropna(subset=MEASURES)


def split(whole: pd.DataFrame, test_share: float = 0.3, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    train, test = train_test_split(whole, test_size=test_share, random_state=seed, stratify=whole["species"])
    return train, test


def fit(train: pd.DataFrame, depth: int = 2, smallest_leaf: int = 1, seed: int = 3) -> DecisionTreeClassifier:
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=smallest_leaf, random_state=seed)
    tree.fit(train[MEASURES], train["species"])
    tane.log_metric("leaves", tree.get_n_leaves())
    return tree


def judge(fit: DecisionTreeClassifier, test: pd.DataFrame) -> float:
    accuracy = float(accuracy_score(test["species"], fit.predict(test[MEASURES])))
    tane.log_metric("accuracy", accuracy)
    tane.set_tag("data", "palmer penguins")
    return accuracy


pipeline = Pipeline([whole, node(split, "whole", ["train", "test"]), fit, judge])
