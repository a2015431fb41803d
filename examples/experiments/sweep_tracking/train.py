"""Which species is a penguin? A plain script: its configuration is composed, and every run of it is tracked."""

from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import tane

HERE = Path(__file__).parent
MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def classifier(model, seed):
    if model.kind == "tree":
        return DecisionTreeClassifier(max_depth=model.depth, random_state=seed)
    if model.kind == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(C=1 / model.penalty))
    raise ValueError(f"there is no model {model.kind!r}")


@tane.main(config=HERE / "conf/config.yaml")
def train(cfg):
    penguins = pd.read_csv(HERE / "data/penguins.csv").dropna(subset=MEASURES)
    known, unseen = train_test_split(
        penguins, test_size=cfg.test_share, random_state=cfg.seed, stratify=penguins["species"]
    )
    model = classifier(cfg.model, cfg.seed).fit(known[MEASURES], known["species"])
    accuracy = float(accuracy_score(unseen["species"], model.predict(unseen[MEASURES])))
    tane.log_metric("accuracy", accuracy)
    return accuracy


if __name__ == "__main__":
    train()
