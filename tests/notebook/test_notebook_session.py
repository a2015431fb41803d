"""`%load_ext tane` in real kernels, on the iris project."""

from __future__ import annotations

import base64

from kernels import execute, notebook

import tane


def test_the_project_around_the_notebook_is_at_hand_and_what_it_gives_is_shown(iris):
    made = notebook(
        "%load_ext tane",
        "params['test_data_ratio'], sorted(pipelines), len(catalog.load('flowers')), 'flowers' in catalog",
        "catalog",
        "done = run(); done",
        "catalog.load('test_flowers').shape[0]",
        "%tane runs",
        "project.plan()",
        "pipelines['ds']",
        "project",
        "done.step('train')",
        ("catalog.load('flower')", "raises-exception"),
    )
    ran = execute(made, iris / "notebooks")
    assert "iris: project, catalog, params, pipelines, run" in ran.printed(0)
    assert ran.text(1) == "(0.2, ['__default__', 'de', 'ds'], 150, True)"
    assert "<b>flowers</b></td>" in ran.html(2) and "data/01_raw/iris.csv" in ran.html(2)
    assert "<b>draw_confusion_matrix</b>" in ran.html(3) and "accuracy" in ran.html(3)
    picture = ran.html(3).split('src="data:image/png;base64,')[1].split('"')[0]
    assert base64.b64decode(picture).startswith(b"\x89PNG") and "confusion_matrix.png" in ran.html(3)
    assert int(ran.text(4)) == 23
    assert "succeeded" in ran.printed(5)
    assert "reused" in ran.html(6)
    assert "data:image/svg+xml;base64," in ran.html(7)
    assert "draw_confusion_matrix" in ran.html(8)
    assert "<b>train</b>" in ran.html(9)
    told = "\n".join(made.cells[10].outputs[-1].traceback)
    assert "did you mean 'flowers'?" in told and "/tane/" not in told


def test_a_node_comes_with_its_inputs_and_runs_by_itself(iris):
    first = execute(
        notebook(
            "%load_ext tane",
            "first = run()",
            "%node predict",
            "test_flowers.shape[0]",
            "second = run('de', overrides=['test_data_ratio=0.4'])",
            "%node predict {first.id}",
            "len(test_flowers), len(second['test_flowers'])",
        ),
        iris / "notebooks",
    )
    assert first.text(3) == "23"
    assert first.text(6) == "(23, 46)"
    assert "project.replay(" in first.next_input(5)
    cell = first.next_input(2)
    assert "def predict(" in cell and 'catalog.load("classifier")' in cell
    again = execute(notebook("%load_ext tane", "%run_pipeline", cell, "len(_), list(_.columns)"), iris / "notebooks")
    assert again.text(3) == "(23, ['predicted', 'actual'])"


def test_reload_sees_new_code_and_configuration_and_keeps_overrides(iris):
    change = (
        "from pathlib import Path\n"
        "file = next(Path('../src').rglob('data_science/nodes.py'))\n"
        "file.write_text(file.read_text().replace('\"right\": right,', '\"right\": right * 1000,'))"
    )
    ran = execute(
        notebook(
            "%load_ext tane",
            "before = run(); before.metrics['right'].last",
            change,
            "run().metrics['right'].last == before.metrics['right'].last",
            "%reload",
            "after = run(); after.metrics['right'].last / before.metrics['right'].last",
            "after.step('evaluate').reasons, after.step('train').status.value",
            "%reload random_state=11",
            "%reload",
            "params['random_state']",
        ),
        iris / "notebooks",
    )
    assert ran.text(3) == "True"
    assert ran.text(5) == "1000.0"
    assert "code changed" in ran.text(6) and "reused" in ran.text(6)
    assert ran.text(9) == "11"


def test_without_a_project_it_says_so_and_reload_opens_one(iris, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    ran = execute(
        notebook("%load_ext tane", f"%reload {iris}", "sorted(pipelines)", "%unload_ext tane", "'run' in globals()"),
        tmp_path / "elsewhere",
    )
    assert "no project is open" in ran.printed(0) and "%reload PATH" in ran.printed(0)
    assert "ds" in ran.text(2)
    assert ran.text(4) == "False"


def test_a_run_in_memory_shows_its_figures_and_escapes_names():
    from matplotlib.figure import Figure

    def drawn():
        figure = Figure()
        figure.add_subplot().plot([1, 2])
        tane.log_figure("<b>line.png", figure)
        tane.log_text("no picture", "notes.txt")
        return 1

    html = tane.run([drawn])._repr_html_()
    assert "data:image/png;base64," in html and "notes.txt" not in html
    assert "&lt;b&gt;line.png" in html and "<b>line.png" not in html


def test_a_run_is_a_line_where_there_is_no_html():
    from IPython.lib.pretty import pretty

    run = tane.run([tane.node(lambda: 1, None, "one", name="make")])
    assert pretty(run) == f"<run {run.id} of {run.pipeline}: succeeded; 1 succeeded>"


def test_names_of_steps_and_errors_are_escaped_in_plans_and_runs(tmp_path):
    node = tane.node(lambda: 1, None, "<i>out<i>", name="<script>alert(1)</script>")
    html = tane.run([node])._repr_html_()
    assert "<script>" not in html and "<i>" not in html and "&lt;script&gt;" in html
