from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fraud.pipelines.inference import nodes


def test_one_line_per_row_in_their_order(trained, transactions):
    scores = nodes.score_transactions(trained[0], transactions)
    assert list(scores.columns) == ["row", "score"]
    assert list(scores["row"]) == list(range(len(transactions)))
    assert scores["score"].between(0, 1).all()


def test_the_label_makes_no_difference(trained, transactions):
    with_label = nodes.score_transactions(trained[0], transactions)
    assert with_label.equals(nodes.score_transactions(trained[0], transactions.drop(columns="Class")))


def test_order_of_rows_and_columns_makes_no_difference(trained, transactions):
    scores = nodes.score_transactions(trained[0], transactions)["score"].to_numpy()
    turned = nodes.score_transactions(trained[0], transactions.iloc[::-1, ::-1])["score"].to_numpy()
    assert np.allclose(scores, turned[::-1], rtol=1e-9)


def test_duplicates_and_single_rows_score_alike(trained, transactions):
    one = transactions.iloc[[5]]
    alone = nodes.score_transactions(trained[0], one)["score"].iloc[0]
    twice = nodes.score_transactions(trained[0], pd.concat([one, one]))
    assert list(twice["row"]) == [0, 1]
    assert np.allclose(twice["score"], alone, rtol=1e-9)


def test_no_rows_give_no_scores(trained, transactions):
    assert nodes.score_transactions(trained[0], transactions.head(0).astype(float)).empty


def test_missing_columns_are_named(trained, transactions):
    with pytest.raises(ValueError, match="V5, V6"):
        nodes.score_transactions(trained[0], transactions.drop(columns=["V5", "V6"]))


def test_the_example_can_be_scored(trained):
    example = pd.read_csv(Path(__file__).parents[2] / "data/01_raw/new_transactions.csv")
    assert len(nodes.score_transactions(trained[0], example)) == len(example)
