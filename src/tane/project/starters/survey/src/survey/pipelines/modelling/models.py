"""What can be trained: a function for each file of conf/base/model/. It takes what stands in that file."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import train_test_split

import tane


class Regressor(Protocol):
    """Whatever has learnt to give a number."""

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """The quality of each wine."""
        ...


Fit = Callable[..., Regressor]


def fit_elastic_net(
    features: pd.DataFrame, quality: pd.Series, *, alpha: float, l1_ratio: float, random_state: int
) -> Regressor:
    """A linear model whose coefficients are kept small."""
    model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, random_state=random_state, max_iter=100_000)
    return model.fit(features, quality)


def fit_catboost(
    features: pd.DataFrame,
    quality: pd.Series,
    *,
    iterations: int,
    learning_rate: float,
    depth: int,
    random_state: int,
) -> Regressor:
    """Boosted symmetric trees."""
    train, watched, train_quality, watched_quality = _watching(features, quality, random_state)
    return CatBoostRegressor(
        iterations=iterations,
        learning_rate=learning_rate,
        depth=depth,
        random_seed=random_state,
        thread_count=1,
        allow_writing_files=False,
        verbose=False,
    ).fit(train, train_quality, eval_set=(watched, watched_quality), use_best_model=False, callbacks=[_Reporting()])


class _Reporting:
    """Tells CatBoost's progress to the run."""

    def after_iteration(self, info: Any) -> bool:
        """Called after each round; True: go on."""
        _report(info.iteration, info.metrics["validation"]["RMSE"][-1])
        return True


def fit_lightgbm(
    features: pd.DataFrame,
    quality: pd.Series,
    *,
    iterations: int,
    learning_rate: float,
    num_leaves: int,
    random_state: int,
) -> Regressor:
    """Boosted trees, grown leaf by leaf."""
    train, watched, train_quality, watched_quality = _watching(features, quality, random_state)

    def reporting(now: Any) -> None:
        _report(now.iteration + 1, now.evaluation_result_list[0][2])

    return LGBMRegressor(
        n_estimators=iterations,
        learning_rate=learning_rate,
        num_leaves=num_leaves,
        random_state=random_state,
        metric="rmse",
        deterministic=True,  # with one thread and one order of sums: the same trees everywhere
        force_row_wise=True,
        n_jobs=1,
        verbosity=-1,
    ).fit(train, train_quality, eval_X=watched, eval_y=watched_quality, callbacks=[reporting])


FITS: Mapping[str, Fit] = {"elastic_net": fit_elastic_net, "catboost": fit_catboost, "lightgbm": fit_lightgbm}


def fit(features: pd.DataFrame, quality: pd.Series, model: Mapping[str, Any]) -> Regressor:
    """The model of the name `model["name"]`, trained with what else stands in `model`."""
    settings = dict(model)
    name = settings.pop("name")
    if name not in FITS:
        raise ValueError(f"there is no model {name!r}; model.name is one of {', '.join(FITS)}")
    return FITS[name](features, quality, **settings)


EVERY = 25  # rounds between two reports


def _report(rounds: int, error: float) -> None:
    """Let the run know how far off the model is by now: a search gives up what is worse than others were."""
    if rounds % EVERY == 0:
        tane.report(float(error), step=rounds)


def _watching(features: pd.DataFrame, quality: pd.Series, random_state: int) -> list[Any]:
    """A tenth of the wines to train with is watched, not trained on."""
    return train_test_split(features, quality, test_size=0.1, random_state=random_state)
