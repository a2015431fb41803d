"""The callback for XGBoost beside the real library."""

import numpy
import pytest
import xgboost

import tane
from tane.integrations import xgboost as ours

CLASSES = {"objective": "multi:softprob", "num_class": 3, "eval_metric": ["mlogloss", "merror"], "nthread": 1}


@pytest.fixture
def sets(iris):
    return xgboost.DMatrix(iris[0], iris[2]), xgboost.DMatrix(iris[1], iris[3])


def test_each_iteration_is_a_step_and_the_best_one_is_known(run, sets):
    told = {}
    booster = xgboost.train(
        CLASSES,
        sets[0],
        200,
        evals=[(sets[0], "train"), (sets[1], "valid")],
        evals_result=told,
        early_stopping_rounds=10,
        verbose_eval=False,
        callbacks=[ours.log_evaluation()],
    )
    rounds = booster.num_boosted_rounds()
    assert rounds < 200  # it has stopped
    for data, metrics in told.items():
        for metric, values in metrics.items():
            assert run.metrics[f"{data}.{metric}"].steps == list(range(rounds))
            assert run.metrics[f"{data}.{metric}"].values == values
    assert run.metrics["best_iteration"].last == booster.best_iteration
    assert run.metrics["best_score"].last == booster.best_score


def test_cross_validation_logs_mean_and_deviation(run, sets):
    found = xgboost.cv(CLASSES, sets[0], 4, nfold=3, callbacks=[ours.log_evaluation()], as_pandas=False)
    assert run.metrics["test.mlogloss"].values == pytest.approx(found["test-mlogloss-mean"], abs=0)
    assert run.metrics["test.mlogloss.std"].values == pytest.approx(found["test-mlogloss-std"], abs=0)


def test_autolog_logs_parameters_iterations_importance_and_model(run, diabetes):
    tane.autolog("xgboost")
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=2, n_jobs=1)
    model.fit(diabetes[0], diabetes[2], eval_set=[(diabetes[1], diabetes[3])], verbose=False)
    assert run.params["xgboost.max_depth"] == 2
    assert run.params["xgboost.num_boost_round"] == 5
    assert run.metrics["validation_0.rmse"].steps == [0, 1, 2, 3, 4]
    assert run.artifact("xgboost/importance").load()
    booster = tane.load_artifact(run, "xgboost/model")
    data = xgboost.DMatrix(diabetes[1])
    assert numpy.array_equal(booster.predict(data), model.get_booster().predict(data))


def test_off_puts_the_library_back(run):
    before = xgboost.train
    tane.autolog("xgboost")
    tane.autolog("xgboost", off=True)
    assert xgboost.train is before
