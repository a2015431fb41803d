"""Factories: entries such as `"{name}_features"` that stand for every dataset whose name fits the pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from tane import patterns

_PLACEHOLDER = patterns.lazily(r"\{(\w+)\}")


def is_pattern(name: str) -> bool:
    """Whether an entry's name has placeholders."""
    return _PLACEHOLDER.search(name) is not None


def is_malformed(name: str) -> bool:
    """Whether a name has braces that are no placeholder: `{n:d}`, `{}`, `{0}`."""
    rest = _PLACEHOLDER.sub("", name)
    return "{" in rest or "}" in rest or not all(map(str.isidentifier, _PLACEHOLDER.findall(name)))


def fits_all(pattern: str) -> bool:
    """Whether a pattern has nothing but placeholders: it is for all names that nothing else fits."""
    return not _PLACEHOLDER.sub("", pattern)


def ranked(patterns: Iterable[str]) -> list[str]:
    """Patterns in the order they are tried: most literal characters first, then most placeholders."""
    return sorted(patterns, key=lambda p: (-len(_PLACEHOLDER.sub("", p)), -len(_PLACEHOLDER.findall(p)), p))


def match(pattern: str, name: str) -> dict[str, str] | None:
    """What the placeholders of `pattern` stand for in `name`, or None when it does not fit."""
    seen: set[str] = set()

    def group(found: re.Match[str]) -> str:
        if found[1] in seen:
            return f"(?P={found[1]})"
        seen.add(found[1])
        return f"(?P<{found[1]}>.+?)"

    parts = _PLACEHOLDER.split(pattern)
    expression = "".join(
        re.escape(part) if i % 2 == 0 else _PLACEHOLDER.sub(group, f"{{{part}}}") for i, part in enumerate(parts)
    )
    found = re.fullmatch(expression, name)
    return found.groupdict() if found else None


def fill(body: Any, meaning: dict[str, str]) -> Any:
    """`body` with every placeholder in its text values replaced."""
    return _mapped(body, lambda text: _PLACEHOLDER.sub(lambda m: meaning.get(m[1], m[0]), text))


def unknown(pattern: str, body: Any) -> list[str]:
    """The placeholders of `body` that `pattern` does not have."""
    known = set(_PLACEHOLDER.findall(pattern))
    found: list[str] = []

    def note(text: str) -> str:
        found.extend(name for name in _PLACEHOLDER.findall(text) if name not in known)
        return text

    _mapped(body, note)
    return found


def sample(pattern: str) -> dict[str, str]:
    """Placeholders as themselves: so filled, an entry is checked for what does not depend on the name."""
    return {name: name for name in _PLACEHOLDER.findall(pattern)}


def _mapped(body: Any, change: Callable[[str], str]) -> Any:
    if isinstance(body, str):
        return change(body)
    if hasattr(body, "items"):
        return {key: _mapped(value, change) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [_mapped(value, change) for value in body]
    return body
