"""Interpolations: what a configuration becomes here and in OmegaConf. Deliberate differences: docs/overrides.md."""

import math
import re
import warnings

import conftest
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tane.config import interpolations, origins, trees

ENVIRON = {"HOME_OF": "x", "NUMBER": "5", "SIGNS": "${a}", "EMPTY": "", "LISTED": "[1, b]"}


def told(value):
    """A value as `hydra_side` tells it."""
    if isinstance(value, dict):
        return {"mapping": [[told(key), told(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return {"list": [told(item) for item in value]}
    if isinstance(value, float):
        return {"float": "nan" if math.isnan(value) else repr(value)}
    return value


def answered(tree):
    """What a configuration becomes here, and what is wrong with it."""
    faults = []
    sections = {"parameters": trees.of(tree, origins.Origin())}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = interpolations.resolve(sections, {}, ENVIRON, {}, faults)
    return told(trees.plain(done["parameters"])), faults


def ours(tree):
    """What a configuration becomes here; None where it is refused."""
    made, faults = answered(tree)
    return None if faults else made


def theirs(hydra, tree):
    try:
        return hydra.ask("resolve", tree, ENVIRON)
    except conftest.Refusal:
        return None


# --- configurations ---------------------------------------------------------------------------------------------

NAMES = ["a", "b", "c", "d-e", "n0"]
names = st.sampled_from(NAMES)
paths = st.lists(names | st.sampled_from(["0", "1"]), min_size=1, max_size=3)


@st.composite
def written(draw, inner):
    """The path of a node, absolute or relative, with dots or brackets."""
    text = draw(st.sampled_from(["", "", "", ".", "..", "..."]))
    for i, name in enumerate(draw(paths)):
        part = draw(st.sampled_from([name] * 6 + [inner])) if inner else name
        text += f"[{part}]" if draw(st.integers(0, 4)) == 0 else f"{'.' if i else ''}{part}"
    return text


nodes = written("").map(lambda path: f"${{{path}}}")
nodes |= nodes.flatmap(written).map(lambda path: f"${{{path}}}")
scalar = st.sampled_from(
    ["x", "1", "null", "true", "'q r'", '"1"', "a b", "1.5", "-", "x:y", "\\,", "''", "'it\\'s'", "/p/q"]
)
argument = st.recursive(
    scalar | nodes | st.tuples(scalar, nodes).map("".join) | nodes.map(lambda node: f"'{node}'"),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(names, inner).map(":".join), max_size=2).map(lambda items: "{" + ",".join(items) + "}")
    ),
    max_leaves=4,
)
keys = st.sampled_from(["a", "b.a", ".b", "..c", "zz", "c[a]", "''"]) | nodes
variables = st.sampled_from([*ENVIRON, "NOT_SET"])
called = (
    st.tuples(st.just("oc.env"), st.tuples(variables) | st.tuples(variables, argument))
    | st.tuples(st.just("oc.select"), st.tuples(keys) | st.tuples(keys, argument))
    | st.tuples(st.just("oc.decode"), st.tuples(argument | variables.map("${{oc.env:{}}}".format)))
    | st.tuples(st.just("oc.create"), st.tuples(argument))
    | st.tuples(st.sampled_from(["oc.dict.keys", "oc.dict.values", "oc.deprecated"]), st.tuples(keys))
    | st.tuples(st.sampled_from(["nothing", "oc.env"]), st.lists(argument, max_size=3))
)
calls = called.map(lambda call: f"${{{call[0]}:{','.join(call[1])}}}")
parts = st.sampled_from(["x", " ", "$", "\\", "\\\\", "\\${", "}", "'", "{", "é", ":"]) | nodes | calls
texts = nodes | calls | st.lists(parts, min_size=1, max_size=3).map("".join)
leaves = texts | st.sampled_from([1, 2.5, None, True, "x", "a", "b", "0", "???", ""])
bodies = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
configurations = st.dictionaries(names, bodies, min_size=1, max_size=4)


@st.composite
def mutated(draw):
    """A configuration with a text that has some signs put in, taken out or changed."""
    tree = draw(configurations)
    text = draw(texts)
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(text)))
        put = draw(st.sampled_from([*"a1.,:[]{}'\"\\ $-", "", "", "${", "\\${"]))
        text = text[:at] + put + text[at + draw(st.integers(0, 1)) :]
    return {**tree, "a": text}


# --- where they may differ --------------------------------------------------------------------------------------


def strings(tree):
    if isinstance(tree, dict):
        return [text for item in tree.values() for text in strings(item)]
    if isinstance(tree, list):
        return [text for item in tree for text in strings(item)]
    return [tree] if isinstance(tree, str) else []


def more_is_read(tree):
    """Why we may resolve what OmegaConf refuses."""
    texts = strings(tree)
    bare = [re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "Q", text) for text in texts]
    return (
        "???" in texts  # what rests on a missing value is missing
        or any(re.search(r"\$\{[^:]*\$\{", text) for text in texts)  # a key that is a number
        or any(re.search(r"[{,]\s*Q\s*:", text) for text in bare)
        or any(re.search(r":.*[^\w\s/\\+.$%*@?|,:\[\]{}'\"-]", text) for text in bare)
    )


def looks_into_what_was_made(tree):
    """Whether what a resolver gave may be looked into: in OmegaConf only what `oc.create` gave can."""
    return any(re.search(r"oc\.decode|oc\.dict\.values|oc\.select:[^,}]*,.*[\[{$]", text) for text in strings(tree))


OURS = ("cannot stand within text", "oc.create takes a list or a mapping")


def agree(hydra, tree):
    (own, faults), other = answered(tree), theirs(hydra, tree)
    if other is None:
        event("refused")
        assert faults or more_is_read(tree) or looks_into_what_was_made(tree), f"{tree}: only we resolve {own}"
    elif faults:
        event("refused here alone")
        reasons = all(any(what in fault.what for what in OURS) for fault in faults)
        assert reasons or looks_into_what_was_made(tree), f"{tree}: {faults[0]}, not {other}"
    else:
        event("resolved")
        assert other == own or looks_into_what_was_made(tree), f"{tree}: {other} there, {own} here"


@given(tree=configurations)
def test_a_configuration_becomes_the_same(hydra, tree):
    agree(hydra, tree)


@given(tree=mutated())
def test_a_damaged_text_becomes_the_same_or_is_refused_by_both(hydra, tree):
    agree(hydra, tree)


@given(text=st.text("ab.:,$\\{}[]'\" ", max_size=10).map(lambda text: "${" + text))
def test_any_text_becomes_the_same(hydra, text):
    agree(hydra, {"a": 1, "b": {"a": "x"}, "c": text})


# --- deliberate differences, each as docs/overrides.md has it ------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"a": "${b}", "b": "???"}, {"a": "???", "b": "???"}),
        ({"a": ["x", "y"], "i": 1, "b": "${a.${i}}"}, {"a": ["x", "y"], "i": 1, "b": "y"}),
        ({"a": "${oc.env:NOT_SET,b=(c)}"}, {"a": "b=(c)"}),
        ({"a": "${oc.create:{'x y': 1}}"}, {"a": {"x y": 1}}),
        ({"a": "${env:NUMBER}"}, {"a": 5}),
        ({"a": "${oc.decode:'[1,x]'}", "b": "${a.1}"}, {"a": [1, "x"], "b": "x"}),
    ],
)
def test_more_is_resolved(hydra, tree, expected):
    assert theirs(hydra, tree) is None
    assert ours(tree) == told(expected)


@pytest.mark.parametrize("inner", [None, [1], {"x": 1}])
def test_what_is_no_plain_value_does_not_stand_within_text(hydra, inner):
    tree = {"a": "x${b}", "b": inner}
    assert theirs(hydra, tree) is not None
    assert ours(tree) is None
