"""How plain (unquoted) text of YAML, of overrides and of interpolations becomes a value.

The rules are those of Hydra rather than of YAML 1.1, which surprises people:

- only `true` and `false` are booleans; `yes`, `no`, `on`, `off` are text
- `1e-3` is a number, `1_000` is 1000; `0x1F`, `0o17` and `0b101` are whole numbers
- `012` and `12:30:00` are text, not octal and base 60
- dates are text, so that every value can be written as JSON
- `null`, `~` and nothing at all are null; `.inf`, `-.inf` and `.nan` are numbers

Overrides and interpolations (`unquoted`) take in whatever Hydra's own grammar takes for more than text, too: `inf`,
`nan`, `TrUe`, `nUll`.
"""

from __future__ import annotations

import re

from tane import patterns

Scalar = str | int | float | bool | None

MISSING = "???"  # a value that has to be given: it is missed when something takes it

NULL = patterns.lazily(r"(?:~|null|Null|NULL|)\Z")
BOOL = patterns.lazily(r"(?:true|True|TRUE|false|False|FALSE)\Z")
INT = patterns.lazily(
    r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*|0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0o[0-7]+(?:_[0-7]+)*|0b[01]+(?:_[01]+)*)\Z"
)
FLOAT = patterns.lazily(
    r"""(?:[-+]?(?:
            [0-9]+(?:_[0-9]+)*\.(?:[0-9]+(?:_[0-9]+)*)?(?:[eE][-+]?[0-9]+)?
          | [0-9]+(?:_[0-9]+)*[eE][-+]?[0-9]+
          | \.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?
          | \.(?:inf|Inf|INF))
        | \.(?:nan|NaN|NAN))\Z""",
    re.VERBOSE,
)


def value(text: str) -> Scalar:
    """The value of the plain scalar `text`. Raises ValueError for a number too long to hold."""
    if NULL.match(text):
        return None
    if BOOL.match(text):
        return text.lower() == "true"
    if INT.match(text):
        return whole(text)
    if FLOAT.match(text):
        return number(text)
    return text


def unquoted(text: str) -> Scalar:
    """The value of plain text in an override: as Hydra reads it, or else as a file's is read.

    Raises ValueError for a number too long to hold.
    """
    found = strictly(text)
    return value(text) if found is text and text[:1] in _FIRST else found


def strictly(text: str) -> Scalar:
    """The value of plain text in an interpolation: as OmegaConf and Hydra read it. Raises ValueError as `unquoted`."""
    word = _WORDS.get(text.lower(), text)
    if word is not text:
        return word
    if text[:1] not in _FIRST:
        return text
    if _WHOLE.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text


_WORDS: dict[str, Scalar] = {
    "true": True,
    "false": False,
    "null": None,
    **{f"{sign}inf": float(f"{sign}inf") for sign in ("", "+", "-")},
    **{f"{sign}nan": float("nan") for sign in ("", "+", "-")},
}
_FIRST = frozenset("+-.0123456789~")
_WHOLE = patterns.lazily(r"[+-]?(?:0|[1-9](?:_?[0-9])*)\Z")
_NUMBER = patterns.lazily(
    r"""[+-]?(?:
            (?:0|[1-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*(?:[eE][+-]?[0-9](?:_?[0-9])*)?
          | (?:0|[1-9](?:_?[0-9])*)\.?(?:[eE][+-]?[0-9](?:_?[0-9])*)
          | (?:0|[1-9](?:_?[0-9])*)\.
        )\Z""",
    re.VERBOSE,
)


def whole(text: str) -> int:
    """The whole number `text`."""
    return int(text.replace("_", ""), 0)


def number(text: str) -> float:
    """The number `text`, infinities and NaN included."""
    bare = text.replace("_", "").lower()
    return float(bare.replace(".inf", "inf").replace(".nan", "nan"))
