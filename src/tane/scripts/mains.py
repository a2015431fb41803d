"""`tane.main`: a plain function of a plain script gets its configuration, its command line and a tracked run.

Run as a script, `train()` reads the command line (`commanding`) and is recorded (`performing`). Called anywhere else it
is the function it was, with its configuration as it stands in the files.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, overload

from tane import errors, fielded
from tane.config import checking, compose, fitting, layers, origins, scalars, trees
from tane.scripts import commanding, defaults, injecting, performing, scope

Origin = origins.Origin
Config = compose.Config


class Main:
    """A function with its configuration. Calling it calls the function; as a script it runs the command line."""

    def __init__(self, function: Callable[..., Any], config: Any, values: Any) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._config = config
        self._values = values
        self._read: tuple[Any, list[injecting.Parameter]] | None = None
        scope.register(function.__module__, lambda: self.inside(self.composed()))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a script: what the command line says. Elsewhere: the function, on what it is given; what is not given
        comes from its configuration.
        """
        if not args and not kwargs and self._is_script():
            return commanding.execute(self, sys.argv[1:])
        whole = self._whole()
        first = args[0] if args else kwargs.get(whole or "")
        if whole and isinstance(first, Mapping):
            inside = scope.Scope(first, _nowhere)
            given = inside.view if type(first) is dict else first
            args, kwargs = ((given, *args[1:]), kwargs) if args else (args, {**kwargs, whole: given})
        else:
            inside = self.inside(self.composed())
            passed = self.signature()[0].bind_partial(*args, **kwargs).arguments
            known = {name: value for name, value in passed.items() if name in inside.values}
            if known:  # functions that get their arguments from the configuration get these
                inside = fielded.replace(inside, values={**inside.values, **known})
        return self.call(inside, args, kwargs)

    def call(self, inside: scope.Scope, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] = {}) -> Any:
        """The function on these arguments and, for the rest, on the configuration `inside`."""
        signature, parameters = self.signature()
        given = signature.bind_partial(*args, **kwargs).arguments
        wanted = [parameter for parameter in parameters if parameter.name not in given]
        with scope.entered(inside):
            rest = injecting.taken(self._function, wanted, inside=inside) if wanted else {}
            return self._function(*args, **kwargs, **rest)

    def run(self, *words: str, name: str = "", experiment: str = "") -> performing.Ran:
        """Run the function with these overrides, as a tracked run: `train.run("model.lr=0.1")`.

        Raises what the function raises.
        """
        config = self.composed(words)
        asked = performing.Asked(name or self.name, experiment)
        return performing.perform(self, config, asked).raised()

    def compose(self, *words: str) -> Any:
        """The configuration with these overrides, to be read by name. Nothing runs."""
        return self.inside(self.composed(words)).view

    # --- its parts --------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What its runs are called: the script's name, or the function's."""
        file = self.file
        return file.stem if file is not None else str(self._function.__name__)

    @property
    def file(self) -> Path | None:
        """The script; None where it has no file."""
        code = getattr(self._function, "__code__", None)
        file = getattr(code, "co_filename", "")
        return Path(os.path.abspath(file)) if file and os.path.isfile(file) else None

    @property
    def folder(self) -> Path:
        """Where paths in its configuration start: the script's folder."""
        return self.file.parent if self.file is not None else Path.cwd()

    def signature(self) -> tuple[Any, list[injecting.Parameter]]:
        """The function's signature, and those of its arguments that can be given by name."""
        if self._read is None:
            self._read = injecting.read(self._function)
        return self._read

    def files(self, params: str = "") -> Files:
        """Its configuration's files, read."""
        return Files(self._said(), self.folder, params)

    def composed(self, words: tuple[str, ...] = ()) -> Config:
        """The configuration with these overrides."""
        return self.files().compose(words)

    def inside(self, config: Config) -> scope.Scope:
        """What its functions get their arguments from."""
        return scope.Scope(config.parameters, config.origin, self._said().kind)

    @functools.cache  # noqa: B019 - a script has one or two of these, and they last as long as it does
    def _said(self) -> defaults.Said:
        """All that was said of its configuration: a file, values, and the defaults of the function's own arguments."""
        said = defaults.read(self._config, self.folder, f"{self._function.__name__}()")
        if self._values is not None:
            values = defaults.read(self._values, self.folder, said.name)
            if said.file is None and values.file is None:
                said = fielded.replace(
                    values, values=_merged(said.values, values.values), kind=values.kind or said.kind
                )
            elif values.file is None:
                said = fielded.replace(values, file=said.file, name=said.name, derive=None)
            elif said.file is None:
                said = fielded.replace(said, file=values.file, name=values.name, derive=None)
            else:
                raise errors.UsageError(
                    f"@tane.main of {self.name} names two files: {said.name} and {values.name}",
                    hint="let one take in the other: a defaults list in YAML does",
                )
        own = self._own_defaults()
        return fielded.replace(said, values={**own, **said.values}) if own else said

    def _own_defaults(self) -> dict[str, Any]:
        """The defaults of the function's arguments that a configuration can hold."""
        signature, parameters = self.signature()
        named = {each.name: signature.parameters[each.name].default for each in parameters if each.has_default}
        return {
            name: defaults.plain(value) for name, value in named.items() if name != self._whole() and _is_plain(value)
        }

    def _whole(self) -> str:
        """The argument that takes all of the configuration; empty for none."""
        _, parameters = self.signature()
        return parameters[0].name if parameters and parameters[0].name in scope.WHOLE else ""

    def _is_script(self) -> bool:
        """Whether the function stands in the script that Python was started with, and nothing runs yet."""
        if self._function.__module__ != "__main__" or scope.running():
            return False
        started = getattr(sys.modules.get("__main__"), "__file__", None)
        return started is not None and self.file is not None and os.path.abspath(started) == str(self.file)


class Files:
    """The files of a script's configuration, read once, to be composed for one job or many."""

    def __init__(self, said: defaults.Said, folder: Path, params: str = "") -> None:
        self._said = said
        self._files = defaults.files(said, folder, os.environ, params)
        self._known = _flat(said.values) if said.file is not None else {}
        self._folder = folder

    def options(self, group: str) -> list[str]:
        """The options of a group."""
        return self._files.options(group)

    def compose(self, words: tuple[str, ...] = ()) -> Config:
        """The configuration with these overrides. Raises `errors.ConfigError` with all mistakes."""
        config = self._files.compose(words, self._known)
        if self._said.derive is not None and words:
            before = self._said.values
            fixed = {name: value for name, value in config.parameters.items() if before.get(name, _NEW) != value}
            if fixed:  # what the function makes of the values that were changed follows them
                again = fielded.replace(self._said, values=self._said.derive(fixed), derive=None)
                config = Files(again, self._folder).compose(words)
        config = _named(config, self._said)
        if self._said.kind is not None:
            _check(config, self._said.kind)
        return config


def _named(config: Config, said: defaults.Said) -> Config:
    """The configuration with the defaults that its files leave as they are below; each says where it is from."""
    if said.file is None or not said.values:
        return config
    tree = config._trees.get(layers.PARAMETERS, trees.empty())
    whole = trees.merge(trees.of(said.values, Origin("", 0, origins.DEFAULT)), tree)
    assert isinstance(whole, trees.Branch)
    values = trees.plain(whole)
    return fielded.replace(
        config,
        parameters=values,
        sections={**config.sections, layers.PARAMETERS: values},
        _trees={**config._trees, layers.PARAMETERS: whole},
    )


def _check(config: Config, kind: type) -> None:
    """Raise `errors.ConfigError` with all values that do not fit a class, but those still to be given."""
    misfits: list[fitting.Misfit] = []
    fitting.take(config.parameters, kind, (), misfits)
    faults = []
    for misfit in misfits:
        name = ".".join(misfit.keys)
        if _lookup(config.parameters, name) != scalars.MISSING:
            where = str(config.origin(layers.PARAMETERS, *misfit.keys))
            faults.append(errors.Fault(f"{name or 'the configuration'} {misfit.what}", where, misfit.hint))
    if faults:
        raise errors.ConfigError.of(faults, f"{len(faults)} values do not fit {kind.__name__}")


def _lookup(values: Mapping[str, Any], name: str) -> Any:
    try:
        return checking.lookup(values, name)
    except KeyError:
        return None


_NEW = object()
_TYPES = (str, int, float, bool, type(None), list, tuple, dict, Path)


def _is_plain(value: Any) -> bool:
    return isinstance(value, _TYPES)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = trees.plain(trees.merge(trees.of(below, Origin()), trees.of(above, Origin())))
    assert isinstance(found, dict)
    return found


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Values by dotted names."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found.update(_flat(value, f"{before}{key}."))
        else:
            found[f"{before}{key}"] = value
    return found


def _nowhere(*keys: object) -> Origin:
    return Origin()


@overload
def main(given: Callable[..., Any], /) -> Main: ...
@overload
def main(*, config: Any = None, defaults: Any = None) -> Callable[[Callable[..., Any]], Main]: ...
def main(given: Callable[..., Any] | None = None, /, *, config: Any = None, defaults: Any = None) -> Any:
    """Make a function a script's main one: it gets its configuration, overrides from the command line, and a tracked
    run that keeps its configuration, its result and what it prints.

    `config` or `defaults` say what the configuration is: the path of a YAML or JSON file (from the script's folder), a
    mapping, a dataclass, a model of pydantic, or a function whose local variables, or whose result, it is. Given both,
    the file stands over the values. The defaults of the function's own arguments are part of it.

    The function takes all of it as `cfg`, or what it needs by name.
    """
    if given is not None:
        return Main(given, None, None)
    return lambda function: Main(function, config, defaults)
