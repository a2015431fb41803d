"""Tane beside its peers and beside plain Python, in one run: `make bench`, or

    python bench/run.py [--quick] [--only startup,small,unchanged,inside,fraud,backfill] [--folder FOLDER]

Makes an environment for each peer below bench/.envs on the first run (needs the network), prints a table, and writes
it to bench/results/. Takes about twenty-five minutes, with --quick about eight.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import tempfile
from pathlib import Path

import environments
import report
import timing
from cases import backfill, fraud, inside, small, startup, unchanged

GROUPS = {
    "startup": startup.cases,
    "small": small.cases,
    "unchanged": unchanged.cases,
    "inside": inside.cases,
    "fraud": fraud.cases,
    "backfill": backfill.cases,
}
RESULTS = environments.ROOT / "bench" / "results"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="three tries instead of up to fifteen")
    asked.add_argument("--only", default=",".join(GROUPS), help="groups of cases, by comma")
    asked.add_argument("--folder", type=Path, help="where the projects are made; kept afterwards (default: temporary)")
    arguments = asked.parse_args()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in GROUPS]:
        asked.error(f"unknown: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="tane-bench-"))
    try:
        results = measure(names, folder.resolve(), quick=arguments.quick)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    text = report.markdown(results)
    print(text)
    keep(text, results)


def measure(names: list[str], folder: Path, *, quick: bool) -> list[timing.Result]:
    """Run the groups of cases one after the other, telling each result as it is there."""
    results = []
    for name in names:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        for case in GROUPS[name](place):
            result = timing.contest(case, quick=quick)
            told = ", ".join(f"{one} {report.time(result.median(one))}" for one in result.tries)
            timing.say(f"{case.title}: {told}")
            results.append(result)
    return results


def keep(text: str, results: list[timing.Result]) -> None:
    """Write the table and all tries under the time of day."""
    RESULTS.mkdir(exist_ok=True)
    versions = {name: environments.versions(environments.Environment(name)) for name in environments.PACKAGES}
    content = report.as_json(results, versions)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    about = json.dumps({"machine": content["machine"], "versions": versions}, indent=2)
    (RESULTS / f"{stamp}.md").write_text(f"{text}\n\n```json\n{about}\n```\n")
    (RESULTS / f"{stamp}.json").write_text(json.dumps(content, indent=2) + "\n")
    timing.say(f"kept in {RESULTS / stamp}.md and .json")


if __name__ == "__main__":
    main()
