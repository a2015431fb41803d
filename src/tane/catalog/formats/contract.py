"""What a file format is: the seam between datasets, which know names, and formats, which know bytes.

A format reads and writes local paths and knows no dataset's name: what it has to say to the user it raises as
a `Problem`, to which `datasets` adds the dataset and its place. Heavy packages are imported when they are
used.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from tane import errors, fielded


class Problem(Exception):
    """A file or a value that does not fit: what is wrong, what to do, and the file's line when known."""

    def __init__(self, what: str, hint: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.line = line


class EntryProblem(Problem):
    """A mistake of the entry, not of its file or of the value: an option that nobody knows."""


@fielded.frozen
class Options:
    """What an entry says to its format. `suffix` is the file's (".csv") without that of `compression`."""

    suffix: str = ""
    compression: str = ""  # "gzip", "bz2", "xz" or empty
    load_args: Mapping[str, Any] = fielded.field(default_factory=dict)
    save_args: Mapping[str, Any] = fielded.field(default_factory=dict)
    more: Mapping[str, Any] = fielded.field(default_factory=dict)  # keys that only this type takes


class Format(Protocol):
    """Reads and writes one kind of file, or a folder of partitions. `Whole` has what most formats answer."""

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

    @property
    def lazy(self) -> bool:
        """Whether what `read` gives goes on reading from the path while it is used, once per taker."""

    @property
    def streams(self) -> bool:
        """Whether it can be written chunk by chunk."""

    @property
    def partitioned(self) -> bool:
        """Whether it is a folder of partitions, each of which can be read by itself."""

    def read(self, path: str) -> Any:
        """The value in the file. One that can fail later, while it is used, is a `Deferred`."""

    def write(self, value: Any, path: str) -> None:
        """Write the same bytes of the same value, whatever the path's name and the time."""

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write what `chunks` gives, one after the other, without gathering it in memory."""

    def partition_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The partitions among the folder's relative file `names`: id to name, sorted by id."""

    def read_partition(self, path: str) -> Any:
        """The value of the one partition that stands at `path`."""


class Whole:
    """What most formats answer: one file that is not empty, read and written as one value.

    No dataclass, nor are those that stand on it: making twenty of them would take longer than a small run.
    """

    __slots__ = ("options",)

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def distributions(self) -> tuple[str, ...]:
        """Python's own library is enough."""
        return ()

    @property
    def faithful(self) -> bool:
        """Files tend to lose something: a dtype, an index."""
        return False

    @property
    def write_only(self) -> bool:
        """It is read back."""
        return False

    @property
    def folders(self) -> bool:
        """It is one file."""
        return False

    @property
    def empty(self) -> bool:
        """A file of no bytes is a mistake."""
        return False

    @property
    def lazy(self) -> bool:
        """The value is all there after reading."""
        return False

    @property
    def streams(self) -> bool:
        """It needs the value as one."""
        return False

    @property
    def partitioned(self) -> bool:
        """It has no partitions."""
        return False

    @property
    def holds_objects(self) -> bool:
        """Its values are data, not instances of anybody's classes."""
        return False

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Refuse: such a file is made of one value."""
        raise EntryProblem("its type cannot be written chunk by chunk", STREAMING)

    def partition_ids(self, names: Iterable[str]) -> dict[str, str]:
        """Refuse: there are none."""
        raise EntryProblem("its type has no partitions", "use a partitioned type for a folder of files")

    def read_partition(self, path: str) -> Any:
        """Refuse: there are none."""
        raise EntryProblem("its type has no partitions", "use a partitioned type for a folder of files")


STREAMING = (
    "return one value, or use a type that takes chunks: CSV, Parquet, Feather, JSON lines, text, zip and tar archives"
)


class Deferred:
    """A value that goes on reading while it is used. It does so inside of `within()`.

    Whoever hands it on (`datasets`) puts there what turns a `Problem` into an error that names the dataset.
    """

    __slots__ = ("within",)

    def __init__(self) -> None:
        self.within: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext


_END = object()


class Chunks(Deferred, Iterator[Any]):
    """A file's chunks, one by one. The first is read at once: what is wrong with the file's head shows early."""

    __slots__ = ("_chunks", "_first")

    def __init__(self, chunks: Iterator[Any]) -> None:
        super().__init__()
        self._chunks = chunks
        self._first: list[Any] = [next(chunks, _END)]

    def __next__(self) -> Any:
        if self._first:
            chunk = self._first.pop()
        else:
            with self.within():
                chunk = next(self._chunks, _END)
        if chunk is _END:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Let go of the file before its end."""
        self._first.clear()
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


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


def no_chunk() -> Problem:
    """The problem of a node that gave no chunk where one must say the columns."""
    return Problem("it was given no chunk", "yield at least one, if only an empty one with its columns")


def count(args: Mapping[str, Any], key: str) -> int:
    """The whole number under `key` of `load_args`, of rows as a rule; 0 when it is not there."""
    value = args.get(key)
    if value is None:
        return 0
    if type(value) is not int or value < 1:
        raise EntryProblem(f"{key} is {value!r}", f"write a whole number: load_args: {{{key}: 100000}}")
    return value
