import numpy as np
import pytest
from fraud.pipelines.training import models, nodes

KINDS = ["neural_network", "gradient_boosting"]


def train(parts, parameters, **changed):
    settings = {**parameters["model"], **changed}
    return nodes.train_model(parts[0], parts[1], settings, parameters["natural_fraud_rate"])


@pytest.mark.parametrize(("kind", "epochs"), [("neural_network", 6), ("gradient_boosting", 8)])
def test_losses_have_a_row_per_epoch_and_fall(parts, parameters, kind, epochs):
    _, losses = train(parts, parameters, kind=kind)
    assert list(losses["epoch"]) == list(range(epochs))
    assert losses["train_loss"].iloc[-1] < losses["train_loss"].iloc[0]


@pytest.mark.parametrize("kind", KINDS)
def test_frauds_score_higher(parts, parameters, kind):
    model, _ = train(parts, parameters, kind=kind)
    scores, fraud = model.score(parts[2]), parts[2]["Class"] == 1
    assert np.median(scores[fraud]) > np.quantile(scores[~fraud], 0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same_model(parts, parameters, kind):
    first, again = (train(parts, parameters, kind=kind)[0].score(parts[2]) for _ in range(2))
    assert np.array_equal(first, again)


def test_another_seed_gives_another_model(parts, parameters):
    first, other = (train(parts, parameters, seed=seed)[0].score(parts[2]) for seed in (1, 2))
    assert not np.array_equal(first, other)


def test_validation_rows_are_not_trained_on(parts, parameters):
    other = parts[1].assign(Class=1 - parts[1]["Class"])
    scores = train(parts, parameters)[0].score(parts[2])
    assert np.array_equal(scores, train((parts[0], other, parts[2]), parameters)[0].score(parts[2]))


def test_an_unknown_kind_names_the_choices(parts, parameters):
    with pytest.raises(ValueError, match="neural_network, gradient_boosting"):
        train(parts, parameters, kind="oracle")


def test_a_higher_fraud_rate_raises_every_score(parts, parameters):
    rare, common = (
        nodes.train_model(parts[0], parts[1], parameters["model"], rate)[0].score(parts[2]) for rate in (0.001, 0.1)
    )
    assert (rare < common).all()


def test_the_shift_undoes_weights_and_sampling():
    labels = np.array([1] * 10 + [0] * 90)
    learned = np.log(5 * 10 / 90)  # what a model without inputs learns with frauds counted five times
    odds = learned + models.prior_shift(labels, 5, 0.002)
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(0.002)
