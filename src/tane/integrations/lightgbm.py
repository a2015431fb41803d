"""LightGBM: `log_evaluation()` as a callback logs every metric of every data set at each iteration.

lightgbm.train(params, train, valid_sets=[train, valid], callbacks=[log_evaluation(), early_stopping(10)])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tane import errors, events
from tane.integrations import patches
from tane.tracking import calls, current, logs

lightgbm = patches.library("lightgbm")


class Evaluation:
    """The callback. It works before that of early stopping, so that the last iteration is logged too."""

    order = 20
    before_iteration = False

    def __init__(self, prefix: str = "") -> None:
        self._prefix = f"{prefix}." if prefix else ""

    def __call__(self, env: Any) -> None:
        """Log one iteration."""
        points: dict[str, float] = {}
        for found in env.evaluation_result_list or ():
            name = f"{self._prefix}{found[0]}.{found[1]}".replace(" ", ".")
            points[name] = found[2]
            if len(found) > 4 and found[4] is not None:  # of cross-validation
                points[f"{name}.std"] = found[4]
        if points:
            logs.log_metrics(points, step=env.iteration)


def log_evaluation(prefix: str = "") -> Evaluation:
    """A callback for `train`, `cv` and `fit`: metrics DATASET.METRIC, with the iteration as their step."""
    return Evaluation(prefix)


def log_summary(model: Any, name: str = "lightgbm", *, models: bool = True) -> None:
    """Log what a trained booster, or a model of the scikit-learn interface, has come to: its best iteration and the
    scores there, the importance of its features as a table, and the model.
    """
    sink = current.active()
    if sink is None:
        return
    booster = getattr(model, "booster_", model)
    if not isinstance(booster, lightgbm.Booster):
        raise errors.UsageError(
            f"{name!r} is a {type(model).__name__}, not a trained model of LightGBM", hint="give what train() returned"
        )
    if booster.best_iteration > 0:
        calls.metrics(sink, {f"{name}.best_iteration": booster.best_iteration}, None)
        best = {
            f"{name}.best.{data}.{metric}": value for data, each in _best(booster) for metric, value in each.items()
        }
        if best:
            calls.metrics(sink, best, None)
    gains, splits = booster.feature_importance("gain"), booster.feature_importance("split")
    rows = [
        {"feature": feature, "gain": float(gain), "split": int(split)}
        for feature, gain, split in zip(booster.feature_name(), gains, splits, strict=True)
    ]
    calls.table(sink, f"{name}/importance", sorted(rows, key=lambda row: -float(str(row["gain"]))))
    if models:
        calls.model(sink, model, f"{name}/model")


def _best(booster: Any) -> Sequence[tuple[str, Any]]:
    return list((booster.best_score or {}).items())


# --- without a line of the user's -------------------------------------------------------------------------------------

_patches = patches.Patches()


def autolog(*, models: bool = True) -> None:
    """Have each `lightgbm.train`, also that of its scikit-learn interface, logged."""

    def train(original: Any, *args: Any, **kwargs: Any) -> Any:
        sink = current.active()
        if sink is None:
            return original(*args, **kwargs)
        given = dict(zip(_ARGUMENTS, args, strict=False)) | kwargs
        callbacks = list(given.get("callbacks") or ())
        if not any(isinstance(each, Evaluation) for each in callbacks):
            callbacks.append(Evaluation())
        booster = original(**{**given, "callbacks": callbacks})
        patches.on_the_side(lambda: _log(sink, given, booster, models))
        return booster

    for owner in (lightgbm, lightgbm.engine, lightgbm.sklearn):
        _patches.replace(owner, "train", train)


def autolog_off() -> None:
    """Undo `autolog`."""
    _patches.undo()


_ARGUMENTS = (
    *("params", "train_set", "num_boost_round", "valid_sets", "valid_names", "feval", "init_model"),
    *("keep_training_booster", "callbacks"),
)


def _log(sink: events.Sink, given: dict[str, Any], booster: Any, models: bool) -> None:
    name = patches.label("lightgbm")
    patches.params(sink, name, {**given["params"], "num_boost_round": given.get("num_boost_round", 100)})
    log_summary(booster, name, models=models)
