"""How long it takes to keep a large file, to keep many small ones, and to see that nothing changed.

    python bench/store_bench.py [FOLDER]

Uses up to 4.5 GiB below FOLDER (default: a temporary folder) and deletes it at the end.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tane.store import objects

GIB = 1 << 30


def large_file(path: Path, size: int) -> None:
    block = os.urandom(16 << 20)
    with path.open("wb") as file:
        for number in range(size // len(block)):
            file.write(number.to_bytes(8, "big") + block[8:])


def small_files(folder: Path, count: int, size: int) -> None:
    for number in range(count):
        inner = folder / f"{number % 100:02}"
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{number}.bin").write_bytes(os.urandom(size))


def timed(label: str, work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    print(f"{label:<48} {time.perf_counter() - started:8.3f} s", flush=True)


def main(base: Path) -> None:
    path, folder = base / "large.bin", base / "many"
    large_file(path, 2 * GIB)
    os.sync()
    timed("floor: copy a 2 GiB file", lambda: shutil.copyfile(path, base / "copy"))
    (base / "copy").unlink()
    with objects.Objects(base / "one") as store:
        timed("keep a 2 GiB file", lambda: (store.put_file(path), store.flush()))
    shutil.rmtree(base / "one")
    with objects.Objects(base / "two") as store:
        timed("keep a 2 GiB file by moving it in", lambda: (store.put_file(path, take=True), store.flush()))
    small_files(folder, 20_000, 10 * 1024)
    os.sync()
    with objects.Objects(base / "three") as store:
        timed("keep 20,000 files of 10 KiB", lambda: (store.put_tree(folder), store.flush()))
        digests = objects.FileDigests(store)
        timed("status of 20,000 files, first look", lambda: (digests.of(folder), store.flush()))
    time.sleep(0.05)
    with objects.Objects(base / "three") as store:
        digests = objects.FileDigests(store)
        timed("status of 20,000 files, unchanged", lambda: digests.of(folder))
        digest = digests.of(folder) or ""
        timed("check the tree of 20,000 files", lambda: store.check(digest))
        timed("place 20,000 files", lambda: store.place(digest, base / "placed"))
    with objects.Objects(base / "four") as store:
        values = [os.urandom(100) for _ in range(100_000)]
        timed("put 100,000 values of 100 bytes", lambda: ([store.put(value) for value in values], store.flush()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        main(Path(place))
