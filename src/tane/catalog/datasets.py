"""A dataset: the record of a catalog entry, and the one way to read, write, fetch and send what it names.

Made by `entries`; called by `plan`, `runs`, `notebook` and the command line. Every failure that a user can
meet is a `CatalogError` with the dataset, its place and what to do; a full or read-only disk is a
`PlaceError`.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tane import errors
from tane.catalog import foreign, places
from tane.catalog.formats import contract


class EntryError(errors.CatalogError):
    """The catalog entry itself is wrong, whatever its file holds."""


_FULL = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EIO}


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset.

    `kind` is "file" (`read`, `write`, and for URLs `fetch`, `send`), "object" (a third-party class: `load`,
    `save`) or "memory" (an entry that only says how a value in memory is to be treated). `place` is the path
    or URL for messages, `local` the workspace path of a local file or folder; for an object it is the file
    its class reads and writes by itself. `load_spec` and `save_spec` are all that affects loading and saving
    except place and credentials. `code` is a third-party class of the project as "module:qualname", `where`
    the entry's file and line.
    """

    name: str
    type: str
    kind: Literal["file", "object", "memory"]
    place: str = "memory"
    local: Path | None = None
    layer: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    keep: str | None = None
    versioned: bool = False
    load_spec: Mapping[str, Any] = field(default_factory=dict)
    save_spec: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    needs: tuple[str, str] = ("", "")  # a module, and the extra that installs it
    format: contract.Format | None = field(default=None, repr=False)
    remote: places.Remote | None = field(default=None, repr=False)
    instance: foreign.Foreign | None = field(default=None, repr=False)

    @property
    def filename(self) -> str:
        """The last part of its place. Temporary files must end like it, for readers that look at suffixes."""
        return self.place.rstrip("/").rpartition("/")[2]

    @property
    def distributions(self) -> tuple[str, ...]:
        """The import names of the packages that its reader and writer rest on."""
        if self.instance is not None:
            return () if self.code else (self._class().__module__.partition(".")[0],)
        return self.format.distributions if self.format else ()

    @property
    def faithful(self) -> bool:
        """Whether loading what was saved gives the very value back."""
        return self.format is not None and self.format.faithful

    @property
    def write_only(self) -> bool:
        """Whether it cannot be loaded."""
        if self.instance is not None:
            return not hasattr(self._class(), "load")
        return self.format is not None and self.format.write_only

    @property
    def code(self) -> str:
        """A third-party class of the project, "module:qualname"; else empty."""
        if self.instance is None:
            return ""
        with self._explained("found"):
            return self.instance.code

    def check_ready(self) -> None:
        """Raise if its package or its class is missing. Packages of our own types are not imported."""
        if self.instance is not None:
            self._class()
        module, extra = self.needs
        if module and importlib.util.find_spec(module) is None:
            raise errors.MissingExtraError(
                f"dataset {self.name!r} ({self.type}) needs the package {module!r}, which is not installed",
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
            return reader.read(str(path))

    def write(self, value: Any, path: Path) -> None:
        """Write `value` to `path`, a temporary local name that ends as its place does."""
        with self._explained("saved"):
            self._format().write(value, str(path))

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
        """What the third-party class loads."""
        with self._explained("loaded"):
            return self._method("load")()

    def save(self, value: Any) -> None:
        """Let the third-party class save `value`."""
        with self._explained("saved"):
            self._method("save")(value)

    def digest(self) -> str | None:
        """What the third-party class says identifies its content, or None when it does not say."""
        with self._explained("identified"):
            method = self.instance.method("digest") if self.instance else None
            found = method() if method else None
            return None if found is None else str(found)

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

    def _remote(self) -> places.Remote:
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

    def _error(self, what: str, hint: str, line: int | None = None) -> errors.CatalogError:
        place = self.place if line is None else f"{self.place}:{line}"
        return errors.CatalogError(f"dataset {self.name!r}: {what}", where=place, hint=hint)

    @contextlib.contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Turn what goes wrong inside into an error that names the dataset and its place."""
        try:
            yield
        except (errors.TaneError, MemoryError):
            raise
        except contract.EntryProblem as problem:
            raise EntryError(
                f"dataset {self.name!r}: {problem.what}", where=self.where or self.place, hint=problem.hint
            ) from problem.__cause__
        except contract.Problem as problem:
            raise self._error(problem.what, problem.hint, problem.line) from problem.__cause__
        except OSError as error:
            raise self._os_error(error, done) from error
        except UnicodeDecodeError as error:
            raise self._error(
                f"it is not {error.encoding} text (byte {error.object[error.start]:#04x} at {error.start})",
                "name its encoding: load_args: {encoding: latin-1}, or mend the file",
            ) from error
        except ImportError as error:
            self.check_ready()
            raise self._error(f"it could not be {done}: {error}", "install the package that is named there") from error
        except Exception as error:
            what = str(error).strip() or "no message"
            key = "load_args" if done == "loaded" else "save_args"
            raise self._error(
                f"it could not be {done}: {type(error).__name__}: {what}",
                f"check the {'value' if done == 'saved' else 'file'} and the entry's {key}"
                if self.instance is None
                else f"see {self.type}",
            ) from error

    def _os_error(self, error: OSError, done: str) -> errors.TaneError:
        if isinstance(error, FileNotFoundError) and done == "loaded":
            return self.missing()
        if isinstance(error, PermissionError) and done == "loaded":
            return self._error("it may not be read", "give yourself the right to read it: chmod u+r")
        if done == "saved" and error.errno in _FULL:
            return errors.PlaceError(
                f"dataset {self.name!r} could not be saved: {error.strerror}",
                where=self.place,
                hint="make room, or make the folder writable, and run again",
            )
        if type(error).__name__ == "BadGzipFile" or "Invalid data stream" in str(error):
            return self._error("it is not compressed as its name says", "correct the suffix, or mend the file")
        return self._error(f"it could not be {done}: {error}", "check the file and the entry's filepath")
