"""How long the smallest commands take."""

from __future__ import annotations

from pathlib import Path

import environments
import timing

Case, Contestant = timing.Case, timing.Contestant


def cases(folder: Path) -> list[timing.Case]:
    ours, kedro, dvc = (environments.ensure(name) for name in ("tane", "kedro", "dvc"))
    floor = Contestant("python -c pass", lambda: timing.process([ours.python, "-c", "pass"], folder))

    def of(flag: str) -> list[timing.Contestant]:
        programs = {"tane": ours, "kedro": kedro, "dvc": dvc}
        return [floor, *(_command(name, [one.program(name), flag], folder) for name, one in programs.items())]

    return [
        Case("`--version`", of("--version"), goal=0.040, repeats=15),
        Case("`--help`", of("--help"), goal=0.040, repeats=15),
    ]


def _command(name: str, argv: list[Path | str], folder: Path) -> timing.Contestant:
    return Contestant(name, lambda: timing.process(argv, folder))
