"""scikit-learn: `tane.autolog("sklearn")` logs each model that is fitted in a run.

Its parameters, its score on what it was trained with, what a search over parameters has found, and the model. Of a
pipeline or a search that is the whole, not each part that it fits on its way.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from tane import events
from tane.integrations import patches
from tane.tracking import calls, current

_base: Any = patches.library("sklearn.base", "scikit-learn")
_fitting: ContextVar[bool] = ContextVar("tane_sklearn_fitting", default=False)
_counting = threading.Lock()
_under_way = [0]
_patches = patches.Patches()


def autolog(*, models: bool = True) -> None:
    """Have each `fit` of a model logged, also of classes that are defined or imported later."""
    if _patches:
        autolog_off()

    def fit(original: Any, estimator: Any, *args: Any, **kwargs: Any) -> Any:
        sink = current.active()
        if sink is None or _fitting.get() or _is_part():
            return original(estimator, *args, **kwargs)
        token = _fitting.set(True)
        with _counting:
            _under_way[0] += 1
        try:
            fitted = original(estimator, *args, **kwargs)
            if hasattr(estimator, "predict"):
                patches.on_the_side(lambda: _log(sink, estimator, args, kwargs, models))
        finally:
            with _counting:
                _under_way[0] -= 1
            _fitting.reset(token)
        return fitted

    before = vars(_base.BaseEstimator).get("__init_subclass__")

    def defined(kind: Any, /, **kwargs: Any) -> None:
        """A class of models is defined."""
        if before is not None:
            before.__func__(kind, **kwargs)
        else:
            super(_base.BaseEstimator, kind).__init_subclass__(**kwargs)
        if _patches:
            _patches.replace(kind, "fit", fit)

    for kind in _kinds(_base.BaseEstimator):
        _patches.replace(kind, "fit", fit)
    _define(classmethod(defined), before)


def autolog_off() -> None:
    """Undo `autolog`."""
    _patches.undo()
    while _definitions:
        before = _definitions.pop()
        if before is None:
            del _base.BaseEstimator.__init_subclass__
        else:
            _base.BaseEstimator.__init_subclass__ = before


_definitions: list[Any] = []  # how subclasses were defined before


def _define(hook: Any, before: Any) -> None:
    _definitions.append(before)
    _base.BaseEstimator.__init_subclass__ = hook


def _kinds(kind: type) -> Iterator[type]:
    """`kind` and all that are derived from it, each once."""
    seen: set[type] = set()
    waiting = [kind]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            yield each
            waiting += each.__subclasses__()


def _is_part() -> bool:
    """Whether a thread of joblib fits a part of what another thread fits."""
    if not _under_way[0]:
        return False
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").startswith("joblib."):
            return True
        frame = frame.f_back
    return False


def _log(sink: events.Sink, estimator: Any, args: tuple[Any, ...], kwargs: dict[str, Any], models: bool) -> None:
    name = patches.label(type(estimator).__name__)
    given = estimator.get_params(deep=True)
    patches.params(sink, name, {key: value for key, value in given.items() if not _is_model(value)})
    data = kwargs.get("X", args[0] if args else None)
    target = kwargs.get("y", args[1] if len(args) > 1 else None)
    if target is not None and hasattr(estimator, "score"):
        patches.on_the_side(
            lambda: calls.metrics(sink, {f"{name}.training_score": estimator.score(data, target)}, None)
        )
    if hasattr(estimator, "best_params_"):
        found = {key: value for key, value in estimator.best_params_.items() if not _is_model(value)}
        patches.params(sink, f"{name}.best_params", found)
        calls.metrics(sink, {f"{name}.best_score": estimator.best_score_}, None)
        calls.table(sink, f"{name}/cv_results", _results(estimator.cv_results_))
    if models:
        patches.on_the_side(lambda: calls.model(sink, estimator, f"{name}/model"))


def _is_model(value: Any) -> bool:
    """Whether it is a model, or a list of steps: what they are given has names of its own."""
    if isinstance(value, list):
        return any(isinstance(item, tuple) and any(map(_is_model, item)) for item in value)
    return isinstance(value, _base.BaseEstimator)


def _results(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The table of a search; what was tried in one column for each parameter."""
    columns = {name: list(values) for name, values in found.items() if name != "params"}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
