"""The cost of a trivial node inside a process: in memory, fully recorded and kept, and through two processes.

Graph building is included everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from contests import FLOOR, OURS, Case
from scripted import Script

PLAIN = Script("graphlib loop", "memory_plain", "tane", FLOOR)
TANE = Script("tane", "memory_tane", "tane", OURS)
HAMILTON = Script("hamilton", "memory_hamilton", "hamilton")
KEPT = Script("tane", "kept_tane", "tane", OURS)
KEPT_HAMILTON = Script("hamilton, its cache", "kept_hamilton", "hamilton")
IN_MEMORY: dict[int, Sequence[Script]] = {
    1_000: [PLAIN, TANE, HAMILTON, Script("kedro", "memory_kedro", "kedro")],
    10_000: [PLAIN, TANE, HAMILTON, Script("kedro", "memory_kedro", "kedro", count=3_000)],
}
RECORDED: dict[int, Sequence[Script]] = {
    1_000: [
        KEPT,
        KEPT_HAMILTON,
        Script("kedro, JSON files", "kept_kedro", "kedro"),
        Script("redun", "kept_redun", "redun", count=200),
        Script("dvc", "kept_dvc", "dvc", count=50),
    ],
    10_000: [KEPT, KEPT_HAMILTON],
}
POOLED = [
    Script("bare pool", "workers_plain", "tane", FLOOR),
    Script("tane", "workers_tane", "tane", OURS),
    Script("kedro", "workers_kedro", "kedro", count=50),
]


def cases(folder: Path) -> list[Case]:
    found = [
        Case(
            f"a node in memory, of {count:,}",
            [one.contestant(folder, count) for one in scripts],
            goal=20e-6,
            elsewhere={
                "graphlib loop": 1.4e-6,
                "hamilton": 23e-6,
                "kedro": 1.0e-3,
                "kedro (3,000 nodes)": 2.6e-3,
            },
            per=count,
            repeats=7,
        )
        for count, scripts in IN_MEMORY.items()
    ]
    found += [
        Case(
            f"a node recorded and kept, of {count:,}",
            [one.contestant(folder, count) for one in scripts],
            goal=100e-6,
            elsewhere={
                "hamilton, its cache": 145e-6,
                "kedro, JSON files": 4.2e-3,
                "redun (200 nodes)": 4e-3,
                "dvc (50 nodes)": 90e-3,
            },
            per=count,
            repeats=7 if count <= 1_000 else 5,
        )
        for count, scripts in RECORDED.items()
    ]
    note = "starting the processes included; Tane also records and keeps all, the others nothing"
    found.append(
        Case(
            "a node through 2 processes, of 1,000",
            [one.contestant(folder, 1_000) for one in POOLED],
            goal=400e-6,
            elsewhere={"bare pool": (80e-6, 130e-6), "kedro (50 nodes)": (41e-3, 52e-3)},
            per=1_000,
            repeats=7,
            note=note,
        )
    )
    return found
