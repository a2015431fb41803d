"""Who may work at once: what steps ask for, and what there is of it.

A step without a wish takes one of the `cpus`, of which there are as many as jobs. `memory` is that of the machine;
any other name (gpu, licence) is limited where run.yml says how much there is, else not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

CPUS, MEMORY = "cpus", "memory"


class Admission:
    """What is there, and what is taken."""

    def __init__(self, jobs: int, there: Mapping[str, float]) -> None:
        self._there: dict[str, float] = {CPUS: float(jobs), MEMORY: _memory(), **there}
        self._taken: dict[str, float] = {}
        self._working = 0

    def admits(self, wishes: Mapping[str, float]) -> bool:
        """Whether a step with these wishes may begin now. One that asks for more than there is may work alone."""
        if not self._working:
            return True
        wanted = wishes if CPUS in wishes else {CPUS: 1.0, **wishes}
        return all(
            self._taken.get(name, 0.0) + amount <= self._there[name] + 1e-9
            for name, amount in wanted.items()
            if name in self._there
        )

    def begin(self, wishes: Mapping[str, float]) -> None:
        """A step with these wishes begins."""
        self._working += 1
        self._add(wishes, 1)

    def end(self, wishes: Mapping[str, float]) -> None:
        """It has ended."""
        self._working -= 1
        self._add(wishes, -1)

    def _add(self, wishes: Mapping[str, float], sign: int) -> None:
        taken = self._taken
        if CPUS not in wishes:
            taken[CPUS] = taken.get(CPUS, 0.0) + sign
        for name, amount in wishes.items():
            taken[name] = taken.get(name, 0.0) + sign * amount


def _memory() -> float:
    """The bytes of memory of this machine; no limit where it cannot be told."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")
