"""conf/*/logging.yml: Python's logging set up as it says, for as long as a run lasts. Called where a run starts and, in
worker processes, where a step does.

The file holds what `logging.config.dictConfig` takes. `version` need not be written; loggers that are there already go
on working unless it says otherwise; a relative `filename` stands below the project, and its folder is made.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tane import errors

SECTION = "logging"


@contextmanager
def configured(section: Mapping[str, Any], root: Path, where: Callable[..., object]) -> Iterator[None]:
    """Inside, logging is as `section` says; afterwards the loggers it named, and the root, are as they were before.

    `root` is the project's, `where("logging", key, ...)` says where a key was written. An empty section changes
    nothing. Raises `errors.ConfigError` for a section that does not fit.
    """
    if not section:
        yield
        return
    before = _States(section)
    try:
        _apply(section, root, where)
        yield
    finally:
        before.restore()


def _apply(section: Mapping[str, Any], root: Path, where: Callable[..., object]) -> None:
    import logging.config

    given = {"version": 1, "disable_existing_loggers": False, **copy.deepcopy(dict(section))}
    handlers = given.get("handlers")
    for handler in handlers.values() if isinstance(handlers, dict) else ():
        if isinstance(handler, dict) and isinstance(handler.get("filename"), str):
            file = root / Path(handler["filename"]).expanduser()
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _wrong(f"cannot make {file.parent}: {error.strerror}", where) from error
            handler["filename"] = str(file)
    try:
        logging.config.dictConfig(given)
    except (ValueError, TypeError, AttributeError, ImportError, OSError) as error:
        cause = error.__cause__ or error
        what = str(error) if cause is error else f"{error}: {cause}"
        raise _wrong(what, where, _keys(given, str(error))) from error


def _keys(given: Mapping[str, Any], message: str) -> tuple[str, ...]:
    """The part of the section that Python's message is about: it names handlers, formatters and loggers in quotes."""
    for part in ("handlers", "formatters", "filters", "loggers"):
        named = given.get(part)
        for name in named if isinstance(named, Mapping) else ():
            if repr(name) in message:
                return part, str(name)
    return ()


def _wrong(what: str, where: Callable[..., object], keys: tuple[str, ...] = ()) -> errors.ConfigError:
    return errors.ConfigError(
        f"logging cannot be set up: {what}",
        where=str(where(SECTION, *keys)),
        hint="write what logging.config.dictConfig takes: handlers, formatters, loggers, root",
    )


class _States:
    """How the root logger and those a section names were, to be put back."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        loggers = section.get("loggers")
        names = list(loggers) if isinstance(loggers, Mapping) else []
        self._held = [
            (each, each.level, each.propagate, each.disabled, list(each.handlers), list(each.filters))
            for each in (logging.getLogger(), *(logging.getLogger(str(name)) for name in names))
        ]

    def restore(self) -> None:
        """Put all back, and close the handlers that are no longer used."""
        kept = {id(handler) for _, _, _, _, handlers, _ in self._held for handler in handlers}
        for each, level, propagate, disabled, handlers, filters in self._held:
            for handler in list(each.handlers):
                if id(handler) not in kept:
                    each.removeHandler(handler)
                    handler.close()
            each.handlers[:] = handlers
            each.filters[:] = filters
            each.setLevel(level)
            each.propagate, each.disabled = propagate, disabled
