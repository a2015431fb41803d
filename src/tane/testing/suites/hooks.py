# ruff: noqa: D102 - the name of a test says what it tests
"""What every hook must do, as tests: subclass `HookSuite` and say how yours is made.

    class TestTiming(HookSuite):
        def make(self):
            return Timing()

What Tane promises of hooks - that one which fails changes nothing - needs no test of yours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tane.outcomes import RunStatus
from tane.pipeline import graph, nodes
from tane.runs import results, running
from tane.testing import sheltered


def _numbers() -> list[int]:
    return [1, 2, 3]


def _total(numbers: list[int]) -> int:
    return sum(numbers)


def _spoilt(numbers: list[int]) -> int:
    raise ValueError(f"no sum of {len(numbers)} numbers")


class HookSuite:
    """Subclass it and override `make`."""

    def make(self) -> Any:
        """A fresh hook."""
        raise NotImplementedError

    def test_it_watches_a_run_that_succeeds(self, tmp_path: Path) -> None:
        run = self._run(tmp_path, _total, self.make())
        assert run.status is RunStatus.SUCCEEDED
        assert not run.notes

    def test_it_watches_a_run_that_fails(self, tmp_path: Path) -> None:
        run = self._run(tmp_path, _spoilt, self.make())
        assert run.status is RunStatus.FAILED
        assert not run.notes

    def test_it_watches_one_run_after_the_other(self, tmp_path: Path) -> None:
        hook = self.make()
        assert not [note for _ in range(2) for note in self._run(tmp_path, _total, hook).notes]

    @pytest.mark.parametrize("function", [_total, _spoilt])
    def test_a_run_makes_the_same_without_it(self, tmp_path: Path, function: Any) -> None:
        with_it = self._run(tmp_path / "with", function, self.make())
        without = self._run(tmp_path / "without", function)
        assert with_it.versions == without.versions
        assert [(step.node, step.status) for step in with_it.steps] == [
            (step.node, step.status) for step in without.steps
        ]

    def _run(self, folder: Path, function: Any, *hooks: Any) -> results.Run:
        """Run two nodes and let the hooks, if any, watch."""
        folder.mkdir(exist_ok=True)
        steps = [nodes.node(_numbers, None, "numbers"), nodes.node(function, "numbers", "total", name="total")]
        return running.run(sheltered.bare(folder, {"suite": graph.Pipeline(steps)}, hooks), "suite")
