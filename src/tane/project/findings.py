"""What an examination of a project found: one record for each thing. `project.health` and `runs.health` make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from tane import errors

Level = Literal["broken", "wrong", "advice"]
LEVELS: tuple[Level, ...] = ("broken", "wrong", "advice")


class Finding(NamedTuple):
    """One thing that is not as it should be.

    `level`: "broken" is a place that failed (store, ledger), "wrong" what ends or spoils a run, "advice" what only may.
    `check` names the kind of thing, in a word that programs can look for.
    """

    level: Level
    check: str
    what: str
    where: str = ""
    hint: str = ""


def of(error: errors.TaneError, check: str, level: Level = "wrong") -> list[Finding]:
    """The findings that the faults of an error stand for."""
    return [Finding(level, check, fault.what, fault.where, fault.hint) for fault in error.faults]


def unique(found: Iterable[Finding]) -> list[Finding]:
    """Each thing once, the gravest first."""
    return sorted(dict.fromkeys(found), key=lambda each: LEVELS.index(each.level))
