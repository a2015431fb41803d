import numpy as np
import pandas as pd
import pytest
from iris.pipelines.data_engineering import nodes as engineering
from iris.pipelines.data_science import models, nodes
from iris.schema import MEASURES, SPECIES

train = models.Trainer(MEASURES, SPECIES)


@pytest.fixture
def parts(flowers, parameters):
    inliers = engineering.remove_outliers(flowers, 150, parameters["random_state"])
    return engineering.split(engineering.scale(inliers), parameters["test_data_ratio"], parameters["random_state"])


def test_most_flowers_are_recognised(parts, parameters):
    classifier = train(parts[0], parameters["model"], parameters["random_state"])
    measured = nodes.evaluate(nodes.predict(classifier, parts[1]))
    assert measured["total"] == 23
    assert 20 <= measured["right"] <= 22


@pytest.mark.parametrize("name", models.FITS)
def test_the_same_state_gives_the_same_model(parts, parameters, name):
    settings = parameters["model"] | {"name": name}
    first, second = (train(parts[0], settings, 3).probabilities(parts[1][list(MEASURES)]) for _ in range(2))
    assert np.array_equal(first, second)


def test_training_ends_when_nothing_gets_better(parts, parameters):
    booster = train(parts[0], parameters["model"], 3).probabilities.__self__
    assert 0 < booster.best_iteration < parameters["model"]["lightgbm"]["rounds"]


def test_an_unknown_model_is_refused_with_the_known_names(parts, parameters):
    with pytest.raises(ValueError, match=r"no model 'lightgmb'.* one of lightgbm, logistic_regression"):
        train(parts[0], parameters["model"] | {"name": "lightgmb"}, 3)


def test_predictions_stand_beside_the_truth(parts, parameters):
    classifier = train(parts[0], parameters["model"] | {"name": "logistic_regression"}, 3)
    predictions = nodes.predict(classifier, parts[1])
    assert list(predictions["actual"]) == list(parts[1][SPECIES])
    assert set(predictions["predicted"]) <= set(parts[0][SPECIES])


def test_the_order_of_columns_makes_no_difference(parts, parameters):
    classifier = train(parts[0], parameters["model"], 3)
    turned = nodes.predict(classifier, parts[1][parts[1].columns[::-1]])
    assert turned.equals(nodes.predict(classifier, parts[1]))


PREDICTIONS = pd.DataFrame({"predicted": ["a", "b", "b", "b"], "actual": ["a", "a", "b", "b"]})


def test_right_ones_are_counted():
    assert nodes.evaluate(PREDICTIONS) == {"accuracy": 0.75, "right": 3, "total": 4, "right_of_total": "3 of 4"}


def test_no_flowers_say_nothing():
    with pytest.raises(ValueError, match="no flowers to test with"):
        nodes.evaluate(PREDICTIONS.head(0))


def test_the_confusion_matrix_counts_every_flower():
    axes = nodes.draw_confusion_matrix(PREDICTIONS).axes[0]
    assert [text.get_text() for text in axes.texts] == ["1", "1", "0", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
