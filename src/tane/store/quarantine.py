"""Where damaged objects are set aside: nothing is thrown away, and nothing damaged is ever handed out.

`packs` and `loose` call it. The folder `objects/quarantine` may be deleted at any time.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tane.store import failures


def _place(folder: Path, digest: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{digest}-{time.time_ns():x}"


def note(folder: Path, digest: str, data: bytes, origin: str) -> None:
    """Keep the damaged bytes of an object that lies inside another file, and say where that was."""
    with failures.guarding("write", folder):
        place = _place(folder, digest)
        place.write_bytes(data)
        place.with_name(f"{place.name}.txt").write_text(f"{digest} {origin}, {len(data)} bytes read\n")


def move(folder: Path, digest: str, path: str) -> None:
    """Move a damaged file away."""
    with failures.guarding("write", folder):
        try:
            os.replace(path, _place(folder, digest))
        except FileNotFoundError:  # another process was faster
            pass
