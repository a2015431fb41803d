"""How long the smallest commands take."""

from __future__ import annotations

from pathlib import Path

import environments
import timing
from contests import FLOOR, OURS, PEER, Case, Contestant


def cases(folder: Path) -> list[Case]:
    def of(flag: str) -> list[Contestant]:
        return [
            Contestant("python -c pass", lambda: _run("tane", "python", folder, "-c", "pass"), FLOOR),
            Contestant("git", lambda: timing.process(["git", flag], folder), FLOOR),
            Contestant("tane", lambda: _run("tane", "tane", folder, flag), OURS),
            Contestant("kedro", lambda: _run("kedro", "kedro", folder, flag), PEER),
            Contestant("dvc", lambda: _run("dvc", "dvc", folder, flag), PEER),
        ]

    elsewhere = {"python -c pass": 0.008, "git": 0.002, "kedro": 0.205, "dvc": 0.086}
    return [
        Case(f"`tane {flag}`", of(flag), goal=0.040, elsewhere=elsewhere, repeats=15)
        for flag in ("--version", "--help")
    ]


def _run(environment: str, program: str, folder: Path, *words: str) -> timing.Sample:
    return timing.process([environments.ensure(environment).program(program), *words], folder)
