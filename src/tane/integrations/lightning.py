"""PyTorch Lightning: `TaneLogger` for a trainer.

    Trainer(logger=TaneLogger("first try"), max_epochs=10)

It logs to the run it is made in; where there is none, it opens one, which ends with the trainer's work.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import errors
from tane.integrations import patches
from tane.tracking import calls, current, plain, sessions


def _library() -> Any:
    """Lightning under the name by which it is imported already, else by which it is installed."""
    names = ("lightning.pytorch", "pytorch_lightning")
    for name in names:
        if name in sys.modules:
            return sys.modules[name]
    try:
        return patches.library(names[0])
    except errors.MissingExtraError:
        return patches.library(names[1], "lightning")


_lightning = _library()
_loggers: Any = patches.library(f"{_lightning.__name__}.loggers.logger")
_rank_zero_only: Any = patches.library(f"{_lightning.__name__}.utilities").rank_zero_only


class TaneLogger(_loggers.Logger):  # type: ignore[misc]
    """Logs hyper-parameters, metrics with their step, and the best checkpoint.

    `more` is what `tane.start_run` takes, for the run that it opens where it is in none.
    """

    def __init__(self, name: str = "", *, checkpoints: bool = True, prefix: str = "", **more: Any) -> None:
        super().__init__()
        self._name = name
        self._more = more
        self._checkpoints = checkpoints
        self._prefix = f"{prefix}." if prefix else ""
        self._sink: Any = current.active()
        self._run: sessions.TrackedRun | None = None
        self._best = ""

    @property
    def name(self) -> str:
        """The folder that Lightning puts checkpoints in."""
        return "tane"

    @property
    def version(self) -> str:
        """The run."""
        return str(self.experiment.run) if self.experiment is not None else ""

    @property
    def experiment(self) -> Any:
        """What it logs to; on all processes but the first, nothing."""
        if self._sink is None and _rank_zero_only.rank in (None, 0):
            self._run = sessions.start_run(self._name, **self._more)
            self._sink = current.active()
        return self._sink

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Log hyper-parameters; nested ones get dotted names."""
        given = vars(params) if isinstance(params, Namespace) else params
        self.experiment.log_params({f"{self._prefix}{key}": value for key, value in plain.params(given or {}).items()})

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metrics at a step of the optimizer."""
        calls.metrics(self.experiment, {f"{self._prefix}{key}": value for key, value in metrics.items()}, step)

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def log_graph(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: there is no graph to show."""

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Remember which checkpoint is best."""
        self._best = checkpoint_callback.best_model_path or self._best

    @_rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """Keep the best checkpoint, and end the run that it has opened itself."""
        if self._checkpoints and self._best and Path(self._best).exists() and self.experiment is not None:
            calls.artifact(self.experiment, self._best, f"checkpoints/{Path(self._best).name}")
            self._best = ""
        if self._run is not None:
            self._run.end("failed" if status == "failed" else "succeeded")
            self._run, self._sink = None, None


# --- without a line of the user's -------------------------------------------------------------------------------------

_patches = patches.Patches()


def autolog(*, models: bool = True) -> None:
    """Give each trainer that is made without a logger of its own one that logs to the run it is in."""

    def make(original: Any, trainer: Any, *args: Any, **kwargs: Any) -> None:
        if current.active() is not None and kwargs.get("logger") is None:
            kwargs["logger"] = TaneLogger(checkpoints=models)
        original(trainer, *args, **kwargs)

    _patches.replace(_lightning.Trainer, "__init__", make)


def autolog_off() -> None:
    """Undo `autolog`."""
    _patches.undo()
