"""Input transforms: plug-ins that change what steps take, after it was loaded and before the function gets it.

The keys of steps ask `Transforms` for the digest of those that apply to an input: with another transform, or another
version of it, the step is another one. A step's arguments carry `References`, by which `apply` works in any process.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tane import errors
from tane.digest import hashing, values
from tane.pipeline import nodes
from tane.plan import code
from tane.project import plugins, tracebacks


class Reference:
    """A transform as it travels: another process imports it anew."""

    __slots__ = ("_target", "name", "path")

    def __init__(self, name: str, path: str, target: Any = None) -> None:
        self.name = name
        self.path = path
        self._target = target

    def __reduce__(self) -> tuple[type[Reference], tuple[str, str]]:
        return Reference, (self.name, self.path)

    def __repr__(self) -> str:
        return f"Reference({self.name!r}, {self.path!r})"

    @property
    def target(self) -> Any:
        """The object with `transform(name, value)`."""
        if self._target is None:
            module, _, qualname = self.path.partition(":")
            found: Any = importlib.import_module(module)
            for part in qualname.split(".") if qualname else ():
                found = getattr(found, part)
            self._target = found() if isinstance(found, type) else found
        return self._target


class _Content(NamedTuple):
    """What a transform's results rest on."""

    digest: str
    libraries: frozenset[str]
    files: frozenset[Path]


_NONE: tuple[plugins.Transform, ...] = ()


class Transforms:
    """The active transforms of a run, and which of them apply to what."""

    def __init__(self, active: Sequence[plugins.Transform], cache: code.Cache) -> None:
        self._active = tuple(active)
        self._cache = cache
        self._content: dict[str, _Content] = {}
        self._applying: dict[tuple[str, str], tuple[plugins.Transform, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._active)

    def digest(self, name: str, type: str) -> str:
        """The digest of the transforms that apply to dataset `name` of this type; empty when none does."""
        applying = self._applying_to(name, type)
        return hashing.combine("transforms", *(self._of(each).digest for each in applying)) if applying else ""

    def libraries(self, name: str, type: str) -> tuple[str, ...]:
        """The top-level modules of the installed packages that they rest on."""
        found = frozenset[str]().union(*(self._of(each).libraries for each in self._applying_to(name, type)))
        return tuple(sorted(found))

    def described(self, name: str, type: str) -> dict[str, str]:
        """Name of each that applies, with its place in the order and its digest: what `changes` compares."""
        applying = enumerate(self._applying_to(name, type))
        return {each.name: f"{place} {self._of(each).digest}" for place, each in applying}

    def of(self, name: str, type: str) -> tuple[Reference, ...]:
        """What `apply` takes to apply them."""
        return tuple(Reference(each.name, each.path, each.target) for each in self._applying_to(name, type))

    @property
    def files(self) -> frozenset[Path]:
        """The files that the digests given so far rest on."""
        return frozenset[Path]().union(*(content.files for content in self._content.values()))

    def _applying_to(self, name: str, type: str) -> tuple[plugins.Transform, ...]:
        if not self._active:
            return _NONE
        known = self._applying.get((name, type))
        if known is None:
            known = tuple(each for each in self._active if _applies(each, name, type))
            self._applying[name, type] = known
        return known

    def _of(self, transform: plugins.Transform) -> _Content:
        known = self._content.get(transform.name)
        if known is None:
            known = self._content[transform.name] = self._read(transform)
        return known

    def _read(self, transform: plugins.Transform) -> _Content:
        module = transform.path.partition(":")[0]
        if not values.is_project_module(module):
            file = getattr(sys.modules.get(module), "__file__", None)
            own = hashing.of_file(Path(file)) if file else ""
            digest = hashing.combine("installed", transform.path, transform.distribution, own)
            return _Content(digest, frozenset({module.partition(".")[0]}), frozenset({Path(file)} if file else ()))
        target = transform.target
        if not isinstance(target, ModuleType):
            found = code.of(target, cache=self._cache)
            return _Content(found.digest, found.imports, found.files)
        functions = [getattr(target, part) for part in ("transform", "applies") if hasattr(target, part)]
        all_of_it = [code.of(function, cache=self._cache) for function in functions]
        patterns = values.of(list(getattr(target, "datasets", ()))).digest
        return _Content(
            hashing.combine("module", patterns, *(found.digest for found in all_of_it)),
            frozenset[str]().union(*(found.imports for found in all_of_it)),
            frozenset[Path]().union(*(found.files for found in all_of_it)),
        )


def apply(references: Iterable[Reference], name: str, value: Any) -> Any:
    """`value`, just loaded as dataset `name`, as the transforms leave it, one after the other.

    Raises `errors.UserCodeError` that names transform and dataset when one fails.
    """
    for reference in references:
        try:
            value = reference.target.transform(name, value)
        except (errors.TaneError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise _failed(f"transform {reference.name!r} failed on {name!r}", error) from error
        if value is None:
            raise errors.UserCodeError(
                f"transform {reference.name!r} returned None for {name!r}",
                hint="return the value, changed or not, on every path",
            )
    return value


def changes(old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What differs between two steps' transforms, in words. Both map inputs to what `described` gives for them."""
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, {}), new.get(name, {})
        for transform in sorted(before.keys() | after.keys()):
            if before.get(transform) == after.get(transform):
                continue
            word = "is gone" if transform not in after else "changed" if transform in before else "is new"
            lines.append(f"transform {transform} of {name} {word}")
    return lines


def _applies(transform: plugins.Transform, name: str, type: str) -> bool:
    target = transform.target
    if not hasattr(target, "applies"):
        base = nodes.base_name(name)
        return any(fnmatchcase(each, pattern) for pattern in target.datasets for each in (name, base))
    try:
        return bool(target.applies(name, type))
    except (errors.TaneError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise _failed(f"applies() of transform {transform.name!r} failed on {name!r}", error) from error


def _failed(what: str, error: BaseException) -> errors.UserCodeError:
    shown = tracebacks.show(error)
    return errors.UserCodeError(
        f"{what}: {shown.line}",
        where=shown.where,
        hint="mend it, or take it out of transforms in [tool.tane]",
        traceback=shown.text,
    )
