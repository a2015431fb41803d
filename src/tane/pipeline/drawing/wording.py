"""Words and widths in drawings: durations, times, how wide a text is, what a terminal or XML can hold."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Sequence

_NARROW = frozenset("iIjlt.,:;|'!()[]{}`f/\\ ")
_WIDE = frozenset("mwMW@%")


def duration(seconds: float) -> str:
    """A duration as people say it: "12 ms", "3.4 s", "5 min 02 s"."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(at: float) -> str:
    """A point in time, in UTC, so that a drawing does not depend on where it was made."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))


def count(number: int, one: str, many: str = "") -> str:
    """A number and its noun: "1 node", "3 nodes"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def condition(words: str) -> str:
    """A node's condition as it stands beside it: "when has_rows"."""
    return "on a condition" if words == "its condition" else f"when {visible(words).replace('params:', '')}"


def marks(when: str, over: Sequence[str], always: bool) -> list[str]:
    """What is special about how a node runs."""
    said = [condition(when)] if when else []
    if over:
        said.append(f"once for each item of {', '.join(over)}")
    return [*said, "always, however the others end"] if always else said


def around(namespace: str) -> list[str]:
    """A dotted namespace and those around it, outermost first."""
    parts = namespace.split(".") if namespace else []
    return [".".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def pixels(text: str, size: float) -> float:
    """About how wide `text` is in a sans-serif font of `size` pixels; rather too much than too little."""
    ems = 0.0
    for char in text:
        if char in _NARROW:
            ems += 0.34
        elif char in _WIDE:
            ems += 0.92
        elif not char.isascii() and unicodedata.east_asian_width(char) in "WF":
            ems += 1.05
        elif char.isupper():
            ems += 0.69
        else:
            ems += 0.575
    return ems * size


def cells(text: str) -> int:
    """How many columns `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)


def shorten(text: str, most: int, gap: str = "…") -> str:
    """`text` in at most `most` characters: the middle gives way, since names differ at their ends."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}{gap}{text[len(text) - (most - 1 - head) :]}"


def xml(text: str) -> str:
    """`text` for an XML or HTML text or attribute; what XML cannot hold becomes a replacement character."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return visible(escaped.replace('"', "&quot;").replace("'", "&#39;"), keep="\t\n")


def visible(text: str, keep: str = "") -> str:
    """`text` without control characters, lone surrogates and non-characters, each shown as U+FFFD."""
    if text.isprintable():
        return text
    return "".join(c if c in keep or not _unfit(c) else "\ufffd" for c in text)


def _unfit(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or ord(char) & 0xFFFE == 0xFFFE
