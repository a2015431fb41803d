"""Plain functions: data in, data out. Where the data lies is the catalog's business."""

from typing import Any

import pandas as pd

import tane

MEASURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
SPECIES = "species"


def clean(flowers_raw: pd.DataFrame) -> pd.DataFrame:
    """The rows that are complete."""
    missing = [column for column in [*MEASURES, SPECIES] if column not in flowers_raw]
    if missing:
        raise ValueError(f"the table of flowers has no column {', '.join(missing)}")
    return flowers_raw[[*MEASURES, SPECIES]].dropna().reset_index(drop=True)


def split(flowers: pd.DataFrame, test_share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set the same share of each species aside."""
    test = flowers.groupby(SPECIES).sample(frac=test_share, random_state=seed)
    train = flowers.drop(test.index)
    return train.reset_index(drop=True), test.sort_index().reset_index(drop=True)


def fit(train: pd.DataFrame, standardise: bool) -> dict[str, Any]:
    """The centre of each species, and the scale to measure distances by."""
    scale = train[MEASURES].std() if standardise else pd.Series(1.0, index=MEASURES)
    centres = train.groupby(SPECIES)[MEASURES].mean()
    return {"scale": scale.to_dict(), "centres": centres.to_dict(orient="index")}


def predict(model: dict[str, Any], test: pd.DataFrame) -> pd.DataFrame:
    """The species whose centre is nearest."""
    scale = pd.Series(model["scale"])
    distances = pd.DataFrame(
        {
            species: (((test[MEASURES] - pd.Series(centre)) / scale) ** 2).sum(axis=1)
            for species, centre in model["centres"].items()
        }
    )
    return pd.DataFrame({"predicted": distances.idxmin(axis=1), "actual": test[SPECIES]})


def evaluate(predictions: pd.DataFrame) -> dict[str, float]:
    """The share of flowers that are recognised."""
    accuracy = float((predictions["predicted"] == predictions["actual"]).mean())
    tane.log_metric("accuracy", accuracy)
    return {"accuracy": accuracy, "flowers": len(predictions)}
