"""CatBoost: `log_evaluation()` as a callback logs every metric of every data set at each iteration.

    model.fit(X, y, eval_set=(X_valid, y_valid), callbacks=[log_evaluation()])

CatBoost calls no callbacks when it trains on a GPU.
"""

from __future__ import annotations

from typing import Any

from tane import events
from tane.integrations import patches
from tane.tracking import calls, current, logs

catboost: Any = patches.library("catboost")


class Evaluation:
    """The callback."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = f"{prefix}." if prefix else ""

    def after_iteration(self, info: Any) -> bool:
        """Log one iteration; never ends the training."""
        points = {
            f"{self._prefix}{data}.{metric}": values[-1]
            for data, metrics in info.metrics.items()
            for metric, values in metrics.items()
            if len(values)
        }
        if points:
            logs.log_metrics(points, step=info.iteration - 1)  # it counts from 1, its best iteration from 0
        return True


def log_evaluation(prefix: str = "") -> Evaluation:
    """A callback for `fit`: metrics DATASET.METRIC ("learn" and "validation"), with the iteration as their step."""
    return Evaluation(prefix)


def log_summary(model: Any, name: str = "catboost", *, models: bool = True) -> None:
    """Log what a trained model has come to: its best iteration and the scores there, the importance of its features
    as a table, and the model.
    """
    sink = current.active()
    if sink is None:
        return
    best = {} if model.get_best_iteration() is None else {f"{name}.best_iteration": model.get_best_iteration()}
    for data, metrics in (model.get_best_score() or {}).items():
        best |= {f"{name}.best.{data}.{metric}": value for metric, value in metrics.items()}
    if best:
        calls.metrics(sink, best, None)
    importance = zip(model.feature_names_ or (), model.get_feature_importance(), strict=False)
    rows = [{"feature": feature, "importance": float(value)} for feature, value in importance]
    calls.table(sink, f"{name}/importance", sorted(rows, key=lambda row: -float(str(row["importance"]))))
    if models:
        calls.model(sink, model, f"{name}/model")


# --- without a line of the user's -------------------------------------------------------------------------------------

_patches = patches.Patches()


def autolog(*, models: bool = True) -> None:
    """Have each `fit` of CatBoost logged."""

    def fit(original: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        sink = current.active()
        if sink is None:
            return original(model, *args, **kwargs)
        callbacks = list(kwargs.get("callbacks") or ())
        on_gpu = str(model.get_param("task_type") or "").upper() == "GPU"
        if not on_gpu and not any(isinstance(each, Evaluation) for each in callbacks):
            kwargs["callbacks"] = [*callbacks, Evaluation()]
        fitted = original(model, *args, **kwargs)
        patches.on_the_side(lambda: _log(sink, model, models))
        return fitted

    for name in ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker"):
        _patches.replace(getattr(catboost, name), "fit", fit)


def autolog_off() -> None:
    """Undo `autolog`."""
    _patches.undo()


def _log(sink: events.Sink, model: Any, models: bool) -> None:
    name = patches.label("catboost")
    patches.params(sink, name, model.get_params())
    log_summary(model, name, models=models)
