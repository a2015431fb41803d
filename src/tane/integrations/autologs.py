"""`tane.autolog`: what libraries train is logged without a line of your own."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from tane import errors

_KNOWN = {
    "sklearn": "sklearn",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "catboost": "catboost",
    "keras": "keras",
    "lightning": "lightning.pytorch",
}
_ALIASES = {"scikit-learn": "sklearn", "pytorch_lightning": "lightning", "pytorch-lightning": "lightning"}


def autolog(*libraries: str, models: bool = True, off: bool = False) -> None:
    """Log what these libraries train inside of a run: parameters, metrics of each iteration, scores and, with `models`,
    what was trained. Without names: those of the libraries that are imported already.

    Known are "sklearn", "lightgbm", "xgboost", "catboost", "keras" and "lightning". Outside of a run nothing is logged.
    `off` puts the libraries back as they were. Raises `errors.UsageError` for other names, `errors.MissingExtraError`
    for a library that is not installed.
    """
    names = [_ALIASES.get(name, name) for name in libraries]
    for name in names:
        if name not in _KNOWN:
            hint = errors.did_you_mean(str(name), _KNOWN, f"there are: {', '.join(_KNOWN)}")
            raise errors.UsageError(f"there is no autologging for {name!r}", hint=hint)
    if not names:
        names = [name for name, module in _KNOWN.items() if module in sys.modules]
        if not names and not off:
            hint = f"import one first, or name it: tane.autolog({next(iter(_KNOWN))!r})"
            raise errors.UsageError("no library is imported that autologging knows", hint=hint)
    for name in names:
        if off and f"tane.integrations.{name}" not in sys.modules:
            continue
        found: Any = importlib.import_module(f"tane.integrations.{name}")
        if off:
            found.autolog_off()
        else:
            found.autolog(models=models)
