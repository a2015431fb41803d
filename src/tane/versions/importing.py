"""Runs out of a file that `exporting` wrote. `tane runs import` calls it.

Nothing in the file is trusted: every object is compared with the digest it goes by, every run with the digest the
manifest has of it, names that would lead out of a folder are refused, and no value is unpickled. Objects come first,
then each run in one transaction: whenever it is cut short, what is there is whole, and importing again does the rest.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tane import errors, fielded
from tane.digest import hashing
from tane.ledger import connection, read, records, transfer
from tane.store import objects, trees
from tane.versions import exporting

_BLOCK = 4 * 1024 * 1024
_SMALL = 1024 * 1024
_LARGEST_LIST = 64 * 1024 * 1024  # bytes of the manifest, or of a tree
_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch
_RUN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}").fullmatch


@fielded.frozen
class Conflict:
    """A run that is here already, and not as the file has it: in which of its parts."""

    run: str
    parts: tuple[str, ...]


@fielded.frozen
class Imported:
    """What came of it: the runs that are new here, those that were here already, those that were here and differ."""

    added: tuple[str, ...]
    known: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    objects: int
    missing: tuple[str, ...]


def bring_in(ledger: connection.Ledger, store: objects.Objects, source: Path) -> Imported:
    """Add the runs of the file `source` to a ledger and its store. What is here already is left as it is."""
    try:
        with zipfile.ZipFile(source) as archive:
            return _Reader(archive, source).bring_in(ledger, store)
    except FileNotFoundError:
        raise errors.UsageError(
            f"there is no file {str(source)!r}", hint="tane runs export RUN -o FILE makes one"
        ) from None
    except IsADirectoryError:
        raise errors.UsageError(f"{str(source)!r} is a folder", hint="name a file that tane runs export made") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _damaged(source, str(error) or type(error).__name__) from None
    except PermissionError as error:
        raise errors.UsageError(f"cannot read {str(source)!r}: {error.strerror}", hint="mend its permissions") from None


def _damaged(source: Path, why: str) -> errors.UsageError:
    return errors.UsageError(
        f"{str(source)!r} is damaged, or no file of exported runs: {why}", hint="export it again with tane runs export"
    )


class _Reader:
    """An opened file."""

    def __init__(self, archive: zipfile.ZipFile, source: Path) -> None:
        self.archive = archive
        self.source = source
        self.members = {info.filename: info for info in archive.infolist()}

    def bring_in(self, ledger: connection.Ledger, store: objects.Objects) -> Imported:
        manifest = self._manifest()
        told = {run: self._lines(run, digest) for run, digest in manifest.items()}
        here = {name: run for name in told if (run := _found(ledger, name)) is not None}
        known, conflicts, partial = [], [], []
        for name, run in here.items():
            lines = list(transfer.lines(ledger, run))
            parts = _differing(lines, told[name])
            if parts:
                conflicts.append(Conflict(name, parts))
                continue
            known.append(name)
            if self._brings_values(lines, told[name]):
                partial.append(name)
        new = [run for run in told if run not in here]
        count = self._objects(store) if new or known else 0
        added = [name for name in new if self._add(ledger, name, self._with_values_here(told[name], store))]
        known += [name for name in new if name not in added]
        for name in partial:
            transfer.fill(ledger, self._with_values_here(told[name], store))
        return Imported(tuple(added), tuple(known), tuple(conflicts), count, self.missing)

    def _add(self, ledger: connection.Ledger, run: str, lines: list[transfer.Line]) -> bool:
        try:
            return transfer.add(ledger, lines)
        except ValueError as error:
            raise _damaged(self.source, f"run {run}: {error}") from None

    def _has(self, digest: str) -> bool:
        return f"objects/{digest}" in self.members or f"trees/{digest}" in self.members

    def _brings_values(self, here: list[transfer.Line], there: list[transfer.Line]) -> bool:
        """Whether the file has values of a run that came here without them."""
        one, other = _places(here), _places(there)
        return any(not one.get(place) and self._has(digest) for place, digest in other.items() if digest)

    def _with_values_here(self, lines: list[transfer.Line], store: objects.Objects) -> list[transfer.Line]:
        """The lines, where values that did not come with the file count as not kept."""
        held: dict[str, str] = {}
        made = []
        for line in lines:
            if "step" not in line:
                made.append(line)
                continue
            outputs = []
            for kept in line["step"]["outputs"]:
                for digest in (kept["value"], kept["file"]):
                    if digest not in held:
                        held[digest] = digest if digest and store.has(digest) else ""
                outputs.append({**kept, "value": held[kept["value"]], "file": held[kept["file"]]})
            made.append({"step": {**line["step"], "outputs": outputs}})
        return made

    def _manifest(self) -> dict[str, str]:
        """The runs of the file with the digests of their lines."""
        if exporting.MANIFEST not in self.members:
            raise _damaged(self.source, f"there is no {exporting.MANIFEST} in it")
        try:
            known = json.loads(self._read(exporting.MANIFEST, _LARGEST_LIST))
            form = known["form"]
            if type(form) is not int:
                raise TypeError("its form is no number")
            if form > exporting.FORM:
                raise errors.UsageError(
                    f"{str(self.source)!r} was made by a newer tane ({known.get('tane', '?')})",
                    hint="update tane here, or export with the version used here",
                )
            runs = {str(each["run"]): str(each["digest"]) for each in known["runs"]}
            self.missing = tuple(map(str, known.get("missing", ())))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(self.source, f"{exporting.MANIFEST}: {error}") from None
        for run in runs:
            if not _RUN(run):
                raise _damaged(self.source, f"{run!r} is no id of a run")
        return runs

    def _lines(self, run: str, digest: str) -> list[transfer.Line]:
        data = self._read(f"runs/{run}.jsonl", None)
        if hashing.of_bytes(data) != digest:
            raise _damaged(self.source, f"run {run} is not what its digest says")
        try:
            lines = [json.loads(line) for line in data.splitlines()]
            if lines[0]["run"]["run"] != run:
                raise ValueError("it tells of another run")
            for line in lines:
                _check(line)
            transfer.check(lines)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise _damaged(self.source, f"run {run}: {error}") from None
        return lines

    def _read(self, name: str, most: int | None) -> bytes:
        info = self.members.get(name)
        if info is None:
            raise _damaged(self.source, f"there is no {name} in it")
        if most is not None and info.file_size > most:
            raise _damaged(self.source, f"{name} is too large")
        return self.archive.read(info)

    # -- objects ---------------------------------------------------------------------------------------------------

    def _objects(self, store: objects.Objects) -> int:
        """Put all objects of the file; how many were not here before."""
        count = 0
        for kind, put in (("objects", self._put_blob), ("trees", self._put_tree)):
            for name in self.members:
                folder, _, digest = name.partition("/")
                if folder != kind:
                    continue
                if not _DIGEST(digest):
                    raise _damaged(self.source, f"{name!r} is no object")
                if not store.has(digest):
                    put(store, name, digest)
                    count += 1
        store.flush()
        return count

    def _put_blob(self, store: objects.Objects, name: str, digest: str) -> None:
        info = self.members[name]
        if info.file_size <= _SMALL:
            data = self._read(name, _SMALL)
            self._demand(hashing.of_bytes(data), digest)
            store.put(data)
            return
        with store.scratch() as folder:
            place = folder / "object"
            with self.archive.open(info) as member, place.open("wb") as file:
                while block := member.read(_BLOCK):
                    file.write(block)
            self._demand(hashing.of_file(place), digest)
            store.put_file(place, take=True)

    def _put_tree(self, store: objects.Objects, name: str, digest: str) -> None:
        data = self._read(name, _LARGEST_LIST)
        self._demand(trees.digest_of(data), digest)
        try:
            entries = trees.decode(data)
            if not data.startswith(trees.MAGIC) or trees.encode(entries) != data:
                raise ValueError("it is not written as trees are")
        except ValueError as error:
            raise _damaged(self.source, f"{name}: {error}") from None
        for entry in entries:
            if not _is_name(entry.name) or entry.kind not in (trees.FILE, trees.EXECUTABLE, trees.FOLDER):
                raise _damaged(self.source, f"{name}: {entry.name!r} would lie outside of its folder")
            if not _DIGEST(entry.digest):
                raise _damaged(self.source, f"{name}: {entry.name!r} has no digest")
        store.put_tree_bytes(data)

    def _demand(self, found: str, digest: str) -> None:
        if found != digest:
            raise _damaged(self.source, f"object {digest[:12]} is not what its digest says")


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\\" not in name and "\0" not in name


def _check(line: Mapping[str, Any]) -> None:
    """Refuse names that lead out of a folder, and objects that are none."""
    if artifact := line.get("artifact"):
        path = PurePosixPath(artifact["path"])
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"the artifact {artifact['path']!r} would lie outside of its folder")
        if not _DIGEST(artifact["file"]):
            raise ValueError(f"the artifact {artifact['path']!r} has no object")
    if step := line.get("step"):
        for kept in step["outputs"]:
            for key in ("value", "file"):
                if kept[key] and not _DIGEST(kept[key]):
                    raise ValueError(f"{kept['name']!r} has no object")


def _found(ledger: connection.Ledger, run: str) -> records.RunRecord | None:
    try:
        found = read.run(ledger, run)
    except errors.UsageError:
        return None
    return found if found.run == run else None


def _differing(here: list[transfer.Line], there: list[transfer.Line]) -> tuple[str, ...]:
    """The kinds of lines in which two records of a run differ."""
    one, other = _by_kind(here), _by_kind(there)
    return tuple(kind for kind in sorted({*one, *other}) if one.get(kind) != other.get(kind))


def _places(lines: list[transfer.Line]) -> dict[tuple[int, int, str], str]:
    """The objects of what steps made, by step, place and kind."""
    return {
        (line["step"]["position"], place, key): kept[key]
        for line in lines
        if "step" in line
        for place, kept in enumerate(line["step"]["outputs"])
        for key in ("value", "file")
    }


def _by_kind(lines: list[transfer.Line]) -> dict[str, list[str]]:
    """What lines say, by what it is about; not where values lie, which may have stayed where the run was made."""
    found: dict[str, list[str]] = {}
    for line in lines:
        (kind,) = line
        if kind == "step":
            outputs = [{**kept, "value": "", "file": ""} for kept in line["step"]["outputs"]]
            line = {"step": {**line["step"], "outputs": outputs}}
        word = _WORDS.get(kind, kind)
        found.setdefault(word, []).append(exporting.encoded([line]).decode())
    return found


_WORDS = {
    "step": "steps",
    "param": "parameters",
    "tag": "tags",
    "metric": "metrics",
    "points": "metrics",
    "artifact": "artifacts",
    "document": "documents",
    "run": "how it ran",
}
