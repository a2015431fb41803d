"""What the tests of the store look at and break by hand."""

from __future__ import annotations

import stat
from pathlib import Path


def loose_files(root: Path) -> list[Path]:
    return [path for folder in root.glob("??") for path in folder.iterdir()]


def pack_files(root: Path) -> list[Path]:
    return sorted((root / "packs").glob("*.pack"))


def damage(path: Path, at: int = -1) -> None:
    """Flip one bit of a file, as a failing disk or a careless program would."""
    path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IWUSR)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    with path.open("r+b") as file:
        file.write(data)


def leftovers(root: Path) -> list[Path]:
    return list((root / "tmp").iterdir()) if (root / "tmp").exists() else []
