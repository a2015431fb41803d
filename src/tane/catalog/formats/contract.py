"""What a file format is: the seam between datasets, which know names, and formats, which know bytes.

A format reads and writes local paths and knows no dataset's name: what it has to say to the user it raises as
a `Problem`, to which `datasets` adds the dataset and its place. Heavy packages are imported when they are
used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tane import errors


class Problem(Exception):
    """A file or a value that does not fit: what is wrong, what to do, and the file's line when known."""

    def __init__(self, what: str, hint: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.line = line


class EntryProblem(Problem):
    """A mistake of the entry, not of its file or of the value: an option that nobody knows."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an entry says to its format. `suffix` is the file's (".csv") without that of `compression`."""

    suffix: str = ""
    compression: str = ""  # "gzip", "bz2", "xz" or empty
    load_args: Mapping[str, Any] = field(default_factory=dict)
    save_args: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)  # keys that only this type takes


class Format(Protocol):
    """Reads and writes one kind of file."""

    @property
    def distributions(self) -> tuple[str, ...]:
        """The import names of the packages it rests on."""

    @property
    def faithful(self) -> bool:
        """Whether reading gives the very value back."""

    @property
    def write_only(self) -> bool:
        """Whether it cannot be read back."""

    @property
    def folders(self) -> bool:
        """Whether a folder may stand at the path."""

    @property
    def empty(self) -> bool:
        """Whether a file of no bytes has a meaning."""

    def read(self, path: str) -> Any:
        """The value in the file."""

    def write(self, value: Any, path: str) -> None:
        """Write the same bytes of the same value, whatever the path's name and the time."""


def call(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """`func(*args, **options)`; an option it does not know is a `Problem` with the nearest right name."""
    try:
        return func(*args, **options)
    except TypeError as error:
        found = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if found is None or found[1] not in options:
            raise
        import inspect

        known = [name for name in inspect.signature(func).parameters if name != "self"]
        name = getattr(func, "__name__", str(func))
        raise EntryProblem(
            f"{name}() takes no option {found[1]!r}",
            errors.did_you_mean(found[1], known, f"see the documentation of {name}() for its options"),
        ) from None


def wrong_type(value: Any, wanted: str, hint: str) -> Problem:
    """The problem of a node that made something else than the format takes."""
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]} {kind.__name__}"
    return Problem(f"it takes {wanted}, but was given a {name}", hint)
