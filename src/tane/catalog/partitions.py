"""Datasets in parts: a folder each of whose files is a partition. Made by `entries`, used through `datasets`.

Reading gives a mapping of partition ids to functions that load one partition each, so that only what is asked for is
in memory. An id is the file's name below the folder, without the common suffix. Writing takes a mapping of ids to
values, or to functions that make them, called one after the other. What fails names the partition.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.catalog import checkpoints, datasets, foreign, kinds, remotes
from tane.catalog.formats import contract, streams

PARTITIONED, INCREMENTAL = kinds.FOLDERS


@fielded.frozen
class Inner:
    """How one partition is read and written, whichever it is: by a format of ours, or by a class of somebody's.

    `name`, `place` and `where` are those of the folder's dataset. The class takes the partition's path as `argument`.
    """

    name: str
    type: str
    place: str
    where: str = ""
    load_args: Mapping[str, Any] = fielded.field(default_factory=dict)
    save_args: Mapping[str, Any] = fielded.field(default_factory=dict)
    more: Mapping[str, Any] = fielded.field(default_factory=dict)
    made_by: foreign.Foreign | None = None
    argument: str = "filepath"

    @property
    def options(self) -> dict[str, Any]:
        """What its class is made with, beside the path and secrets."""
        given = self.made_by.options if self.made_by is not None else {}
        return {key: value for key, value in given.items() if key != "credentials"}

    def format(self, name: str) -> contract.Format:
        """The format of a file called `name`."""
        compression = streams.compression_of(name)
        stem = name.rpartition(".")[0] if compression else name
        suffix = Path(stem.rpartition("/")[2]).suffix.lower()
        options = contract.Options(suffix, compression, self.load_args, self.save_args, self.more)
        return kinds.KINDS[self.type].make(options)

    def load(self, path: Path, name: str, partition: str) -> Any:
        """The value of one partition, which stands at `path`."""
        if not path.exists():
            raise errors.CatalogError(
                f"dataset {self.name!r}, partition {partition!r}: its file is no longer there",
                where=f"{self.place}/{name}",
                hint="load partitions inside of the node that takes them: hand values on, not the functions",
            )
        dataset = self._dataset(path, name, partition)
        return dataset.load() if self.made_by is not None else dataset.read(path)

    def save(self, value: Any, path: Path, name: str, partition: str) -> None:
        """Write one partition to `path`."""
        dataset = self._dataset(path, name, partition)
        if self.made_by is None:
            dataset.write(value, path)
            return
        dataset.save(value)
        if not path.exists():
            raise contract.Problem(
                f"{self.type} did not write partition {partition!r} to the path it was given",
                f"make it save to its {self.argument}, or use another type",
            )

    def _dataset(self, path: Path, name: str, partition: str) -> datasets.Dataset:
        made = self.made_by
        instance = made and foreign.Foreign(made.paths, {**made.options, self.argument: str(path)})
        return datasets.Dataset(
            self.name,
            self.type,
            "file" if made is None else "object",
            f"{self.place}/{name}",
            where=self.where,
            format=self.format(name) if made is None else None,
            instance=instance,
            partition=partition,
        )


@fielded.frozen
class Partition:
    """Loads one partition when it is called; each call reads it anew."""

    inner: Inner = fielded.field(repr=False)
    path: Path = fielded.field(repr=False)
    name: str = fielded.field(repr=False)
    id: str

    def __call__(self) -> Any:
        """The partition's value."""
        return self.inner.load(self.path, self.name, self.id)


class Loaded(Mapping[str, Any]):
    """Partition ids to values, each loaded when it is asked for and not held."""

    def __init__(self, partitions: Mapping[str, Partition]) -> None:
        self._partitions = dict(partitions)

    def __getitem__(self, key: str) -> Any:
        return self._partitions[key]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._partitions)

    def __len__(self) -> int:
        return len(self._partitions)

    def __contains__(self, key: object) -> bool:
        return key in self._partitions

    def __repr__(self) -> str:
        return f"<{len(self)} partitions: {', '.join(map(repr, list(self)[:5]))}{', ...' if len(self) > 5 else ''}>"


class Partitioned(contract.Whole):
    """The format of such a folder."""

    __slots__ = ("base", "inner", "keeps_others", "lazily", "maxdepth", "suffix")

    def __init__(
        self,
        inner: Inner,
        suffix: str = "",
        *,
        base: Path | remotes.Remote | None = None,
        keeps_others: bool = False,
        lazily: bool = True,
        maxdepth: int | None = None,
    ) -> None:
        super().__init__(contract.Options(suffix, "", inner.load_args, inner.save_args, inner.more))
        self.inner = inner
        self.suffix = suffix
        self.base = base
        self.keeps_others = keeps_others
        self.lazily = lazily
        self.maxdepth = maxdepth

    @property
    def distributions(self) -> tuple[str, ...]:
        """Those of the partitions."""
        if self.inner.made_by is not None:
            return () if self.inner.made_by.code else (self.inner.made_by.find().__module__.partition(".")[0],)
        return tuple(self.inner.format(f"x{self.suffix}").distributions)

    @property
    def faithful(self) -> bool:
        """What was saved may have been functions, called once: there is nothing to keep beside the files."""
        return True

    @property
    def write_only(self) -> bool:
        """Whether partitions cannot be loaded."""
        return self.inner.made_by is None and self.inner.format(f"x{self.suffix}").write_only

    @property
    def holds_objects(self) -> bool:
        """Whether its partitions may hold instances of classes."""
        return self.inner.made_by is None and bool(
            getattr(self.inner.format(f"x{self.suffix}"), "holds_objects", False)
        )

    @property
    def folders(self) -> bool:
        """It is a folder."""
        return True

    @property
    def empty(self) -> bool:
        """A folder without partitions has a meaning."""
        return True

    @property
    def lazy(self) -> bool:
        """Partitions are read when they are asked for."""
        return True

    @property
    def streams(self) -> bool:
        """Each chunk is a mapping of some partitions."""
        return True

    @property
    def partitioned(self) -> bool:
        """Each can be read by itself."""
        return True

    # -- names and ids -------------------------------------------------------------------------------------

    def partition_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The partitions among the folder's file names: id to name, sorted by id."""
        found = {name.removesuffix(self.suffix): name for name in names if self._is_partition(name)}
        return dict(sorted(found.items()))

    def select(self, names: Iterable[str]) -> dict[str, str]:
        """The partitions to be loaded now."""
        return self.partition_ids(names)

    def name_of(self, partition: Any) -> str:
        """The file name of a partition. Raises `contract.Problem` for an id that would lead elsewhere."""
        if not isinstance(partition, str):
            raise contract.Problem(
                f"the partition {partition!r} is named by a {type(partition).__name__}", "name it by a text: str(id)"
            )
        parts = partition.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\0" in partition or "\\" in partition:
            raise contract.Problem(
                f"{partition!r} is no name of a partition: it would lead out of the folder",
                "use names such as '2024-01' or 'north/2024-01'",
            )
        name = partition + self.suffix
        if not self._is_partition(name):
            raise contract.Problem(
                f"the partition {partition!r} would not be found again",
                "names that begin with '.', lie deeper than maxdepth or are the checkpoint's are left out when loading",
            )
        return name

    def _is_partition(self, name: str) -> bool:
        hidden = name.rpartition("/")[2].startswith(".")  # .gitkeep, .DS_Store
        deep = self.maxdepth is not None and name.count("/") >= self.maxdepth
        return name.endswith(self.suffix) and not hidden and not deep

    # -- reading -------------------------------------------------------------------------------------------

    def read(self, path: str) -> Any:
        """Ids to functions."""
        return self._partitions(Path(path))

    def read_partition(self, path: str) -> Any:
        """The value of the one partition at `path`."""
        name = Path(path).name
        return self.inner.load(Path(path), name, name.removesuffix(self.suffix))

    def files(self, folder: Path) -> list[str]:
        """The names of all files below the folder, sorted."""
        return _files_below(folder)

    def _partitions(self, folder: Path) -> dict[str, Partition]:
        if not folder.is_dir():
            if not folder.exists():
                raise FileNotFoundError(str(folder))
            raise contract.Problem("it is a file, not a folder of partitions", "let path name the folder")
        names = self.files(folder)
        chosen = self.select(names) if folder == self.base else self.partition_ids(names)
        return {key: Partition(self.inner, folder / name, name, key) for key, name in chosen.items()}

    # -- writing -------------------------------------------------------------------------------------------

    def write(self, value: Any, path: str) -> None:
        """Write a mapping of ids to values or to functions that make them."""
        self.write_chunks(iter((value,)), path)

    def write_chunks(self, chunks: Iterator[Any], path: str) -> None:
        """Write mappings of ids to values, one mapping after the other."""
        folder = Path(path)
        self._begin(folder)
        seen: set[str] = set()
        for chunk in chunks:
            if not isinstance(chunk, Mapping):
                raise contract.wrong_type(chunk, "a dict of partitions", "return {'2024-01': table, ...}")
            named = {key: self.name_of(key) for key in chunk}
            for key in sorted(named):
                if key in seen:
                    raise contract.Problem(f"partition {key!r} was given twice", "give each partition once")
                seen.add(key)
                self._write_one(key, named[key], chunk, folder)

    def _write_one(self, key: str, name: str, chunk: Mapping[str, Any], folder: Path) -> None:
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)  # it may be a link to the file of an earlier run
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise contract.Problem(
                f"partition {key!r} lies where another one does ({error.strerror})",
                "no id may be the folder of another one: use a filename_suffix",
            ) from error
        value = chunk[key]
        if self.lazily and callable(value):
            value = _called(value, key)
        self.inner.save(value, target, name, key)

    def _begin(self, folder: Path) -> None:
        """Make the folder, with the partitions that are to stay if others are."""
        if self.keeps_others and isinstance(self.base, Path) and self.base.is_dir():
            shutil.copytree(self.base, folder, copy_function=_linked)
        elif self.keeps_others and isinstance(self.base, remotes.Remote) and self.base.exists():
            self.base.fetch(folder)
        folder.mkdir(parents=True, exist_ok=True)


class Incremental(Partitioned):
    """Only what comes after the checkpoint is loaded; the mapping gives values at once, as Kedro's does."""

    __slots__ = ("checkpoint",)

    def __init__(self, inner: Inner, suffix: str, checkpoint: checkpoints.Checkpoint, **options: Any) -> None:
        super().__init__(inner, suffix, **options)
        self.checkpoint = checkpoint

    def select(self, names: Iterable[str]) -> dict[str, str]:
        """The partitions after the checkpoint."""
        known = self.partition_ids(names)
        return {key: known[key] for key in self.checkpoint.newer(known)}

    def read(self, path: str) -> Any:
        """Ids to values."""
        return Loaded(self._partitions(Path(path)))

    def confirm(self, names: Iterable[str]) -> None:
        """Move the checkpoint to the last of the partitions in these files."""
        done = self.partition_ids(names)
        if done:
            self.checkpoint.move(list(done)[-1])

    def _is_partition(self, name: str) -> bool:
        return super()._is_partition(name) and name != self.checkpoint.inside


def _files_below(folder: Path) -> list[str]:
    """The files of a folder by their names below it, sorted. Links are followed, but never in a circle."""
    found: list[str] = []
    above = {os.path.realpath(folder)}
    waiting = [(os.fspath(folder), "", frozenset(above))]
    while waiting:
        place, prefix, seen = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                name = f"{prefix}{entry.name}"
                if entry.is_dir():
                    real = os.path.realpath(entry.path)
                    if real not in seen:
                        waiting.append((entry.path, f"{name}/", seen | {real}))
                elif entry.is_file():
                    found.append(name)
    return sorted(found)


def _called(make: Callable[[], Any], key: str) -> Any:
    try:
        return make()
    except (errors.TaneError, MemoryError):
        raise
    except Exception as error:
        raise contract.Problem(
            f"the function that makes partition {key!r} failed: {type(error).__name__}: {error}",
            "mend that function; values that can be called are saved as they are with save_lazily: false",
        ) from error


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
    return target
