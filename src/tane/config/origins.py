"""Where a value was written: file, line and column, or the override that set it.

Each leaf and mapping of a configuration carries one, so that messages and "why is lr 0.01?" can name it.
"""

from __future__ import annotations

from typing import NamedTuple

FILE = "file"
ENVIRONMENT = "environment variable"
COMMAND_LINE = "command line"
DEFAULT = "function default"
LOADER = "loader"
NOWHERE = "nowhere"

_LONGEST = 300  # of an override as messages show it


class Origin(NamedTuple):
    """`file` is relative to the project it lies in; for an override it is its text or its variable's name, for what a
    loader of the project gives its name and environment.

    `line` and `column` count from 1 and are 0 where there are none. `through` says what an interpolation there was made
    of: where that was written, or an environment variable.
    """

    file: str = ""
    line: int = 0
    kind: str = NOWHERE
    column: int = 0
    through: str = ""

    def __str__(self) -> str:
        if self.kind == FILE:
            place = f"{self.file}:{self.line}" if self.line else self.file
        else:
            said = self.file if len(self.file) <= _LONGEST else f"{self.file[: _LONGEST - 3]}..."
            place = f"{self.kind} {said}" if said else self.kind
        return f"{place} (from {self.through})" if self.through else place
