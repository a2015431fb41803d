"""A project: `kedro run` and `tane run` of the same code, catalog and parameters leave the same files."""

import contextlib
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys

import conftest
import pandas
import plain
import pytest
import yaml

FLIGHTS = conftest.HERE / "flights"
PYTHON = conftest.ENVIRONMENTS / "kedro/bin/python"
FLAGS = {
    "all of it": [],
    "one pipeline": ["--pipeline", "tables"],
    "up to a dataset": ["--to-outputs", "ratings@table"],
    "by tag": ["--tags", "tables,slow", "--to-outputs", "clean_shuttles"],
    "with other parameters": ["--from-nodes", "companies,shuttles", "--to-nodes", "cheap.judge"],
}
PARAMETERS = {"with other parameters": ["split.share=0.5", "cheap.features=[crew]"]}


def copied(folder, package):
    """The project, its pipelines made with `package`."""
    shutil.copytree(FLIGHTS, folder, ignore=shutil.ignore_patterns(".tane", "__pycache__"))
    registry = folder / "src/flights/pipeline_registry.py"
    registry.write_text(registry.read_text().replace("from tane import", f"from {package} import"))
    (folder / "conf/local").mkdir()
    database = folder / "data/prices.db"
    (folder / "conf/local/credentials.yml").write_text(f"database: {{con: 'sqlite:///{database}'}}\n")
    return folder


def run(python, folder, *command):
    """Run `python -m COMMAND` there; it must succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TANE_", "PYTEST_"))}
    done = subprocess.run(
        [python, "-W", "ignore", "-m", *command],
        cwd=folder,
        env={**kept, "DO_NOT_TRACK": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def content(path):
    """What a file holds, in plain terms; texts as they are."""
    if path.suffix == ".parquet":
        return plain.told(pandas.read_parquet(path))
    if path.suffix == ".xlsx":
        return plain.told(pandas.read_excel(path, sheet_name=None))
    if path.suffix == ".pkl":
        return pickle.loads(path.read_bytes())
    if path.suffix == ".yml":
        return yaml.safe_load(path.read_text())
    if path.suffix == ".db":
        with contextlib.closing(sqlite3.connect(path)) as database:
            return database.execute("select * from prices").fetchall()
    return path.read_text()


def files(folder):
    """All that lies in the project's data."""
    found = sorted(path for path in (folder / "data").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): content(path) for path in found}


@pytest.mark.parametrize("case", FLAGS)
def test_a_run_leaves_the_files_that_kedro_leaves(case, tmp_path):
    with_kedro, with_tane = copied(tmp_path / "kedro", "kedro.pipeline"), copied(tmp_path / "tane", "tane")
    flags, params = FLAGS[case], PARAMETERS.get(case, [])
    run(PYTHON, with_kedro, "kedro", "run", *flags, *(["--params", ",".join(params)] if params else []))
    run(sys.executable, with_tane, "tane", "run", *flags, *params)
    assert files(with_tane) == files(with_kedro)
    assert len(files(with_tane)) > len(files(FLIGHTS))
