import numpy as np
import pandas as pd
import pytest
from survey.pipelines.modelling import models, nodes
from survey.pipelines.preparation import nodes as preparation
from survey.schema import QUALITY

FEW = {
    "elastic_net": {"name": "elastic_net", "alpha": 0.01, "l1_ratio": 0.5, "random_state": 3},
    "catboost": {"name": "catboost", "iterations": 50, "learning_rate": 0.1, "depth": 4, "random_state": 3},
    "lightgbm": {"name": "lightgbm", "iterations": 50, "learning_rate": 0.1, "num_leaves": 15, "random_state": 3},
}


@pytest.fixture
def parts(wines):
    train, test = preparation.split(preparation.clean(wines), 0.2, 3)
    return preparation.scale(train, test, preparation.measure(train))


def test_every_model_is_tried():
    assert FEW.keys() == models.FITS.keys()


@pytest.mark.parametrize("name", FEW)
def test_a_model_is_better_than_the_mean(parts, name):
    scores = nodes.evaluate(nodes.predict(nodes.train(parts[0], FEW[name]), parts[1]))
    assert 0.2 < scores["r2"] < 1


@pytest.mark.parametrize("name", FEW)
def test_the_same_state_gives_the_same_model(parts, name):
    first, second = (nodes.train(parts[0], FEW[name]).predict(parts[1].drop(columns=QUALITY)) for _ in range(2))
    assert np.array_equal(first, second)


def test_an_unknown_model_is_refused_with_the_known_names(parts):
    with pytest.raises(ValueError, match=r"no model 'catbost'.* one of elastic_net, catboost, lightgbm"):
        nodes.train(parts[0], {"name": "catbost"})


PREDICTIONS = pd.DataFrame({"predicted": [5.0, 6.0, 7.0], "actual": [5, 7, 6]})


def test_errors_are_measured_in_points():
    scores = nodes.evaluate(PREDICTIONS)
    assert scores == pytest.approx({"rmse": (2 / 3) ** 0.5, "mae": 2 / 3, "r2": 0.0})


def test_no_wines_say_nothing():
    with pytest.raises(ValueError, match="no wines to test with"):
        nodes.evaluate(PREDICTIONS.head(0))


def test_the_picture_has_a_box_for_each_mark():
    axes = nodes.draw_errors(PREDICTIONS).axes[0]
    assert list(axes.get_xticks()) == [5, 6, 7]
