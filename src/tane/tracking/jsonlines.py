"""The sink "jsonl:FOLDER": a folder for each run with `log.jsonl`, one fact a line, and `artifacts/` as plain files.

Lines are whole and in the file when the call returns, whoever else writes to it. `read` gives a run back.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tane import errors, fielded
from tane.ledger import records

LOG = "log.jsonl"
ARTIFACTS = "artifacts"


class JsonLines:
    """Writes runs into folders below `place`."""

    def __init__(self, place: str) -> None:
        self._place = Path(place)
        self._files: dict[str, int] = {}
        self._process = os.getpid()
        try:
            self._place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise errors.UsageError(
                f"the folder {self._place} cannot be made: {error.strerror}", hint="name another one: jsonl:FOLDER"
            ) from None

    def write(self, fact: Mapping[str, Any]) -> None:
        """Add one line; of an artifact, its bytes first."""
        run = str(fact["run"])
        content = dict(fact)
        if fact["event"] == "artifact":
            content["bytes"] = self._copy(Path(content.pop("file")), self._place / run / ARTIFACTS / fact["name"])
        elif fact["event"] == "metrics":
            content["metrics"] = {name: _told(value) for name, value in fact["metrics"].items()}
        line = json.dumps(content, ensure_ascii=False, default=str, separators=(",", ":")) + "\n"
        os.write(self._file(run), line.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Let go of the files."""
        files, self._files = self._files, {}
        if self._process == os.getpid():
            for file in files.values():
                os.close(file)

    def _file(self, run: str) -> int:
        if run not in self._files:
            path = self._place / run / LOG
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[run] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        return self._files[run]

    def _copy(self, source: Path, target: Path) -> int:
        import shutil  # slow to import

        target = _beside_others(target, source.is_dir())
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        if source.is_dir():
            shutil.copytree(source, target)
            return sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
        beside = target.with_name(f".{target.name}.{os.getpid()}")  # it is there whole, or not at all
        shutil.copyfile(source, beside)
        os.replace(beside, target)
        return target.stat().st_size


@fielded.frozen
class Content:
    """What a run's folder holds."""

    started: Mapping[str, Any]
    params: Mapping[str, Any]
    points: Mapping[str, list[records.MetricPoint]]
    tags: Mapping[str, str]
    note: str
    artifacts: Mapping[str, str]
    ended: Mapping[str, Any]


def read(folder: Path) -> Content:
    """The run whose folder this is; a last line that was cut off by a full disk is left out."""
    started: dict[str, Any] = {}
    ended: dict[str, Any] = {}
    params: dict[str, Any] = {}
    points: dict[str, list[records.MetricPoint]] = {}
    tags: dict[str, str] = {}
    artifacts: dict[str, str] = {}
    note = ""
    for line in (folder / LOG).read_text(encoding="utf-8").splitlines():
        try:
            fact = json.loads(line)
        except ValueError:
            continue
        match fact["event"]:
            case "started":
                started = fact
                params.update(fact.get("params", {}))
            case "params":
                params.update(fact["params"])
            case "metrics":
                for name, value in fact["metrics"].items():
                    points.setdefault(name, []).append(
                        records.MetricPoint(name, float(value), fact["step"], fact["at"])
                    )
            case "tags":
                tags.update(fact["tags"])
            case "note":
                note = fact["note"]
            case "artifact":
                artifacts[fact["name"]] = fact["kind"]
            case "ended":
                ended = fact
    for series in points.values():
        series.sort(key=lambda point: (point.step, point.at))
    return Content(started, params, points, tags, note, artifacts, ended)


def _beside_others(target: Path, folder: bool) -> Path:
    """Where an artifact goes: what the ledger knows as "a" and "a/b" cannot both have these places on a disk."""
    place = Path(target.parts[0])
    for part in target.parts[1:-1]:
        place = place / part
        while place.is_file():
            place = place.with_name(place.name + "~")
    place = place / target.name
    while place.is_dir() and not folder:
        place = place.with_name(place.name + "~")
    return place


def _told(value: float) -> float | str:
    """A number as strict JSON has it; NaN and infinities as text that `float` reads."""
    return value if math.isfinite(value) else str(value)
