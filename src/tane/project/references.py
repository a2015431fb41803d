"""`${params:a.b}` in catalog entries: filled from the composed parameters before the catalog is made.

A value that is nothing but one reference takes the parameter as it is, number or list; within a longer text
the parameter must be a plain value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tane import errors, patterns

Where = Callable[[tuple[str, ...]], str]  # the keys that lead to a value -> "file:line"

_OF_WINDOWS = "a backfill sets it; for all else write window: {start: ..., end: ..., label: ...} into parameters.yml"
_PLACES = ("filepath", "path")  # where text with "${" in it is no name, but a reference of another kind
_REFERENCE = patterns.lazily(r"\$\{params:([^{}]*)\}")


def fill(entries: Mapping[str, Any], parameters: Mapping[str, Any], where: Where) -> dict[str, Any]:
    """`entries` with each reference replaced. Raises `errors.CatalogError` naming all that lead nowhere."""
    faults: list[errors.Fault] = []
    filled = {name: _fill(value, (str(name),), parameters, where, faults) for name, value in entries.items()}
    if faults:
        raise errors.CatalogError.of(faults, "the catalog names parameters that are not there")
    return filled


def _fill(
    value: Any, keys: tuple[str, ...], parameters: Mapping[str, Any], where: Where, faults: list[errors.Fault]
) -> Any:
    if isinstance(value, str):
        refers = "${params:" in value or ("${" in value and keys[-1] in _PLACES)
        return _text(value, keys, parameters, where, faults) if refers else value
    if isinstance(value, Mapping):
        return {key: _fill(item, (*keys, str(key)), parameters, where, faults) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(item, (*keys, str(i)), parameters, where, faults) for i, item in enumerate(value)]
    return value


def _text(
    text: str, keys: tuple[str, ...], parameters: Mapping[str, Any], where: Where, faults: list[errors.Fault]
) -> Any:
    def fault(what: str, hint: str) -> None:
        faults.append(errors.Fault(f"{'.'.join(keys)}: {what}", where(keys), hint))

    def one(found: re.Match[str]) -> Any:
        key = found[1].strip()
        value: Any = parameters
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                known = sorted(_keys(parameters))
                fault(
                    f"there is no parameter {key!r}",
                    _OF_WINDOWS
                    if key.startswith("window.")
                    else errors.did_you_mean(key, known, "add it to the parameters, or take the reference out"),
                )
                return found[0]
            value = value[part]
        return value

    if text.count("${" if keys[-1] in _PLACES else "${params:") != len(_REFERENCE.findall(text)):
        fault(f"{text!r} is not a reference to a parameter", "write ${params:a.b}, with the key spelt out")
        return text
    whole = _REFERENCE.fullmatch(text)
    if whole:
        return one(whole)

    def within(found: re.Match[str]) -> str:
        value = one(found)
        if isinstance(value, Mapping | list | tuple) or value is None:
            kind = "nothing" if value is None else "a mapping" if isinstance(value, Mapping) else "a list"
            fault(
                f"parameter {found[1].strip()!r} is {kind}, which cannot stand within text",
                "name a plain value",
            )
        return str(value)

    return _REFERENCE.sub(within, text)


def _keys(parameters: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in parameters.items():
        yield f"{before}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{before}{key}.")
