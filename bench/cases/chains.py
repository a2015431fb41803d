"""A chain, in which each node needs the one before: who has a recursion limit breaks here."""

from __future__ import annotations

from pathlib import Path

from contests import Case
from scripted import Script

from cases import inside

SIZES = (1_000, 10_000, 100_000)
IN_MEMORY = [
    inside.HAMILTON,
    Script("kedro", "memory_kedro", "kedro"),
    Script("dagster", "memory_dagster", "dagster"),
]
RECORDED = [
    inside.KEPT_HAMILTON,
    Script("kedro, JSON files", "kept_kedro", "kedro"),
    Script("redun", "kept_redun", "redun"),
]
NOTE = (
    "in one order of hashing or another Dagster gets through a chain of 1,000 or does not; through one of 3,000 it "
    "never got"
)


def cases(folder: Path) -> list[Case]:
    found = []
    for count in SIZES:
        rivals = IN_MEMORY if count == 1_000 else [Script("dagster", "memory_dagster", "dagster", count=3_000)]
        scripts = [inside.PLAIN, inside.TANE, *(rivals if count <= 10_000 else [])]
        found.append(_case(f"a node of a chain of {count:,}, in memory", scripts, folder, count, 20e-6))
    for count in SIZES:
        scripts = [inside.KEPT, *(RECORDED if count == 1_000 else [])]
        found.append(_case(f"a node of a chain of {count:,}, recorded and kept", scripts, folder, count, 100e-6))
    return found


def _case(title: str, scripts: list[Script], folder: Path, count: int, goal: float) -> Case:
    contestants = [one.contestant(folder, count, "chain") for one in scripts]
    note = NOTE if scripts[-1].name == "dagster" else ""
    repeats = 2 if count == 100_000 else 5
    return Case(title, contestants, goal=goal, per=count, repeats=repeats, warm=False, note=note)
