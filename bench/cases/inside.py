"""The cost of a trivial node inside a process: in memory, and fully recorded and kept. Graph building is included."""

from __future__ import annotations

import shutil
from pathlib import Path

import environments
import graphs
import timing

Case, Contestant = timing.Case, timing.Contestant
SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
SIZES = (1_000, 10_000)


def cases(folder: Path) -> list[timing.Case]:
    found = []
    for count in SIZES:
        small = count if count <= 1_000 else 3_000  # Kedro's runner is quadratic: 10,000 nodes would take minutes
        rivals = [
            _script("graphlib loop", "memory_plain.py", "tane", folder, count, count),
            _script("tane", "memory_tane.py", "tane", folder, count, count),
            _script("hamilton", "memory_hamilton.py", "hamilton", folder, count, count),
            _script(f"kedro ({small:,} nodes)", "memory_kedro.py", "kedro", folder, small, count),
        ]
        title = f"a trivial node in memory, {count:,} nodes"
        found.append(Case(title, rivals, goal=20e-6, per=count, repeats=7))
    for count in SIZES:
        rivals = [
            _script("tane", "kept_tane.py", "tane", folder, count, count),
            _script("hamilton, its cache", "kept_hamilton.py", "hamilton", folder, count, count),
        ]
        if count <= 1_000:
            rivals.append(_script("kedro, JSON files", "kept_kedro.py", "kedro", folder, count, count))
        title = f"a trivial node recorded and kept, {count:,} nodes"
        found.append(Case(title, rivals, goal=100e-6, per=count, repeats=7))
    return found


def _script(name: str, script: str, environment: str, folder: Path, count: int, per: int) -> timing.Contestant:
    """A contestant that runs `script COUNT` in a fresh folder beside nodes.py and flow.py of `count` nodes."""
    place = folder / f"{Path(script).stem}_{count}"
    python = environments.ensure(environment).python

    def measure() -> timing.Sample:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "nodes.py").write_text(graphs.functions(count))
        if script == "kept_tane.py":
            (place / "flow.py").write_text(graphs.tane_flow(count))
        more = {"PYTHONPATH": str(place)}
        found = timing.inside([python, SCRIPTS / script, str(count)], place, more)
        return timing.Sample(found.wall * per / count, found.cpu * per / count)

    return Contestant(name, measure)
