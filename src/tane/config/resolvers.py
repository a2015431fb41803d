"""What `${name:argument,...}` gives: the resolvers that are always there. Called by `interpolations`.

    env NAME, default        an environment variable, read as a plain value of a file; text in credentials
    oc.env NAME, default     the same, always text
    runtime KEY              a fact of where this is composed: root, cwd, python, platform, environments
    params KEY               a parameter, from another section
    oc.select KEY, default   a value of the configuration, or the default (null) where there is none
    oc.decode TEXT           what a text reads as: "[1, 2]", "0.5"
    oc.create VALUE          the value itself: a list or mapping written in place
    oc.dict.keys KEY         the keys of a mapping as a list; oc.dict.values its values
    oc.deprecated KEY, text  the value at a key that has another name now, with a warning

A project adds functions of its own, for itself alone. One is called once in each composition for the same arguments:
what it gives must follow from them and from the project's code.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tane import errors
from tane.config import scalars, trees

Resolver = Callable[..., Any]


class Place(NamedTuple):
    """A part of the configuration and where it stands: section, then keys."""

    tree: trees.Tree
    at: tuple[str, ...]


class Unresolved(Exception):
    """A resolver has no answer: what is wrong, what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class Asked(Protocol):
    """What a resolver may ask for, from the place where it is written."""

    environ: Mapping[str, str]
    runtime: Mapping[str, Any]

    @property
    def here(self) -> tuple[str, ...]:
        """Section and keys of the value that is being made."""
        ...

    @property
    def secret(self) -> bool:
        """Whether what is being made is a secret."""
        ...

    def select(self, key: str, *, parameters: bool = False) -> Place | None:
        """What stands at a key; None where there is nothing, or a value still to be given."""
        ...

    def require(self, key: str, *, parameters: bool = False) -> Place:
        """What stands at a key. Raises with the nearest key."""
        ...

    def whole(self, place: Place) -> trees.Tree:
        """A part with all that is in it resolved."""
        ...

    def decode(self, text: str) -> Any:
        """What a text reads as."""
        ...

    def note_variable(self, name: str) -> None:
        """Note that the value comes from an environment variable."""
        ...


_NONE: Any = object()


def facts(root: Path, environments: Sequence[str]) -> dict[str, Any]:
    """What `runtime` knows: facts that hold as long as the project is run in the same place and way."""
    return {
        "root": str(root),
        "cwd": os.getcwd(),
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "platform": sys.platform,
        "environments": list(environments),
    }


def names(own: Mapping[str, Resolver]) -> list[str]:
    """The names of all resolvers."""
    return [*BUILTIN, *own]


def _variable(asked: Asked, name: Any, default: Any) -> Any:
    if not isinstance(name, str) or not name:
        raise Unresolved(f"{trees.shown(name)} is no name of an environment variable", "write ${env:NAME}")
    if name in asked.environ:
        asked.note_variable(name)
        return asked.environ[name]
    if default is _NONE:
        otherwise = f"set it, or give a default: ${{env:{name},VALUE}}"
        raise Unresolved(
            f"the environment variable {name} is not set", errors.did_you_mean(name, asked.environ, otherwise)
        )
    return default


def _env(asked: Asked, name: Any, default: Any = _NONE) -> Any:
    found = _variable(asked, name, default)
    if isinstance(name, str) and name in asked.environ and not asked.secret:
        try:
            return scalars.value(found) if found else ""
        except ValueError:
            return found
    return found


def _oc_env(asked: Asked, name: Any, default: Any = _NONE) -> Any:
    found = _variable(asked, name, default)
    return found if found is None else str(found)


def _runtime(asked: Asked, key: Any) -> Any:
    if not isinstance(key, str) or key not in asked.runtime:
        if key in ("now", "time", "date", "run", "run_id", "uuid", "pid", "seed"):
            hint = "it would be another one each time, and every step anew: give it by an override or ${env:NAME}"
        else:
            hint = errors.did_you_mean(str(key), asked.runtime, f"there are {', '.join(asked.runtime)}")
        raise Unresolved(f"there is no runtime fact {trees.shown(key)}", hint)
    return asked.runtime[key]


def _params(asked: Asked, key: Any) -> Any:
    return asked.require(_key(key), parameters=True)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise Unresolved(f"{trees.shown(key)} is no key", "write it as a.b")
    return key


def _select(asked: Asked, key: Any, default: Any = None) -> Any:
    found = asked.select(_key(key))
    return default if found is None else found


def _decode(asked: Asked, text: Any) -> Any:
    if text is None:
        return None
    if not isinstance(text, str):
        raise Unresolved(f"oc.decode reads text, not {trees.kind(text)}", "give it text, or leave it out")
    return asked.decode(text)


def _create(asked: Asked, value: Any) -> Any:
    if not isinstance(value, list | Mapping):
        raise Unresolved(f"oc.create takes a list or a mapping, not {trees.kind(value)}", "leave it out")
    return value


def _mapping(asked: Asked, key: Any, name: str) -> tuple[trees.Branch, Place]:
    place = asked.require(_key(key))
    if not isinstance(place.tree, trees.Branch):
        raise Unresolved(f"{key} is {trees.kind(place.tree)}, not a mapping", f"give {name} the key of a mapping")
    return place.tree, place


def _dict_keys(asked: Asked, key: Any) -> Any:
    return list(_mapping(asked, key, "oc.dict.keys")[0].entries)


def _dict_values(asked: Asked, key: Any) -> Any:
    found, place = _mapping(asked, key, "oc.dict.values")
    items = (
        asked.whole(Place(item, (*place.at, trees.key_text(own)) if place.at else ()))
        for own, item in found.entries.items()
    )
    return trees.Items(tuple(items), found.origin)


_DEPRECATED = "'$OLD_KEY' is deprecated. Change your code and config to use '$NEW_KEY'"


def _deprecated(asked: Asked, key: Any, message: Any = _DEPRECATED) -> Any:
    from string import Template

    place = asked.require(_key(key))
    if not isinstance(message, str):
        raise Unresolved(f"the message of oc.deprecated is {trees.kind(message)}", "make it text")
    old = ".".join(asked.here[1:])
    warnings.warn(Template(message).safe_substitute(OLD_KEY=old, NEW_KEY=key), UserWarning, stacklevel=2)
    return place


BUILTIN: dict[str, Callable[..., Any]] = {
    "env": _env,
    "runtime": _runtime,
    "params": _params,
    "oc.env": _oc_env,
    "oc.select": _select,
    "oc.decode": _decode,
    "oc.create": _create,
    "oc.dict.keys": _dict_keys,
    "oc.dict.values": _dict_values,
    "oc.deprecated": _deprecated,
}
TAKES = {  # how many arguments, at least and at most
    "env": (1, 2),
    "runtime": (1, 1),
    "params": (1, 1),
    "oc.env": (1, 2),
    "oc.select": (1, 2),
    "oc.decode": (1, 1),
    "oc.create": (1, 1),
    "oc.dict.keys": (1, 1),
    "oc.dict.values": (1, 1),
    "oc.deprecated": (1, 2),
}
