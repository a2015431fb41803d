"""Autologging of scikit-learn beside the real library."""

import pickle
import sys

import numpy
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tane
from tane import errors


@pytest.fixture
def logged(run):
    tane.autolog("sklearn")
    return run


def test_a_fit_logs_parameters_training_score_and_model(logged, iris):
    model = LogisticRegression(C=0.5, max_iter=500).fit(iris[0], iris[2])
    assert logged.params["LogisticRegression.C"] == 0.5
    assert logged.metrics["LogisticRegression.training_score"].last == model.score(iris[0], iris[2])
    again = tane.load_artifact(logged, "LogisticRegression/model")
    assert numpy.array_equal(again.predict_proba(iris[1]), model.predict_proba(iris[1]))


def test_of_a_pipeline_the_whole_is_logged_and_not_each_step(logged, iris):
    make_pipeline(StandardScaler(), LogisticRegression(C=2.0)).fit(iris[0], iris[2])
    assert logged.params["Pipeline.logisticregression__C"] == 2.0
    assert list(logged.artifacts) == ["Pipeline/model.pkl"]


def test_a_search_logs_what_it_found_and_all_it_tried(logged, iris):
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0, 10.0]}, cv=2).fit(iris[0], iris[2])
    assert logged.params["GridSearchCV.best_params.C"] == search.best_params_["C"]
    assert logged.metrics["GridSearchCV.best_score"].last == search.best_score_
    rows = logged.artifact("GridSearchCV/cv_results").load()
    assert [row["param_C"] for row in rows] == [0.1, 1.0, 10.0]
    assert [name for name in logged.metrics if name.startswith("LogisticRegression")] == []


def test_parts_that_threads_of_joblib_fit_are_not_logged(logged, iris):
    from joblib import parallel_backend

    with parallel_backend("threading", n_jobs=2):
        BaggingClassifier(LogisticRegression(max_iter=300), n_estimators=4, n_jobs=2).fit(iris[0], iris[2])
    assert list(logged.artifacts) == ["BaggingClassifier/model.pkl"]


class Guess(ClassifierMixin, BaseEstimator):
    """Says what it heard first; defined before autologging began."""

    def fit(self, x, y):
        self.classes_ = numpy.unique(y)
        return self

    def predict(self, x):
        return numpy.full(len(x), self.classes_[0])


def test_classes_defined_later_are_logged_too_and_models_of_a_script_go_along(logged, iris):
    class Late(Guess):
        def fit(self, x, y):
            return super().fit(x, y)

    Late.__module__ = "__main__"
    Late().fit(iris[0], iris[2])
    assert list(logged.artifacts) == ["Late/model.pkl"]
    assert tane.load_artifact(logged, "Late/model").predict([[0]]) == [0]


def test_off_puts_every_class_back(run):
    before = vars(LogisticRegression)["fit"], BaseEstimator.__init_subclass__.__func__
    tane.autolog("sklearn")
    tane.autolog("sklearn")
    tane.autolog("scikit-learn", off=True)
    assert (vars(LogisticRegression)["fit"], BaseEstimator.__init_subclass__.__func__) == before


def test_what_fails_to_be_logged_does_not_fail_the_fit(logged, iris, caplog):
    model = LogisticRegression(max_iter=500)
    model.hook = sys.stdout  # no pickle of that
    model.fit(iris[0], iris[2])
    assert model.coef_.shape == (3, 4)
    assert "autologging left something out" in caplog.text
    assert pickle.dumps(LogisticRegression()) and not logged.artifacts


def test_an_unknown_library_is_refused_with_the_nearest_one():
    with pytest.raises(errors.UsageError, match="did you mean 'sklearn'"):
        tane.autolog("sklern")
