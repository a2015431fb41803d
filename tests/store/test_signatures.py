from __future__ import annotations

from pathlib import Path

import pytest

from tane.store import signatures

SECOND = 1_000_000_000
CHANGED = 1_700_000_000 * SECOND + 123_456_789


def test_a_missing_file_has_no_signature(tmp_path: Path) -> None:
    assert signatures.of(tmp_path / "none") is None
    (tmp_path / "file").touch()
    assert signatures.of(tmp_path / "file" / "below") is None


@pytest.mark.parametrize("edit", ["longer", "touch", "replace", "same size"])
def test_an_edit_changes_the_signature(tmp_path: Path, edit: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    signatures.seal(str(path))
    before = signatures.of(path)
    if edit == "longer":
        path.write_bytes(b"three")
    elif edit == "touch":
        path.touch()
    elif edit == "same size":
        path.write_bytes(b"two")
    else:
        (tmp_path / "other").write_bytes(b"one")
        (tmp_path / "other").replace(path)
    assert signatures.of(path) != before


@pytest.mark.parametrize(
    ("mtime", "ctime", "taken", "racy"),
    [
        (CHANGED, CHANGED, CHANGED + SECOND, False),
        (CHANGED, CHANGED, CHANGED + 1_000_000, True),
        (CHANGED, CHANGED, CHANGED, True),
        (CHANGED - SECOND, CHANGED, CHANGED + 1_000_000, True),
        (CHANGED, CHANGED - SECOND, CHANGED + 1_000_000, True),
        (1_700_000_000 * SECOND, 1_700_000_000 * SECOND, 1_700_000_001 * SECOND, True),
        (1_700_000_000 * SECOND, 1_700_000_000 * SECOND, 1_700_000_003 * SECOND, False),
    ],
)
def test_a_look_too_soon_after_a_change_is_racy(mtime: int, ctime: int, taken: int, racy: bool) -> None:
    assert signatures.is_racy((1, mtime, ctime, 1), taken) is racy


def test_a_sealed_file_needs_no_waiting() -> None:
    sig = (1, signatures.SEALED_NS, CHANGED, 1)
    assert signatures.is_unchanged(sig, sig, CHANGED)
    assert not signatures.is_unchanged((1, CHANGED, CHANGED, 1), (1, CHANGED, CHANGED, 1), CHANGED)
