"""The callback for LightGBM beside the real library: what it logs is what the library says it has measured."""

import lightgbm
import numpy
import pytest

import tane
from tane.integrations import lightgbm as ours

CLASSES = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}


@pytest.fixture
def sets(iris):
    train = lightgbm.Dataset(iris[0], iris[2])
    return train, lightgbm.Dataset(iris[1], iris[3], reference=train)


def test_each_iteration_of_a_multi_class_loss_is_a_step_until_it_stops_early(run, sets):
    told = {}
    booster = lightgbm.train(
        {**CLASSES, "metric": ["multi_logloss", "multi_error"]},
        sets[0],
        200,
        valid_sets=list(sets),
        valid_names=["train", "valid"],
        callbacks=[
            ours.log_evaluation(),
            lightgbm.early_stopping(10, verbose=False),
            lightgbm.record_evaluation(told),
        ],
    )
    assert len(told["valid"]["multi_logloss"]) == booster.best_iteration + 10  # it has stopped
    for data, metrics in told.items():
        for metric, values in metrics.items():
            series = run.metrics[f"{data}.{metric}"]
            assert series.steps == list(range(len(values)))
            assert series.values == pytest.approx(values, abs=0)
    assert {f"{data}.{metric}" for data in told for metric in told[data]} == set(run.metrics)


def test_two_errors_of_a_regression_are_two_series(run, diabetes):
    train = lightgbm.Dataset(diabetes[0], diabetes[2])
    params = {"objective": "regression", "metric": ["mae", "mse"], "verbose": -1, "num_threads": 1}
    lightgbm.train(params, train, 30, valid_sets=[train], valid_names=["train"], callbacks=[ours.log_evaluation()])
    assert {name: series.count for name, series in run.metrics.items()} == {"train.l1": 30, "train.l2": 30}
    assert run.metrics["train.l2"].values[0] > run.metrics["train.l2"].values[-1]


def test_cross_validation_logs_mean_and_deviation(run, sets):
    found = lightgbm.cv(CLASSES, sets[0], 5, nfold=3, callbacks=[ours.log_evaluation("cv")])
    assert run.metrics["cv.valid.multi_logloss"].values == found["valid multi_logloss-mean"]
    assert run.metrics["cv.valid.multi_logloss.std"].values == found["valid multi_logloss-stdv"]


def test_the_summary_has_the_best_iteration_the_importance_and_the_model(run, sets, iris):
    booster = lightgbm.train(
        CLASSES, sets[0], 100, valid_sets=[sets[1]], callbacks=[lightgbm.early_stopping(5, verbose=False)]
    )
    ours.log_summary(booster, "flowers")
    assert run.metrics["flowers.best_iteration"].last == booster.best_iteration
    best = booster.best_score["valid_0"]["multi_logloss"]
    assert run.metrics["flowers.best.valid_0.multi_logloss"].last == best
    assert len(run.artifact("flowers/importance").load()) == 4
    again = tane.load_artifact(run, "flowers/model")
    assert numpy.array_equal(again.predict(iris[1]), booster.predict(iris[1]))


def test_autolog_needs_no_callback_and_logs_each_fit_under_a_name_of_its_own(run, iris):
    tane.autolog("lightgbm")
    for rounds in (3, 4):
        lightgbm.LGBMClassifier(n_estimators=rounds, verbose=-1, n_jobs=1).fit(
            iris[0], iris[2], eval_X=iris[1], eval_y=iris[3]
        )
    assert run.params["lightgbm.num_boost_round"] == 3
    assert run.params["lightgbm_2.num_boost_round"] == 4
    assert run.metrics["valid_0.multi_logloss"].steps == [0, 0, 1, 1, 2, 2, 3]
    assert {"lightgbm/model.pkl", "lightgbm_2/model.pkl"} <= set(run.artifacts)


def test_off_puts_the_library_back(run, sets):
    before = lightgbm.train
    tane.autolog("lightgbm")
    assert lightgbm.train is not before
    tane.autolog("lightgbm", off=True)
    assert lightgbm.train is before


def test_outside_of_a_run_training_is_as_ever(sets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tane.autolog("lightgbm")
    try:
        lightgbm.train(CLASSES, sets[0], 2, callbacks=[ours.log_evaluation()])
    finally:
        tane.autolog(off=True)
    assert not list(tmp_path.iterdir())
