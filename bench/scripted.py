"""Contestants that are a script of bench/scripts: it prepares, then times the work itself, imports left out."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import environments
import graphs
import timing
from contests import PEER, Contestant

SCRIPTS = environments.ROOT / "bench" / "scripts"


@dataclass(frozen=True, slots=True)
class Script:
    """A script `STEM.py COUNT SHAPE` run in an environment. `count` says how many nodes, where a tool cannot do all."""

    name: str
    stem: str
    environment: str
    role: str = PEER
    count: int | None = None

    def contestant(self, folder: Path, asked: int, shape: str = "tree") -> Contestant:
        """It, in a fresh folder each time, beside the sources of the graph. Told as if it had done `asked` nodes."""
        count = self.count or asked
        place = folder / f"{self.stem}-{count}-{shape}"
        name = self.name if count == asked else f"{self.name} ({count:,} nodes)"

        def measure() -> timing.Sample:
            python = environments.ensure(self.environment).python
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            (place / "nodes.py").write_text(graphs.functions(count, shape))
            if self.environment == "tane":
                (place / "flow.py").write_text(graphs.tane_flow(count, shape))
            if self.environment == "dvc":
                (place / "dvc.yaml").write_text(graphs.dvc_pipeline(count))
            more = {"PYTHONPATH": f"{SCRIPTS}:{place}", "DVC_SITE_CACHE_DIR": str(place / "site")}
            sample = timing.inside([python, SCRIPTS / f"{self.stem}.py", str(count), shape], place, more)
            return sample.each(count / asked)

        return Contestant(name, measure, self.role)
