"""Patches in Git's format for files that Git does not know yet: so a run can keep untracked code."""

from __future__ import annotations

import os

_NO_OBJECT = "0" * 40
_BLOCK = 52  # bytes a line of a binary patch holds
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def adding(name: str, data: bytes, mode: str = "100644") -> bytes:
    """The patch that creates the file `name` (from the repository's top, with slashes) with these bytes."""
    old, new = _quoted(f"a/{name}"), _quoted(f"b/{name}")
    head = f"diff --git {old} {new}\nnew file mode {mode}\n"
    if not data:
        return os.fsencode(f"{head}index {_NO_OBJECT}..{_object(data)}\n")
    if _is_text(data):
        return os.fsencode(f"{head}--- /dev/null\n+++ {new}\n") + _lines(data)
    return os.fsencode(f"{head}index {_NO_OBJECT}..{_object(data)}\n") + _binary(data)


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lines(data: bytes) -> bytes:
    lines = data.split(b"\n")
    ended = lines[-1] == b""
    if ended:
        lines.pop()
    span = "+1" if len(lines) == 1 else f"+1,{len(lines)}"
    body = b"".join(b"+" + line + b"\n" for line in lines)
    return f"@@ -0,0 {span} @@\n".encode() + body + (b"" if ended else b"\\ No newline at end of file\n")


def _binary(data: bytes) -> bytes:
    return b"GIT binary patch\n" + _literal(data) + _literal(b"")


def _literal(data: bytes) -> bytes:
    import base64
    import zlib

    packed = zlib.compress(data)
    parts = [f"literal {len(data)}\n".encode()]
    for start in range(0, len(packed), _BLOCK):
        block = packed[start : start + _BLOCK]
        size = len(block)
        mark = chr(ord("A") + size - 1) if size <= 26 else chr(ord("a") + size - 27)
        parts.append(mark.encode() + base64.b85encode(block, pad=True) + b"\n")
    return b"".join(parts) + b"\n"


def _object(data: bytes) -> str:
    import hashlib

    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _quoted(name: str) -> str:
    """A name as Git writes it: in quotes when it holds what would end it."""
    written = "".join(_ESCAPES.get(sign) or (f"\\{ord(sign):03o}" if _is_control(sign) else sign) for sign in name)
    return name if written == name else f'"{written}"'


def _is_control(sign: str) -> bool:
    return ord(sign) < 32 or ord(sign) == 127
