"""Runs as one file that another project reads. `tane runs export` calls it; `importing` is its counterpart.

The file is a ZIP archive:

    tane-runs.json          the version of the form, and for each run its id and the digest of its lines
    runs/ID.jsonl           all that is on record of a run, a JSON object a line (see `ledger.transfer`)
    objects/DIGEST          bytes: artifacts, patches of uncommitted code, and on request what steps took and made
    trees/DIGEST            folders among them: names and digests
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tane import errors, fielded, outcomes, version
from tane.digest import hashing
from tane.ledger import connection, read, records, transfer
from tane.store import objects, placing

FORM = 1
MANIFEST = "tane-runs.json"
_BLOCK = 4 * 1024 * 1024
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@fielded.frozen
class Exported:
    """What went into the file. `missing` are objects that are named and no longer in the store."""

    runs: tuple[str, ...]
    objects: int
    bytes: int
    missing: tuple[str, ...]


def export(
    ledger: connection.Ledger,
    store: objects.Objects,
    runs: Sequence[records.RunRecord],
    target: Path,
    *,
    data: bool = False,
) -> Exported:
    """Write `runs`, with those nested in them and windows of backfills, into the file `target`, whole or not at all.

    With `data` what their steps took and made goes in too. Raises for a run that is at work.
    """
    chosen = _with_nested(ledger, runs)
    _check_ended(chosen)
    told = {run.run: list(transfer.lines(ledger, run)) for run in chosen}
    wanted = {digest: name for lines in told.values() for digest, name in _named(lines, data=data)}
    writer = _Writer(store, told, wanted)
    placing.file(target, writer.write)
    return Exported(tuple(told), writer.count, writer.bytes, tuple(writer.missing))


def encoded(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """The lines of a run as bytes; the same lines are the same bytes."""
    return b"".join(
        json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")
        + b"\n"
        for line in lines
    )


def _with_nested(ledger: connection.Ledger, runs: Sequence[records.RunRecord]) -> list[records.RunRecord]:
    """The runs and all that belongs to them, each once, what was earlier first."""
    found: dict[str, records.RunRecord] = {}
    waiting = list(runs)
    while waiting:
        run = waiting.pop()
        if run.run in found:
            continue
        found[run.run] = run
        waiting += read.runs(ledger, parent=run.run)
        if run.kind == records.BACKFILL:
            waiting += read.windows(ledger, run.run)
    return sorted(found.values(), key=lambda run: (run.started, run.run))


def _check_ended(runs: Sequence[records.RunRecord]) -> None:
    live = [run.run for run in runs if run.status is outcomes.RunStatus.RUNNING]
    if live:
        what = f"run {live[0]} is" if len(live) == 1 else f"the runs {', '.join(live)} are"
        raise errors.UsageError(f"{what} still running", hint="export when it has ended; tane runs tail waits for it")


def _named(lines: Iterable[Mapping[str, Any]], *, data: bool) -> Iterable[tuple[str, str]]:
    """The objects that a run's lines name, each with the name it has there."""
    for line in lines:
        if "artifact" in line:
            yield line["artifact"]["file"], line["artifact"]["path"]
        elif "run" in line and line["run"]["git"].get("diff"):
            yield line["run"]["git"]["diff"], "uncommitted changes"
        elif "step" in line and data:
            for kept in line["step"]["outputs"]:
                for digest in (kept["value"], kept["file"]):
                    if digest:
                        yield digest, kept["name"]


class _Writer:
    """Writes the archive."""

    def __init__(
        self,
        store: objects.Objects,
        told: Mapping[str, list[Mapping[str, Any]]] | Mapping[str, list[dict[str, Any]]],
        wanted: Mapping[str, str],
    ) -> None:
        self.store = store
        self.told = told
        self.wanted = wanted
        self.count = 0
        self.bytes = 0
        self.missing: list[str] = []
        self._written: set[str] = set()

    def write(self, opened: int) -> None:
        """Write all of it into an open file."""
        with (
            open(opened, "wb", closefd=False) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive,
        ):
            said = []
            for run, lines in self.told.items():
                content = encoded(lines)
                said.append({"run": run, "digest": hashing.of_bytes(content)})
                archive.writestr(self._member(f"runs/{run}.jsonl"), content)
            for digest, name in self.wanted.items():
                self._add(archive, digest, name)
            known = {
                "form": FORM,
                "tane": version.__version__,
                "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "runs": said,
                "missing": self.missing,
            }
            archive.writestr(self._member(MANIFEST), json.dumps(known, indent=2))

    def _add(self, archive: zipfile.ZipFile, digest: str, name: str) -> None:
        """An object with all below it."""
        if digest in self._written:
            return
        self._written.add(digest)
        try:
            is_tree = self.store.is_tree(digest)
            data: Any = self.store.read(digest) if is_tree else self.store.map(digest)
        except errors.StoreError:
            self.missing.append(f"{name} ({digest[:12]})")
            return
        folder = "trees" if is_tree else "objects"
        with archive.open(self._member(f"{folder}/{digest}"), "w", force_zip64=True) as member:
            for start in range(0, len(data), _BLOCK):
                member.write(data[start : start + _BLOCK])
        self.count += 1
        self.bytes += len(data)
        for entry in self.store.entries(digest) if is_tree else ():
            self._add(archive, entry.digest, f"{name}/{entry.name}")

    def _member(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, _EARLIEST)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return info
