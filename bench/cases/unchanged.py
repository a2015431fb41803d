"""A thousand nodes, nothing changed, as a whole process."""

from __future__ import annotations

from pathlib import Path

import environments
import graphs
import timing

from cases import small

Case, Contestant = timing.Case, timing.Contestant
COUNT = 1_000
NOTE = (
    "`kedro run --only-missing-outputs` asks whether files exist, make compares their times, Hamilton looks nodes up "
    "by the versions of code and inputs, DVC and Tane compare size, times and inode with those that known content had"
)


def cases(folder: Path) -> list[timing.Case]:
    tools = small.make(folder, COUNT, only=lambda name: name != "luigi")
    for tool in tools:
        if tool.name == "kedro":
            tool.command = [*tool.command, "--only-missing-outputs"]
        if tool.name == "dvc":
            graphs.dvc_state(tool.folder, COUNT)
            tool.ran = True
    make = folder / "make"
    make.mkdir(exist_ok=True)
    (make / "Makefile").write_text(graphs.makefile(COUNT))
    timing.process(["make", "-s"], make)
    floor = Contestant("make", lambda: timing.process(["make", "-s"], make))
    first = [Contestant(tool.name, tool.first) for tool in tools if tool.name != "dvc"]
    again = [floor, *(Contestant(tool.name, tool.again) for tool in tools)]
    return [
        Case(
            "1,000 nodes, first run in a fresh project",
            first,
            repeats=3,
            note="without DVC, which takes a quarter of an hour",
        ),
        Case(
            "1,000 nodes, nothing changed",
            again,
            goal=0.080,
            repeats=11,
            note=NOTE,
        ),
        _plan(folder / "tane-checked"),
    ]


def _plan(folder: Path) -> timing.Case:
    """The same without the stat-only way: every key is made anew and looked up."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.py").write_text(graphs.tane_flow(COUNT))
    program = environments.ensure("tane").program("tane")
    timing.process([program, "run", "flow.py"], folder)
    turn = iter(range(10**9))

    def touched() -> timing.Sample:
        with (folder / "flow.py").open("a") as file:
            file.write(f"# a comment {next(turn)}\n")
        return timing.process([program, "run", "flow.py"], folder)

    return Case(
        "1,000 nodes, a comment edited: every key made anew, all reused", [Contestant("tane", touched)], repeats=7
    )
