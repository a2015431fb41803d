from __future__ import annotations

import threading

import pytest

from tane import errors
from tane.config import compose

SURVEY = {
    "base/parameters.yml": "defaults:\n  - model: elastic_net\nseed: 3\n",
    "base/model/elastic_net.yml": "alpha: 0.0005\nl1_ratio: 0.9\nrandom_state: 3\n",
    "base/model/catboost.yml": "iterations: 1000\nrandom_state: 3\n",
}


def told(config, *args, **options) -> str:
    with pytest.raises(errors.ConfigError) as raised:
        config(*args, **options)
    return str(raised.value)


def test_the_defaults_list_chooses_and_the_command_line_chooses_anew(write, config):
    write(SURVEY)
    assert config().parameters == {"model": {"alpha": 0.0005, "l1_ratio": 0.9, "random_state": 3}, "seed": 3}
    assert config("model=catboost").parameters["model"] == {"iterations": 1000, "random_state": 3}
    assert config("model.l1_ratio=0.01").parameters["model"] == {"alpha": 0.0005, "l1_ratio": 0.01, "random_state": 3}


def test_choices_know_where_they_were_made(write, config):
    write(SURVEY)
    assert (config().choices, str(config().choice_origin("model"))) == (
        {"model": "elastic_net"},
        "conf/base/parameters.yml:2",
    )
    assert str(config().origin("parameters", "model", "alpha")) == "conf/base/model/elastic_net.yml:1"
    assert str(config("model=catboost").choice_origin("model")) == "command line model=catboost"


def test_a_variable_of_the_environment_chooses_too(write, config):
    write(SURVEY)
    composed = config(environ={"TANE_PARAM__model": "catboost"})
    assert composed.choices == {"model": "catboost"}


def test_a_folder_like_hydras_is_one_layer(tmp_path):
    for name, text in SURVEY.items():
        path = tmp_path / name.replace("base/", "").replace("parameters", "config")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    composed = compose.compose(tmp_path, conf=tmp_path, overrides=["model=catboost"], environ={})
    assert composed.parameters == {"model": {"iterations": 1000, "random_state": 3}, "seed": 3}
    with pytest.raises(errors.ConfigError, match="there is no environment 'prod'"):
        compose.compose(tmp_path, ["prod"], conf=tmp_path, environ={})


def test_options_of_all_layers_merge(write, config):
    write({**SURVEY, "prod/model/elastic_net.yml": "alpha: 0.1\n", "local/model/elastic_net.yml": "l1_ratio: 0.5\n"})
    assert config(env=["prod"]).parameters["model"] == {"alpha": 0.1, "l1_ratio": 0.5, "random_state": 3}


def test_the_highest_defaults_list_counts(write, config):
    write({**SURVEY, "prod/parameters.yml": "defaults: [{model: catboost}]\nseed: 4\n"})
    assert config(env=["prod"]).choices == {"model": "catboost"}
    assert config(env=["prod"]).parameters["seed"] == 4


def test_layers_above_the_list_come_over_what_it_takes_in(write, config):
    write(
        {
            **SURVEY,
            "base/parameters.yml": "defaults: [_self_, {model: elastic_net}]\nmodel: {alpha: 9}\n",
            "prod/parameters.yml": "model: {l1_ratio: 0.1}\n",
        }
    )
    assert config(env=["prod"]).parameters["model"] == {"alpha": 0.0005, "l1_ratio": 0.1, "random_state": 3}


def test_packages_headers_and_nested_groups(write, config):
    write(
        {
            "base/parameters.yml": "defaults: [{db: big}, {db/engine@spare: fast}]\n",
            "base/db/big.yml": "defaults: [{engine: safe}]\nsize: 9\n",
            "base/db/engine/safe.yml": "kind: safe\n",
            "base/db/engine/fast.yml": "kind: fast\n",
            "base/site/here.yml": "# @package _global_\ntown: Bonn\n",
        }
    )
    assert config("+site=here").parameters == {
        "db": {"engine": {"kind": "safe"}, "size": 9},
        "spare": {"kind": "fast"},
        "town": "Bonn",
    }
    assert config("db/engine=fast").parameters["db"]["engine"] == {"kind": "fast"}
    assert config("db.engine=fast").parameters["db"]["engine"] == {"kind": "fast"}
    assert config("db/engine@spare=safe").parameters["spare"] == {"kind": "safe"}


def test_override_optional_null_lists_and_interpolated_entries(write, config):
    write(
        {
            "base/parameters.yml": "defaults:\n- model: a\n- data: x\n- both: ${model}_${data}\n"
            "- optional site: nowhere\n- more: [one, two]\n- none: null\n- override data: y\n",
            "base/model/a.yml": "m: 1\n",
            "base/data/x.yml": "d: x\n",
            "base/data/y.yml": "d: y\n",
            "base/both/a_y.yml": "b: ay\n",
            "base/more/one.yml": "n: 1\nk: 1\n",
            "base/more/two.yml": "n: 2\n",
            "base/none/some.yml": "s: 1\n",
        }
    )
    whole = {"model": {"m": 1}, "data": {"d": "y"}, "both": {"b": "ay"}, "more": {"n": 2, "k": 1}}
    assert config().parameters == whole
    assert config("none=some").parameters["none"] == {"s": 1}
    assert "both" not in config("~both").parameters
    assert "model" not in config("model=null", "~both").parameters


def test_unknown_names_list_those_there_are_and_all_are_told_at_once(write, config):
    write({**SURVEY, "base/parameters.yml": "defaults: [{model: elastc}, {modle: a}, other]\n"})
    message = told(config)
    assert "conf/base/parameters.yml:1: the group 'model' has no option 'elastc'; there are: catboost" in message
    assert "did you mean 'elastic_net'?" in message
    assert "there is no group 'modle'" in message and "did you mean 'model'?" in message
    assert "there is no file conf/base/other.yml to take in" in message


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model=elastc", "the group 'model' has no option 'elastc'; there are: catboost, elastic_net"),
        ("++model=catboost", "model is a group"),
        ("~model=catboost", "model is elastic_net (conf/base/parameters.yml:2), not catboost"),
        ("+model=catboost", "write model=catboost to choose anew"),
        ("model@other=catboost", "no defaults list takes in the group 'model@other'"),
        ("db/engine=x", "there is no group 'db/engine'"),
        ("spare=one", "use +spare=one to add it"),
        ("deep=one", "there is no group 'deep'"),
        ("model=wholly_new", "or add conf/base/model/wholly_new.yml"),
        ("model={alpha: 1, alhpa: 2}", "did you mean 'model.alpha'?"),
    ],
)
def test_overrides_of_groups_that_do_not_fit(write, config, override, message):
    write({**SURVEY, "base/spare/one.yml": "a: 1\n", "base/deep/er/one.yml": "a: 1\n"})
    assert message in told(config, override)


@pytest.mark.parametrize(
    ("first", "override", "message"),
    [
        ("model", "/db", "the override of db comes too late: conf/base/parameters.yml:1 stands after"),
        ("db", "/db", "did you mean `override /db@_global_.db`?"),
    ],
)
def test_an_override_that_finds_no_entry_is_told_where_it_would(write, config, first, override, message):
    lands = "@_global_.db" if first == "model" else ""
    second = "db" if first == "model" else "model"
    write(
        {
            "base/parameters.yml": f"defaults: [{{{first}: one}}, {{{second}: one}}]\n",
            "base/db/one.yml": "a: 1\n",
            "base/db/two.yml": "a: 2\n",
            "base/model/one.yml": f"defaults: [{{override {override}{lands}: two}}]\n",
        }
    )
    assert message in told(config)


def test_a_group_that_is_seen_from_the_top_is_told_so(write, config):
    write(
        {
            "base/parameters.yml": "defaults: [{model: one}]\n",
            "base/db/one.yml": "a: 1\n",
            "base/model/one.yml": "defaults: [{db: one}]\n",
        }
    )
    assert "write /db: without the slash it is seen from 'model'" in told(config)


def test_circles_and_misplaced_entries_are_told(write, config):
    write(
        {
            "base/parameters.yml": "defaults: [{a: one}, {override a: one}, {b: x}, _self_, _self_, 7, {c: 1, d: 2}]\n",
            "base/a/one.yml": "defaults: [{/b: x}]\n",
            "base/b/x.yml": "defaults: [{/a@q: one}]\n",
        }
    )
    message = told(config)
    assert "defaults lists go in a circle: a/one -> b/x -> a/one" in message
    assert "put overrides at the end of the list" in message
    assert "_self_ stands twice" in message
    assert "7 is no entry of a defaults list" in message
    assert "names 2 groups" in message


def test_a_choice_that_must_be_made_lists_the_options(write, config):
    write({**SURVEY, "base/parameters.yml": "defaults:\n- model: ???\n"})
    assert "write model=OPTION; there are: catboost, elastic_net" in told(config)
    assert config("model=catboost").choices == {"model": "catboost"}


def test_a_parameter_named_as_a_group_that_nothing_takes_in_is_a_parameter(write, config):
    write({"base/parameters.yml": "model: linear\n", "base/model/linear.yml": "a: 1\n"})
    assert config("model=tree").parameters == {"model": "tree"}
    assert config("~model").parameters == {}


def test_a_file_given_by_its_path_is_an_option(write, config, tmp_path):
    write(SURVEY)
    elsewhere = tmp_path / "elsewhere.yml"
    elsewhere.write_text("defaults: [catboost]\ndepth: 4\n")
    composed = config("model=./elsewhere.yml")
    assert composed.parameters["model"] == {"iterations": 1000, "random_state": 3, "depth": 4}
    assert elsewhere in composed.files
    (source,) = composed.sources
    assert (source.place, source.content) == ("elsewhere.yml", elsewhere.read_bytes())
    assert not composed.remote
    assert config(f"model=file://{elsewhere}").parameters == composed.parameters


def test_a_mapping_is_not_replaced_by_a_value_still_to_be_given(write, config):
    write({"base/parameters.yml": "lr: 0.1\nmodel: {a: 1}\n", "prod/parameters.yml": "lr: ???\nmodel: ???\n"})
    assert config(env=["prod"]).parameters == {"lr": 0.1, "model": {"a": 1}}


def test_all_files_that_could_change_the_composition_are_known(write, config, tmp_path):
    write(SURVEY)
    conf = tmp_path / "conf"
    write({"prod/model/x.yml": ""})
    found = set(config(env=["prod"]).files)
    assert {conf / "base/model/elastic_net.yml", conf / "prod/model/elastic_net.yml", conf / "base"} <= found


def test_files_read_once_compose_many_times_from_many_threads(write, tmp_path):
    write(SURVEY)
    files = compose.read(tmp_path, (), {})
    seen: dict[int, object] = {}

    def one(i: int) -> None:
        option = ("elastic_net", "catboost")[i % 2]
        seen[i] = files.compose([f"model={option}", f"seed={i}"]).parameters

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(seen[i]["seed"] == i and ("alpha" in seen[i]["model"]) is (i % 2 == 0) for i in range(8))
    assert files.options("model") == ["catboost", "elastic_net"]


def test_a_mistake_in_an_option_is_told_whenever_it_is_chosen(write, tmp_path):
    write({**SURVEY, "base/model/bad.yml": "a: [1\n"})
    files = compose.read(tmp_path, (), {})
    for _ in range(2):
        with pytest.raises(errors.ConfigError, match=r"conf/base/model/bad.yml"):
            files.compose(["model=bad"])
    assert files.compose().choices == {"model": "elastic_net"}


def test_a_file_of_parameters_stands_in_for_all_others(write, config, tmp_path):
    write({**SURVEY, "prod/parameters.yml": "seed: 9\n", "base/catalog.yml": "cars: {type: text.TextDataset}\n"})
    other = tmp_path / "other.yml"
    other.write_text("defaults: [{model: catboost}]\nshare: 0.5\n")
    composed = config("share=0.25", env=["prod"], params=str(other))
    assert composed.parameters == {"model": {"iterations": 1000, "random_state": 3}, "share": 0.25}
    assert "cars" in composed.catalog
    assert other in composed.files
    assert composed.composed_from()["sources"][0]["content"] == other.read_text()
    assert "did you mean 'other.yml'?" in told(config, params=str(tmp_path / "othr.yml"))
