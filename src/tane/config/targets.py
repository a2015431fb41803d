"""`_target_` in a configuration: what it names is made, if the project allows it. `tane.instantiate` calls it.

    model:
      _target_: sklearn.linear_model.ElasticNet
      alpha: 0.01

A configuration is data: it may be changed on a command line and fetched from elsewhere. So nothing is imported or
called because it says so, but for what `targets` of [tool.tane] matches, and for functions and classes that code marks
with `@tane.factory`. In a pattern `*` stands for one name, `**` for any number of them; what an allowed module has only
imported from another package is not allowed with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tane import errors, patterns

T = TypeVar("T", bound=Callable[..., Any])

TARGET, ARGS, PARTIAL, RECURSIVE, CONVERT = "_target_", "_args_", "_partial_", "_recursive_", "_convert_"
_OWN = (TARGET, ARGS, PARTIAL, RECURSIVE, CONVERT)
_MARK = "__tane_factory__"
_PATTERN = patterns.lazily(r"[^\W\d]\w*(?:\.(?:\w+|\*\*?|\w*\*\w*))*\Z")
_HINT = 'allow it in pyproject.toml: [tool.tane] targets = ["{}"]; or mark it with @tane.factory, where it is your own'


def factory(made: T) -> T:
    """Let configurations name this function or class in `_target_`, once the code that holds it has been imported."""
    setattr(made, _MARK, made)  # of itself: what inherits from it is not marked
    return made


def is_pattern(text: str) -> bool:
    """Whether `text` can stand in `targets`: a dotted name that begins with a package."""
    return _PATTERN.match(text) is not None and text.partition(".")[0] != ""


def instantiate(config: Any, *args: Any, targets: Sequence[str] = (), **kwargs: Any) -> Any:
    """What `config` describes: `_target_` called with the other keys, those below made first.

    `args` and `kwargs` come over what the configuration says. `_args_` are arguments by position, `_partial_: true`
    gives a function that still takes some, `_recursive_: false` leaves what is below as it is. `targets` are patterns
    that may be named. Raises `errors.ConfigError` with all that may not be, before anything is made.
    """
    if config is None:
        return None
    if not isinstance(config, Mapping | list | tuple):
        raise errors.ConfigError(
            f"{type(config).__name__} is no configuration to make something of", hint="give a mapping with _target_"
        )
    whole = _laid_over(config, kwargs) if isinstance(config, Mapping) else config
    faults: list[errors.Fault] = []
    known = {name: _found(name, key, targets, faults) for key, name in _named(whole, "", faults)}
    if faults:
        raise errors.ConfigError.of(faults, f"the configuration names {len(faults)} things that cannot be made")
    return _made(whole, known, args, "")


def _laid_over(below: Mapping[Any, Any], above: Mapping[str, Any]) -> dict[Any, Any]:
    """Mappings merge key by key."""
    made = dict(below)
    for key, value in above.items():
        old = made.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        made[key] = _laid_over(old, value) if both else value  # type: ignore[arg-type]
    return made


def _named(value: Any, key: str, faults: list[errors.Fault]) -> Iterator[tuple[str, str]]:
    """All that `_target_` names in a value, with the key it stands at. What is not recursive is not looked into."""
    if isinstance(value, Mapping):
        for flag in (PARTIAL, RECURSIVE):
            if flag in value and not isinstance(value[flag], bool):
                faults.append(errors.Fault(f"{flag} is {value[flag]!r}", key, f"write {flag}: true or false"))
        if TARGET in value:
            if isinstance(value[TARGET], str):
                yield key, value[TARGET]
            elif not callable(value[TARGET]):
                what = f"{TARGET} is {value[TARGET]!r}, not the dotted name of a class or function"
                faults.append(errors.Fault(what, key, "write it as package.module.Name"))
            if not isinstance(value.get(ARGS, ()), list | tuple):
                faults.append(errors.Fault(f"{ARGS} is no list", key, f"write {ARGS}: [1, 2]"))
        if value.get(RECURSIVE, True) is True:
            for name, item in value.items():
                yield from _named(item, f"{key}.{name}" if key else str(name), faults)
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _named(item, f"{key}.{at}" if key else str(at), faults)


def _made(value: Any, known: Mapping[str, Any], args: Sequence[Any], key: str, recursive: bool = True) -> Any:
    if isinstance(value, list | tuple):
        return [_made(item, known, (), f"{key}.{at}", recursive) for at, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    recursive = value.get(RECURSIVE, recursive)
    is_target = TARGET in value
    made: dict[Any, Any] = {}
    for name, item in value.items():
        if is_target and name in _OWN and name != ARGS:
            continue
        below = f"{key}.{name}" if key else str(name)
        made[name] = _made(item, known, (), below, recursive) if recursive else _plain(item)
    if not is_target:
        return made
    target = known[value[TARGET]] if isinstance(value[TARGET], str) else value[TARGET]
    by_position = made.pop(ARGS, ())
    arguments = args or by_position
    missing = [str(name) for name, item in made.items() if type(item) is str and item == "???"]
    if value.get(PARTIAL, False):
        import functools

        return functools.partial(target, *arguments, **{n: item for n, item in made.items() if n not in missing})
    if missing:
        faults = [
            errors.Fault(f"{key}.{name}".lstrip(".") + " is still to be given (???)", "", f"write {name}=...")
            for name in missing
        ]
        raise errors.ConfigError.of(faults)
    try:
        return target(*arguments, **made)
    except TypeError as error:
        raise errors.ConfigError(
            f"{value[TARGET]} cannot be made: {error}", where=key, hint="mend the keys beside _target_"
        ) from error


def _plain(value: Any) -> Any:
    """A value without what makes it read-only."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


# --- what may be named ----------------------------------------------------------------------------------------------


def _found(name: str, key: str, allowed: Sequence[str], faults: list[errors.Fault]) -> Any:
    """What `name` stands for, or None with a fault."""
    parts = name.split(".")
    is_plain = all(part.isidentifier() and not part.startswith("__") for part in parts[parts[0] == "__main__" :])
    if len(parts) < 2 or not is_plain:
        what = f"_target_ {name!r} is no dotted name of a class or function"
        faults.append(errors.Fault(what, key, "write it as package.module.Name"))
        return None
    loaded = _loaded(parts)
    if loaded is not None and _is_marked(loaded):
        return loaded
    if not any(matches(name, pattern) for pattern in allowed):
        near = errors.nearest(name, [pattern for pattern in allowed if "*" not in pattern])
        hint = f"did you mean {near!r}?" if near else _HINT.format(name)
        faults.append(errors.Fault(f"_target_ {name!r} is not allowed here", key, hint))
        return None
    try:
        found = _imported(parts)
    except Exception as error:  # what a module raises when it is imported is the module's
        what = f"_target_ {name!r} cannot be imported: {error or type(error).__name__}"
        faults.append(errors.Fault(what, key, "correct the name, or install the package it comes from"))
        return None
    if not callable(found):
        faults.append(errors.Fault(f"_target_ {name!r} is no class or function", key, "name one"))
        return None
    whole = f"{getattr(found, '__module__', None) or parts[0]}.{getattr(found, '__qualname__', '')}"
    if whole.partition(".")[0].lstrip("_") != parts[0].lstrip("_") and not any(
        matches(whole, pattern) for pattern in allowed
    ):
        what = f"_target_ {name!r} is {whole} of another package, which is not allowed here"
        faults.append(errors.Fault(what, key, _HINT.format(whole)))
        return None
    return found


def matches(name: str, pattern: str) -> bool:
    """Whether a dotted name is one that the pattern allows."""
    import re

    parts = [r"\w+(?:\.\w+)*" if part == "**" else part.replace("*", r"\w*") for part in pattern.split(".")]
    return re.fullmatch(r"\.".join(parts), name) is not None


def _is_marked(found: Any) -> bool:
    try:
        return vars(found).get(_MARK) is found
    except TypeError:
        return False


def _loaded(parts: Sequence[str]) -> Any:
    """What the name stands for among the modules that are imported already; None when it is not there."""
    for at in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:at]))
        if module is not None:
            found: Any = module
            for part in parts[at:]:
                found = vars(found).get(part) if hasattr(found, "__dict__") else None
            return found
    return None


def _imported(parts: Sequence[str]) -> Any:
    """What an allowed name stands for. It leads through modules and classes of its own package only."""
    import importlib
    from types import ModuleType

    found: Any = importlib.import_module(parts[0])
    for at, part in enumerate(parts[1:], 1):
        dotted = ".".join(parts[: at + 1])
        if isinstance(found, ModuleType) and not hasattr(found, part):
            importlib.import_module(dotted)
        found = getattr(found, part)
        if isinstance(found, ModuleType) and found.__name__ != dotted:
            raise ImportError(f"{dotted} is the module {found.__name__}, of another name")
    return found
