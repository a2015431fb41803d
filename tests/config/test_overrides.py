from __future__ import annotations

import pytest

from tane import errors

FILE = """\
seed: 42
name: base
debug: false
model:
  lr: 0.1
  depth: 5
  kind: mlp
  limit: null
  layers: [32, 16]
weights: {0: 1, 1: 25}
"""


@pytest.fixture
def after(write, config):
    """The parameters after overrides of FILE."""
    write({"base/parameters.yml": FILE})

    def apply(*overrides, environ=None, known=None):
        return config(*overrides, environ=environ, known=known or {}).parameters

    return apply


@pytest.fixture
def told(after):
    """What is said of overrides that do not fit."""

    def apply(*overrides, **options):
        with pytest.raises(errors.ConfigError) as raised:
            after(*overrides, **options)
        return str(raised.value)

    return apply


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("model.lr=0.2", "lr", 0.2),
        ("model.lr=1e-3", "lr", 0.001),
        ("model.lr=1", "lr", 1),
        ("model.lr=null", "lr", None),
        ("model.lr = 0.2", "lr", 0.2),
        ("model.kind=tree", "kind", "tree"),
        ("model.kind=", "kind", ""),
        ("model.kind='0.1'", "kind", "0.1"),
        ('model.kind="a, b"', "kind", "a, b"),
        ("model.kind=http://h:80/a?b=c#d", "kind", "http://h:80/a?b=c#d"),
        ("model.kind=data/*.csv", "kind", "data/*.csv"),
        ("model.kind=a: b", "kind", "a: b"),
        ("model.limit=3", "limit", 3),
        ("model.limit=[1]", "limit", [1]),
        ("model.layers=[8]", "layers", [8]),
        ("model.layers=[]", "layers", []),
        ("model.layers.1=8", "layers", [32, 8]),
        ("model.kind=str(0.1)", "kind", "0.1"),
        ("model.depth=int(5.9)", "depth", 5),
        ("model.layers=sort([3,1,2])", "layers", [1, 2, 3]),
        ("+model.m={a:1,b: x}", "m", {"a": 1, "b": "x"}),
        ("model.lr=???", "lr", "???"),
        ("++model.lr=fast", "lr", "fast"),
        ("+model.new=1", "new", 1),
        ("++model.new={a: [1, x]}", "new", {"a": [1, "x"]}),
        ("+model.deep.er=1", "deep", {"er": 1}),
        ("+model.limit.low=1", "limit", {"low": 1}),
    ],
)
def test_an_override_sets_its_value(after, override, key, value):
    found = after(override)["model"][key]
    assert (found, type(found)) == (value, type(value))


def test_an_override_leaves_the_rest(after):
    before = after()
    changed = after("model.lr=0.2")
    changed["model"]["lr"] = 0.1
    assert changed == before


def test_a_mapping_merges_into_a_mapping(after):
    model = after("model={lr: 0.5, layers: [1]}")["model"]
    assert (model["lr"], model["layers"], model["depth"]) == (0.5, [1], 5)


def test_keys_that_are_numbers_are_addressed_by_their_text(after):
    assert after("weights.1=30", "+weights.2=4")["weights"] == {0: 1, 1: 30, 2: 4}


def test_a_tilde_removes(after):
    assert "lr" not in after("~model.lr")["model"]
    assert "model" not in after("~model")
    assert "seed" not in after("~seed=42")


def test_overrides_apply_in_their_order(after):
    assert after("+new=1", "new=2", "~seed", "+seed=7")["new"] == 2


def test_the_environment_comes_before_the_command_line(after):
    environ = {"TANE_PARAM__model__lr": "0.3", "TANE_PARAM__name": "env", "OTHER": "x"}
    found = after("name=line", environ=environ)
    assert (found["model"]["lr"], found["name"]) == (0.3, "line")


def test_an_unknown_key_offers_the_nearest_and_how_to_add_it(told):
    message = told("model.lrr=1")
    assert "command line model.lrr=1: there is no parameter 'model.lrr'" in message
    assert "did you mean 'model.lr'? or use +model.lrr=... to add it" in message


def test_an_unknown_key_of_a_mapping_that_is_there_lists_its_keys(told):
    message = told("model.zzzzzzzz=1")
    assert "model has lr, depth" in message and "; or use +model.zzzzzzzz=... to add it" in message
    assert "did you mean 'model'" not in message


def test_a_key_given_without_its_parents_is_found(told):
    assert "did you mean 'model.depth'?" in told("depth=3")


def test_an_unknown_key_within_a_mapping_is_found(told):
    assert "there is no parameter 'model.lrr'" in told("model={lrr: 1}")


def test_an_unknown_variable_is_named(told):
    message = told(environ={"TANE_PARAM__MODEL__LR": "1"})
    assert "environment variable TANE_PARAM__MODEL__LR: there is no parameter 'MODEL.LR'" in message
    assert "did you mean 'model.lr'?" in message


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.lr=fast", "model.lr is a number (conf/base/parameters.yml:5), 'fast' is text"),
        (
            "model.depth=true",
            "model.depth is a whole number (conf/base/parameters.yml:6), true is true or false",
        ),
        ("debug=1", "debug is true or false (conf/base/parameters.yml:3), 1 is a whole number"),
        ("name=5", "name is text (conf/base/parameters.yml:2), 5 is a whole number"),
        ("model.layers=3", "model.layers is a list (conf/base/parameters.yml:9), 3 is a whole number"),
        ("seed=[1]", "seed is a whole number (conf/base/parameters.yml:1), [1] is a list"),
        ("model=big", "model is a mapping (conf/base/parameters.yml:4), 'big' is text"),
        ("model={lr: {a: 1}}", "model.lr is a number (conf/base/parameters.yml:5), {'a': 1} is a mapping"),
        ("seed.x=1", "seed is a whole number (conf/base/parameters.yml:1), so there is no seed.x"),
        ("+seed.x=1", "seed is a whole number (conf/base/parameters.yml:1), so there is no seed.x"),
        ("model.layers.2=1", "model.layers is a list of 2 (conf/base/parameters.yml:9), it has no item '2'"),
        ("+model.lr=1", "model.lr is there already (conf/base/parameters.yml:5)"),
        ("~model.lrr", "there is no parameter 'model.lrr'"),
        ("~seed=41", "seed is 42 (conf/base/parameters.yml:1), not 41"),
        ("~model.layers.0", "model.layers.0 is an item of a list"),
        ("model.lr", "there is no value"),
        ("=1", "'' names no parameter"),
        ("model..lr=1", "'model..lr' names no parameter"),
        ("name=a,b", "'a,b' is several values"),
        ("name=choice(a,b)", "'choice(a,b)' is several values"),
        ("name=interval(0,1)", "'interval(0,1)' is several values"),
        ("model.layers=[1", "'[' is not closed, at column 14"),
        ("name='a' b", "goes on after its end, not 'b', at column 10"),
        ("name='a': b", "goes on after its end, not ':', at column 9"),
        (f"seed={'9' * 5000}", "the number is too long to hold"),
    ],
)
def test_what_does_not_fit_is_told(told, override, message):
    assert message in told(override)


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("model.lr=fast", "write ++model.lr=... if its type is to change"),
        ("name=5", "quote it to make it text"),
        ("model=big", "name a key within it, as in model.lr=..."),
        ("+model.lr=1", "write model.lr=... to change it"),
        ("name=a,b", "use -m to sweep over them, or write [a,b] for a list, \"'a,b'\" for text"),
        ("name=range(3)", "use -m to sweep over them"),
        ("name=interval(0,1)", "`tane tune` draws from an interval"),
    ],
)
def test_what_does_not_fit_comes_with_the_next_step(told, override, hint):
    assert f"hint: {hint}" in told(override)


def test_all_that_does_not_fit_is_told_at_once(told):
    message = told("model.lr=x", "nothing=1", environ={"TANE_PARAM__seed": "x"})
    assert ["model.lr" in message, "'nothing'" in message, "TANE_PARAM__seed" in message] == [True] * 3


def test_a_variable_without_a_name_is_told(told):
    assert "environment variable TANE_PARAM__a____b: the variable names no parameter" in told(
        environ={"TANE_PARAM__a____b": "1"}
    )


def test_a_declared_parameter_may_be_set_and_says_its_type(after, told):
    known = {"rate": 0.05, "fit.opts": {"tol": 1e-3, "steps": (1, 2)}, "how": None}
    assert after("rate=1", known=known)["rate"] == 1
    assert after("fit.opts.tol=0.5", known=known)["fit"] == {"opts": {"tol": 0.5, "steps": [1, 2]}}
    assert after("how=[1]", known=known)["how"] == [1]
    assert "rate is a number (function default), 'x' is text" in told("rate=x", known=known)
    assert "did you mean 'rate'?" in told("rat=1", known=known)


def test_a_declared_parameter_that_is_not_set_stays_out(after):
    assert after(known={"rate": 0.05}) == after()


def test_a_file_counts_before_what_is_declared(after, told):
    assert "seed is a whole number (conf/base/parameters.yml:1)" in told("seed=x", known={"seed": "text"})
    assert "there is no parameter 'model.tol'" in told("model.tol=1", known={"model": {"tol": 2}})


def test_what_is_only_declared_cannot_be_removed(told):
    assert "rate is in no file, only a function's default" in told("~rate", known={"rate": 1})


def test_a_variable_with_several_values_is_told(told):
    message = told(environ={"TANE_PARAM__name": "a,b"})
    assert "environment variable TANE_PARAM__name: 'a,b' is several values" in message
    assert "put text with commas in quotes" in message


def test_a_mistake_in_a_variable_is_told_with_its_column(told):
    assert "TANE_PARAM__name: the quote is not closed, at column 1" in told(environ={"TANE_PARAM__name": "'a"})


def test_an_interpolation_may_stand_for_a_value_of_any_type(after):
    assert after("model.lr=${model.depth}")["model"]["lr"] == 5


def test_what_is_interpolated_may_be_replaced_by_any_type(write, config):
    write({"base/parameters.yml": "a: ${b}\nb: 1\nc: ???\n"})
    assert config("a=[1]", "c=3").parameters == {"a": [1], "b": 1, "c": 3}
