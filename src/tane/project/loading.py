"""Importing the user's code: a package with its registry, one file as a module of its own name, or what a name stands
for.

Called by `projects` and `plugins`. Promises that functions can be found again as (module, name), and that two
projects of one process may use the same module names: the one in use has its modules in `sys.modules`, the other
keeps its own aside.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tane import errors
from tane.digest import values
from tane.pipeline import flow_members, graph
from tane.project import layout, opened, tracebacks


class Loaded(NamedTuple):
    """A project's pipelines, the modules that were imported from its folder to make them, and the files that were read
    while that was done. `hooks` are what a one-file project lists under that name.
    """

    pipelines: dict[str, graph.Pipeline]
    modules: dict[str, ModuleType]
    files: frozenset[str]
    hooks: tuple[Any, ...] = ()


class Named(NamedTuple):
    """What a name stands for, and the files that were read while it was imported."""

    target: Any
    files: frozenset[str]


_importing = threading.RLock()  # imports change what the whole process shares


def package(source: Path, name: str) -> Loaded:
    """What `register_pipelines()` of the package `name` in the folder `source` gives.

    Raises `errors.UserCodeError` when the code does not import, `errors.ProjectError` when it gives no
    pipelines.
    """
    registry = f"{name}.{layout.REGISTRY}"
    file = source / name / f"{layout.REGISTRY}.py"
    if not file.is_file():
        raise errors.ProjectError(
            f"package {name!r} has no {layout.REGISTRY}.py",
            where=str(file),
            hint=f"make it, with `def {layout.REGISTER}() -> dict[str, Pipeline]`",
        )
    with _importing:
        _refuse_taken(name, source)
        with opened.noted() as files:
            module = _import(registry, source)
        register = getattr(module, layout.REGISTER, None)
        if not callable(register):
            raise errors.ProjectError(
                f"there is no function {layout.REGISTER}()",
                where=str(file),
                hint=errors.did_you_mean(
                    layout.REGISTER, vars(module), f"write `def {layout.REGISTER}() -> dict[str, Pipeline]`"
                ),
            )
        with opened.noted() as more:
            found = guarded(f"{layout.REGISTER}() failed", register)
        return Loaded(_registered(found, file), _modules(source), frozenset(files | more))


def flow(file: Path) -> Loaded:
    """The pipelines of a one-file project: its variables `pipeline`, `pipelines`, or any that are a Pipeline; without
    any, the classes in it that are flows.

    Raises as `package` does.
    """
    name = file.stem
    if "." in name or name.startswith("__"):
        raise errors.ProjectError(
            f"{file.name!r} cannot be imported under that name",
            where=str(file),
            hint="rename it, as in flow.py",
        )
    with _importing:
        _refuse_taken(name, file.parent)
        with opened.noted() as files:
            module = _import(name, file.parent)
        hooks = getattr(module, "hooks", ())
        with opened.noted() as more:
            found = _variables(vars(module), file) if _has_pipelines(vars(module)) else _flows(module, file)
        return Loaded(
            found,
            _modules(file.parent),
            frozenset(files | more),
            tuple(hooks) if isinstance(hooks, list | tuple) else (),
        )


def named(path: str, folder: Path, where: str) -> Named:
    """What "module:name" stands for, or the module itself for "module"; `where` says who names it.

    Modules of the project are looked for in `folder`. Raises `errors.ProjectError` when there is none of that name,
    `errors.UserCodeError` when the code does not import.
    """
    module_name, _, qualname = path.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise errors.ProjectError(
            f"{path!r} names no module", where=where, hint='write "module:name", as in "my_project.plugins:Timing"'
        )
    with _importing:
        use(folder)
        importlib.invalidate_caches()
        with opened.noted() as files:
            try:
                found: Any = importlib.import_module(module_name)
            except ModuleNotFoundError as error:
                if not f"{module_name}.".startswith(f"{error.name}."):
                    raise _failed(f"{module_name} does not import", error, _hint(error, folder)) from error
                raise errors.ProjectError(
                    f"{path!r}: there is no module {error.name!r}", where=where, hint=_hint(error, folder)
                ) from None
            except (errors.TaneError, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise _failed(f"{module_name} does not import", error, _hint(error, folder)) from error
    for name in qualname.split(".") if qualname else ():
        if not hasattr(found, name):
            public = [known for known in vars(found) if not known.startswith("_")]
            hint = errors.did_you_mean(name, public, f"correct the name, or write it into {module_name}")
            raise errors.ProjectError(f"{path!r}: there is no {name!r} in {module_name}", where=where, hint=hint)
        found = getattr(found, name)
    return Named(found, frozenset(files))


def use(folder: Path, modules: Mapping[str, ModuleType] | None = None) -> None:
    """Make `folder` the one that user code is imported from, with the `modules` imported from it before."""
    with _importing:
        entry = str(folder)
        if sys.path[:1] != [entry]:
            while entry in sys.path:
                sys.path.remove(entry)
            sys.path.insert(0, entry)
        _drop_foreign(folder)
        for name, module in (modules or {}).items():
            sys.modules.setdefault(name, module)


def forget(folder: Path) -> None:
    """Have the code in `folder` imported anew when it is next asked for, as its files are then."""
    import linecache  # slow to import

    with _importing:
        own = _own_names(folder) - {"tane"}
        for name, module in list(sys.modules.items()):
            places = [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())]
            if name.partition(".")[0] in own and any(_within(place, folder) for place in places):
                del sys.modules[name]
        importlib.invalidate_caches()
        linecache.checkcache()  # who asks for the source of a function gets that of the new one


def _import(name: str, folder: Path) -> ModuleType:
    use(folder)
    importlib.invalidate_caches()  # files written a moment ago count
    module: ModuleType = guarded(f"{name} does not import", lambda: importlib.import_module(name), folder)
    return module


def guarded(what: str, call: Callable[[], Any], folder: Path | None = None, hint: str = "") -> Any:
    """Call the user's code; its failure becomes an error with the user's frames. Our own errors pass."""
    try:
        return call()
    except errors.PipelineError as error:
        _place(error)
        raise
    except errors.TaneError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(what, error, hint or _hint(error, folder)) from error


def _failed(what: str, error: BaseException, hint: str) -> errors.UserCodeError:
    shown = tracebacks.show(error)
    return errors.UserCodeError(f"{what}: {shown.line}", where=shown.where, hint=hint, traceback=shown.text)


def _place(error: errors.PipelineError) -> None:
    """A mistake in a node or graph is shown with the line of the user's code that describes it."""
    line = tracebacks.show(error).where
    if line:
        error.faults = tuple(
            fault._replace(where=f"{line} ({fault.where})" if fault.where else line) for fault in error.faults
        )


def _hint(error: BaseException, folder: Path | None) -> str:
    if isinstance(error, SyntaxError):
        return f"mend the line {error.text.strip()!r}" if error.text and error.text.strip() else "mend the syntax"
    if isinstance(error, ModuleNotFoundError) and error.name:
        parent, _, missing = error.name.rpartition(".")
        if parent in sys.modules:
            names = _module_names(getattr(sys.modules[parent], "__path__", ()))
            return errors.did_you_mean(missing, names, f"{parent} has no module {missing!r}")
        near = errors.nearest(error.name, _module_names([folder] if folder else ()))
        return f"did you mean {near!r}?" if near else f"install the package of {error.name.partition('.')[0]!r}"
    if isinstance(error, ImportError):
        return "look for a name that is misspelt or has moved, or for modules that import each other"
    if isinstance(error, SystemExit):
        return "importing must not end the process: put that under `if __name__ == '__main__':`"
    return "mend the line named above; the module must import by itself, without a run"


def _module_names(folders: Any) -> list[str]:
    names: list[str] = []
    for folder in folders:
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        names += [entry.partition(".")[0] for entry in entries if not layout.is_cache(entry)]
    return names


# --- what the code gives ------------------------------------------------------------------------------------


def _registered(found: object, file: Path) -> dict[str, graph.Pipeline]:
    if not isinstance(found, Mapping):
        raise errors.ProjectError(
            f"{layout.REGISTER}() gave a {type(found).__name__}, not a dict",
            where=str(file),
            hint='return {"name": Pipeline([...]), ...}',
        )
    return _with_default(_checked(found, file, f"{layout.REGISTER}()"), file)


def _checked(found: Mapping[Any, Any], file: Path, whose: str) -> dict[str, graph.Pipeline]:
    found = {name: value.pipeline() if flow_members.is_flow(value) else value for name, value in found.items()}
    faults = [
        errors.Fault(f"{whose} names {name!r}: a {type(value).__name__}, not a Pipeline", str(file), hint)
        for name, value in found.items()
        if (hint := _not_a_pipeline(name, value))
    ]
    if faults:
        raise errors.ProjectError.of(faults, f"{whose} holds what is no pipeline")
    return dict(found)


def _not_a_pipeline(name: object, value: object) -> str:
    """What to do about a value that is no pipeline; empty when it is one."""
    if not isinstance(name, str):
        return "the keys are the pipelines' names, as text"
    if isinstance(value, graph.Pipeline):
        return ""
    if callable(value):
        return "call it: the value is what create_pipeline() returns"
    return "wrap the nodes: Pipeline([...])"


def _variables(found: Mapping[str, Any], file: Path) -> dict[str, graph.Pipeline]:
    for name in ("pipeline", "pipelines"):
        wrong = list | tuple | set if name == "pipelines" else list | tuple | set | dict
        if isinstance(found.get(name), wrong):
            raise errors.ProjectError(
                f"`{name}` is a {type(found[name]).__name__}, not a Pipeline",
                where=str(file),
                hint="wrap the nodes: pipeline = Pipeline([...])",
            )
    named = {
        name: value for name, value in found.items() if isinstance(value, graph.Pipeline) and not name.startswith("_")
    }
    if flow_members.is_flow(found.get("pipeline")):
        named["pipeline"] = found["pipeline"].pipeline()
    several = found.get("pipelines")
    if isinstance(several, Mapping):
        named |= _checked(several, file, "`pipelines`")
    default = named.pop("pipeline", None)
    if default is not None:
        named = {layout.DEFAULT: default} | named
    if not named:
        raise errors.ProjectError(
            "the file makes no pipeline",
            where=str(file),
            hint="end it with: pipeline = Pipeline([first_function, second_function])",
        )
    return _with_default(named, file)


def _has_pipelines(found: Mapping[str, Any]) -> bool:
    return any(
        name in ("pipeline", "pipelines") or isinstance(value, graph.Pipeline)
        for name, value in found.items()
        if not name.startswith("_")
    )


def _flows(module: ModuleType, file: Path) -> dict[str, graph.Pipeline]:
    """The flows that are defined in a file, by the names of their classes, but those that others there derive from
    and that are none by themselves. A single one is the default as well.
    """
    flows = [
        value for value in vars(module).values() if flow_members.is_flow(value) and value.__module__ == module.__name__
    ]
    bases = {kind for flow in flows for kind in flow.__mro__[1:]}
    whole = [flow for flow in flows if flow not in bases or {"start", "end"} <= flow_members.read(flow).steps.keys()]
    if not whole:
        return _variables({}, file)
    found: dict[str, graph.Pipeline] = {flow.__name__: flow.pipeline() for flow in whole}
    return found if len(found) > 1 else _with_default(found, file)


def _with_default(found: dict[str, graph.Pipeline], file: Path) -> dict[str, graph.Pipeline]:
    """Without a default of their own, all pipelines together are it."""
    if layout.DEFAULT in found:
        return found
    try:
        return found | {layout.DEFAULT: graph.Pipeline(found.values())}
    except errors.PipelineError as error:
        hint = f"the pipelines do not fit together: name the one to run by default {layout.DEFAULT!r}"
        faults = [fault._replace(where=fault.where or str(file)) for fault in error.faults]
        missing = errors.Fault("there is no default pipeline", str(file), hint)
        raise errors.PipelineError.of([*faults, missing]) from None


# --- whose modules ------------------------------------------------------------------------------------------


def _refuse_taken(name: str, folder: Path) -> None:
    """Under a name of the standard library or an installed package the user's module would not be found."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    installed = file is not None and values.is_installed_file(file) and not _within(file, folder)
    if name in sys.stdlib_module_names or name == "tane" or installed:
        whose = "the standard library" if name in sys.stdlib_module_names else "an installed package"
        raise errors.ProjectError(
            f"the name {name!r} belongs to {whose}",
            where=str(folder / name),
            hint=f"rename it, as in my_{name}",
        )


def _drop_foreign(folder: Path) -> None:
    """Forget modules of another project that bear names which `folder` gives to its own."""
    foreign: set[str] = set()
    for name in _own_names(folder) & sys.modules.keys():
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and not values.is_installed_file(file) and not _within(file, folder):
            foreign.add(name)
    if foreign:
        for name in [name for name in sys.modules if name.partition(".")[0] in foreign]:
            del sys.modules[name]


def _modules(folder: Path) -> dict[str, ModuleType]:
    own = _own_names(folder)
    return {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in own and _within(getattr(module, "__file__", None), folder)
    }


def _own_names(folder: Path) -> set[str]:
    """The names of the modules and packages that lie in `folder`."""
    names: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)
            if suffix == ".py" or (not suffix and os.path.isfile(f"{entry.path}/__init__.py")):
                names.add(stem)
    names.discard("__main__")
    return names


def _within(file: str | None, folder: Path) -> bool:
    """Whether `file` lies in `folder`, by the names in use or, where links are about, by the real ones."""
    if file is None:
        return False
    if os.path.abspath(file).startswith(f"{folder}{os.sep}"):
        return True
    return os.path.realpath(file).startswith(f"{os.path.realpath(folder)}{os.sep}")
