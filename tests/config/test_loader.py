"""A project's own loader, here of TOML."""

from __future__ import annotations

import pytest

from tane import errors
from tane.config import layers, secret
from tane.project import projects

LOADER = """
import tomllib


class Toml:
    def load(self, conf, environment):
        folder = conf / environment
        if not folder.is_dir():
            return None
        return {file.stem: tomllib.loads(file.read_text()) for file in sorted(folder.glob("*.toml"))}


class Shared(Toml):
    files = ["shared.ini"]


def same(conf, environment):
    return {"parameters": {"rate": 0.5}} if environment == "base" else None
"""


@pytest.fixture
def opened(tmp_path, write):
    """Opens a project whose configuration is read by one of the loaders above."""

    def open_with(files, loader="Toml", **more):
        write(files)
        source = tmp_path / "src/toml_project"
        source.mkdir(parents=True, exist_ok=True)
        (source / "pipeline_registry.py").write_text("def register_pipelines():\n    return {}\n")
        (source / "__init__.py").write_text("")
        (source / "conf.py").write_text(LOADER)
        (tmp_path / "pyproject.toml").write_text(f'[tool.tane]\nconfig_loader = "toml_project.conf:{loader}"\n')
        return projects.open_project(tmp_path, environ={}, **more)

    return open_with


def test_layers_merge_as_those_of_yaml(opened):
    project = opened(
        {
            "base/parameters.toml": "[model]\nrate = 0.1\nkind = 'tree'",
            "test/parameters.toml": "[model]\nrate = 0.2",
            "local/credentials.toml": "[bucket]\nkey = 'secret'",
        },
        env="test",
        overrides=["model.kind=net"],
    )
    assert project.config.parameters == {"model": {"rate": 0.2, "kind": "net"}}
    assert project.config.credentials["bucket"]["key"] == secret.Secret("secret")


def test_origins_name_the_loader_and_the_environment(opened):
    project = opened({"base/parameters.toml": "rate = 0.1"})
    assert str(project.config.origin("parameters", "rate")) == "loader toml_project.conf:Toml (base)"


def test_run_options_are_read_by_it_too(opened):
    project = opened({"base/run.toml": "jobs = 3\nkeep = 'none'"})
    assert (project.options().jobs, project.keep) == (3, "none")


def test_a_function_is_a_loader(opened):
    assert opened({}, "same").config.parameters == {"rate": 0.5}


def test_its_files_are_among_those_looked_at(opened, tmp_path):
    files = opened({"base/parameters.toml": "rate = 0.1"}, "Shared").config.files
    assert {tmp_path / "conf/base/parameters.toml", tmp_path / "shared.ini", tmp_path / "conf"} <= set(files)


def test_an_environment_it_does_not_know_is_an_error(opened):
    with pytest.raises(errors.ConfigError, match="there is no environment 'prod'"):
        opened({"base/parameters.toml": "rate = 0.1"}, env="prod")


def test_what_it_raises_shows_its_own_frame(opened, tmp_path):
    with pytest.raises(errors.UserCodeError, match="failed on 'base': TOMLDecodeError") as caught:
        opened({"base/parameters.toml": "rate ="})
    assert caught.value.where.startswith(str(tmp_path / "src/toml_project/conf.py:"))


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ([1], "load() gave a list, not sections"),
        ({"paramters": {}}, "did you mean 'parameters'?"),
        ({"parameters": 3}, "load() gave a whole number as parameters"),
        ({"catalog": {1: {}}}, "catalog: 1 is a whole number, not a name"),
        ({"parameters": {"since": {"day": object()}}}, "parameters.since.day is a object"),
        ({"parameters": {("a", "b"): 1}}, "a key is a list"),
    ],
)
def test_what_is_no_configuration_is_refused(config, gives, said):
    loader = layers.Loader("x", lambda conf, environment: gives if environment == "base" else None, list)
    with pytest.raises(errors.ConfigError) as caught:
        config(loader=loader)
    assert said in str(caught.value)
    assert "loader x (base)" in str(caught.value)


def test_a_value_within_itself_is_refused(config):
    circle = {}
    circle["again"] = circle
    with pytest.raises(errors.ConfigError, match="nested too deeply"):
        config(loader=layers.Loader("x", lambda conf, environment: {"parameters": circle}, list))


def test_secrets_are_not_in_its_errors(config):
    loader = layers.Loader("x", lambda conf, environment: {"credentials": {"key": b"hush"}}, list)
    with pytest.raises(errors.ConfigError) as caught:
        config(loader=loader)
    assert "hush" not in str(caught.value)
