"""Names of modules and files: how they are shown, and what import statements mean by them."""

from __future__ import annotations

import ast
import importlib
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tane.plan import parts, sources


def short(file: str, module: str) -> str:
    """A file as people call it: by its path inside of its package, "notebook" for cells."""
    if file.startswith("<") or "ipykernel" in file:
        return "notebook"
    path = Path(file)
    depth = module.count(".") + (1 if path.name == "__init__.py" and module != "__init__" else 0)
    return "/".join(path.parts[-max(depth, 1) :])


def package_of(namespace: Mapping[str, Any], level: int) -> str:
    """The package that `level` dots mean inside of a module."""
    name = str(namespace.get("__name__", ""))
    package = namespace.get("__package__")
    if package is None:
        package = name if "__path__" in namespace else name.rpartition(".")[0]
    parts = str(package).split(".")
    return ".".join(parts[: len(parts) - level + 1])


def imported_module(module: str | None, level: int, namespace: Mapping[str, Any]) -> str:
    """The absolute name of the module that `from {dots}{module}` means."""
    if not level:
        return module or ""
    package = package_of(namespace, level)
    return f"{package}.{module}" if module else package


def import_targets(statement: ast.stmt, name: str, namespace: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The (module, attribute) that a statement may bind `name` to, if it is a `from` import."""
    if not isinstance(statement, ast.ImportFrom):
        return []
    module = imported_module(statement.module, statement.level, namespace)
    wanted = [alias.name for alias in statement.names if name in (alias.asname or alias.name, "*")]
    return [(module, attribute) for attribute in wanted if attribute != "*"] + [
        (module, name) for alias in statement.names if alias.name == "*"
    ]


def attribute(module: types.ModuleType, name: str) -> Any:
    """What `from module import name` gives: a member, or a submodule. Raises what the statement raises."""
    if name in vars(module):
        return vars(module)[name]
    if "__getattr__" in vars(module):
        raise ImportError(f"{module.__name__} makes {name!r} only when asked")
    return importlib.import_module(f"{module.__name__}.{name}")


def imported_modules(statement: ast.Import | ast.ImportFrom, namespace: Mapping[str, Any]) -> Iterator[str]:
    """The names of all modules that an import statement may run, packages around them included."""
    if isinstance(statement, ast.Import):
        named = [alias.name for alias in statement.names]
    else:
        module = imported_module(statement.module, statement.level, namespace)
        named = [module, *(f"{module}.{alias.name}" for alias in statement.names)]
    for name in named:
        yield from with_packages(name)


def modules_in(namespace: Mapping[str, Any]) -> Iterator[str]:
    """The names of the modules that the values of a namespace are or come from."""
    for value in list(namespace.values()):
        if isinstance(value, types.ModuleType):
            yield from with_packages(value.__name__)
        elif isinstance(value, (type, types.FunctionType)):
            yield from with_packages(str(value.__module__))


def with_packages(name: str) -> list[str]:
    """A module's name and those of the packages around it."""
    steps = name.split(".")
    return [".".join(steps[:end]) for end in range(1, len(steps) + 1)]


def acts_outside(value: Any) -> bool:
    """Whether calling or changing `value` at the top of a module may act on more than the module."""
    if isinstance(value, types.ModuleType):
        return value.__name__ != "logging"
    return isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType))


def is_ours(value: Any) -> bool:
    """Whether `value` is Tane itself or made of its classes."""
    name: Any = type(value).__module__
    if isinstance(value, types.ModuleType):
        name = value.__name__
    elif isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        name = value.__module__
    return "tane" in (str(name).partition(".")[0], type(value).__module__.partition(".")[0])


def file_of(module: str) -> str | None:
    """The file of a loaded module."""
    return sources.file_of(sys.modules.get(module))


def holder(value: Any, label: str) -> parts.At:
    """Where a callable was bound: in the module it names, or else in whichever project module holds it."""
    module = getattr(value, "__module__", None) or ""
    name = getattr(value, "__name__", None)
    if module in sys.modules and sources.is_project_name(module):
        namespace = vars(sys.modules[module])
        return parts.At(label, namespace, name if name and namespace.get(name) is value else "")
    for one in list(sys.modules.values()):
        if isinstance(one, types.ModuleType) and sources.is_project_module(one):
            for bound, held in list(vars(one).items()):
                if held is value:
                    return parts.At(label, vars(one), bound)
    return parts.At(label, {})
