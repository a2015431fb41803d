"""Four trivial nodes, as a whole process: the first run in a fresh project, a changed one, and nothing to do."""

from __future__ import annotations

from pathlib import Path

import environments
import graphs
import projects
import timing
from contests import FLOOR, Case, Contestant

COUNT = 4
PEERS = ("kedro", "hamilton", "dvc", "luigi", "snakemake", "redun")
FIRST = {
    "plain script": 0.010,
    "kedro": 0.478,
    "hamilton": 0.295,
    "dvc": 0.494,
    "luigi": 0.117,
    "metaflow": 0.827,
    "redun": 1.143,
    "zenml": 2.898,
    "prefect": 5.786,
}
AGAIN = {"python -c pass": 0.008, "dvc": 0.355, "snakemake": 0.468, "redun": 1.005}


def cases(folder: Path) -> list[Case]:
    made = projects.make(folder, COUNT, "plain script", "tane", *PEERS, "metaflow")
    plain, ours = made["plain script"], made["tane"]
    turn = iter(range(1, 10**9))

    def edit(place: Path) -> None:
        """Another number in the functions, so that no node's result is known."""
        text = graphs.tane_flow(COUNT)
        (place / "flow.py").write_text(text.replace("-> int:\n    return ", f"-> int:\n    return {next(turn)} + "))

    def nothing() -> timing.Sample:
        return timing.process([environments.ensure("tane").python, "-c", "pass"], folder)

    return [
        Case(
            "4 nodes, first run",
            [one.contestant(one.first) for one in made.values()],
            goal=0.100,
            elsewhere=FIRST,
            repeats=11,
            note="whole process, all state deleted before; a stage of DVC and a rule of Snakemake is one `echo`",
        ),
        Case(
            "4 nodes, the code of all edited",
            [plain.contestant(plain.again), ours.contestant(lambda: ours.changed(edit))],
            goal=0.100,
            repeats=11,
        ),
        Case(
            "4 nodes, nothing changed",
            [
                Contestant("python -c pass", nothing, FLOOR),
                ours.contestant(ours.again),
                *(made[name].contestant(made[name].again) for name in PEERS),
            ],
            goal=0.050,
            elsewhere=AGAIN,
            repeats=11,
            note="Kedro knows no unchanged run and does all again, Luigi asks only whether files exist",
        ),
    ]


def slow(folder: Path) -> list[Case]:
    """The peers that take seconds. The databases that they make once on a machine are there."""
    made = projects.make(folder, COUNT, "tane", "prefect", "zenml")
    return [
        Case(
            "4 nodes, first run, slow peers",
            [one.contestant(one.first) for one in made.values()],
            goal=0.100,
            elsewhere=FIRST,
            repeats=5,
            note="their databases on this machine exist already; Prefect starts a server for each run",
        )
    ]
