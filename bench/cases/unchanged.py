"""A thousand nodes as a whole process: the first run, nothing changed, and asking whether something has."""

from __future__ import annotations

from pathlib import Path

import projects
import timing
from contests import FLOOR, Case, Contestant

COUNT = 1_000
PEERS = ("kedro", "hamilton", "dvc", "snakemake", "redun")
AGAIN = {
    "make": 0.0037,
    "dvc repro": 9.6,
    "dvc status": 2.3,
    "snakemake": 1.1,
    "kedro, files missing?": 0.85,
    "redun": 4.2,
    "hamilton, inside its process": 0.146,
}
NOTE = (
    "`kedro run --only-missing-outputs` asks whether files exist, make and Snakemake compare their times, Hamilton and "
    "redun look nodes up by the versions of code and inputs, DVC and Tane compare size, times and inode with those "
    "that known content had"
)


def cases(folder: Path) -> list[Case]:
    made = projects.make(folder, COUNT, "make", "tane", *PEERS)
    make, ours, kedro, hamilton, dvc, snakemake, redun = made.values()
    turn = iter(range(10**9))

    def cached() -> timing.Sample:
        hamilton.settle()
        words = [hamilton.setup.program[0], projects.SCRIPTS / "kept_hamilton.py", str(COUNT), "tree"]
        return timing.inside(words, hamilton.folder, hamilton.setup.more)

    def comment(place: Path) -> None:
        with (place / "flow.py").open("a") as file:
            file.write(f"# {next(turn)}\n")

    return [
        Case(
            "1,000 nodes, first run",
            [one.contestant(one.first) for one in (ours, kedro, hamilton)],
            repeats=3,
            warm=False,
            note="DVC takes a quarter of an hour, redun and Snakemake take half a minute",
        ),
        Case(
            "1,000 nodes, nothing changed",
            [
                make.contestant(make.again),
                ours.contestant(ours.again),
                kedro.contestant(lambda: kedro.again("--only-missing-outputs"), "kedro, files missing?"),
                hamilton.contestant(hamilton.again),
                hamilton.contestant(cached, "hamilton, inside its process"),
                dvc.contestant(dvc.again, "dvc repro"),
                dvc.contestant(lambda: dvc.call("status"), "dvc status"),
                snakemake.contestant(snakemake.again),
                redun.contestant(redun.again),
            ],
            goal=0.080,
            elsewhere=AGAIN,
            note=NOTE,
        ),
        Case(
            "1,000 nodes, `tane status`",
            [
                Contestant("git status", _Git(folder / "git").status, FLOOR),
                ours.contestant(lambda: ours.call("status", "flow.py")),
                dvc.contestant(lambda: dvc.call("status")),
            ],
            goal=0.100,
            elsewhere={"dvc": 2.3, "git status": 0.002},
            note="Git looks at a thousand committed files of one line",
        ),
        Case(
            "1,000 nodes, a comment edited",
            [ours.contestant(lambda: ours.changed(comment))],
            repeats=7,
            note="every key is made anew, every result reused",
        ),
    ]


class _Git:
    """A Git repository of as many files as there are nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def status(self) -> timing.Sample:
        if not self.folder.exists():
            self.folder.mkdir()
            for number in range(COUNT):
                (self.folder / f"v{number}").write_text(f"{number}\n")
            author = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
            for words in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "all"]):
                timing.process(["git", *words], self.folder)
        return timing.process(["git", "status", "--short"], self.folder)
