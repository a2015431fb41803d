"""Keras 3: `log_epochs()` as a callback logs what each epoch ends with.

model.fit(x, y, validation_split=0.2, epochs=10, callbacks=[log_epochs()])
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tane import events
from tane.integrations import patches
from tane.tracking import calls, current, logs, media

keras: Any = patches.library("keras")


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """The callback."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = f"{prefix}." if prefix else ""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log one epoch: "loss", "val_loss" and what metrics the model was compiled with."""
        _log_metrics({f"{self._prefix}{name}": value for name, value in (logs or {}).items()}, epoch)


def _log_metrics(values: Mapping[str, Any], epoch: int) -> None:
    if values:
        logs.log_metrics(values, step=epoch)


def log_epochs(prefix: str = "") -> Epochs:
    """A callback for `fit`: its metrics, with the epoch as their step."""
    return Epochs(prefix)


def log_summary(model: Any, name: str = "keras", *, models: bool = True) -> None:
    """Log a model's layers as a text and, with `models`, the model itself, as the file that Keras reads."""
    sink = current.active()
    if sink is None:
        return
    lines: list[str] = []
    model.summary(print_fn=lambda line, **more: lines.append(str(line)))
    calls.text(sink, "\n".join(lines), f"{name}/summary.txt")
    if models:
        with media.scratch() as folder:
            path = folder / "model.keras"
            model.save(os.fspath(path))
            calls.artifact(sink, path, f"{name}/model.keras")


# --- without a line of the user's -------------------------------------------------------------------------------------

_patches = patches.Patches()


def autolog(*, models: bool = True) -> None:
    """Have each `fit` of a model logged."""

    def fit(original: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        sink = current.active()
        if sink is None:
            return original(model, *args, **kwargs)
        callbacks = list(kwargs.get("callbacks") or ())
        if not any(isinstance(each, Epochs) for each in callbacks):
            kwargs["callbacks"] = [*callbacks, Epochs()]
        history = original(model, *args, **kwargs)
        patches.on_the_side(lambda: _log(sink, model, history, kwargs, models))
        return history

    owner = next(kind for kind in keras.Model.__mro__ if "fit" in vars(kind))
    _patches.replace(owner, "fit", fit)


def autolog_off() -> None:
    """Undo `autolog`."""
    _patches.undo()


def _log(sink: events.Sink, model: Any, history: Any, given: dict[str, Any], models: bool) -> None:
    name = patches.label("keras")
    found: dict[str, Any] = dict(history.params or {})
    found.pop("verbose", None)
    found |= {key: given[key] for key in ("batch_size", "validation_split") if given.get(key) is not None}
    if model.optimizer is not None:
        found |= {f"optimizer.{key}": value for key, value in model.optimizer.get_config().items() if value is not None}
    found["loss"] = getattr(model, "loss", None)
    found["parameters"] = model.count_params()
    patches.params(sink, name, found)
    log_summary(model, name, models=models)
