"""XGBoost: `log_evaluation()` as a callback logs every metric of every data set at each iteration, and the best one.

xgboost.train(params, train, evals=[(train, "train"), (valid, "valid")], callbacks=[log_evaluation()])
"""

from __future__ import annotations

import json
from typing import Any

from tane import events
from tane.integrations import patches
from tane.tracking import calls, current, logs

xgboost: Any = patches.library("xgboost")


class Evaluation(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """The callback."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = f"{prefix}." if prefix else ""

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Log one iteration; never ends the training."""
        points: dict[str, float] = {}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                name, value = f"{self._prefix}{data}.{metric}", values[-1]
                if isinstance(value, tuple):  # of cross-validation: mean and standard deviation
                    points[name], points[f"{name}.std"] = value
                else:
                    points[name] = value
        if points:
            logs.log_metrics(points, step=epoch)
        return False

    def after_training(self, model: Any) -> Any:
        """Log the best iteration, where early stopping has looked for it."""
        best = _best(model)
        if best:
            logs.log_metrics({f"{self._prefix}{name}": value for name, value in best.items()})
        return model


def log_evaluation(prefix: str = "") -> Evaluation:
    """A callback for `train`, `cv` and models: metrics DATASET.METRIC, with the iteration as their step."""
    return Evaluation(prefix)


def log_summary(model: Any, name: str = "xgboost", *, models: bool = True) -> None:
    """Log what a trained booster, or a model of the scikit-learn interface, has come to: the importance of its features
    as a table, and the model.
    """
    sink = current.active()
    if sink is None:
        return
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    gain, weight = booster.get_score(importance_type="gain"), booster.get_score(importance_type="weight")
    rows = [{"feature": each, "gain": gain[each], "weight": weight.get(each, 0)} for each in gain]
    calls.table(sink, f"{name}/importance", sorted(rows, key=lambda row: -row["gain"]))
    if models:
        calls.model(sink, model, f"{name}/model")


def _best(model: Any) -> dict[str, float]:
    found = {}
    for name in ("best_iteration", "best_score"):
        value = model.attr(name) if hasattr(model, "attr") else None
        if value is not None:
            found[name] = float(json.loads(value))
    return found


# --- without a line of the user's -------------------------------------------------------------------------------------

_patches = patches.Patches()


def autolog(*, models: bool = True) -> None:
    """Have each `xgboost.train`, also that of its scikit-learn interface, logged."""

    def train(original: Any, *args: Any, **kwargs: Any) -> Any:
        sink = current.active()
        if sink is None:
            return original(*args, **kwargs)
        given = dict(zip(("params", "dtrain", "num_boost_round"), args, strict=False)) | kwargs
        callbacks = list(given.get("callbacks") or ())
        if not any(isinstance(each, Evaluation) for each in callbacks):
            callbacks.append(Evaluation())
        booster = original(**{**given, "callbacks": callbacks})
        patches.on_the_side(lambda: _log(sink, given, booster, models))
        return booster

    for owner in (xgboost, xgboost.training, xgboost.sklearn):
        _patches.replace(owner, "train", train)


def autolog_off() -> None:
    """Undo `autolog`."""
    _patches.undo()


def _log(sink: events.Sink, given: dict[str, Any], booster: Any, models: bool) -> None:
    name = patches.label("xgboost")
    patches.params(sink, name, {**dict(given["params"]), "num_boost_round": given.get("num_boost_round", 10)})
    log_summary(booster, name, models=models)
