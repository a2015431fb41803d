"""Times a block and prints what `timing.inside` reads."""

from __future__ import annotations

import gc
import json
import time
from types import TracebackType


class Watch:
    def __enter__(self) -> Watch:
        gc.collect()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        if error is None:
            print(json.dumps({"wall": wall, "cpu": cpu}))


def expected(count: int) -> int:
    """What the tree of `count` nodes adds up to."""
    return count * (count - 1) // 2


def needs(number: int, count: int) -> list[str]:
    return [f"v{one}" for one in (2 * number + 1, 2 * number + 2) if one < count]
