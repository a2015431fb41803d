"""Times a block and prints what `timing.inside` reads: seconds, and the most memory the process ever held."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path
from types import TracebackType


class Watch:
    def __enter__(self) -> Watch:
        gc.collect()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        if error is None:
            print(json.dumps({"wall": wall, "cpu": cpu, "memory": peak()}), flush=True)


def peak() -> int:
    """The most bytes that were resident. Not getrusage's figure, in which the process that started this one counts."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
