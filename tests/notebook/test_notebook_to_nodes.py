"""`tane notebook to-nodes`: tagged cells as functions and a pipeline that gives the same numbers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from kernels import execute, notebook

import tane
from tane.cli import group
from tane.notebook import converting, writing

IRIS = (
    "%load_ext tane\n%matplotlib inline",
    ("import pandas as pd\nfrom sklearn.linear_model import LogisticRegression", "imports"),
    "flowers = catalog.load('flowers')\nflowers.head()",
    "# md\n# Clean the flowers",
    (
        "# no gaps\nclean = flowers.dropna()\nclean['area'] = clean['sepal_length'] * clean['sepal_width']  # new",
        "node",
    ),
    "def halves(table, ratio):\n    cut = int(len(table) * ratio)\n    return table[:cut], table[cut:]",
    (
        "from sklearn.utils import shuffle\nmixed = shuffle(clean, random_state=params['random_state'])\n"
        "test, train = halves(mixed, params['test_data_ratio'])",
        "node:split",
    ),
    "train.describe()",
    (
        "X = train.drop(columns=['species'])\nmodel = LogisticRegression(max_iter=1000)\n"
        "%time model.fit(X, train['species'])",
        "node",
    ),
    (
        "# node: judge\npredicted = model.predict(test.drop(columns=['species']))\n"
        "accuracy = float((predicted == test['species']).mean())\n"
        "weight = float(model.coef_.sum())\nprint(f'accuracy {accuracy}', weight)\naccuracy",
        "node",
    ),
    "print('numbers', repr(accuracy), repr(weight))",
)


def write(folder, *cells):
    import nbformat

    file = folder / "explore.ipynb"
    nbformat.write(notebook(*cells), file)
    return file


def convert(tmp_path, *cells, **more):
    return converting.convert(write(tmp_path, *cells), **more)


def described(converted):
    """Name, inputs and outputs of each node."""
    return [
        (
            made.name,
            [held.dataset for _, held in made.takes],
            [name for version in made.makes for name in (version.saved or [version.dataset])],
        )
        for made in converted.nodes
    ]


def run(converted, **more):
    """Run the module that comes out, in memory."""
    module: dict = {"__name__": "made"}
    exec(compile(writing.flow(converted), "made.py", "exec"), module)
    return tane.run(module["pipeline"], **more)


def told(captured, *words):
    captured.readouterr()
    code = group.execute(words)
    said = captured.readouterr()
    return code, said.out, said.err


# --- real data ------------------------------------------------------------------------------------------------------


def test_a_notebook_becomes_a_file_that_gives_the_same_numbers(iris, capsys, monkeypatch):
    file = write(iris / "notebooks", *IRIS)
    before = file.read_bytes()
    numbers = execute(notebook(*IRIS), iris / "notebooks").printed(10).split()[1:]
    monkeypatch.chdir(iris)
    code, out, err = told(capsys, "notebook", "to-nodes", str(file), "-o", "explore.py")
    assert code == 0, err
    assert "4 nodes of explore.ipynb: clean_the_flowers, split, make_model, judge" in out
    assert file.read_bytes() == before
    done = subprocess.run(
        [sys.executable, "-m", "tane", "run", "explore.py", "--json"], capture_output=True, text=True, check=True
    )
    assert "accuracy" in done.stdout
    made = tane.open_project(iris / "explore.py")
    assert [repr(made.load("accuracy")), repr(made.load("weight"))] == numbers


def test_a_notebook_becomes_a_pipeline_of_the_project(iris, capsys, monkeypatch):
    file = write(
        iris / "notebooks",
        ("limit = 2.0", "parameters"),
        *IRIS[1:3],
        ("wide = flowers[flowers['sepal_width'] > limit]\ncount = len(wide)", "node"),
    )
    monkeypatch.chdir(iris)
    code, out, err = told(capsys, "notebook", "to-nodes", str(file), "--pipeline", "explore")
    assert code == 0, err
    registry = next(iris.rglob("pipeline_registry.py"))
    if "does not find it by itself" in out:
        text = registry.read_text()
        lines = [line.strip() for line in out.splitlines() if line.startswith("    ")]
        text = text.replace("from tane", f"{lines[0]}\nfrom tane", 1).replace("return {", f"return {{{lines[1]}, ", 1)
        registry.write_text(text)
    assert "explore" in registry.read_text() or "explore" in out
    done = subprocess.run(
        [sys.executable, "-m", "tane", "run", "explore", "explore.limit=3.9"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert tane.open_project(iris).load("count") == 4


# --- what is an input, what an output -----------------------------------------------------------------------------


def test_names_read_before_written_are_inputs_and_names_used_later_outputs(tmp_path):
    found = convert(
        tmp_path,
        ("a = catalog.load('numbers')\nb = [x + 1 for x in a]\nunused = 1", "node"),
        ("for x in b:\n    last = x\ntotal = sum(b) + last", "node"),
        "total",
    )
    assert described(found) == [("make_b", ["numbers"], ["b"]), ("make_total", ["b"], ["total"])]
    assert run(found, inputs={"numbers": [1, 2]})["total"] == 8


def test_a_value_that_is_changed_in_place_is_another_dataset(tmp_path):
    found = convert(
        tmp_path,
        ("words = ['a']", "node"),
        ("words.append('b')\nmore = {'n': 1}", "node"),
        ("more['m'] = len(words)", "node"),
        "more",
    )
    assert described(found) == [
        ("make_words", [], ["words_1"]),
        ("make_more_words", ["words_1"], ["more_1", "words"]),
        ("make_more", ["words", "more_1"], ["more"]),
    ]
    assert run(found)["more"] == {"n": 1, "m": 2}


def test_a_fitted_model_is_handed_on_fitted(tmp_path):
    found = convert(
        tmp_path,
        ("from sklearn.linear_model import LinearRegression", "imports"),
        ("model = LinearRegression()", "node"),
        ("model.fit([[0.0], [1.0]], [0.0, 2.0])", "node"),
        ("slope = round(float(model.coef_[0]), 6)", "node"),
    )
    assert run(found)["slope"] == 2.0


def test_a_helper_that_changes_its_argument_is_seen(tmp_path):
    found = convert(
        tmp_path,
        "def fill(table, value):\n    table['x'] = value",
        ("table = {}", "node"),
        ("fill(table, 3)", "node"),
        ("x = table['x']", "node"),
    )
    assert run(found)["x"] == 3


def test_a_name_that_is_written_again_keeps_its_versions_apart(tmp_path):
    found = convert(
        tmp_path,
        "table = catalog.load('table')",
        ("table = [x for x in table if x]", "node"),
        ("table = sorted(table)", "node"),
        ("least = table[0]", "node"),
    )
    assert [outputs for _, _, outputs in described(found)] == [["table_1"], ["table_2"], ["least"]]
    assert run(found, inputs={"table": [3, 0, 2]})["least"] == 2


def test_what_is_saved_bears_the_name_of_the_dataset(tmp_path):
    found = convert(
        tmp_path,
        ("model = {'w': 1}\ncatalog.save('models', model)", "node"),
        "catalog.save('first', model)",
        ("catalog.save('score', model['w'] + 1)", "node"),
    )
    assert described(found) == [("make_model", [], ["models", "first"]), ("make_score", ["models"], ["score"])]
    assert run(found)["score"] == 2


def test_parameters_are_inputs_by_their_keys(tmp_path):
    found = convert(
        tmp_path,
        "rate = params['model']['rate']",
        ("a = rate * params.model.depth + project.parameters['seed']", "node"),
        ("b = sorted(params)", "node"),
        "a, b",
    )
    assert [inputs for _, inputs, _ in described(found)] == [
        ["params:model.depth", "params:seed", "params:model.rate"],
        ["parameters"],
    ]
    done = run(found, params={"model": {"rate": 2, "depth": 3}, "seed": 1})
    assert (done["a"], done["b"]) == (7, ["model", "seed"])


def test_a_cell_of_parameters_becomes_parameters(tmp_path):
    found = convert(tmp_path, ("ratio = 0.2", "parameters"), ("a = ratio * 2", "node"), prefix="explore")
    assert described(found)[0][1] == ["params:explore.ratio"]
    assert "explore:\n  ratio: 0.2\n" in writing.parameters(found, "explore")


def test_functions_in_a_tagged_cell_are_nodes_joined_as_they_are_called(tmp_path):
    found = convert(
        tmp_path,
        (
            "def double(numbers):\n    return [2 * n for n in numbers]\n"
            "def total(numbers, start):\n    return sum(numbers, start)",
            "node",
        ),
        "numbers = catalog.load('numbers')\ntwice = double(numbers)\nend = total(twice, 10)\nend",
    )
    assert [each[1:] for each in described(found)] == [(["numbers"], ["twice"]), (["twice"], ["end"])]
    assert run(found, inputs={"numbers": [1, 2]})["end"] == 16


def test_comments_strings_and_layout_stay(tmp_path):
    text = writing.flow(
        convert(
            tmp_path,
            ("# why\nquery = '''\n  select *\n'''\nrows = [\n    1,  # one\n]\nn = len(query) + len(rows)", "node"),
        )
    )
    assert "    # why\n    query = '''\n  select *\n'''\n    rows = [\n        1,  # one\n    ]\n" in text


def test_constants_helpers_and_imports_come_along_only_as_needed(tmp_path):
    text = writing.flow(
        convert(
            tmp_path,
            "import math, json\nFACTOR = 3\nOTHER = 4",
            "def area(r):\n    return FACTOR * math.floor(r)\ndef unused():\n    return OTHER",
            ("a = area(2.5)", "node"),
        )
    )
    assert "FACTOR = 3" in text and "OTHER" not in text and "unused" not in text
    assert "import math, json" in text


def test_magics_and_lines_that_show_are_left_out_with_a_notice(tmp_path):
    found = convert(
        tmp_path,
        ("%timeit 1\n!ls\nif True:\n    %time a = 1\ntext = '%d' % (\n  3\n)\na?\ntext.title\na", "node"),
    )
    assert len([notice for notice in found.notices if "left out" in notice]) == 5
    assert run(found)["a"] == 1


def test_what_is_drawn_is_kept(tmp_path):
    text = writing.flow(
        convert(
            tmp_path,
            ("from matplotlib.figure import Figure\nfig = Figure()\nax = fig.subplots()\nax.plot([1])\nfig", "node"),
        )
    )
    assert "ax.plot([1])\n    return fig" in text


def test_seeds_and_relative_files_are_pointed_out(tmp_path):
    found = convert(
        tmp_path,
        ("import numpy as np\nimport pandas as pd\nnp.random.seed(3)\ntable = pd.read_csv('../x.csv')", "node"),
    )
    assert any("np.random.seed() reaches this node only" in notice for notice in found.notices)
    assert any("name the file in the catalog" in notice for notice in found.notices)


def test_a_variable_of_the_notebooks_own_called_params_is_no_parameter(tmp_path):
    found = convert(tmp_path, ("params = {'a': 1}", "node"), ("b = params['a']", "node"))
    assert described(found)[1][1] == ["params"]
    assert run(found)["b"] == 1


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells, said",
    [
        (["x = 1"], "no cell is tagged 'node'"),
        (["x = f()", ("y = x", "node")], "cell 1 makes, and that has no tag"),
        ([("y = x", "node"), ("x = 1", "node")], "cell 2 does: move it up"),
        ([("flowers = 1", "node"), ("y = flower", "node")], "did you mean 'flowers'"),
        ([("%%bash\nls", "node")], "another language: %%bash"),
        ([("x = !ls", "node")], "needs IPython"),
        ([("x = (", "node")], "this is not Python"),
        ([("x = catalog.load(name)", "node")], "no input can stand for"),
        ([("a = 1", "node"), "def f():\n    return a", ("b = f()", "node")], "variable of the notebook"),
        (
            ["def f():\n    return 1", "def f():\n    return 2", ("b = f()", "node")],
            "defined in cell 1 and differently",
        ),
        ([("x = catalog.load('a')\ny = x + 1\ncatalog.save('a', y)", "node")], "loaded and saved"),
        ([("y = get_ipython()", "node")], "only a notebook has it"),
        ([("async def f():\n    return 1\nx = await f()", "node")], "only a notebook can"),
    ],
)
def test_what_cannot_be_converted_names_the_cell(tmp_path, cells, said):
    with pytest.raises(tane.TaneError, match=said.replace("(", r"\(")) as error:
        convert(tmp_path, *cells)
    assert "explore.ipynb" in str(error.value) or "cell" in str(error.value)


def test_mistakes_are_told_together(tmp_path):
    with pytest.raises(tane.TaneError) as error:
        convert(tmp_path, ("a = b", "node"), ("c = d", "node"))
    assert len(error.value.faults) == 2


def test_files_that_are_no_notebooks_are_told(tmp_path, capsys):
    for name, text in (("a.ipynb", "{"), ("b.ipynb", '{"worksheets": []}'), ("c.ipynb", None)):
        if text is not None:
            (tmp_path / name).write_text(text)
        code, _, err = told(capsys, "notebook", "to-nodes", str(tmp_path / name))
        assert code == 2 and "hint:" in err


def test_nothing_is_overwritten_unless_asked_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, ("a = 1", "node"))
    (tmp_path / "made.py").write_text("mine")
    code, _, err = told(capsys, "notebook", "to-nodes", "explore.ipynb", "-o", "made.py")
    assert code == 2 and "--force" in err and (tmp_path / "made.py").read_text() == "mine"
    assert told(capsys, "notebook", "to-nodes", "explore.ipynb", "-o", "made.py", "--force")[0] == 0
    code, out, _ = told(capsys, "notebook", "to-nodes", "explore.ipynb")
    assert code == 0 and out == (tmp_path / "made.py").read_text()
    shown = json.loads(told(capsys, "notebook", "to-nodes", "explore.ipynb", "--json")[1])
    assert shown["nodes"] == [{"name": "make_a", "cell": 1, "inputs": [], "outputs": ["a"]}]
