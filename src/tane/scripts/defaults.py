"""Where a script's configuration comes from: a YAML or JSON file, a dataclass, a mapping, the local variables of a
function, the defaults of the script's own arguments. Called by `mains`.

All of them give the same configuration for the same values.
"""

from __future__ import annotations

import ast
import enum
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

from tane import errors, fielded
from tane.config import compose, layers, origins, scalars, shapes, trees

_PLAIN = (str, int, float, bool, type(None))


@fielded.frozen
class Said:
    """What was given as configuration: a file, or values by name, with how messages call them.

    `kind` is the dataclass or model that the values must fit, `derive` gives them anew where some are fixed.
    """

    name: str
    file: Path | None = None
    values: Mapping[str, Any] = fielded.field(default_factory=dict)
    kind: type | None = None
    derive: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None


def read(given: Any, folder: Path, name: str) -> Said:
    """What `given` says; a file's path is relative to `folder`, values without a name are called `name`.

    Raises `errors.UsageError` for what says nothing.
    """
    if given is None:
        return Said(name)
    if isinstance(given, str | os.PathLike):
        return _of_file(folder / given)
    if isinstance(given, Mapping):
        return Said(name, values={str(key): plain(value) for key, value in given.items()})
    if shapes.has_fields(type(given)):
        kind = type(given)
        return Said(kind.__name__, values=_of_fields(given), kind=kind)
    if isinstance(given, type) and shapes.has_fields(given):
        return Said(given.__name__, values=_of_class(given), kind=given)
    if callable(given):
        return _of_function(given)
    raise errors.UsageError(
        f"a {type(given).__name__} is no configuration",
        hint="give the path of a YAML or JSON file, a mapping, a dataclass, or a function with local variables",
    )


def files(said: Said, folder: Path, environ: Mapping[str, str], params: str = "") -> compose.Files:
    """The configuration's files, read, or what stands in for them. Groups lie in the folder of a YAML file."""
    if said.file is not None:
        return compose.read(folder, environ=environ, conf=said.file.parent, primary=said.file, params=params)

    def load(conf: Path, environment: str) -> dict[str, Any] | None:
        return {layers.PARAMETERS: dict(said.values)} if environment == layers.BASE else None

    nowhere = folder / ".tane" / "no-conf"
    loader = layers.Loader(said.name, load, tuple, origins.FILE)
    return compose.read(folder, environ=environ, conf=nowhere, loader=loader, params=params)


# --- files ----------------------------------------------------------------------------------------------------------


def _of_file(file: Path) -> Said:
    if not file.is_file():
        beside = [path.name for path in file.parent.glob("*") if path.suffix in (".yml", ".yaml", ".json")]
        hint = errors.did_you_mean(file.name, beside, f"make it, or give the path from {file.parent}")
        raise errors.UsageError(f"there is no file {str(file)!r}", hint=hint)
    if file.suffix in (".yml", ".yaml"):
        return Said(file.name, file=file)
    if file.suffix != ".json":
        raise errors.UsageError(f"{file.name!r} is neither YAML nor JSON", hint="give a .yml, .yaml or .json file")
    import json

    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _not_json(file, error) from None
    if not isinstance(found, dict):
        hint = 'write {"key": value, ...}'
        raise errors.ConfigError(f"the file holds {trees.kind(found)}, not keys and values", where=str(file), hint=hint)
    return Said(file.name, values=found)


def _not_json(file: Path, error: ValueError) -> errors.ConfigError:
    line, column, why = (getattr(error, name, None) for name in ("lineno", "colno", "msg"))
    where = f"{file}:{line}:{column}" if line else str(file)
    return errors.ConfigError(f"this is not JSON: {why or error}", where=where, hint="mend the file")


# --- dataclasses and models -------------------------------------------------------------------------------------------


def _of_fields(given: Any) -> dict[str, Any]:
    if shapes.is_dataclass(type(given)):
        return {name: plain(getattr(given, name)) for name in given.__dataclass_fields__ if hasattr(given, name)}
    dumped = given.model_dump() if hasattr(given, "model_dump") else given.dict()
    return {name: plain(value) for name, value in dumped.items()}


def _of_class(kind: Any) -> dict[str, Any]:
    """The defaults of a class of fields, by name; a field without one is still to be given."""
    if shapes.is_dataclass(kind):
        import dataclasses

        found: dict[str, Any] = {}
        for field in dataclasses.fields(kind):
            if field.default is not dataclasses.MISSING:
                found[field.name] = plain(field.default)
            elif field.default_factory is not dataclasses.MISSING:
                found[field.name] = plain(field.default_factory())
            elif field.init:
                found[field.name] = _of_annotation(kind, field.name)
        return found
    if shapes.is_model(kind) and hasattr(kind, "model_fields"):
        return {
            name: _of_annotation(kind, name)
            if field.is_required()
            else plain(field.get_default(call_default_factory=True))
            for name, field in kind.model_fields.items()
        }
    return {name: _of_annotation(kind, name) for name in kind.__annotations__}


def _of_annotation(kind: Any, name: str) -> Any:
    """What stands for a field without a default: the defaults of its own class, or that it is still to be given."""
    import typing

    try:
        annotation = typing.get_type_hints(kind).get(name)
    except (NameError, TypeError, AttributeError):
        return scalars.MISSING
    return _of_class(annotation) if isinstance(annotation, type) and shapes.has_fields(annotation) else scalars.MISSING


def plain(value: Any) -> Any:
    """A value as a file would have it: paths and members of enumerations by their text, NumPy's numbers as Python's."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if shapes.has_fields(type(value)):
        return _of_fields(value)
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    return value


# --- local variables --------------------------------------------------------------------------------------------------


def _of_function(function: Callable[..., Any]) -> Said:
    """What a function says: what it returns or, where it returns nothing, its local variables."""
    name = f"{getattr(function, '__name__', 'defaults')}()"
    body, code = _body(function)
    if code is None:
        return fielded.replace(read(function(), Path(), name), name=name)

    def derive(fixed: Mapping[str, Any]) -> dict[str, Any]:
        local = _Local(_arguments(function), fixed)
        try:
            exec(code, _globals(function), local)
        except errors.TaneError:
            raise
        except Exception as error:
            what = f"{name} failed: {type(error).__name__}: {error}"
            raise errors.ConfigError(what, where=name, hint="mend the function that gives the defaults") from error
        return {key: plain(value) for key, value in local.items() if _is_value(key, value)}

    return Said(name, values=derive({}), derive=derive if body else None)


def _body(function: Any) -> tuple[list[ast.stmt], Any]:
    """The statements of a function and their code; none for one that returns something."""
    import inspect
    import textwrap

    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return [], None
    made = tree.body[0]
    if not isinstance(made, ast.FunctionDef) or any(_returns(part) for part in made.body):
        return [], None
    ast.increment_lineno(made, first - 1)
    module = ast.Module(body=made.body, type_ignores=[])
    return made.body, compile(module, inspect.getsourcefile(function) or "<defaults>", "exec", dont_inherit=True)


def _returns(part: ast.AST) -> bool:
    """Whether there is a `return value` in a statement, but within functions of its own."""
    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        return False
    if isinstance(part, ast.Return):
        return part.value is not None
    return any(_returns(child) for child in ast.iter_child_nodes(part))


def _globals(function: Any) -> dict[str, Any]:
    """What the function's names mean; what it takes from a function around it comes first."""
    held = function.__closure__ or ()
    names: Sequence[str] = function.__code__.co_freevars
    around = {name: cell.cell_contents for name, cell in zip(names, held, strict=True)}
    return {**function.__globals__, **around} if around else function.__globals__


def _arguments(function: Any) -> dict[str, Any]:
    import inspect

    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is inspect.Parameter.empty:
            raise errors.UsageError(
                f"{function.__name__}() gives defaults, and takes {name!r}",
                hint=f"give it a default, as in {name}=1",
            )
        found[name] = parameter.default
    return found


def _is_value(name: str, value: Any) -> bool:
    return not name.startswith("_") and not isinstance(value, ModuleType | type) and not callable(value)


class _Local(dict[str, Any]):
    """Local variables of which some are fixed: whatever the function says, they keep their values."""

    def __init__(self, values: Mapping[str, Any], fixed: Mapping[str, Any]) -> None:
        super().__init__({**values, **fixed})
        self._fixed = fixed

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._fixed:
            super().__setitem__(name, value)
