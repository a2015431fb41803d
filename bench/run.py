"""Tane beside its peers and beside plain Python, in one run: `make bench`, or

    python bench/run.py [--quick] [--only GROUP,...] [--folder FOLDER]
    python bench/run.py --readme        put the newest figures of each piece of work into bench/README.md

Makes an environment for each peer below bench/.envs on the first run (needs the network), prints a table, and writes
it to bench/results/. A peer that cannot be installed or run is told in the table and left out.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import contests
import environments
import report
import timing
from cases import alone, backfill, chains, fraud, inside, small, startup, sweeps, tracking, tuning, unchanged

GROUPS: Mapping[str, Callable[[Path], list[contests.Case]]] = {
    "startup": startup.cases,
    "small": small.cases,
    "unchanged": unchanged.cases,
    "inside": inside.cases,
    "chains": chains.cases,
    "fraud": fraud.cases,
    "backfill": backfill.cases,
    "sweeps": sweeps.cases,
    "tracking": tracking.cases,
    "tuning": tuning.cases,
    "store": alone.store,
    "ledger": alone.ledger,
    "peers": small.slow,
}
RESULTS = environments.ROOT / "bench" / "results"
README = environments.ROOT / "bench" / "README.md"
BEGIN, END = "<!-- figures: python bench/run.py --readme -->\n", "<!-- end of figures -->\n"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="three tries instead of up to fifteen")
    asked.add_argument("--only", default=",".join(GROUPS), help=f"groups, by comma: {', '.join(GROUPS)}")
    asked.add_argument("--folder", type=Path, help="where the projects are made; kept afterwards (default: temporary)")
    asked.add_argument("--readme", action="store_true", help="measure nothing: put kept figures into the README")
    arguments = asked.parse_args()
    if arguments.readme:
        return write_readme()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in GROUPS]:
        asked.error(f"unknown: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is measured is kept then, too
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="tane-bench-"))
    rows: list[contests.Row] = []
    try:
        measure(rows, names, folder.resolve(), quick=arguments.quick)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
        if rows:
            print(report.table(rows))
            keep(rows)
    return int(any(line.failure for row in rows for line in row.of(contests.OURS)))


def measure(rows: list[contests.Row], names: list[str], folder: Path, *, quick: bool) -> None:
    """Run the groups of cases one after the other, adding and telling each row as it is there."""
    for name in names:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        for case in GROUPS[name](place):
            rows.append(contests.contest(case, name, quick=quick))
            timing.say(report.told(rows[-1]))


def keep(rows: list[contests.Row]) -> None:
    """Write the table and all tries under the time of day."""
    RESULTS.mkdir(exist_ok=True)
    content = report.as_json(rows, environments.versions())
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    about = json.dumps({"machine": content["machine"], "versions": content["versions"]}, indent=2)
    (RESULTS / f"{stamp}.md").write_text(f"{report.table(rows)}\n\n```json\n{about}\n```\n")
    (RESULTS / f"{stamp}.json").write_text(json.dumps(content, indent=2) + "\n")
    timing.say(f"kept in {RESULTS / stamp}.md and .json")


def write_readme() -> int:
    """Put the newest row of each piece of work between the README's marks, in the order of the groups."""
    kept: list[dict[str, Any]] = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    newest = {row["title"]: contests.read(row) for one in kept for row in one.get("rows", [])}
    if not newest:
        timing.say(f"no figures in {RESULTS}: run `make bench` first")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        titles = [case.title for cases in GROUPS.values() for case in cases(Path(folder))]
    rows = [newest[title] for title in titles if title in newest]
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    text = report.readme(rows, kept[-1]["machine"], kept[-1]["versions"])
    README.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
