"""Overrides of parameters: `model.lr=0.1` on the command line, TANE_PARAM__model__lr=0.1 in the environment.

    a.b=1      sets what is there, and keeps its type        layers.0=32   an item of a list
    +a.b=1     adds what is not there
    ++a.b=1    sets or adds, whatever its type
    ~a.b       removes; ~a.b=1 only if it is 1

`grammar` reads them; here they are applied. A mapping is merged into a mapping, key by key, with the same checks.
Several values are refused: a sweep takes an override apart before it comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tane import errors
from tane.config import grammar, origins, scalars, sweeps, trees

VARIABLE = "TANE_PARAM__"
_MOST = 20  # names in a message

Override = grammar.Override

_SET, _ADD, _REMOVE = grammar.SET, grammar.ADD, grammar.REMOVE


def parse(text: str, faults: list[errors.Fault]) -> Override | None:
    """The override of one value that an argument of the command line says, or None with a fault."""
    found = grammar.parse(text, faults)
    if found is None or not isinstance(found.value, sweeps.SWEEPS):
        return found
    faults.append(_several(found.value, text.partition("=")[2].strip(), found.origin))
    return None


def _several(value: sweeps.Sweep, text: str, origin: origins.Origin) -> errors.Fault:
    what = f"{text!r} is several values"
    if origin.kind != origins.COMMAND_LINE:
        return errors.Fault(what, str(origin), "set one value: put text with commas in quotes, a list in brackets")
    if isinstance(value, sweeps.Interval):
        return errors.Fault(what, str(origin), "`tane tune` draws from an interval; else set one value")
    hint = "use -m to sweep over them"
    if isinstance(value, sweeps.Choice) and value.simple and "(" not in text:
        quoted = "'" + text.replace("'", "\\'") + "'"
        hint += f', or write [{text}] for a list, "{quoted}" for text'
    return errors.Fault(what, str(origin), hint)


def from_environment(environ: Mapping[str, str], faults: list[errors.Fault]) -> list[Override]:
    """The overrides among the environment variables, by name."""
    found: list[Override] = []
    for variable in sorted(name for name in environ if name.startswith(VARIABLE)):
        origin = origins.Origin(variable, 0, origins.ENVIRONMENT)
        keys = tuple(variable.removeprefix(VARIABLE).split("__"))
        if not all(keys):
            faults.append(
                errors.Fault("the variable names no parameter", str(origin), f"name it as in {VARIABLE}model__lr")
            )
            continue
        value = grammar.value(environ[variable].strip(), origin, faults)
        if isinstance(value, sweeps.SWEEPS):
            faults.append(_several(value, environ[variable], origin))
        elif value is not None:
            found.append(Override(_SET, keys, value, origin))
    return found


def apply(
    parameters: trees.Branch,
    overrides: Iterable[Override],
    known: Mapping[str, Any],
    faults: list[errors.Fault],
) -> trees.Branch:
    """`parameters` with the overrides applied one after the other; those that do not fit go to `faults`.

    `known` are parameters that functions declare, by dotted name with their default: they may be set
    though no file has them, and their default says their type.
    """
    tree: trees.Branch = parameters
    for override in overrides:
        try:
            changed = _apply(tree, override, known)
        except _Refused as refused:
            faults.append(refused.fault)
            continue
        assert isinstance(changed, trees.Branch)
        tree = changed
    return tree


class _Refused(Exception):
    def __init__(self, override: Override, what: str, hint: str) -> None:
        super().__init__(what)
        self.fault = errors.Fault(what, str(override.origin), hint)


def _apply(tree: trees.Tree, override: Override, known: Mapping[str, Any]) -> trees.Tree:
    keys, value = override.keys, override.value
    if override.sign == _REMOVE:
        return _remove(tree, override, known)
    assert value is not None and not isinstance(value, sweeps.SWEEPS)
    if override.sign == _SET:
        tree = _declare(tree, keys, known)
        present = trees.find(tree, keys)
        if present is None:
            _check_way(tree, override)
            raise _unknown(tree, override, known)
        return _assign(tree, override, present, known)
    _check_way(tree, override)
    present = trees.find(tree, keys)
    if override.sign == _ADD and present is not None:
        raise _Refused(
            override,
            f"{override.name} is there already ({present.origin})",
            f"write {override.name}=... to change it, or ++{override.name}=...",
        )
    return trees.put(tree, keys, value if present is None else trees.merge(present, value))


def _assign(tree: trees.Tree, override: Override, present: trees.Tree, known: Mapping[str, Any]) -> trees.Tree:
    """Replace `present`; a mapping is taken apart, so that a misspelt key within it is found too."""
    value = override.value
    assert value is not None and not isinstance(value, sweeps.SWEEPS)
    if isinstance(present, trees.Branch) and isinstance(value, trees.Branch):
        for key, item in value.entries.items():
            part = override._replace(keys=(*override.keys, trees.key_text(key)), value=item)
            tree = _apply(tree, part, known)
        return tree
    _check_type(override, present, value)
    return trees.put(tree, override.keys, value)


def _check_type(override: Override, present: trees.Tree, value: trees.Tree) -> None:
    if _fits(present, value):
        return
    shown = trees.shown(trees.plain(value))
    raise _Refused(
        override,
        f"{override.name} is {trees.kind(present)} ({present.origin}), {shown} is {trees.kind(value)}",
        _type_hint(override, present),
    )


def _fits(present: trees.Tree, value: trees.Tree) -> bool:
    if _is_open(present) or _is_open(value):
        return True
    if isinstance(present, trees.Leaf):
        was = present.value
        if was is None or type(was) not in _PLAIN:
            return True
        if not isinstance(value, trees.Leaf):
            return False
        return (
            value.value is None
            or type(value.value) is type(was)
            or {type(was), type(value.value)} == {float, int}  # what a function takes, its annotation says
        )
    if isinstance(present, trees.Items):
        return isinstance(value, trees.Items) or (isinstance(value, trees.Leaf) and value.value is None)
    return False


_PLAIN = (bool, int, float, str)


def _is_open(tree: trees.Tree) -> bool:
    """Whether it is text that stands for a value yet to come."""
    if not isinstance(tree, trees.Leaf) or not isinstance(tree.value, str):
        return False
    return tree.value == scalars.MISSING or "${" in tree.value


def _type_hint(override: Override, present: trees.Tree) -> str:
    name, on_command_line = override.name, override.origin.kind == origins.COMMAND_LINE
    if isinstance(present, trees.Branch):
        first = next(iter(present.entries), None)
        if first is not None:
            return f"name a key within it, as in {name}.{trees.key_text(first)}=..."
    elif isinstance(present, trees.Leaf) and isinstance(present.value, str):
        return f"quote it to make it text: {name}=\"'...'\"" if on_command_line else "put it in quotes to make it text"
    if on_command_line:
        return f"write ++{name}=... if its type is to change"
    return f"give {trees.kind(present)}"


def _check_way(tree: trees.Tree, override: Override) -> None:
    """Refuse keys that lead through something that has no keys."""
    for depth in range(len(override.keys)):
        above = trees.find(tree, override.keys[:depth])
        if above is None:
            return
        name, key = ".".join(override.keys[:depth]), override.keys[depth]
        below = ".".join(override.keys[: depth + 1])
        if isinstance(above, trees.Items) and trees.child(above, key) is None:
            raise _Refused(
                override,
                f"{name} is a list of {len(above.items)} ({above.origin}), it has no item {key!r}",
                f"items count from 0; to make it longer give the whole list: {name}=[...]",
            )
        if isinstance(above, trees.Leaf) and above.value is not None:
            raise _Refused(
                override,
                f"{name} is {trees.kind(above)} ({above.origin}), so there is no {below}",
                f"write {name}=... to change it",
            )


def _remove(tree: trees.Tree, override: Override, known: Mapping[str, Any]) -> trees.Tree:
    present = trees.find(tree, override.keys)
    if present is None:
        if override.name in known:
            raise _Refused(
                override,
                f"{override.name} is in no file, only a function's default",
                f"write {override.name}=... to change it",
            )
        raise _unknown(tree, override, known)
    if isinstance(trees.find(tree, override.keys[:-1]), trees.Items):
        whole = ".".join(override.keys[:-1])
        raise _Refused(override, f"{override.name} is an item of a list", f"give the list anew: {whole}=[...]")
    wanted = override.value
    assert not isinstance(wanted, sweeps.SWEEPS)
    if wanted is not None and trees.plain(wanted) != trees.plain(present):
        raise _Refused(
            override,
            f"{override.name} is {trees.shown(trees.plain(present))} ({present.origin}), "
            f"not {trees.shown(trees.plain(wanted))}",
            f"write ~{override.name} to remove it whatever it is",
        )
    assert isinstance(tree, trees.Branch)
    return trees.remove(tree, override.keys)


def _declare(tree: trees.Tree, keys: Sequence[str], known: Mapping[str, Any]) -> trees.Tree:
    """Put in place the declared default that `keys` name or lead into, unless a file says something there."""
    for depth in range(len(keys), 0, -1):
        name = ".".join(keys[:depth])
        if name in known:
            if trees.find(tree, keys[:depth]) is not None or not _open_way(tree, keys[:depth]):
                return tree
            return trees.put(tree, keys[:depth], trees.of(known[name], origins.Origin("", 0, origins.DEFAULT)))
    return tree


def _open_way(tree: trees.Tree, keys: Sequence[str]) -> bool:
    above = [trees.find(tree, keys[:depth]) for depth in range(len(keys))]
    return all(part is None or isinstance(part, trees.Branch) for part in above)


def _unknown(tree: trees.Tree, override: Override, known: Mapping[str, Any]) -> _Refused:
    name = override.name
    near = near_key(name, [*trees.paths(tree), *known])
    above = trees.find(tree, override.keys[:-1]) if len(override.keys) > 1 else None
    hints = [f"did you mean {near!r}?"] if near else []
    if near is None and isinstance(above, trees.Branch) and 0 < len(above.entries) <= _MOST:
        there = ", ".join(trees.key_text(key) for key in above.entries)
        hints = [f"{'.'.join(override.keys[:-1])} has {there};"]
    if override.origin.kind != origins.COMMAND_LINE:
        hints += [] if near else ["add it to the parameters"]
    elif override.sign != _REMOVE:
        hints.append(f"use +{name}=... to add it")
    hint = " or ".join(hints).removesuffix(";") or "there is nothing to remove: leave it out"
    return _Refused(override, f"there is no parameter {name!r}", hint)


def near_key(name: str, names: Iterable[str]) -> str | None:
    """The dotted name most like `name`: one spelt nearly so, or the only one that ends in it. None that it begins with:
    what leads to it is right.
    """
    there = [other for other in dict.fromkeys(names) if not name.startswith(f"{other}.")]
    ends = [other for other in there if other.endswith(f".{name}")]
    return ends[0] if len(ends) == 1 else errors.nearest(name, there)
