"""What a project is extended by: hooks that watch its runs, transforms of what its steps take, a loader of its
configuration. Named in [tool.tane] or, by installed packages, as entry points.

`projects` asks for each kind. Promises that what it gives can be used: it is imported, made, and has the methods it
must have. The project's own mistakes are errors with their line in pyproject.toml; those of an installed hook only
leave it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tane import errors, fielded
from tane.config import layers
from tane.pipeline import callables
from tane.project import bytecode, loading, points, settings

HOOKS = "tane.hooks"
TRANSFORMS = "tane.transforms"

METHODS = (
    "before_run",
    "after_run",
    "before_step",
    "after_step",
    "before_load",
    "after_load",
    "before_save",
    "after_save",
    "on_error",
)

_ELSEWHERE = {  # what other tools call them
    "before_pipeline_run": "before_run",
    "after_pipeline_run": "after_run",
    "before_node_run": "before_step",
    "after_node_run": "after_step",
    "before_dataset_loaded": "before_load",
    "after_dataset_loaded": "after_load",
    "before_dataset_saved": "before_save",
    "after_dataset_saved": "after_save",
    "on_node_error": "on_error",
    "on_pipeline_error": "on_error",
}


@fielded.frozen
class Hook:
    """An object with some of `METHODS`. `whence` is the line that names it, or the distribution it comes from."""

    name: str
    target: Any
    whence: str


@fielded.frozen
class Transform:
    """An object with `transform(name, value)` and `applies(name, type)` or patterns `datasets`.

    `path` is what it is imported by; `distribution` is "name version" when an entry point named it.
    """

    name: str
    target: Any
    path: str
    distribution: str


class Finder:
    """Imports what a project names: modules in `source` come first, `code` lists the project's files.

    `files` are those that were read while that was done.
    """

    def __init__(self, source: Path, code: Callable[[], Iterable[Path]]) -> None:
        self._source = source
        self._code = code
        self._fresh = False
        self.files: set[str] = set()

    def find(self, path: str, where: str) -> Any:
        """What "module:name" stands for; `where` says who names it. Raises as `loading.named` does."""
        if not self._fresh:
            bytecode.forget_doubtful(self._code())
            self._fresh = True
        found = loading.named(path, self._source, where)
        self.files |= found.files
        return found.target


# --- hooks --------------------------------------------------------------------------------------------------


def hooks(
    found: settings.Settings, finder: Finder, given: Sequence[Any], flow: Path | None, tell: Callable[[str], None]
) -> tuple[Hook, ...]:
    """The hooks of a project: those it names in their order, those `given` by its file, then the installed ones.

    A class is made anew each time. `tell` gets a warning for each installed one that cannot be used.
    """
    offered = points.installed(HOOKS)
    _tell_misspelt(found, offered, tell)
    chosen: list[Hook] = []
    faults: list[errors.Fault] = []
    where = found.lines.get("hooks", "")
    for reference in found.hooks:
        named = _offered(reference, offered)
        if named:
            chosen += [hook for point in named if (hook := _installed(point, finder, tell))]
        else:
            _add(reference, _find(reference, finder, where, offered, "hook"), where, chosen, faults)
    for target in given:
        _add(_name(target), target, str(flow or ""), chosen, faults)
    if faults:
        raise errors.ProjectError.of(faults, f"the hooks have {len(faults)} mistakes")
    left_out = {*found.hooks, *found.without}
    others = [_installed(point, finder, tell) for point in offered if point.name not in left_out]
    return (*chosen, *(hook for hook in others if hook is not None))


def _add(reference: str, target: Any, where: str, chosen: list[Hook], faults: list[errors.Fault]) -> None:
    hook = Hook(_short(reference), _made(target, f"hook {reference}", where), where)
    wrong = _hook_faults(hook)
    faults += wrong
    if not wrong:
        chosen.append(hook)


def _installed(point: points.Point, finder: Finder, tell: Callable[[str], None]) -> Hook | None:
    """The hook of an entry point; None, and a warning, when it cannot be used. It is not the user's to mend."""
    try:
        target = finder.find(point.path, point.whence)
        hook = Hook(point.name, _made(target, f"hook {point.name}", point.whence), point.whence)
        wrong = _hook_faults(hook)
        if wrong:
            raise errors.ProjectError.of(wrong, f"it has {len(wrong)} mistakes")
    except errors.TaneError as error:
        what = error.faults[0].what
        tell(
            f"the hook {point.name!r} of {point.whence} is left out: {what} "
            f'(without = ["{point.name}"] in [tool.tane] leaves it out quietly)'
        )
        return None
    return hook


def _tell_misspelt(found: settings.Settings, offered: Iterable[points.Point], tell: Callable[[str], None]) -> None:
    """A name in `without` may be that of a plug-in that is not installed here, unless it is very like one that is."""
    names = {point.name for point in offered}
    for name in found.without:
        near = errors.nearest(name, names) if name not in names else None
        if near is not None:
            tell(f"{found.lines.get('without', '')}: without names {name!r}; did you mean {near!r}?")


def _hook_faults(hook: Hook) -> list[errors.Fault]:
    faults: list[errors.Fault] = []
    target = hook.target
    is_module = isinstance(target, ModuleType)
    names = [name for name in dir(target) if not name.startswith("_")]
    for name in names:
        if name in METHODS or not _is_like_a_method(name):
            continue
        found = getattr(target, name, None)
        if not callable(found) or (is_module and getattr(found, "__module__", "") != target.__name__):
            continue
        known = _ELSEWHERE.get(name) or errors.nearest(name, METHODS)
        hint = f"did you mean {known!r}?" if known else f"hooks have {', '.join(METHODS)}; begin others with _"
        faults.append(errors.Fault(f"hook {hook.name}: {name}() would never be called", hook.whence, hint))
    wanted = [name for name in names if name in METHODS]
    if not wanted and not faults:
        hint = f"give it one of {', '.join(METHODS)}"
        faults.append(errors.Fault(f"hook {hook.name} has no method that a run calls", hook.whence, hint))
    for name in wanted:
        method = getattr(target, name)
        if not callable(method):
            what = f"hook {hook.name}: {name} is no method"
            faults.append(errors.Fault(what, hook.whence, f"write def {name}(self, event)"))
        elif not _takes(method, 1):
            what = f"hook {hook.name}: {name}() does not take one argument"
            hint = f"write def {name}(self, event): the record has all there is to know"
            faults.append(errors.Fault(what, hook.whence, hint))
    return faults


def _is_like_a_method(name: str) -> bool:
    import difflib

    return name.startswith(("before_", "after_", "on_")) or bool(difflib.get_close_matches(name, METHODS, 1, 0.85))


# --- transforms ---------------------------------------------------------------------------------------------


def transforms(found: settings.Settings, finder: Finder) -> tuple[Transform, ...]:
    """The transforms a project names, in their order. An installed one is only active when it is named: what changes
    data must be seen in the project.
    """
    if not found.transforms:
        return ()
    where = found.lines.get("transforms", "")
    offered = points.installed(TRANSFORMS)
    chosen: list[Transform] = []
    faults: list[errors.Fault] = []
    for reference in found.transforms:
        named = _offered(reference, offered)
        if len(named) > 1:
            several = " and ".join(point.whence for point in named)
            hint = "name the class itself, as in module:Class"
            faults.append(errors.Fault(f"transform {reference!r} is offered by {several}", where, hint))
            continue
        path, distribution = (named[0].path, named[0].whence) if named else (reference, "")
        target = finder.find(path, where) if named else _find(path, finder, where, offered, "transform")
        made = _made(target, f"transform {reference}", where)
        wrong = _transform_faults(reference, made, where)
        faults += wrong
        chosen.append(Transform(_short(reference), made, path, distribution))
    if faults:
        raise errors.ProjectError.of(faults, f"the transforms have {len(faults)} mistakes")
    names = [each.name for each in chosen]
    return tuple(
        Transform(each.path, each.target, each.path, each.distribution) if names.count(each.name) > 1 else each
        for each in chosen
    )


def _transform_faults(reference: str, target: Any, where: str) -> list[errors.Fault]:
    public = [name for name in dir(target) if not name.startswith("_")]
    if not callable(getattr(target, "transform", None)):
        hint = errors.did_you_mean("transform", public, "write def transform(self, name, value), which returns a value")
        return [errors.Fault(f"transform {reference} has no method transform()", where, hint)]
    faults: list[errors.Fault] = []
    if not _takes(target.transform, 2):
        hint = "write def transform(self, name, value), which returns a value"
        faults.append(errors.Fault(f"{reference}: transform() does not take a name and a value", where, hint))
    applies, patterns = getattr(target, "applies", None), getattr(target, "datasets", None)
    if applies is not None:
        if not callable(applies) or not _takes(applies, 2):
            hint = "write def applies(self, name, type), which returns True or False"
            faults.append(errors.Fault(f"{reference}: applies() does not take a name and a type", where, hint))
    elif patterns is None:
        near = errors.nearest("applies", public) or errors.nearest("datasets", public)
        hint = f"did you mean {near!r}?" if near else 'write datasets = ["raw_*"], or def applies(self, name, type)'
        faults.append(errors.Fault(f"transform {reference} does not say what it applies to", where, hint))
    elif isinstance(patterns, str) or not all(isinstance(pattern, str) for pattern in _items(patterns)):
        what = f"{reference}: datasets is {patterns!r}, not a list of names"
        faults.append(errors.Fault(what, where, 'write datasets = ["raw_*"]'))
    return faults


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, Iterable) else (value,)


# --- the loader of the configuration ------------------------------------------------------------------------


def loader(found: settings.Settings, finder: Finder, root: Path) -> layers.Loader | None:
    """The project's own loader of its configuration, or None. It is asked once for each environment."""
    path = found.config_loader
    if not path:
        return None
    where = found.lines.get("config_loader", "")
    target = _made(finder.find(path, where), f"config loader {path}", where)
    load = getattr(target, "load", None)
    if load is None and callable(target):
        load = target
    if not callable(load) or not _takes(load, 2):
        raise errors.ProjectError(
            f"config_loader {path!r} cannot load(conf, environment)",
            where=where,
            hint="write def load(self, conf, environment), which returns sections by name",
        )
    known: dict[tuple[Path, str], Any] = {}

    def once(conf: Path, environment: str) -> Any:
        if (conf, environment) not in known:
            known[conf, environment] = loading.guarded(
                f"config loader {path} failed on {environment!r}",
                lambda: load(conf, environment),
                hint="mend the line named above, or the file it reads",
            )
        return known[conf, environment]

    def files() -> list[Path]:
        more = getattr(target, "files", None) or ()
        if callable(more):
            more = loading.guarded(f"files() of config loader {path} failed", more, hint="mend the line named above")
        return [root / file for file in ((more,) if isinstance(more, str | Path) else more)]

    return layers.Loader(path, once, files)


def resolvers(found: settings.Settings, finder: Finder) -> dict[str, Callable[..., Any]]:
    """The functions that interpolations of the project's configuration may call, by name."""
    where = found.lines.get("resolvers", "")
    made = {name: finder.find(path, where) for name, path in found.resolvers.items()}
    for name, function in made.items():
        if not callable(function):
            what = f"resolver {name!r} is {found.resolvers[name]}, which is no function"
            raise errors.ProjectError(what, where=where, hint="name a function, as in my_project.text:shout")
    return made


# --- of all kinds -------------------------------------------------------------------------------------------


def _offered(reference: str, offered: Iterable[points.Point]) -> list[points.Point]:
    return [point for point in offered if point.name == reference]


def _find(reference: str, finder: Finder, where: str, offered: Iterable[points.Point], kind: str) -> Any:
    try:
        return finder.find(reference, where)
    except errors.ProjectError:
        near = errors.nearest(reference, [point.name for point in offered])
        if ":" in reference or "." in reference or near is None:
            raise
        raise errors.ProjectError(
            f"there is no {kind} {reference!r}: no installed one has that name, and no module",
            where=where,
            hint=f"did you mean {near!r}?",
        ) from None


def _made(target: Any, what: str, where: str) -> Any:
    """An instance of a class, made without arguments; anything else as it is."""
    if not isinstance(target, type):
        return target
    takes = callables.signature(target)
    needed = [] if takes is None else [a for a in (*takes.positional, *takes.keyword) if a not in takes.defaulted]
    if needed:
        raise errors.ProjectError(
            f"{what} cannot be made without {', '.join(needed)}",
            where=where,
            hint="make an instance in that module and name it instead",
        )
    return loading.guarded(f"{what} cannot be made", target, hint="mend the line named above")


def _takes(method: Callable[..., Any], count: int) -> bool:
    """Whether `method` can be called with so many arguments by position."""
    takes = callables.signature(method)
    if takes is None:
        return True
    needed = [argument for argument in takes.positional if argument not in takes.defaulted]
    keywords = [argument for argument in takes.keyword if argument not in takes.defaulted]
    return len(needed) <= count and not keywords and (takes.many_positional or len(takes.positional) >= count)


def _name(target: Any) -> str:
    named = getattr(target, "__qualname__", None) or getattr(target, "__name__", None)
    return str(named or type(target).__qualname__)


def _short(reference: str) -> str:
    return reference.rpartition(":")[2]
