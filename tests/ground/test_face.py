"""The public face: its names, and what importing it costs in modules."""

import json
import subprocess
import sys

import tane

HEAVY = {"click", "yaml", "rich", "fsspec", "pandas", "numpy", "polars", "pyarrow", "sqlite3", "asyncio"}


def modules_after(program, cwd=None):
    text = f"import sys\ntry:\n    {program}\nexcept SystemExit:\n    pass\n"
    text += "import json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, cwd=cwd)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_names_are_these():
    assert tane.__all__ == [
        "Flow",
        "LedgerStorage",
        "Node",
        "Parameter",
        "Pipeline",
        "Run",
        "StepResult",
        "TaneError",
        "__version__",
        "autolog",
        "command",
        "compose",
        "factory",
        "get_run",
        "inject",
        "instantiate",
        "load_artifact",
        "log_artifact",
        "log_dict",
        "log_figure",
        "log_image",
        "log_metric",
        "log_metrics",
        "log_model",
        "log_param",
        "log_params",
        "log_table",
        "log_text",
        "main",
        "node",
        "open_project",
        "report",
        "run",
        "search_runs",
        "set_note",
        "set_tag",
        "set_tags",
        "start_run",
        "step",
        "tune",
    ]


def test_every_name_is_there():
    for name in tane.__all__:
        assert getattr(tane, name) is not None
    assert set(tane.__all__) <= set(dir(tane))


def test_importing_tane_imports_nothing_else_of_it():
    loaded = modules_after("import tane")
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("tane.")} == set()


def test_nodes_and_pipelines_need_no_heavy_package():
    assert not modules_after("from tane import Pipeline, node; Pipeline([node(print, 'a', None)])") & HEAVY


def test_the_version_is_told_without_the_command_line_library():
    assert not modules_after("from tane.cli.main import main; main(['--version'])") & HEAVY


def test_a_run_with_nothing_to_do_imports_no_user_code_and_no_library(tmp_path):
    (tmp_path / "flow.py").write_text("from tane import Pipeline\ndef one(): return 1\npipeline = Pipeline([one])\n")
    command = [sys.executable, "-m", "tane", "run", "flow.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    again = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "nothing changed" in again.stdout
    loaded = modules_after("from tane.cli.main import main; main(['run', 'flow.py'])", cwd=tmp_path)
    assert not loaded & (HEAVY | {"flow", "blake3"})
