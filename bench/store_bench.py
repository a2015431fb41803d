"""How long it takes to keep a large file, to keep many small ones, and to see that nothing changed.

    python bench/store_bench.py [--times N] [--json] [FOLDER]

Uses up to 4.5 GiB below FOLDER (default: a temporary folder) and deletes it at the end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import sheet

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


def flushed(store: objects.Objects, _made: object) -> None:
    """Argument first: what was made is in place."""
    store.flush()


def main(figures: sheet.Figures, base: Path) -> None:
    path, folder, timed = base / "large.bin", base / "many", figures.once
    large_file(path, 2 * GIB)
    os.sync()
    timed("floor: copy a 2 GiB file", lambda: shutil.copyfile(path, base / "copy"))
    (base / "copy").unlink()
    with objects.Objects(base / "one") as store:
        timed("keep a 2 GiB file", lambda: flushed(store, store.put_file(path)))
    shutil.rmtree(base / "one")
    with objects.Objects(base / "two") as store:
        timed("keep a 2 GiB file by moving it in", lambda: flushed(store, store.put_file(path, take=True)))
    shutil.rmtree(base / "two")
    small_files(folder, 20_000, 10 * 1024)
    os.sync()
    with objects.Objects(base / "three") as store:
        timed("keep 20,000 files of 10 KiB", lambda: flushed(store, store.put_tree(folder)))
        digests = objects.FileDigests(store)
        timed("status of 20,000 files, first look", lambda: flushed(store, digests.of(folder)))
    time.sleep(0.05)
    with objects.Objects(base / "three") as store:
        digests = objects.FileDigests(store)
        timed("status of 20,000 files, unchanged", lambda: digests.of(folder))
        digest = digests.of(folder) or ""
        timed("check the tree of 20,000 files", lambda: store.check(digest))
        timed("place 20,000 files", lambda: store.place(digest, base / "placed"))
    with objects.Objects(base / "four") as store:
        values = [os.urandom(100) for _ in range(100_000)]
        timed("put 100,000 values of 100 bytes", lambda: flushed(store, [store.put(value) for value in values]))


if __name__ == "__main__":
    asked = sheet.asked(__doc__)
    figures = sheet.Figures(asked.times)
    for _ in range(asked.times):
        with tempfile.TemporaryDirectory(dir=asked.folder) as place:
            main(figures, Path(place))
    figures.tell(asked.json)
