"""What store_bench.py and ledger_bench.py measure: seconds by title, told as lines or as JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import report


class Figures:
    """The tries of each figure, in seconds for one item."""

    def __init__(self, times: int) -> None:
        self._times = times
        self._tries: dict[str, list[float]] = {}

    def once(self, title: str, work: Callable[[], object]) -> None:
        """Time `work` one more time."""
        began = time.perf_counter()
        work()
        self._tries.setdefault(title, []).append(time.perf_counter() - began)

    def best(self, title: str, work: Callable[[int], object], *, per: int = 1) -> None:
        """Time `work` on `per` items as often as asked for; it is told how often it was called before."""
        for attempt in range(self._times):
            began = time.perf_counter()
            work(attempt)
            self._tries.setdefault(title, []).append((time.perf_counter() - began) / per)

    def tell(self, as_json: bool) -> None:
        """Print all tries, or the best of each figure."""
        if as_json:
            print(json.dumps(self._tries))
            return
        for title, tries in self._tries.items():
            print(f"{title:<48} {report.time(min(tries)):>10}")


def asked(text: str | None) -> argparse.Namespace:
    """The command line of such a script."""
    found = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--times", type=int, default=5, help="tries of each figure")
    found.add_argument("--json", action="store_true", help="print every try")
    found.add_argument("folder", type=Path, nargs="?", help="where to work (default: a temporary folder)")
    return found.parse_args()
