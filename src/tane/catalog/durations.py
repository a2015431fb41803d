"""Spans of time as entries write them: "always", "once", "6h", "1d 12h". Called by `entries` and `datasets`."""

from __future__ import annotations

import math
import re

ALWAYS, ONCE = 0.0, math.inf
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = r"(\d+(?:\.\d+)?)\s*([smhdw])\s*"


def seconds(written: object) -> float | None:
    """The seconds that are meant; infinite for "once", 0 for "always", None when it cannot be understood."""
    if written == "always":
        return ALWAYS
    if written == "once":
        return ONCE
    if not isinstance(written, str) or not re.fullmatch(f"(?:{_PART})+", written.strip()):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, written)) or None


def words(span: float) -> str:
    """`span` as an entry would write it."""
    if span in (ALWAYS, ONCE):
        return "once" if span else "always"
    return about(span)


def about(span: float) -> str:
    """`span` in its two largest units: "2d 3h", "40s"."""
    left, parts = max(0, round(span)), []
    for unit in ("w", "d", "h", "m", "s"):
        count, left = divmod(left, int(_UNITS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
