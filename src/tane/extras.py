"""The one way to import an optional package: it comes, or the error names the extra to install."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from tane import errors


def require(module: str, extra: str, why: str) -> ModuleType:
    """Import `module`, which the extra `extra` installs; `why` says who needs it ("dataset 'cars'").

    Raises `errors.MissingExtraError` when the package is not installed; an installed package that fails
    to import raises its own error.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise errors.MissingExtraError(
            f"{why} needs the package {top!r}, which is not installed",
            hint=f"pip install 'tane[{extra}]'",
        ) from None
