"""Kills the command `tane` at points of its work that can be counted: before, within and after each write, rename,
removal and commit. Not a test: a tracer, the process in which commands are started, and the project they run.

As a program it is that process. It has imported the engine once and forks itself for each command, so that thousands
of commands can be killed in minutes; it imports nothing of the projects. Worker processes, which are started from
the command line, trace themselves (`sitecustomize`) and count on in the same file.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SETTING = "PYTEST_TANE_CRASH"  # what begins with PYTEST_ is no part of the environment that results rest on
CLOCK = "PYTEST_TANE_CLOCK"


# -- the tracer, in the process that is to die -------------------------------------------------------------


class Tracer:
    """Notes points in a file that all processes of one command share; the process dies at the wanted one.

    A point is called by its kind and how many of that kind there were before: threads make the order of all of them
    another one each time.
    """

    def __init__(self, file: str, at: str, main: int) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._kind, _, self._number = at.rpartition("#")
        self._main = main
        self._write, self._read = os.write, os.pread

    def reach(self, kind: str) -> None:
        """One more point."""
        if self._is_due(kind):
            self.die()

    def _is_due(self, kind: str) -> bool:
        record = b"%s\n" % kind.encode()
        self._write(self._file, record)
        if kind != self._kind:
            return False
        records = b"\n" + self._read(self._file, 1 << 24, 0)
        return records.count(b"\n" + record) == int(self._number)

    def die(self) -> None:
        """End the command as kill -9 does; its workers die with it."""
        os.kill(self._main, signal.SIGKILL)
        time.sleep(60)

    def around(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call` with a point before and one after it."""

        def traced(*args: Any, **named: Any) -> Any:
            what = f"{kind}{_mark(args)}"
            self.reach(f"< {what}")
            result = call(*args, **named)
            self.reach(f"> {what}")
            return result

        return traced

    def writing(self, kind: str, call: Callable[[Any, Any], int]) -> Callable[[Any, Any], int]:
        """`call`, which writes bytes, with a point before it, one when half is written and one after it."""

        def traced(file: Any, data: Any) -> int:
            what = f"{kind}{_mark((file if isinstance(file, int) else file.fileno(),))}"
            self.reach(f"< {what}")
            view = memoryview(data).cast("B")
            if len(view) > 1 and self._is_due(f"- {what}"):
                call(file, view[: len(view) // 2])
                self.die()
            written = call(file, data)
            self.reach(f"> {what}")
            return written

        return traced


def _mark(args: tuple[Any, ...]) -> str:
    """A star when what a call concerns, its last path or its first open file, lies where users look."""
    paths = [os.fsdecode(each) for each in args if isinstance(each, str | os.PathLike)]
    if not paths and args and type(args[0]) is int:
        with contextlib.suppress(OSError):
            paths = [os.readlink(f"/proc/self/fd/{args[0]}")]
    return "*" if paths and f"{os.sep}.tane{os.sep}" not in paths[-1] and paths[-1].startswith(os.getcwd()) else ""


_CALLS = (
    "replace", "rename", "link", "symlink", "unlink", "remove", "mkdir", "rmdir", "ftruncate", "truncate", "utime",
    "chmod", "copy_file_range", "fsync",
)  # fmt: skip
_STATEMENTS = ("begin", "commit", "rollback", "insert", "update", "delete", "create", "pragma user_version")


def install(file: str, at: str, main: int) -> None:
    """Trace this process from now on. `main` is the process of the command."""
    tracer = Tracer(file, at, main)
    for name in _CALLS:
        setattr(os, name, tracer.around(name, getattr(os, name)))
    _trace_open(tracer)
    _trace_files(tracer)
    _trace_sqlite(tracer)
    from tane.store import placing  # what it calls through C

    if getattr(placing, "exchange", None) is not None:
        placing.exchange = tracer.around("exchange", placing.exchange)


def _trace_open(tracer: Tracer) -> None:
    opened = os.open

    def open_(path: Any, flags: int, *args: Any, **named: Any) -> int:
        if not flags & (os.O_CREAT | os.O_TRUNC):
            return opened(path, flags, *args, **named)
        return int(tracer.around("open", opened)(path, flags, *args, **named))

    os.open = open_  # type: ignore[assignment]
    os.write = tracer.writing("write", os.write)  # type: ignore[assignment]


def _trace_files(tracer: Tracer) -> None:
    """`open` for writing gives the same kinds of files, on a raw one that counts."""
    whole = builtins.open

    class Raw(io.FileIO):
        write = tracer.writing("file", io.FileIO.write)  # type: ignore[assignment]

    def open_(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **named: Any) -> Any:
        plain = isinstance(file, str | bytes | os.PathLike) and buffering in (-1, 0, 1) and not args
        if not plain or not set(mode) & set("wax") or "+" in mode or named.keys() - {"encoding", "errors", "newline"}:
            return whole(file, mode, buffering, *args, **named)
        raw = tracer.around("create", Raw)(file, mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        buffered = io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(buffered, **named)
        text.mode = mode  # type: ignore[misc]
        return text

    builtins.open = io.open = open_  # type: ignore[assignment]


def _trace_sqlite(tracer: Tracer) -> None:
    connect = sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:  # type: ignore[override]
            kind = next((word for word in _STATEMENTS if sql.lower().startswith(word)), None)
            call = super().execute
            return (tracer.around(kind.split()[0], call) if kind else call)(sql, *args)

        def executemany(self, sql: str, values: Any) -> sqlite3.Cursor:  # type: ignore[override]
            return tracer.around("many", super().executemany)(sql, values)

    def connected(*args: Any, **named: Any) -> sqlite3.Connection:
        return tracer.around("connect", connect)(*args, **{"factory": Connection, **named})

    sqlite3.connect = connected  # type: ignore[assignment]


def set_clock(steps: str) -> None:
    """Let the wall clock of this process lie: by "AFTER:SECONDS,...", so many seconds from that many readings on."""
    jumps = [tuple(map(float, step.split(":"))) for step in steps.split(",")]
    now, now_ns, asked = time.time, time.time_ns, iter(range(1 << 62))

    def offset() -> float:
        reading = next(asked)
        return next((by for after, by in reversed(jumps) if reading >= after), 0.0)

    time.time = lambda: now() + offset()
    time.time_ns = lambda: now_ns() + int(offset() * 1e9)
    gmtime = time.gmtime
    time.gmtime = lambda at=None: gmtime(time.time() if at is None else at)  # type: ignore[assignment]


def install_in_worker() -> None:
    """What the `sitecustomize` of worker processes calls."""
    if clock := os.environ.get(CLOCK):
        set_clock(clock)
    if setting := os.environ.get(SETTING):
        file, at, main = setting.rsplit(":", 2)
        install(file, at, int(main))


# -- the process that starts commands ----------------------------------------------------------------------


def serve() -> None:
    """Read one request a line, fork, be the command in the child, and answer how it ended."""
    from tane.cli import backfill, data_gc, group, main, run, runs, status  # noqa: F401 - once for all commands
    from tane.runs import running  # noqa: F401

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked)
            main.main(asked["argv"])
            os._exit(0)
        _, status_ = os.waitpid(child, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status_)), flush=True)


def _become(asked: dict[str, Any]) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    os.chdir(asked["root"])
    os.environ["PWD"] = asked["root"]
    sys.argv = ["tane", *asked["argv"]]
    sys.stdin = os.fdopen(0, closefd=False)
    if asked["clock"]:
        os.environ[CLOCK] = asked["clock"]
        set_clock(asked["clock"])
    if asked["points"]:
        os.environ[SETTING] = f"{asked['points']}:{asked['at']}:{os.getpid()}"
        install(asked["points"], asked["at"], os.getpid())


class Ended:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        assert self.code == 0, self.out + self.err
        return json.loads(self.out)

    @property
    def steps(self) -> dict[str, str]:
        """Node to status."""
        return {step["node"]: step["status"] for step in self.json["steps"]}


class Starter:
    """Starts commands, to be killed or not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text("import crashing\n\ncrashing.install_in_worker()\n")
        places = [str(HERE), str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "crashing.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        )

    def tane(self, root: Path, *argv: str, points: Path | None = None, at: str = "", clock: str = "") -> Ended:
        """Run `tane ARGV` in the project at `root`; with `points` these are noted there, and it is killed at `at`."""
        out, err = self._folder / "out", self._folder / "err"
        asked = {"root": str(root), "argv": argv, "out": str(out), "err": str(err)}
        asked |= {"points": str(points or ""), "at": at, "clock": clock}
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return Ended(json.loads(self._process.stdout.readline()), out.read_text(), err.read_text())

    def points(self, root: Path, *argv: str) -> list[str]:
        """Run a command to its end; the points it comes by, in order."""
        points = self._folder / "points"
        points.unlink(missing_ok=True)
        ended = self.tane(root, *argv, points=points)
        assert ended.code == 0, ended.out + ended.err
        number: dict[str, int] = {}
        found = []
        for kind in points.read_text().splitlines():
            number[kind] = number.get(kind, 0) + 1
            found.append(f"{kind}#{number[kind]}")
        return found

    def kill(self, root: Path, at: str, *argv: str) -> bool:
        """Run a command and kill it at a point. False when it ended before it came there."""
        points = self._folder / "points"
        points.unlink(missing_ok=True)
        ended = self.tane(root, *argv, points=points, at=at)
        if ended.code == -signal.SIGKILL:
            return True
        assert ended.code == 0, ended.out + ended.err
        return False

    def start(self, root: Path, *argv: str) -> subprocess.Popen[str]:
        """Start a command as a user does, to be ended by the caller."""
        command = [sys.executable, "-m", "tane", *argv]
        return subprocess.Popen(command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@contextlib.contextmanager
def starter(folder: Path) -> Iterator[Starter]:
    """A `Starter` for as long as it is needed."""
    made = Starter(folder)
    try:
        yield made
    finally:
        made.close()


_NAMES = ("exchange", "replace", "rename", "link", "unlink", "rmdir")


def kind_of(point: str) -> str:
    """What happens at a point: a call, with a star where users see it."""
    return point[2:].rpartition("#")[0]


def sample(points: list[str], count: int, seed: int) -> list[str]:
    """About `count` of the points, drawn by turns from where names change before the users' eyes, where bytes are
    written there or something is committed, and all else.
    """
    drawn = random.Random(seed)
    families: list[list[str]] = [[], [], []]
    for point in points:
        kind = kind_of(point)
        seen = kind.endswith("*")
        families[0 if seen and kind[:-1] in _NAMES else 1 if seen or kind == "commit" else 2].append(point)
    for family in families:
        drawn.shuffle(family)
    chosen: list[str] = []
    while len(chosen) < min(count, len(points)):
        chosen += [family.pop() for family in families if family]
    return chosen[:count]


# -- the project -------------------------------------------------------------------------------------------

PYPROJECT = """
[project]
name = "fragile"

[tool.tane]
package = "fragile"
"""

NODES = '''
"""Values of all sizes and formats, each a function of the source and the scale."""

import logging

import tane

log = logging.getLogger(__name__)


def numbers(source, scale: int):
    log.info("scaled by %d", scale)
    return [value * scale for value in source["values"]]


def blob(numbers):
    """Large, in no catalog."""
    return bytes(sum(numbers) * at % 251 for at in range(150_000))


def parts(numbers):
    """A folder."""
    return {f"p{at}": {"at": at, "value": value} for at, value in enumerate(numbers)} | {
        "large": {"text": str(numbers) * 4000}
    }


def big(blob, numbers):
    """Large, in the catalog."""
    tane.log_metric("length", len(blob) + numbers[0])
    return {"blob": blob, "numbers": numbers}


def words(numbers):
    return "\\n".join(f"line {value}" for value in numbers)


def squares(number):
    return number * number


def total(parts, big, squares):
    tane.log_metric("total", sum(squares))
    return {"parts": sorted(parts), "bytes": len(big["blob"]), "total": sum(squares)}


def summary(total, words):
    return {"total": total, "words": words.count("line")}
'''

REGISTRY = """
from tane import Pipeline, node

from . import nodes


def register_pipelines():
    return {"__default__": Pipeline([
        node(nodes.numbers, ["source", "params:scale"], "numbers"),
        node(nodes.blob, "numbers", "blob"),
        node(nodes.parts, "numbers", "parts"),
        node(nodes.big, ["blob", "numbers"], "big"),
        node(nodes.words, "numbers", "words"),
        node(nodes.squares, "numbers", "squares", over="numbers"),
        node(nodes.total, ["parts", "big", "squares"], "total"),
        node(nodes.summary, ["total", "words"], "summary"),
    ])}
"""

CATALOG = """
source:
  type: json.JSONDataset
  filepath: data/01_raw/source.json
parts:
  type: partitions.PartitionedDataset
  path: data/02_parts/parts
  filename_suffix: .json
  dataset: json.JSONDataset
big:
  type: pickle.PickleDataset
  filepath: data/03_big/big.pkl
words:
  type: text.TextDataset
  filepath: data/words.txt
total:
  type: json.JSONDataset
  filepath: data/total.json
summary:
  type: yaml.YAMLDataset
  filepath: data/summary.yml
"""

FILES = {
    "pyproject.toml": PYPROJECT,
    "src/fragile/__init__.py": "",
    "src/fragile/nodes.py": NODES,
    "src/fragile/pipeline_registry.py": REGISTRY,
    "conf/base/catalog.yml": CATALOG,
    "conf/base/parameters.yml": "scale: 2\n",
    "data/01_raw/source.json": '{"values": [1, 2, 3]}',
}
CATALOGUED = ("data/02_parts/parts", "data/03_big/big.pkl", "data/words.txt", "data/total.json", "data/summary.yml")


WINDOWED = {
    **FILES,
    "src/fragile/nodes.py": """
import tane


def numbers(source, scale: int):
    return [value * scale for value in source["values"]]


def forecast(numbers, label: str):
    tane.log_metric("sum", sum(numbers))
    return {"label": label, "numbers": numbers * 5000}


def day(forecast, label: str):
    return {label: {"last": forecast["numbers"][-1], "of": label}}
""",
    "src/fragile/pipeline_registry.py": """
from tane import Pipeline, node

from . import nodes


def register_pipelines():
    label = "params:window.label"
    return {"__default__": Pipeline([
        node(nodes.numbers, ["source", "params:scale"], "numbers"),
        node(nodes.forecast, ["numbers", label], "forecast"),
        node(nodes.day, ["forecast", label], "days"),
    ])}
""",
    "conf/base/catalog.yml": """
source:
  type: json.JSONDataset
  filepath: data/01_raw/source.json
forecast:
  type: json.JSONDataset
  filepath: data/forecasts/${params:window.label}.json
days:
  type: partitions.PartitionedDataset
  path: data/days
  filename_suffix: .json
  dataset: json.JSONDataset
""",
    "conf/base/parameters.yml": "scale: 2\nwindow: {start: '', end: '', label: none}\n",
}
BACKFILL = ("backfill", "--from", "2026-01-01", "--to", "2026-01-04", "--every", "1d", "--json")


def lay_out(root: Path, files: Mapping[str, str] = FILES) -> Path:
    """A project, never run."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def content(path: Path) -> Any:
    """The bytes of a file, of a folder those of all in it; None when there is nothing."""
    if path.is_dir():
        return {inner.relative_to(path).as_posix(): inner.read_bytes() for inner in path.rglob("*") if inner.is_file()}
    return path.read_bytes() if path.exists() else None


def visible(root: Path) -> dict[str, Any]:
    """All that lies in the project, beside what the engine and Python keep for themselves."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".tane" not in path.relative_to(root).parts and "__pycache__" not in path.parts
    }


if __name__ == "__main__":
    serve()
