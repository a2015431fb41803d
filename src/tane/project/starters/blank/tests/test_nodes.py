"""Nodes are plain functions, so tests call them."""

import pandas as pd
import pytest
from blank.pipelines.iris import nodes

FLOWERS = pd.DataFrame(
    {
        "sepal_length": [5.0, 5.2, 5.1, 6.9, 7.1, 7.0],
        "sepal_width": [3.4, 3.5, 3.6, 3.0, 3.1, 3.2],
        "petal_length": [1.4, 1.5, 1.6, 5.8, 5.9, 6.0],
        "petal_width": [0.2, 0.3, 0.4, 2.0, 2.1, 2.2],
        "species": ["setosa"] * 3 + ["virginica"] * 3,
    }
)


def test_clean_keeps_the_complete_rows():
    dirty = pd.concat([FLOWERS, FLOWERS.head(1).assign(sepal_width=float("nan"))])
    assert nodes.clean(dirty).equals(FLOWERS)


def test_clean_names_the_missing_column():
    with pytest.raises(ValueError, match="petal_width"):
        nodes.clean(FLOWERS.drop(columns="petal_width"))


def test_split_takes_the_same_share_of_each_species():
    train, test = nodes.split(FLOWERS, test_share=1 / 3, seed=1)
    assert test["species"].value_counts().to_dict() == {"setosa": 1, "virginica": 1}
    assert len(train) + len(test) == len(FLOWERS)


def test_each_flower_is_nearest_to_its_own_species():
    model = nodes.fit(FLOWERS, standardise=True)
    predictions = nodes.predict(model, FLOWERS)
    assert (predictions["predicted"] == predictions["actual"]).all()


def test_evaluate_counts_what_is_recognised():
    half = pd.DataFrame({"predicted": ["a", "b"], "actual": ["a", "a"]})
    assert nodes.evaluate(half)["accuracy"] == 0.5
