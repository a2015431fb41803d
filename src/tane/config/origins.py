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


class Origin(NamedTuple):
    """`file` is relative to the project it lies in; for an override it is its text or its variable's name, for what a
    loader of the project gives its name and environment.

    `line` and `column` count from 1 and are 0 where there are none.
    """

    file: str = ""
    line: int = 0
    kind: str = NOWHERE
    column: int = 0

    def __str__(self) -> str:
        if self.kind == FILE:
            return f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.kind} {self.file}" if self.file else self.kind
