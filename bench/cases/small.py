"""Four trivial nodes, as a whole process: the first run in a fresh project, a changed one, and nothing to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import environments
import graphs
import timing

Case, Contestant = timing.Case, timing.Contestant
COUNT = 4


def cases(folder: Path) -> list[timing.Case]:
    tools = make(folder, COUNT)
    plain = _plain(folder / "plain")
    first = [plain, *(Contestant(one.name, one.first) for one in tools)]
    again = [plain, *(Contestant(one.name, one.again) for one in tools)]
    changed = [plain, tools[0].contestant_of_change()]
    return [
        Case("4 nodes, first run in a fresh project", first, goal=0.100, repeats=11, note="state deleted before"),
        Case("4 nodes, all run again in a known project", changed, goal=0.100, repeats=11, note="the code edited"),
        Case("4 nodes, nothing changed", again, goal=0.080, repeats=11, note="`kedro run` runs all again"),
    ]


class Tool:
    """A project of one tool: its command, and the paths that hold its state."""

    def __init__(self, name: str, folder: Path, command: Sequence[str | Path], state: Sequence[str]) -> None:
        self.name, self.folder, self.command, self.state = name, folder, command, state
        self.more = {"DVC_SITE_CACHE_DIR": str(folder / "site")} if name.startswith("dvc") else {}
        self._turn = 0
        self.ran = False

    def forget(self) -> None:
        for pattern in self.state:
            for path in self.folder.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def first(self) -> timing.Sample:
        self.forget()
        self.ran = True
        return self._run()

    def again(self) -> timing.Sample:
        if not self.ran:
            self.first()
        return self._run()

    def contestant_of_change(self) -> timing.Contestant:
        def changed() -> timing.Sample:
            self.again()
            self._turn += 1
            flow = self.folder / "flow.py"
            flow.write_text(_shifted(COUNT, self._turn))
            return self._run()

        return Contestant(self.name, changed)

    def _run(self) -> timing.Sample:
        return timing.process(self.command, self.folder, self.more)


def make(folder: Path, count: int, only: Callable[[str], bool] = lambda name: True) -> list[Tool]:
    """A project of `count` nodes for each tool."""
    builders = {"tane": _tane, "kedro": _kedro, "hamilton": _hamilton, "dvc": _dvc, "luigi": _luigi}
    made = []
    for name, build in builders.items():
        if only(name):
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            made.append(build(place, count))
    return made


def _tane(folder: Path, count: int) -> Tool:
    (folder / "flow.py").write_text(graphs.tane_flow(count))
    return Tool("tane", folder, [environments.ensure("tane").program("tane"), "run", "flow.py"], [".tane", "tane.lock"])


def _kedro(folder: Path, count: int) -> Tool:
    graphs.kedro_project(folder, count)
    return Tool("kedro", folder, [environments.ensure("kedro").program("kedro"), "run"], ["data/*"])


def _hamilton(folder: Path, count: int) -> Tool:
    (folder / "nodes.py").write_text(graphs.functions(count))
    (folder / "run.py").write_text(graphs.hamilton_script())
    return Tool("hamilton", folder, [environments.ensure("hamilton").python, "run.py"], ["cache"])


def _dvc(folder: Path, count: int) -> Tool:
    (folder / "dvc.yaml").write_text(graphs.dvc_pipeline(count))
    program = environments.ensure("dvc").program("dvc")
    tool = Tool("dvc", folder, [program, "repro", "-q"], ["v[0-9]*", "dvc.lock", ".dvc/cache", ".dvc/tmp", "site"])
    if not (folder / ".dvc").exists():
        timing.process([program, "init", "-q", "--no-scm"], folder, tool.more)
        timing.process([program, "config", "core.check_update", "false"], folder, tool.more)
    return tool


def _luigi(folder: Path, count: int) -> Tool:
    (folder / "flow.py").write_text(graphs.luigi_flow(count))
    program = environments.ensure("luigi").python
    command: list[str | Path] = [
        program,
        "-m",
        "luigi",
        "--module",
        "flow",
        "Value",
        "--local-scheduler",
        "--log-level",
        "WARNING",
    ]
    return Tool("luigi", folder, command, ["v[0-9]*"])


def _plain(folder: Path) -> timing.Contestant:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.py").write_text(graphs.plain_script(COUNT))
    python = environments.ensure("tane").python
    return Contestant("plain script", lambda: timing.process([python, "run.py"], folder))


def _shifted(count: int, turn: int) -> str:
    """The flow with another number in its leaves, so that no node's result is known."""
    text = graphs.tane_flow(count)
    return text.replace(") -> int:\n    return ", f") -> int:\n    return {turn} + ")
