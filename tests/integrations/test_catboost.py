"""The callback for CatBoost beside the real library."""

import catboost
import numpy
import pytest

import tane
from tane.integrations import catboost as ours

QUIET = {"verbose": False, "allow_writing_files": False, "thread_count": 1}


def test_each_iteration_is_a_step_for_both_sets_and_all_metrics(run, iris):
    model = catboost.CatBoostClassifier(iterations=150, custom_metric=["Accuracy"], early_stopping_rounds=10, **QUIET)
    model.fit(iris[0], iris[2], eval_set=(iris[1], iris[3]), callbacks=[ours.log_evaluation()])
    for data, metrics in model.get_evals_result().items():
        for metric, values in metrics.items():
            assert run.metrics[f"{data}.{metric}"].values == pytest.approx(values, abs=0)
            assert run.metrics[f"{data}.{metric}"].steps == list(range(len(values)))
    best = run.metrics["validation.MultiClass"].best("min")
    assert best.step == model.get_best_iteration()


def test_autolog_logs_parameters_best_iteration_importance_and_model(run, diabetes):
    tane.autolog("catboost")
    model = catboost.CatBoostRegressor(iterations=8, depth=3, **QUIET)
    model.fit(diabetes[0], diabetes[2], eval_set=(diabetes[1], diabetes[3]))
    assert run.params["catboost.depth"] == 3
    assert run.metrics["learn.RMSE"].steps == list(range(8))
    assert run.metrics["catboost.best_iteration"].last == model.get_best_iteration()
    assert len(run.artifact("catboost/importance").load()) == 10
    again = tane.load_artifact(run, "catboost/model")
    assert numpy.array_equal(again.predict(diabetes[1]), model.predict(diabetes[1]))
