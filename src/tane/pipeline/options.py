"""What the options of `node(...)` and `command(...)` may be. Called by `nodes`, `commands` and `binding`.

Every mistake is noted, none raised. Made for graphs of thousands of nodes: what is usual is told first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from tane import errors


def names(given: Any, option: str, what: str, label: str, faults: list[errors.Fault]) -> tuple[str, ...]:
    """The names given as `option` of the node `label`: one, several or none; `what` they are, for messages."""
    if given is None or given == ():
        return ()
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        faults.append(_misfit(given, option, what, label))
        return ()
    found = tuple(given)
    faults += [_misfit(one, option, what, label) for one in found if not isinstance(one, str)]
    return found


def _misfit(given: Any, option: str, what: str, label: str) -> errors.Fault:
    return errors.Fault(
        f"{option}= takes {what}, or several; {given!r} is none", f"node {label!r}", f'write {option}="..." or a list'
    )


def flag(given: Any, option: str, label: str, faults: list[errors.Fault]) -> None:
    """Note a fault unless `given` is True or False."""
    if given is not True and given is not False:
        faults.append(
            errors.Fault(
                f"{option}= is True or False, not {given!r}",
                f"node {label!r}",
                f"write {option}=True or {option}=False",
            )
        )


def name(given: Any, label: str, faults: list[errors.Fault]) -> None:
    """Note a fault unless `given` may name a node, also where names are listed with commas."""
    if not isinstance(given, str):
        faults.append(
            errors.Fault(f"name= takes a text, {given!r} is none", f"node {label!r}", f'write name="{given}"')
        )
    elif "," in given or "\n" in given:
        faults.append(
            errors.Fault(
                f"{given!r} is no name for a node: commas stand between names, as in --nodes a,b",
                f"node {label!r}",
                f'write name="{"_".join(given.replace(",", " ").split())}"',
            )
        )


def bound(given: Any, role: str, label: str, faults: list[errors.Fault]) -> bool:
    """Whether `given` can be the `role` ("inputs", "outputs") of the node `label`: a name, an ordered list, a dict."""
    if given is None or isinstance(given, str | list | tuple | Mapping):
        return True
    if isinstance(given, Set):
        faults.append(
            errors.Fault(
                f"{role}= is a set, which has no order", f"node {label!r}", f"write {role}=[...], in the right order"
            )
        )
        return False
    if isinstance(given, Iterable) and not isinstance(given, bytes):
        return True
    faults.append(
        errors.Fault(
            f"{role}= takes a name, a list of names or a dict; {given!r} is none",
            f"node {label!r}",
            f'write {role}="a_name", or None for nothing',
        )
    )
    return False
