from __future__ import annotations

import pytest

from tane import errors


def told(config, *args, **options) -> str:
    with pytest.raises(errors.ConfigError) as raised:
        config(*args, **options)
    return str(raised.value)


def test_all_broken_files_are_told_at_once(write, config):
    write(
        {
            "base/parameters.yml": "a: [1\n",
            "base/catalog.yml": "b: {x: 1, x: 2}\n",
            "local/run.yml": "c: @\n",
        }
    )
    message = told(config, "=1", env=["nowhere"])
    for place in ("base/parameters.yml:2", "base/catalog.yml:1", "local/run.yml:1", "'nowhere'", "=1"):
        assert place in message


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("catlog.yml", "did you mean 'catalog.yml'?"),
        ("paramters_train.yml", "did you mean 'parameters_train.yml'?"),
        ("gate.yaml", "did you mean 'gates.yaml'?"),
        ("run_fast.yml", "put it into run.yml"),
        ("zebra.yml", "files here are parameters.yml"),
    ],
)
def test_a_file_that_is_no_section_is_told(write, config, file, hint):
    write({f"base/{file}": "a: 1"})
    message = told(config)
    assert f"conf/base/{file}: '{file}' is no file that configuration is read from" in message
    assert hint in message


def test_a_section_in_another_format_is_told(write, config):
    write({"base/parameters.json": "{}"})
    assert "write it as parameters.yml" in told(config)


def test_other_files_and_hidden_ones_are_left_alone(write, config):
    write({"base/README.md": "a", "base/.gitkeep": "", "base/.#parameters.yml": "x: [", "base/x.csv": "1"})
    assert config().parameters == {}


def test_two_files_of_one_layer_must_not_say_two_things(write, config):
    write(
        {
            "base/parameters_a.yml": "model:\n  lr: 1\n  depth: 2\n",
            "base/parameters_b.yml": "model:\n  lr: 3\n  width: 4\n",
        }
    )
    message = told(config)
    assert (
        "conf/base/parameters_b.yml:2: parameters: 'model.lr' is defined here "
        "and in conf/base/parameters_a.yml:2" in message
    )
    assert "model.width" not in message


def test_a_dataset_must_not_be_spread_over_two_files(write, config):
    write({"base/catalog_a.yml": "cars: {type: csv}", "base/catalog_b.yml": "cars: {filepath: x}"})
    assert "'cars' is defined here and in conf/base/catalog_a.yml:1" in told(config)


def test_holders_of_anchors_may_repeat(write, config):
    write(
        {
            "base/catalog_a.yml": "_csv: &x {type: csv}\na: *x",
            "base/catalog_b.yml": "_csv: &x {type: json}\nb: *x",
        }
    )
    assert config().catalog == {"a": {"type": "csv"}, "b": {"type": "json"}}


def test_names_of_datasets_are_text(write, config):
    write({"base/catalog.yml": "2024: {type: csv}"})
    assert "2024 is a whole number, not a name" in told(config)


def test_a_file_that_is_not_utf8_is_told(write, config, tmp_path):
    write({"base/parameters.yml": ""})
    (tmp_path / "conf/base/parameters.yml").write_bytes(b"a: 1\nname: caf\xe9\n")
    assert "conf/base/parameters.yml:2: the file is not UTF-8" in told(config)


def test_a_byte_order_mark_is_no_part_of_the_first_key(write, config, tmp_path):
    write({"base/parameters.yml": ""})
    (tmp_path / "conf/base/parameters.yml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert config().parameters == {"a": 1}


def test_a_link_that_leads_nowhere_is_told(write, config, tmp_path):
    write({"base/run.yml": ""})
    (tmp_path / "conf/base/parameters.yml").symlink_to("missing.yml")
    assert "conf/base/parameters.yml: cannot read the file" in told(config)


def test_conf_must_be_a_folder(config, tmp_path):
    (tmp_path / "conf").write_text("")
    assert "conf: this is no folder" in told(config)


def test_a_broken_credentials_file_keeps_its_secrets(write, config):
    write({"local/credentials.yml": "db: hunter2: x\n"})
    message = told(config)
    assert "conf/local/credentials.yml:1" in message
    assert "hunter2" not in message
