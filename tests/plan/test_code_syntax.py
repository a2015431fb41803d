from __future__ import annotations

import argparse
import ast
import collections
import dataclasses
import dis
import enum
import inspect
import json.decoder
import symtable
import tarfile
import textwrap
import types
import typing
from collections.abc import Iterator

import pytest

from tane.plan import sources, syntax

MODULES = [
    argparse,
    ast,
    collections,
    dataclasses,
    dis,
    enum,
    inspect,
    json.decoder,
    symtable,
    tarfile,
    textwrap,
    typing,
]


def text_of(module: types.ModuleType) -> str:
    return inspect.getsource(module)


def definitions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_printing_a_tree_anew_keeps_every_digest(module: types.ModuleType) -> None:
    tree = ast.parse(text_of(module))
    again = ast.parse(ast.unparse(tree))
    before = [syntax.read(node) for node in definitions(tree)]
    assert before == [syntax.read(node) for node in definitions(again)]


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes(const)


def globals_read(code: types.CodeType) -> set[str]:
    return {
        step.argval
        for inner in codes(code)
        for step in dis.get_instructions(inner)
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and not step.argval.startswith(("__", "."))
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_every_global_that_the_compiler_sees_is_listed(module: types.ModuleType) -> None:
    source = sources.Source(module.__file__ or "", vars(module))
    found = 0
    for code in codes(compile(text_of(module), module.__file__ or "", "exec", dont_inherit=True)):
        tree = source.function(code)
        if tree is not None and code.co_flags & inspect.CO_OPTIMIZED:
            found += 1
            listed = {name for name, _ in syntax.read(tree).uses}
            assert globals_read(code) - listed == set(), code.co_qualname
    assert found > 0


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_no_local_of_a_function_is_taken_for_a_global(module: types.ModuleType) -> None:
    source = sources.Source(module.__file__ or "", vars(module))
    for code in codes(compile(text_of(module), module.__file__ or "", "exec", dont_inherit=True)):
        tree = source.function(code)
        if tree is not None and code.co_flags & inspect.CO_OPTIMIZED and not inside_class_body(code):
            listed = {name for name, _ in syntax.read(tree).uses}
            outside = globals_read(code) | set(code.co_freevars) | decorated(tree)
            assert listed <= outside | {name for name in listed if name.startswith("__")}, code.co_qualname


def inside_class_body(code: types.CodeType) -> bool:
    return any("__qualname__" in inner.co_names for inner in codes(code))


def decorated(tree: ast.AST) -> set[str]:
    """Names used where the definition stands: by its decorators, defaults and kept annotations."""
    if isinstance(tree, ast.Lambda):
        outer: list[ast.AST] = [*tree.args.defaults, *(d for d in tree.args.kw_defaults if d)]
    else:
        assert isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef))
        outer = [*tree.decorator_list, tree.args, *([tree.returns] if tree.returns else [])]
    return {node.id for one in outer for node in ast.walk(one) if isinstance(node, ast.Name)}
