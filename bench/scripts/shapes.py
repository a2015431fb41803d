"""The two trivial graphs that everyone runs, a tree and a chain of nodes that add numbers up; `v0` is the result.

In the tree `v0` needs `v1` and `v2`, `v1` needs `v3` and `v4`, and so on: its depth is the logarithm of its size. In
the chain each node needs the next one. The scripts here are called with COUNT and SHAPE.
"""

from __future__ import annotations

import sys


def needs(number: int, count: int, shape: str = "tree") -> list[int]:
    """The nodes that node `number` of `count` takes."""
    taken = (number + 1,) if shape == "chain" else (2 * number + 1, 2 * number + 2)
    return [one for one in taken if one < count]


def names(number: int, count: int, shape: str = "tree") -> list[str]:
    return [f"v{one}" for one in needs(number, count, shape)]


def expected(count: int) -> int:
    """What either graph adds up to."""
    return count * (count - 1) // 2


def asked() -> tuple[int, str]:
    return int(sys.argv[1]), sys.argv[2]
