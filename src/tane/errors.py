"""The error tree. Every error a user can meet says what is wrong and where, then what to do next.

    TaneError
    +-- UserCodeError   exit 1   the user's code failed: a node raised, a module did not import
    +-- UsageError      exit 2   names, configuration, graph, inputs
    |   +-- ConfigError         conf/ files and overrides
    |   +-- PipelineError       nodes and graphs
    |   +-- CatalogError        datasets: unknown, unreadable, missing
    |   +-- ProjectError        project layout and look-up
    |   +-- MissingExtraError   an optional package is not installed
    +-- RefusedError    exit 3   a contract or gate refused
    +-- PlaceError      exit 4   disk, store or ledger failed
    |   +-- StoreError
    |   |   +-- MissingObjectError
    |   |   +-- CorruptObjectError
    |   +-- LedgerError
    +-- PrunedTrial     exit 0   no mistake: a trial was stopped early, others did better
    +-- InterruptedRun  exit 130

An error that stands for several mistakes carries them all in `faults`: users mend a file once, not once a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One mistake: what is wrong, where it stands (file:line, key, node; may be empty), what to do."""

    what: str
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class TaneError(Exception):
    """The root. `exit_code` is what the command line ends with."""

    exit_code = 2

    def __init__(self, what: str, *, hint: str, where: str = "", faults: Sequence[Fault] = ()) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        self.faults: tuple[Fault, ...] = tuple(faults) or (Fault(what, where, hint),)
        super().__init__(what, hint, where)

    @classmethod
    def of(cls, faults: Sequence[Fault], summary: str = "") -> TaneError:
        """One error for all `faults` (at least one); a single fault reads as itself."""
        if len(faults) == 1:
            only = faults[0]
            return cls(only.what, hint=only.hint, where=only.where)
        return cls(summary or f"{len(faults)} mistakes", hint="", faults=faults)

    def __str__(self) -> str:
        if len(self.faults) == 1:
            return str(self.faults[0])
        return "\n".join([f"{self.what}:", *(f"- {fault}" for fault in self.faults)])

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.__dict__)

    def _render_traceback_(self) -> list[str]:
        """How IPython shows it: the user's own frames where their code raised, then what is wrong; none of ours."""
        raised = getattr(self, "traceback", "")
        return [*raised.rstrip().splitlines(), *([""] if raised else []), *f"error: {self}".splitlines()]


def _rebuild(kind: type[TaneError], state: dict[str, object]) -> TaneError:
    """An error crosses a process border whole, whatever its constructor takes."""
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (state["what"], state["hint"], state["where"])
    return error


class UserCodeError(TaneError):
    """The user's own code failed. `traceback` is its text, the user's frames only.

    `raised` are the dotted names of the exception's class and its bases, when an exception it was.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, hint: str, where: str = "", traceback: str = "", raised: tuple[str, ...] = ()
    ) -> None:
        super().__init__(what, hint=hint, where=where)
        self.traceback = traceback
        self.raised = raised


class UsageError(TaneError):
    """A name, a file or a setting is wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """A conf/ file, an override or a parameter is wrong."""


class PipelineError(UsageError):
    """A node or a graph is wrong."""


class CatalogError(UsageError):
    """A dataset is unknown, missing or unreadable."""


class ProjectError(UsageError):
    """The project's layout is wrong, or there is no project here."""


class MissingExtraError(UsageError):
    """An optional package is not installed."""


class RefusedError(TaneError):
    """A contract or a gate refused."""

    exit_code = 3


class PlaceError(TaneError):
    """The place failed: full or read-only disk, damaged or newer ledger, store beyond repair."""

    exit_code = 4


class StoreError(PlaceError):
    """The object store failed."""


class MissingObjectError(StoreError):
    """No object of that digest is in the store."""

    def __init__(self, digest: str, *, hint: str = "run again: the step that makes it is repeated") -> None:
        super().__init__(f"object {digest[:12]} is not in the store", hint=hint)
        self.digest = digest


class CorruptObjectError(StoreError):
    """An object's bytes are no longer what its digest says; it has been set aside."""

    def __init__(self, digest: str, *, hint: str = "run again: the step that makes it is repeated") -> None:
        super().__init__(f"object {digest[:12]} is damaged and was set aside", hint=hint)
        self.digest = digest


class LedgerError(PlaceError):
    """The ledger failed."""


class PrunedTrial(TaneError):
    """A trial is stopped early: by what it has reported, others do better. No mistake."""

    exit_code = 0


class InterruptedRun(TaneError):
    """The user stopped the run; the state is clean."""

    exit_code = 130


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` most like `name`, or None when none is near."""
    import difflib  # only errors need it

    lowered = {n.lower(): n for n in names}
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def did_you_mean(name: str, names: Iterable[str], otherwise: str) -> str:
    """The hint for an unknown `name`: the near miss when there is one, else `otherwise`."""
    known = list(names)
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else otherwise
