from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading

import pytest

from tane import errors
from tane.config import compose


def test_environments_lie_over_base_in_their_order_and_local_over_all(write, config):
    write(
        {
            "base/parameters.yml": "a: base\nb: base\nc: base\nd: base\n",
            "one/parameters.yml": "b: one\nc: one\nd: one\n",
            "two/parameters.yml": "c: two\nd: two\n",
            "local/parameters.yml": "d: local\n",
        }
    )
    assert config(env=["one", "two"]).parameters == {"a": "base", "b": "one", "c": "two", "d": "local"}
    assert config(env=["two", "one"]).parameters["c"] == "one"


def test_mappings_merge_and_other_values_replace(write, config):
    write(
        {
            "base/parameters.yml": "model: {lr: 0.1, layers: [32, 16], opt: {beta: 0.9}}\n",
            "prod/parameters.yml": "model: {layers: [8], opt: {eps: 1e-8}}\n",
        }
    )
    assert config(env=["prod"]).parameters == {"model": {"lr": 0.1, "layers": [8], "opt": {"beta": 0.9, "eps": 1e-8}}}


def test_a_section_may_be_spread_over_files_and_folders(write, config):
    write(
        {
            "base/parameters.yml": "a: 1",
            "base/parameters_train.yml": "b: 2",
            "base/parameters/deep/er.yaml": "c: 3",
            "base/catalog_raw.yml": "cars: {type: pandas.CSVDataset}",
            "base/model/lightgbm.yml": "not: read",
        }
    )
    composed = config()
    assert composed.parameters == {"a": 1, "b": 2, "c": 3}
    assert composed.catalog == {"cars": {"type": "pandas.CSVDataset"}}


def test_single_files_are_sections(write, config):
    write({"base/run.yml": "retries: 1", "prod/run.yml": "retries: 3"})
    assert config(env=["prod"]).section("run") == {"retries": 3}
    assert config().section("gates") == {}


def test_every_value_knows_its_file_and_line(write, config):
    write(
        {
            "base/parameters.yml": "seed: 1\nmodel:\n  lr: 0.1\n  layers:\n    - 32\n    - 16\n",
            "prod/parameters.yml": "\nmodel:\n  lr: 0.2\n",
        }
    )
    composed = config("seed=2", env=["prod"], environ={"TANE_PARAM__model__layers__1": "8"})
    assert str(composed.origin("parameters", "model", "lr")) == "conf/prod/parameters.yml:3"
    assert str(composed.origin("parameters", "model", "layers", 0)) == "conf/base/parameters.yml:5"
    assert str(composed.origin("parameters", "seed")) == "command line seed=2"
    changed = composed.origin("parameters", "model", "layers", "1")
    assert (changed.kind, changed.file) == ("environment variable", "TANE_PARAM__model__layers__1")


def test_the_origin_of_what_is_not_there_is_the_part_around_it(write, config):
    write({"base/catalog.yml": "\ncars:\n  type: csv\n"})
    composed = config()
    assert composed.origin("catalog", "cars", "filepath").line == 2
    assert composed.origin("gates", "auc").kind == "nowhere"


def test_origins_are_listed_by_dotted_name(write, config):
    write({"base/parameters.yml": "model:\n  lr: 0.1\n  layers: [1, 2]\nnone: {}\n"})
    assert config().origins() == {
        "model.lr": "conf/base/parameters.yml:2",
        "model.layers": "conf/base/parameters.yml:3",
        "none": "conf/base/parameters.yml:4",
    }


def test_a_project_without_conf_is_empty_and_takes_declared_parameters(config, tmp_path):
    assert config().parameters == {}
    assert config("lr=1", known={"lr": 0.05}).parameters == {"lr": 1}
    assert config().files == (tmp_path / "conf",)


def test_files_lists_all_that_was_looked_at(write, config, tmp_path):
    write({"base/parameters/a.yml": "a: 1", "local/credentials.yml": "db: x", "prod/run.yml": ""})
    conf = tmp_path / "conf"
    assert set(config().files) == {
        conf,
        conf / "base",
        conf / "base/parameters",
        conf / "base/parameters/a.yml",
        conf / "local",
        conf / "local/credentials.yml",
    }


def test_another_folder_may_be_conf(write, config, tmp_path):
    write({"base/parameters.yml": "a: 1"})
    (tmp_path / "conf").rename(tmp_path / "settings")
    composed = config(conf=tmp_path / "settings")
    assert str(composed.origin("parameters", "a")) == "settings/base/parameters.yml:1"


def test_an_unknown_environment_names_those_there_are(write, config):
    write({"base/parameters.yml": "", "prod/parameters.yml": "", "staging/parameters.yml": ""})
    with pytest.raises(errors.ConfigError) as raised:
        config(env=["prodd"])
    assert "there is no environment 'prodd'; there are: prod, staging" in str(raised.value)
    assert "did you mean 'prod'?" in str(raised.value)


def test_base_and_local_may_be_named_as_environments(write, config):
    write({"base/parameters.yml": "a: 1", "prod/parameters.yml": "a: 2"})
    assert config(env=["local", "prod", "base"]).parameters == {"a": 2}


def test_credentials_are_shown_to_nobody(write, config):
    write({"local/credentials.yml": "db:\n  user: ann\n  keys: [hunter2]\n"})
    composed = config()
    assert composed.credentials["db"]["user"].reveal() == "ann"
    assert "hunter2" not in repr(composed) + str(composed.credentials) + json.dumps(composed.plain())
    assert composed.plain()["credentials"] == {"db": {"user": "***", "keys": ["***"]}}
    with pytest.raises(TypeError):
        json.dumps(composed.credentials)


def test_credentials_written_in_the_catalog_are_masked_in_records(write, config):
    write({"base/catalog.yml": "t: {type: sql, credentials: {con: 'postgres://u:hunter2@h'}}"})
    assert "hunter2" not in json.dumps(config().plain())
    assert config().catalog["t"]["credentials"]["con"].endswith("hunter2@h")


def test_holders_of_anchors_leave_the_catalog(write, config):
    write({"base/catalog.yml": "_csv: &csv {type: csv}\ncars:\n  <<: *csv\n  filepath: cars.csv\n"})
    assert config().catalog == {"cars": {"type": "csv", "filepath": "cars.csv"}}


def test_a_config_crosses_processes(write, config):
    write({"base/parameters.yml": "a: 1", "local/credentials.yml": "db: x"})
    copy = pickle.loads(pickle.dumps(config()))
    assert copy.parameters == {"a": 1}
    assert copy.credentials["db"].reveal() == "x"
    assert copy.origin("parameters", "a").line == 1


def test_threads_compose_each_its_own(write, config):
    write({"base/parameters.yml": "model: {lr: 0.1}"})
    seen: dict[int, float] = {}

    def one(i: int) -> None:
        seen[i] = config(f"model.lr={i}.5").parameters["model"]["lr"]

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {i: i + 0.5 for i in range(8)}


def test_importing_compose_does_not_import_yaml():
    code = "import sys; from tane.config import compose; sys.exit('yaml' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-S", "-c", code], env=env, check=False).returncode == 0


def test_a_changed_copy_does_not_change_the_next_composition(write, config):
    write({"base/parameters.yml": "model: {layers: [1]}"})
    composed = config()
    composed.parameters["model"]["layers"].append(2)
    assert config().parameters == {"model": {"layers": [1]}}


def test_the_process_environment_is_looked_at_by_default(write, tmp_path, monkeypatch):
    write({"base/parameters.yml": "lr: 0.1"})
    monkeypatch.setenv("TANE_PARAM__lr", "0.3")
    assert compose.compose(tmp_path).parameters == {"lr": 0.3}
