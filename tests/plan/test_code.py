from __future__ import annotations

import functools
import gc
import linecache
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_code_edits import forget, load, write

from tane.plan import code, sources


@pytest.fixture(autouse=True)
def _clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sources, "_STARTED", float("inf"))
    path = list(sys.path)
    yield
    sys.path[:] = path
    forget()


def digest(text: str, tmp_path: Path, name: str = "fit", folder: str = "edits") -> code.CodeDigest:
    write(text, tmp_path / folder)
    return code.of(load(f"pkg.nodes:{name}", tmp_path / folder), cache=code.Cache(tmp_path / folder))


HELPED = """
# file: pkg/nodes.py
from pkg.tools.features import scale
from pkg.tools.rates import RATE as rate
class Model:
    k = 1
def fit(x):
    return Model(), scale(x) * rate
# file: pkg/tools/__init__.py
# file: pkg/tools/features.py
def scale(x):
    return x + 1
# file: pkg/tools/rates.py
RATE = 3
"""


def test_parts_are_called_as_people_call_them(tmp_path: Path) -> None:
    assert set(digest(HELPED, tmp_path).parts) == {
        "function fit() in nodes.py",
        "class Model in nodes.py",
        "helper scale() in tools/features.py",
        "constant RATE in tools/rates.py",
    }


def test_the_difference_names_what_was_edited(tmp_path: Path) -> None:
    before = digest(HELPED, tmp_path)
    edited = HELPED.replace("x + 1", "x + 2").replace("RATE = 3", "RATE = 4").replace("Model(), scale", "scale")
    after = digest(edited, tmp_path, folder="edits_after")
    assert code.diff_parts(before.parts, after.parts) == [
        "function fit() in nodes.py",
        "class Model in nodes.py",
        "helper scale() in tools/features.py",
        "constant RATE in tools/rates.py",
    ]


def test_what_only_moved_is_no_difference() -> None:
    assert code.diff_parts({"helper a() in x.py": "1"}, {"helper a() in y.py": "1"}) == []


def test_a_decorated_function_is_called_by_its_own_name(tmp_path: Path) -> None:
    text = """
import functools
def timed(f):
    @functools.wraps(f)
    def inner(*a):
        return f(*a)
    return inner
@timed
def fit(x):
    return x
"""
    assert {"function fit() in nodes.py", "helper timed.inner() in nodes.py"} <= set(digest(text, tmp_path).parts)


def test_files_are_those_the_code_rests_on(tmp_path: Path) -> None:
    names = {path.name for path in digest(HELPED, tmp_path).files}
    assert names == {"nodes.py", "features.py"}


def test_imports_are_installed_packages_only(tmp_path: Path) -> None:
    text = """
import math
import numpy as np
from pandas import DataFrame as Frame
def fit(x):
    import yaml
    return np.mean(x), Frame, math.pi
"""
    assert digest(text, tmp_path).imports == {"numpy", "pandas", "yaml"}


def test_library_objects_behind_an_alias_count(tmp_path: Path) -> None:
    text = "from numpy import mean as middle\ndef fit(x): return middle(x)\n"
    other = text.replace("mean as", "median as")
    assert digest(text, tmp_path).digest != digest(other, tmp_path, folder="edits_after").digest


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("by_getattr", "helpers as a value in by_getattr() in nodes.py"),
        ("by_import", "importlib.import_module in by_import() in nodes.py"),
        ("by_eval", "eval() in by_eval() in nodes.py"),
        ("by_process", "subprocess.run in by_process() in nodes.py"),
        ("by_missing", "ModuleNotFoundError on import of pkg.absent in by_missing() in nodes.py"),
        ("by_import_alone", "import of pkg.helpers in by_import_alone() in nodes.py"),
        ("by_closure", "a generator in closure value stream of make.by_closure() in nodes.py"),
    ],
)
def test_taking_the_whole_package_says_why(name: str, reason: str, tmp_path: Path) -> None:
    text = """
# file: pkg/nodes.py
import importlib, subprocess
from pkg import helpers
def by_getattr(x): return getattr(helpers, x)
def by_import(x): return importlib.import_module(x)
def by_eval(x): return eval(x)
def by_process(x): return subprocess.run(["python", "-m", "pkg.helpers"])
def by_missing(x):
    from pkg.absent import y
    return y
def by_import_alone(x):
    import pkg.helpers
    return x
def make(stream):
    def by_closure(x): return next(stream)
    return by_closure
by_closure = make(iter_ for iter_ in "abc")
# file: pkg/helpers.py
"""
    assert digest(text, tmp_path, name).whole == reason


def test_followable_code_does_not_take_the_whole_package(tmp_path: Path) -> None:
    assert digest(HELPED, tmp_path).whole == ""


def test_a_lone_module_stands_for_the_files_beside_it(tmp_path: Path) -> None:
    def found(beside: str, folder: str) -> str:
        write(
            f"# file: flow_alone.py\ndef fit(x): return eval(x)\n# file: beside.py\nX = {beside}\n",
            tmp_path / folder,
        )
        return code.of(load("flow_alone:fit", tmp_path / folder), cache=code.Cache(tmp_path / folder)).digest

    first = found("1", "edits_a")
    sys.modules.pop("flow_alone")
    second = found("2", "edits_b")
    sys.modules.pop("flow_alone")
    assert first != second


def test_lambdas_inside_of_library_objects_are_followed(tmp_path: Path) -> None:
    text = """
# file: pkg/nodes.py
from collections import UserDict
from pkg import helpers
TABLE = UserDict(a=lambda x: helpers.scale(x))
def fit(x): return TABLE["a"](x)
# file: pkg/helpers.py
def scale(x): return x + 1
"""
    after = text.replace("x + 1", "x + 2")
    assert digest(text, tmp_path).digest != digest(after, tmp_path, folder="edits_after").digest


def test_the_class_of_a_stored_value_counts_by_its_code(tmp_path: Path) -> None:
    def found(text: str, folder: str) -> code.CodeDigest:
        write(text, tmp_path / folder)
        load("pkg.nodes:fit", tmp_path / folder)
        return code.of_class("pkg.nodes:Model", code.Cache(tmp_path / folder))

    before = found(HELPED, "edits_a")
    after = found(HELPED.replace("k = 1", "k = 2"), "edits_b")
    assert before.digest != after.digest
    assert list(before.parts) == ["class Model in nodes.py"]


def test_the_types_that_arguments_are_turned_into_count_by_their_code(tmp_path: Path) -> None:
    def found(text: str, folder: str) -> code.CodeDigest:
        write(text, tmp_path / folder)
        fit, model = load("pkg.nodes:fit", tmp_path / folder), load("pkg.nodes:Model", tmp_path / folder)
        return code.of_annotated(fit, {"k": model, "n": list[int]}, cache=code.Cache(tmp_path / folder))

    text = "class Model:\n    k = 1\ndef fit(k: Model, n: list[int]): return k.k\n"
    before, after = found(text, "edits_a"), found(text.replace("k = 1", "k = 2"), "edits_b")
    assert before.digest != after.digest
    assert code.diff_parts(before.parts, after.parts) == ["class Model in nodes.py"]
    assert {"function fit() in nodes.py", "annotation of k", "annotation of n"} <= set(before.parts)


def test_trees_that_were_forgotten_are_read_again(tmp_path: Path) -> None:
    write(HELPED, tmp_path / "edits")
    fit = load("pkg.nodes:fit", tmp_path / "edits")
    cache = code.Cache(tmp_path / "edits")
    with cache.reading():
        code.of(fit.__globals__["scale"], cache=cache)
    assert code.of(fit, cache=cache) == code.of(fit, cache=code.Cache(tmp_path / "edits"))


def test_collecting_garbage_goes_on_after_reading(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), code.Cache(tmp_path).reading():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()


def test_code_that_ran_often_is_still_what_its_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_STARTED", 0.0)
    write("def fit(x):\n    total = 0\n    for i in x: total += i\n    return total\n", tmp_path / "edits")
    fit = load("pkg.nodes:fit", tmp_path / "edits")
    before = code.of(fit, cache=code.Cache(tmp_path / "edits"))
    for _ in range(100):  # the interpreter specialises its instructions
        fit(range(100))
    assert code.of(fit, cache=code.Cache(tmp_path / "edits")) == before


def test_a_class_that_is_gone_has_a_digest_of_its_own(tmp_path: Path) -> None:
    write(HELPED, tmp_path / "edits")
    load("pkg.nodes:fit", tmp_path / "edits")
    cache = code.Cache(tmp_path)
    gone, here = code.of_class("pkg.nodes:Gone", cache), code.of_class("pkg.nodes:Model", cache)
    assert list(gone.parts) == ["Gone in pkg.nodes (not found)"]
    assert gone.digest != here.digest


def test_chains_of_thousands_of_calls_are_followed(tmp_path: Path) -> None:
    chain = "".join(f"def f{i}(x): return f{i + 1}(x)\n" for i in range(5000))
    text = f"{chain}def f5000(x): return 1\ndef fit(x): return f0(x)\n"
    before = digest(text, tmp_path)
    after = digest(text.replace("return 1\n", "return 2\n"), tmp_path, folder="edits_after")
    assert len(before.parts) == 5002
    assert before.digest != after.digest


def test_deeply_nested_expressions_are_read(tmp_path: Path) -> None:
    text = f"def fit(x): return {' + '.join(['x'] * 900)}\n"
    before = digest(text, tmp_path)
    after = digest(text.replace(": return x", ": return -x"), tmp_path, folder="edits_after")
    assert before.digest != after.digest


def cell(source: str, name: str, namespace: dict[str, object]) -> None:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)


def test_notebook_cells_are_read_as_source(tmp_path: Path) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    cell("def helper(x):\n    return x + 1\n", "<cell-1>", namespace)
    cell("def fit(x):\n    return helper(x)\n", "<cell-2>", namespace)
    before = code.of(namespace["fit"], cache=code.Cache(tmp_path))
    cell("def helper(x):\n    # said again\n    return x + 1\n", "<cell-3>", namespace)
    same = code.of(namespace["fit"], cache=code.Cache(tmp_path))
    cell("def helper(x):\n    return x + 2\n", "<cell-4>", namespace)
    other = code.of(namespace["fit"], cache=code.Cache(tmp_path))
    assert before.digest == same.digest != other.digest
    assert set(before.parts) == {"function fit() in notebook", "helper helper() in notebook"}


def test_classes_of_notebook_cells_count(tmp_path: Path) -> None:
    def found(body: str) -> str:
        namespace: dict[str, object] = {"__name__": "__main__"}
        cell(
            f"class Model:\n    rate: float = 1\n    def run(self): {body}\ndef fit(x): return Model()\n",
            "<cell>",
            namespace,
        )
        return code.of(namespace["fit"], cache=code.Cache(tmp_path)).digest

    assert found("return 1") == found("return 1") != found("return 2")


def test_code_without_source_counts_by_its_bytecode(tmp_path: Path) -> None:
    def found(body: str, helper: str = "return 1") -> str:
        namespace: dict[str, object] = {"__name__": "__main__"}
        exec(f"def helper(x): {helper}\ndef fit(x): {body}\n", namespace)
        return code.of(namespace["fit"], cache=code.Cache(tmp_path)).digest

    same, other = found("return helper(x)"), found("return -helper(x)")
    assert same == found("return helper(x)")
    assert len({same, other, found("return helper(x)", "return 2")}) == 3


def test_a_file_edited_after_loading_does_not_speak_for_the_loaded_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_STARTED", 0.0)
    folder = tmp_path / "edits"
    write("def fit(x): return 1\n", folder)
    old = load("pkg.nodes:fit", folder)
    (folder / "pkg/nodes.py").write_text("def fit(x): return 2\n")
    stale = code.of(old, cache=code.Cache(folder)).digest
    new = code.of(load("pkg.nodes:fit", folder), cache=code.Cache(folder)).digest
    assert stale != new


def test_a_second_look_up_gives_the_same_answer(tmp_path: Path) -> None:
    write(HELPED, tmp_path / "edits")
    fit, cache = load("pkg.nodes:fit", tmp_path / "edits"), code.Cache(tmp_path / "edits")
    assert code.of(fit, cache=cache) is code.of(fit, cache=cache)


def test_builtins_and_library_functions_have_digests(tmp_path: Path) -> None:
    cache = code.Cache(tmp_path)
    found = [code.of(f, cache=cache).digest for f in (len, sum, os.path.join, functools.partial(sum, start=1))]
    assert len(set(found)) == 4


def test_the_order_in_which_nodes_are_asked_for_does_not_matter(tmp_path: Path) -> None:
    write(HELPED, tmp_path / "edits")
    fit = load("pkg.nodes:fit", tmp_path / "edits")
    scale = fit.__globals__["scale"]
    one, two = code.Cache(tmp_path / "edits"), code.Cache(tmp_path / "edits")
    forwards = [code.of(fit, cache=one), code.of(scale, cache=one)]
    backwards = [code.of(scale, cache=two), code.of(fit, cache=two)]
    assert forwards == backwards[::-1]


def test_processes_agree_whatever_the_hash_seed(tmp_path: Path) -> None:
    text = HELPED.replace("k = 1", "k = {'a', 'b', 'c'}\n    names = frozenset({'x', 'y'})")
    write(text, tmp_path / "edits")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom tane.plan import code\nfrom pkg.nodes import fit\n"
        "print(code.of(fit, cache=code.Cache(Path(sys.argv[1]))).digest)\n"
    )
    paths = os.pathsep.join(sys.path)
    found = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "edits")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_paths_inside_the_project_do_not_tie_it_to_its_place(tmp_path: Path) -> None:
    text = """
from pathlib import Path
ROOT = Path(__file__).parent.parent
OUT = ROOT / "data" / "out.csv"
NAME = str(OUT)
def fit(x): return OUT, NAME
"""
    assert digest(text, tmp_path).digest == digest(text, tmp_path, folder="edits_elsewhere").digest


def test_an_extra_file_in_the_package_does_not_touch_followable_code(tmp_path: Path) -> None:
    more = HELPED + "# file: pkg/tools/more.py\nX = 1\n"
    assert digest(HELPED, tmp_path).digest == digest(more, tmp_path, folder="edits_more").digest


DATACLASS = """
from dataclasses import dataclass, make_dataclass
from collections import namedtuple
@dataclass(frozen=True, order=True)
class Model:
    k: int = 1
Made = make_dataclass("Made", [("k", int)])
Row = namedtuple("Row", "a b")
def fit(x): return Model(), Made, Row
"""


def test_generated_methods_are_called_by_their_class(tmp_path: Path) -> None:
    labels = set(digest(DATACLASS, tmp_path).parts)
    assert {label for label in labels if "helper" in label} == set()
    assert {"function fit() in nodes.py", "class Model in nodes.py"} <= labels


def test_generated_methods_of_classes_without_source_are_called_by_their_class(tmp_path: Path) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(f"{DATACLASS}\n", namespace)
    labels = set(code.of(namespace["fit"], cache=code.Cache(tmp_path)).parts)
    assert [label for label in labels if "__create_fn__" in label or "lambda" in label] == []


@pytest.mark.parametrize("package", ["", "__path__ = 5\n"])
def test_a_lone_module_that_answers_to_all_names_is_read(package: str, tmp_path: Path) -> None:
    text = f"# file: answers_all.py\n{package}def __getattr__(name): return 1\ndef fit(x): return eval(x)\n"
    write(text, tmp_path / "edits")
    try:
        found = code.of(load("answers_all:fit", tmp_path / "edits"), cache=code.Cache(tmp_path / "edits"))
    finally:
        sys.modules.pop("answers_all")
    assert found.whole == "eval() in fit() in answers_all.py"


def test_an_open_file_counts_by_its_name_and_mode(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()

    def found(name: str, mode: str) -> str:
        with (tmp_path / name).open(mode) as file:
            return code.of(functools.partial(print, file=file), cache=code.Cache(tmp_path)).digest

    first = found("a.txt", "r")
    assert first == found("a.txt", "r")
    assert len({first, found("a.txt", "a"), found("b.txt", "w")}) == 3
