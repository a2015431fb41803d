from __future__ import annotations

import json
import pickle
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane import errors
from tane.config import compose, interpolations, origins, trees


@pytest.fixture
def after(write, config):
    """The parameters that a text makes."""

    def make(text, *overrides, environ=None, **more):
        write({"base/parameters.yml": text})
        return config(*overrides, environ=environ, **more).parameters

    return make


@pytest.fixture
def told(after):
    """What is said of a text that cannot be resolved."""

    def make(text, *overrides, **options):
        with pytest.raises(errors.ConfigError) as raised:
            after(text, *overrides, **options)
        return str(raised.value)

    return make


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a: '${b}', b: 1}", 1),
        ("{a: '${b.c}', b: {c: [1, 2]}}", [1, 2]),
        ("{a: '${b}', b: {c: '${.d}', d: 2}}", {"c": 2, "d": 2}),
        ("{a: 'x${b}y${b}', b: 1.5}", "x1.5y1.5"),
        ("{a: '${b[0]}-${b.1}-${c[d]}', b: [x, y], c: {d: z}}", "x-y-z"),
        ("{a: '${b.${c}}', b: {x: 1}, c: x}", 1),
        ("{a: '${b[${c}]}', b: [x, y], c: 1}", "y"),
        ("{a: ['${.1}', 5]}", [5, 5]),
        ("{a: {x: '${..b}', y: '${b}'}, b: 1}", {"x": 1, "y": 1}),
        ("{a: '${b.c}', b: '${d}', d: {c: 4}}", 4),
        (r"{a: '\${b}'}", "${b}"),
        (r"{a: '\\${b}', b: 1}", "\\1"),
        ("{a: 'costs $5', b: 1}", "costs $5"),
        ("{a: '${b}', b: null}", None),
        ("{a: '${b.1}', b: {1: x}}", "x"),
        ("{a: '${oc.select:b.c,7}'}", 7),
        ("{a: '${oc.select:b}'}", None),
        ("{a: '${oc.select:b.c,7}', b: 1}", 7),
        ("{a: '${oc.decode:${b}}', b: '[1, {x: ${c}}]', c: 2}", [1, {"x": 2}]),
        ("{a: '${oc.create:{x: [1, b c]}}'}", {"x": [1, "b c"]}),
        ("{a: '${oc.dict.keys:b}', b: {x: 1, y: 2}}", ["x", "y"]),
        ("{a: '${oc.dict.values:b}', b: {x: '${.y}', y: 2}}", [2, 2]),
        ("{a: '${env:NONE,3}'}", 3),
        ("{a: '${oc.env:NONE,3}'}", "3"),
        ("{a: '${env:NONE,null}'}", None),
        ("{a: \"${env:NONE,'${b}/it''s'}\", b: x}".replace("it''s", "its"), "x/its"),
        ("{a: '${runtime:platform}'}", sys.platform),
    ],
)
def test_an_interpolation_stands_for_its_value(after, text, expected):
    found = after(text)["a"]
    assert (found, type(found)) == (expected, type(expected))


def test_interpolation_comes_after_layers_and_overrides(write, config):
    write({"base/parameters.yml": "a: ${b}\nb: 1\n", "prod/parameters.yml": "b: 2"})
    assert config(env=["prod"]).parameters["a"] == 2
    assert config("b=3").parameters["a"] == 3
    assert config("+c=x${b}").parameters["c"] == "x1"
    assert config(environ={"TANE_PARAM__b": "4"}).parameters["a"] == 4


def test_a_variable_is_read_as_a_plain_value_of_a_file(after):
    environ = {"N": "5", "T": "x: y", "E": "", "Z": "007", "I": "${b}"}
    text = "{n: '${env:N}', t: '${env:T}', e: '${env:E}', z: '${env:Z}', i: '${env:I}', s: '${oc.env:N}', b: 1}"
    found = after(text, environ=environ)
    assert found == {"n": 5, "t": "x: y", "e": "", "z": "007", "i": "${b}", "s": "5", "b": 1}


def test_every_section_looks_in_itself_and_reaches_the_parameters(write, config):
    write(
        {
            "base/parameters.yml": "lr: 0.1\nname: p\n",
            "base/gates.yml": "name: g\nleast: ${params:lr}\nown: ${name}\n",
        }
    )
    assert config().section("gates") == {"name": "g", "least": 0.1, "own": "g"}


def test_references_of_the_catalog_to_parameters_stay(write, config):
    write(
        {
            "base/parameters.yml": "a: {b: 1}",
            "base/catalog.yml": "raw: {type: csv, filepath: 'd/${params:window.label}.csv', note: '${raw.type}'}\n"
            "'{name}_x': {type: csv, filepath: '${raw.type}/{name}/${params:a.b}'}\n",
        }
    )
    catalog = config().catalog
    assert catalog["raw"] == {"type": "csv", "filepath": "d/${params:window.label}.csv", "note": "csv"}
    assert catalog["{name}_x"]["filepath"] == "csv/{name}/${params:a.b}"


def test_what_others_repeat_may_be_interpolated_and_leaves_the_catalog(write, config):
    write({"base/catalog.yml": "_base: data/raw\ncars: {type: csv, filepath: '${_base}/cars.csv'}\n"})
    assert config().catalog == {"cars": {"type": "csv", "filepath": "data/raw/cars.csv"}}


def test_a_section_read_alone_is_resolved(write, tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", "/big")
    write({"base/run.yml": "store: ${env:PLACE}/objects\nledger: ${store}/x.db\n"})
    assert compose.section("run", tmp_path).values == {"store": "/big/objects", "ledger": "/big/objects/x.db"}
    write({"base/run.yml": "jobs: ${params:jobs}"})
    with pytest.raises(errors.ConfigError, match=r"run\.yml is read before the parameters are known"):
        compose.section("run", tmp_path)


def test_a_secret_stays_one(write, config):
    write({"local/credentials.yml": "db: {con: 'pg://u:${env:PASSWORD}@h', key: '${env:PIN}', again: '${.key}'}"})
    composed = config(environ={"PASSWORD": "hunter2", "PIN": "0123"})
    secrets = composed.credentials["db"]
    assert secrets["con"].reveal() == "pg://u:hunter2@h"
    assert (secrets["key"].reveal(), secrets["again"].reveal()) == ("0123", "0123")
    shown = repr(composed) + str(composed.credentials) + json.dumps(composed.plain())
    assert "hunter2" not in shown and "0123" not in shown
    assert str(composed.origin("credentials", "db", "key")).endswith("(from environment variable PIN)")


def test_a_mistake_in_a_secret_shows_nothing_of_it(write, config):
    write({"local/credentials.yml": "a: 'hunter2${b'\nc: 'hunter3${raise:hunter4}'\nd: 'hunter5${e}'\n"})

    def fail(text):
        raise ValueError(text)

    with pytest.raises(errors.ConfigError) as raised:
        config(own={"raise": fail})
    assert "hunter" not in str(raised.value)
    assert "conf/local/credentials.yml:1: credentials.a: the interpolation is not closed, at column 8" in str(
        raised.value
    )


def test_a_value_says_what_it_was_made_of(write, config):
    write({"base/parameters.yml": "a: ${b}\nb: ${c}\nc: 1\nd: x${env:HOST}/${c}\ne: ${f}\nf: {g: '${c}'}\n"})
    composed = config(environ={"HOST": "h"})
    found = composed.origins()
    file = "conf/base/parameters.yml"
    assert found["a"] == f"{file}:1 (from {file}:2 (from {file}:3))" or found["a"] == f"{file}:1 (from {file}:3)"
    assert found["c"] == f"{file}:3"
    assert found["d"] == f"{file}:4 (from environment variable HOST, {file}:3)"
    assert found["e.g"] == f"{file}:6 (from {file}:3)"


def test_what_is_missing_stays_missing_with_all_that_rests_on_it(after):
    assert after("{a: '???', b: '${a}', c: 'x${b}', d: ['${a}'], e: '${oc.select:a,1}'}") == {
        "a": "???",
        "b": "???",
        "c": "???",
        "d": ["???"],
        "e": 1,
    }


def test_missing_values_are_found():
    tree = trees.of({"a": "???", "b": [{"c": "???"}, 1]}, origins.Origin())
    assert [keys for keys, _ in interpolations.missing(tree)] == [("a",), ("b", "0", "c")]


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("{m: {lr: 1}, a: '${m.lrr}'}", "a: there is no 'm.lrr'", "did you mean 'm.lr'?"),
        ("{m: {lr: 1}, a: '${lr}'}", "a: there is no 'lr'", "did you mean 'm.lr'?"),
        ("{m: {a: '${..x}', b: '${.c}'}, x: 1, c: 2}", "m.b: there is no '.c'", "write ${c}: dots before a key count"),
        ("{a: '${...b}', b: 1}", "a: '...b' leads out of the parameters", "write ${b}"),
        ("{a: '${oc.select:b.c,7}', b: [1]}", "a: 'c' of 'b.c': b is a list", ""),
        ("{a: '${b.c}', b: 1}", "a: 'c' of 'b.c': b is a whole number", ""),
        (
            "{a: '${b}', b: '${c}', c: '${a}'}",
            "interpolations run in a circle: a -> b -> c -> a",
            "write one of them out",
        ),
        ("{a: '${a}'}", "interpolations run in a circle: a -> a", ""),
        ("{a: {b: '${a}'}}", "a.b stands for a, which it is a part of", ""),
        ("{a: 'x${b'}", "a: the interpolation is not closed, at column 2 of 'x${b'", "write \\${ for the signs"),
        ("{a: '${b${c}}'}", "an interpolation cannot be a part of a key, at column 4", "let it be the whole key"),
        ("{a: '${}'}", "the interpolation names nothing, at column 3", ""),
        ("{a: '${b c}'}", "'c' cannot stand in an interpolation, at column 5", ""),
        ("{a: '${oc.env:[1}'}", "'[' is not closed", ""),
        ("{a: '${ent:X}'}", "there is no resolver 'ent'", "did you mean 'env'?"),
        ("{a: '${now:%Y}'}", "there is no resolver 'now'", "a time would be another one each run"),
        ("{a: '${hydra:job.num}'}", "there is no resolver 'hydra'", "write ${runtime:cwd}"),
        ("{a: '${runtime:now}'}", "there is no runtime fact 'now'", "every step anew"),
        ("{a: '${runtime:rot}'}", "there is no runtime fact 'rot'", "did you mean 'root'?"),
        ("{a: '${env:HOMEE}'}", "the environment variable HOMEE is not set", "did you mean 'HOME'?"),
        ("{a: '${env:QQ}'}", "the environment variable QQ is not set", "or give a default: ${env:QQ,VALUE}"),
        ("{a: '${env:1}'}", "1 is no name of an environment variable", ""),
        ("{a: '${env:A,B,C}'}", "env takes 1 or 2 values, not 3", ""),
        ("{a: 'x${b}', b: [1]}", "a: ${b} is a list, which cannot stand within text", "name a plain value"),
        ("{a: 'x${b}', b: null}", "a: ${b} is null, which cannot stand within text", ""),
        ("{a: '${b.${c}}', b: {x: 1}, c: [1]}", "${c} is a list, which is no key", ""),
        ("{a: '${oc.decode:5}'}", "oc.decode reads text, not a whole number", ""),
        ("{a: '${oc.dict.keys:b}', b: 1}", "b is a whole number, not a mapping", ""),
        ("{a: '" + "${a." * 150 + "'}", "it is nested too deeply", ""),
    ],
)
def test_a_mistake_is_told_with_its_place(told, text, what, hint):
    message = told(text, environ={"HOME": "/root"})
    assert f"conf/base/parameters.yml:1: {what}" in message or what in message
    assert hint in message


def test_mappings_that_double_each_other_are_refused(told):
    tree = {f"a{i}": {"x": f"${{a{i + 1}}}", "y": f"${{a{i + 1}}}"} for i in range(40)} | {"a40": 1}
    assert "more than 50,000 values are interpolated" in told(json.dumps(tree))


def test_all_mistakes_are_told_at_once_and_each_once(told):
    message = told("{a: '${b}', b: '${zz}', c: 'x${b}', d: '${yy}', e: '${f}', f: '${e}'}")
    assert [message.count(what) for what in ("'zz'", "'yy'", "circle")] == [1, 1, 1]


def test_a_value_that_was_renamed_warns(after):
    with pytest.warns(UserWarning, match="'old' is deprecated. Change your code and config to use 'new'"):
        assert after("{old: '${oc.deprecated:new}', new: {x: 1}}")["old"] == {"x": 1}


def test_a_projects_own_resolver_is_called_once_for_the_same_arguments(after):
    calls = []

    def join(*parts):
        calls.append(parts)
        return "-".join(map(str, parts))

    text = "{a: '${join:1,${c},[x]}', b: '${join:1,${c},[x]}', d: '${join:}', c: true}"
    assert after(text, own={"join": join}) == {"a": "1-True-['x']", "b": "1-True-['x']", "d": "", "c": True}
    assert calls == [(1, True, ["x"]), ()]


def test_a_resolver_may_give_a_mapping(after):
    found = after("{a: '${two:}', b: '${a.x.1}'}", own={"two": lambda: {"x": [1, 2]}})
    assert found == {"a": {"x": [1, 2]}, "b": 2}


def test_what_a_resolver_raises_is_told(told):
    message = told("{a: '${half:3}'}", own={"half": lambda number: number / 0})
    assert "a: the resolver 'half' raised ZeroDivisionError: division by zero" in message


def test_a_resolver_gives_plain_values(told):
    assert "the resolver 'f' gave a list" in told("{a: '${f:}'}", own={"f": lambda: [object()]})


def test_a_resolver_of_one_project_is_none_of_another(after, told):
    assert after("{a: '${twice:2}'}", own={"twice": lambda number: 2 * number}) == {"a": 4}
    assert "there is no resolver 'twice'" in told("{a: '${twice:2}'}")


def test_without_interpolation_nothing_is_copied():
    sections = {"parameters": trees.of({"a": [1, {"b": "x"}]}, origins.Origin())}
    assert interpolations.resolve(sections, {}, {}, {}, [])["parameters"] is sections["parameters"]


def test_what_was_resolved_crosses_processes(write, config):
    write({"base/parameters.yml": "a: ${b}\nb: {c: 1}\n"})
    assert pickle.loads(pickle.dumps(config())).parameters == {"a": {"c": 1}, "b": {"c": 1}}


def resolved(tree):
    faults = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = interpolations.resolve({"parameters": trees.of(tree, origins.Origin())}, {}, {}, {}, faults)
    return trees.plain(done["parameters"]), faults


@given(st.text())
def test_any_text_is_resolved_or_told(text):
    found, faults = resolved({"a": text, "b": "${" + text, "c": "${" + text + "}"})
    assert faults or found["a"] == text or "${" in text


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("abcd").map("${{{}}}".format) | st.integers()))
def test_chains_end_in_their_value_or_are_told(tree):
    found, faults = resolved(tree)

    def value(key, left=9):
        item = tree.get(key)
        return value(item[2], left - 1) if isinstance(item, str) and left else item

    followed = {key: value(key) for key in tree}
    if any(item is None or isinstance(item, str) for item in followed.values()):
        assert faults
    else:
        assert (found, faults) == (followed, [])
