"""The command `tane` as a process of its own, without the time that starting Python and importing libraries takes.

A server has imported what every run imports, and nothing of any project; for each command it forks a child, which is
the process that the command would be. There are two: the light one has imported what the entry point imports before it
knows whether there is anything to do, so what its child says was said without click, YAML, pandas or the user's code;
when it would go on to import them, the command is begun anew in a child of the other.

`Veils` are files whose times stand still: those that a coarse clock would give to a file that is written again.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NamedTuple

HEAVY = ("click", "yaml", "fsspec", "rich", "pandas", "pyarrow", "numpy", "sqlite3", "cloudpickle")


class Ended(NamedTuple):
    """How a command ended. `early` says that nothing but the entry point was needed; `imported` what its process had
    imported in the end."""

    code: int
    out: str
    err: str
    early: bool
    imported: frozenset[str]


class Server:
    """One of the two."""

    def __init__(self, kind: str) -> None:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, __file__, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Commands:
    """Both servers."""

    def __init__(self) -> None:
        self._light, self._heavy = Server("light"), Server("heavy")

    def tane(
        self,
        folder: Path,
        *arguments: str,
        env: dict[str, str] | None = None,
        path: tuple[Path, ...] = (),
        veils: Path | None = None,
        bytecode: bool = False,
    ) -> Ended:
        """The command in `folder`, with `env` added to the environment and `path` to where modules are found."""
        request = {
            "folder": str(folder),
            "arguments": list(arguments),
            "env": {**os.environ, **(env or {}), "PYTHONPATH": os.pathsep.join(map(str, path))},
            "path": [str(each) for each in path],
            "veils": str(veils) if veils else "",
            "bytecode": bytecode,
        }
        found = self._light.ask(request)
        early = not found["escalates"]
        if not early:
            found = self._heavy.ask(request)
        return Ended(found["code"], found["out"], found["err"], early, frozenset(found["imported"]))

    def close(self) -> None:
        self._light.close()
        self._heavy.close()


class Veils:
    """Files that claim to have been changed last at one moment, whatever is written into them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._write({})

    def _write(self, held: dict[str, int]) -> None:
        self.file.write_text(json.dumps(held))

    def put(self, path: Path, moment: int) -> None:
        self._write({**json.loads(self.file.read_text()), str(os.stat(path).st_ino): moment})

    def lift(self) -> None:
        self._write({})


# --- the servers ----------------------------------------------------------------------------------------------------


def _serve(kind: str) -> None:
    from tane.cli import main  # noqa: F401 - what the entry point imports

    if kind == "heavy":
        _import_much()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryDirectory() as place:
            child = os.fork()
            if not child:
                _be(request, place, light=kind == "light")
            _, status = os.waitpid(child, 0)
            said = {name: Path(place, name).read_text(errors="replace") for name in ("out", "err")}
            try:
                imported = json.loads(Path(place, "imported").read_text())
            except OSError:
                imported = []
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps({"code": code, "escalates": code == _ESCALATES, "imported": imported, **said}), flush=True)


_ESCALATES = 99


def _import_much() -> None:
    import pkgutil

    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import tane

    for found in pkgutil.walk_packages(tane.__path__, "tane."):
        if not found.name.startswith(("tane.testing", "tane.project.starters", "tane.__main__")):
            try:
                importlib.import_module(found.name)
            except Exception:  # needs an extra that is not installed
                continue


class _TooFar:
    """An import hook that ends the process before it imports what only commands need."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in ("tane.errors", "tane.cli.group"):
            sys.stdout.flush()
            os._exit(_ESCALATES)


def _be(request: dict[str, Any], place: str, *, light: bool) -> None:
    """Be the command, to its end."""
    code = 70
    try:
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["folder"])
        sys.argv[:] = ["tane", *request["arguments"]]
        sys.path[:0] = request["path"]
        sys.path_importer_cache.clear()
        sys.dont_write_bytecode = not request["bytecode"]
        for number, name in ((1, "out"), (2, "err")):
            file = os.open(f"{place}/{name}", os.O_WRONLY | os.O_CREAT)
            os.dup2(file, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if request["veils"]:
            _wear(Path(request["veils"]))
        if light:
            sys.meta_path.insert(0, _TooFar())
        else:
            from tane.plan import sources

            sources._STARTED = sources._process_start()
        from tane.cli import main

        before = set(sys.modules) if not light else set()
        try:
            main.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        Path(place, "imported").write_text(json.dumps(sorted(set(sys.modules) - before)))
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def _wear(file: Path) -> None:
    """Let stat say of veiled files what a coarse clock would have said."""
    held: dict[str, int] = json.loads(file.read_text())
    if not held:
        return
    of_path, of_file = os.stat, os.fstat

    def veiled(found: os.stat_result) -> os.stat_result:
        key = str(found.st_ino)
        if key not in held:
            return found
        moment = held[key]
        plain = list(found)
        plain[8] = plain[9] = moment // 10**9
        more = {"st_atime": moment / 1e9, "st_mtime": moment / 1e9, "st_ctime": moment / 1e9}
        return os.stat_result(plain, {**more, "st_atime_ns": moment, "st_mtime_ns": moment, "st_ctime_ns": moment})

    os.stat = lambda *args, **options: veiled(of_path(*args, **options))
    os.fstat = lambda *args, **options: veiled(of_file(*args, **options))


if __name__ == "__main__":
    sys.path.pop(0)
    _serve(sys.argv[1])
