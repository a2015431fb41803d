"""A dataset: the record of a catalog entry, and the one way to read, write, fetch and send what it names.

Made by `entries`; called by `plan`, `runs`, `notebook` and the command line. Every failure that a user can
meet is a `CatalogError` with the dataset, its place and what to do; a full or read-only disk is a
`PlaceError`.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from tane import errors, fielded
from tane.catalog import durations, foreign, masking, places, remotes
from tane.catalog.formats import contract


class EntryError(errors.CatalogError):
    """The catalog entry itself is wrong, whatever its file holds."""


_FULL = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EIO}


@fielded.frozen
class Dataset:
    """One dataset.

    `kind` is "file" (`read`, `write`, and for URLs `fetch`, `send`), "object" (a class, ours or somebody's: `load`,
    `save`) or "memory" (an entry that only says how a value in memory is to be treated). `place` is the path
    or URL for messages, `local` the workspace path of a local file or folder; for an object it is the file
    its class reads and writes by itself. `load_spec` and `save_spec` are all that affects loading and saving
    except place and credentials. `code` is a third-party class of the project as "module:qualname", `where`
    the entry's file and line. `refresh` is for how many seconds a source's kept version is good enough (0: it is
    looked at in every run), `credentials` the name of the entry's credentials, `partition` the id of a part of
    another dataset.
    """

    name: str
    type: str
    kind: Literal["file", "object", "memory"]
    place: str = "memory"
    local: Path | None = None
    layer: str = ""
    metadata: Mapping[str, Any] = fielded.field(default_factory=dict)
    keep: str | None = None
    versioned: bool = False
    load_spec: Mapping[str, Any] = fielded.field(default_factory=dict, repr=False)
    save_spec: Mapping[str, Any] = fielded.field(default_factory=dict, repr=False)
    where: str = ""
    needs: tuple[str, str] = ("", "")  # a module, and the extra that installs it
    format: contract.Format | None = fielded.field(default=None, repr=False)
    remote: remotes.Remote | None = fielded.field(default=None, repr=False)
    instance: foreign.Foreign | None = fielded.field(default=None, repr=False)
    refresh: float = 0.0
    credentials: str = ""
    partition: str = ""
    only_written: bool = False  # by what its type or its entry says
    only_read: bool = False

    @property
    def filename(self) -> str:
        """The last part of its place. Temporary files must end like it, for readers that look at suffixes."""
        return places.filename(self.place) or "file"

    @property
    def distributions(self) -> tuple[str, ...]:
        """The import names of the packages that its reader and writer rest on."""
        if self.instance is not None:
            if self.instance.ours:
                return (self.needs[0],) if self.needs[0] else ()
            return () if self.code else (self._class().__module__.partition(".")[0],)
        with self._explained("found"):
            return self.format.distributions if self.format else ()

    @property
    def faithful(self) -> bool:
        """Whether loading what was saved gives the very value back."""
        return self.format is not None and self.format.faithful

    @property
    def write_only(self) -> bool:
        """Whether it cannot be loaded."""
        if self.only_written:
            return True
        if self.instance is not None:
            return not hasattr(self._class(), "load")
        return self.format is not None and self.format.write_only

    @property
    def read_only(self) -> bool:
        """Whether it cannot be saved, as far as that is known without trying."""
        return self.only_read or (self.remote is not None and self.remote.read_only)

    @property
    def code(self) -> str:
        """A third-party class of the project, "module:qualname"; else empty."""
        made_by = self._made_by
        if made_by is None or made_by.ours:
            return ""
        with self._explained("found"):
            return made_by.code

    @property
    def lazy(self) -> bool:
        """Whether what `read` or `load` gives goes on reading while it is used: each taker needs one of its own."""
        if self.instance is not None and self.instance.ours:
            with self._explained("found"):
                return bool(getattr(self.instance.make(), "lazy", False))
        return self.format is not None and self.format.lazy

    @property
    def streams(self) -> bool:
        """Whether it can be written chunk by chunk."""
        return self.format is not None and self.format.streams

    @property
    def partitioned(self) -> bool:
        """Whether it is a folder of partitions, each of which can be read by itself."""
        return self.format is not None and self.format.partitioned

    @property
    def holds_objects(self) -> bool:
        """Whether its file may hold instances of classes, whose code and versions are then part of what it is."""
        return bool(getattr(self.format, "holds_objects", False))

    @property
    def accumulates(self) -> bool:
        """Whether saving adds to what is there: such an output depends on more than its step's inputs."""
        return bool(getattr(self.format, "keeps_others", False))

    @property
    def _made_by(self) -> foreign.Foreign | None:
        """The class it rests on, its own or that of its partitions."""
        if self.instance is not None:
            return self.instance
        return getattr(getattr(self.format, "inner", None), "made_by", None)

    def facts(self) -> dict[str, Any]:
        """What may be told of it without looking at its place: nothing is secret, nothing is opened."""
        options = {**self.load_spec.get("options", {}), **self.save_spec.get("options", {})}
        own = {key: value for key, value in options.items() if key not in ("load_args", "save_args")}
        inner = self.load_spec.get("dataset")
        if inner:
            own["dataset"] = inner
        return {
            "name": self.name,
            "type": self.type,
            "kind": self.kind,
            "place": self.place,
            "layer": self.layer,
            "metadata": masking.arguments(self.metadata),
            "load_args": masking.arguments(self.load_spec.get("load_args", options.get("load_args", {}))),
            "save_args": masking.arguments(self.save_spec.get("save_args", options.get("save_args", {}))),
            "options": masking.arguments(own),
            "credentials": self.credentials,
            "refresh": durations.words(self.refresh),
            "keep": self.keep,
            "versioned": self.versioned,
            "where": self.where,
        }

    def check_ready(self) -> None:
        """Raise if its package or its class is missing. Packages of our own types are not imported."""
        module, extra = self.needs
        made_by = self._made_by
        if made_by is not None and not made_by.ours:
            with self._explained("found"):
                made_by.find()
        if module and importlib.util.find_spec(module) is None:
            raise errors.MissingExtraError(
                f"{self._named} ({self.type}) needs the package {module!r}, which is not installed",
                where=self.where,
                hint=f"pip install 'tane[{extra}]'",
            )

    # files

    def read(self, path: Path) -> Any:
        """The value in the local file or folder `path`."""
        with self._explained("loaded"):
            reader = self._format()
            if path.is_dir():
                if not reader.folders:
                    raise contract.Problem("it is a folder, not a file", "name one file in the entry's filepath")
            elif not reader.empty and not reader.write_only and path.stat().st_size == 0:
                raise contract.Problem("the file is empty", "put the file back, or run what makes it again")
            return self._deferred(reader.read(str(path)))

    def _deferred(self, value: Any) -> Any:
        """Let what fails later, while the value is used, be told as if it failed now."""
        if isinstance(value, contract.Deferred):
            value.within = functools.partial(self._explained, "loaded")
        return value

    def write(self, value: Any, path: Path) -> None:
        """Write `value` to `path`, a temporary local name that ends as its place does."""
        with self._explained("saved"):
            self._format().write(value, str(path))

    def write_chunks(self, chunks: Iterator[Any], path: Path) -> None:
        """Write `chunks` one after the other to `path`, a temporary local name that ends as its place does."""
        with self._explained("saved"):
            self._format().write_chunks(chunks, str(path))

    # partitions

    def partition_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The partitions among the relative file names of a folder: id to name, sorted by id."""
        with self._explained("loaded"):
            return self._format().partition_ids(names)

    def read_partition(self, path: Path) -> Any:
        """The value of the one partition in the local file `path`."""
        with self._explained("loaded"):
            return self._format().read_partition(str(path))

    def select(self, names: Iterable[str]) -> dict[str, str]:
        """The partitions that a run starting now takes: those of `partition_ids`, without what is worked off."""
        with self._explained("loaded"):
            choose = getattr(self._format(), "select", self._format().partition_ids)
            return dict(choose(names))

    def files(self) -> list[str]:
        """The names of all files of its local folder."""
        with self._explained("loaded"):
            below = getattr(self._format(), "files", None)
            return list(below(self.local)) if below is not None and self.local is not None else []

    def confirm(self, names: Iterable[str] | None = None) -> None:
        """Note as worked off what a run took: `names` are the files of the folder it saw, now all when not given."""
        with self._explained("confirmed"):
            if self.instance is not None:
                self._method("confirm")()
                return
            move = getattr(self.format, "confirm", None)
            if move is None:
                raise contract.EntryProblem(
                    f"{self.type} cannot be confirmed", "only an IncrementalDataset can: take it out of confirms"
                )
            if names is None:
                present = self.files() if self.local is not None else list(self._remote().listing())
                names = self.select(present).values()
            move(names)

    @property
    def watched(self) -> tuple[Path, ...]:
        """Local files beside its own that say what a run takes of it."""
        checkpoint = getattr(self.format, "checkpoint", None)
        return () if checkpoint is None or checkpoint.local is None else (checkpoint.local,)

    # behind a URL

    def listing(self) -> dict[str, remotes.File]:
        """The files that make up its content, each as its server describes it; one file is called ""."""
        with self._explained("loaded"):
            files = self._remote().listing(getattr(self.format, "maxdepth", None))
            if not self.partitioned:
                return files
            if "" in files:
                raise contract.Problem("it is a file, not a folder of partitions", "let path name the folder")
            return {name: files[name] for name in self.select(files).values()}

    def fetch_files(self, files: Mapping[str, remotes.File], targets: Mapping[str, Path]) -> None:
        """Download those of the `files` that `listing` gave for which there is a target."""
        with self._explained("loaded"):
            self._remote().fetch_files(files, targets)

    def fetch(self, target: Path) -> None:
        """Download it to `target`, for a dataset behind a URL."""
        with self._explained("loaded"):
            self._remote().fetch(target)

    def send(self, source: Path) -> None:
        """Upload `source` to its URL, atomically as the store allows."""
        with self._explained("saved"):
            self._remote().send(source)

    # objects

    def load(self) -> Any:
        """What the class loads."""
        with self._explained("loaded"):
            return self._deferred(self._method("load")())

    def save(self, value: Any) -> None:
        """Let the class save `value`."""
        with self._explained("saved"):
            self._method("save")(value)

    def digest(self) -> str | None:
        """What the class says identifies its content, or None when it does not say."""
        with self._explained("identified"):
            method = self.instance.method("digest") if self.instance else None
            found = method() if method else None
            return None if found is None else str(found)

    @property
    def identifies(self) -> bool:
        """Whether its class can say what identifies its content without loading it."""
        return self.instance is not None and callable(getattr(self._class(), "digest", None))

    # both

    def exists(self) -> bool:
        """Whether there is something to load now."""
        if self.instance is not None:
            with self._explained("looked for"):
                method = self.instance.method("exists")
                return bool(method()) if method else self.local is None or self.local.exists()
        if self.remote is not None:
            with self._explained("looked for"):
                return self.remote.exists()
        return self.local is not None and self.local.exists()

    def missing(self) -> errors.CatalogError:
        """The error for a dataset that is needed and not there."""
        return self._error("there is no such file" if self.local else "there is nothing", self._near())

    def nothing_in_it(self) -> errors.CatalogError:
        """The error for a folder of partitions in which there is none."""
        suffix = getattr(self.format, "suffix", "")
        ends = sorted({Path(name).suffix for name in self.files() if Path(name).suffix} - {suffix})
        otherwise = "put partitions there, or run the pipeline that makes them"
        if not suffix:
            return self._error("there are no partitions in the folder", otherwise)
        hint = f"its files end with {', '.join(ends)}: correct filename_suffix" if ends else otherwise
        return self._error(f"there are no partitions in the folder that end with {suffix!r}", hint)

    def _near(self) -> str:
        entry = f" ({self.where})" if self.where else ""
        otherwise = f"put the file there, correct the filepath{entry}, or run the pipeline that makes it"
        if self.local is None:
            return otherwise
        folder = self.local.parent
        if not folder.is_dir():
            return f"there is no folder {folder} either: {otherwise}"
        near = errors.nearest(self.local.name, (path.name for path in folder.iterdir()))
        return f"did you mean {Path(self.place).with_name(near)}?" if near else otherwise

    def _format(self) -> contract.Format:
        if self.format is None:
            raise contract.Problem("it is no file", "this is a mistake in the program that asked for it")
        return self.format

    def _remote(self) -> remotes.Remote:
        if self.remote is None:
            raise contract.Problem("it is not behind a URL", "this is a mistake in the program that asked for it")
        return self.remote

    def _class(self) -> Any:
        assert self.instance is not None
        with self._explained("found"):
            return self.instance.find()

    def _method(self, name: str) -> Any:
        method = self.instance.method(name) if self.instance else None
        if method is None:
            raise contract.Problem(f"its class has no {name}()", f"add a method {name}, or do not use it that way")
        return method

    @property
    def _named(self) -> str:
        return f"dataset {self.name!r}" + (f", partition {self.partition!r}" if self.partition else "")

    def _error(self, what: str, hint: str, line: int | None = None) -> errors.CatalogError:
        place = self.place if line is None else f"{self.place}:{line}"
        return errors.CatalogError(f"{self._named}: {what}", where=place, hint=hint)

    def _secrets(self) -> list[str]:
        if self.instance is not None:
            return masking.leaves(self.instance.options.get("credentials"))
        return self.remote.secrets() if self.remote is not None else []

    @contextlib.contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Turn what goes wrong inside into an error that names the dataset and its place, without its secrets."""
        try:
            yield
        except (errors.TaneError, MemoryError):
            raise
        except Exception as error:
            secrets = self._secrets()
            told = self._told(error, done, secrets)
            cause = error.__cause__ if isinstance(error, contract.Problem) else error
            raise told from (None if secrets else cause)

    def _told(self, error: Exception, done: str, secrets: list[str]) -> errors.TaneError:
        """The error that the user sees for what was raised while the dataset was to be `done`."""
        if isinstance(error, contract.Problem):
            what = masking.text(error.what, secrets)
            if isinstance(error, contract.EntryProblem):
                return EntryError(f"{self._named}: {what}", where=self.where or self.place, hint=error.hint)
            return self._error(what, error.hint, error.line)
        if isinstance(error, OSError):
            return self._os_error(error, done, masking.text(str(error), secrets))
        if isinstance(error, UnicodeDecodeError):
            return self._error(
                f"it is not {error.encoding} text (byte {error.object[error.start]:#04x} at {error.start})",
                "name its encoding: load_args: {encoding: latin-1}, or mend the file",
            )
        said = masking.text(str(error), secrets).strip() or "no message"
        if isinstance(error, ImportError):
            self.check_ready()
            return self._error(f"it could not be {done}: {said}", "install the package that is named there")
        key = "load_args" if done == "loaded" else "save_args"
        return self._error(
            f"it could not be {done}: {type(error).__name__}: {said}",
            f"check the {'value' if done == 'saved' else 'file'} and the entry's {key}"
            if self.instance is None
            else f"see {self.type}",
        )

    def _os_error(self, error: OSError, done: str, said: str) -> errors.TaneError:
        if isinstance(error, FileNotFoundError) and done == "loaded":
            return self.missing()
        if isinstance(error, PermissionError) and done == "loaded":
            return self._error("it may not be read", "give yourself the right to read it: chmod u+r")
        if done == "saved" and error.errno in _FULL:
            return errors.PlaceError(
                f"{self._named} could not be saved: {error.strerror}",
                where=self.place,
                hint="make room, or make the folder writable, and run again",
            )
        if type(error).__name__ == "BadGzipFile" or "Invalid data stream" in said:
            return self._error("it is not compressed as its name says", "correct the suffix, or mend the file")
        return self._error(f"it could not be {done}: {said}", "check the file and the entry's filepath")
