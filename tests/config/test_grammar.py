from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tane.config import grammar, sweeps, trees


def read(text):
    faults = []
    found = grammar.parse(text, faults)
    assert not faults, faults
    return found


def value(text):
    found = read(f"a={text}").value
    return found if isinstance(found, sweeps.SWEEPS) else trees.plain(found)


def refused(text):
    faults = []
    assert grammar.parse(text, faults) is None
    (fault,) = faults
    return fault


@pytest.mark.parametrize(
    ("text", "sign", "keys", "package"),
    [
        ("a=1", "", ("a",), None),
        ("+a.b.0=1", "+", ("a", "b", "0"), None),
        ("++a=1", "++", ("a",), None),
        ("~a=1", "~", ("a",), None),
        ("db/engine=fast", "", ("db/engine",), None),
        ("db@pkg=mysql", "", ("db",), "pkg"),
        ("+db/engine@a.b=fast", "+", ("db/engine",), "a.b"),
        ("db@=mysql", "", ("db",), ""),
    ],
)
def test_what_stands_before_the_value(text, sign, keys, package):
    found = read(text)
    assert (found.sign, found.keys, found.package) == (sign, keys, package)
    assert found.target == text.partition("=")[0]


def test_what_is_removed_needs_no_value():
    assert (read("~a.b").sign, read("~a.b").value) == ("~", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("null", None),
        ("NULL", None),
        ("TrUe", True),
        ("-1_000", -1000),
        ("1.", 1.0),
        ("-.5e3", -500.0),
        ("inf", math.inf),
        ("-INF", -math.inf),
        ("infinite", "infinite"),
        ("1 2", "1 2"),
        ("007", "007"),
        ("a b  c", "a b  c"),
        ("a: b", "a: b"),
        (r"a\,b\ ", "a,b "),
        (r"\1\\2", r"\1\2"),
        (r"\[x\]", "[x]"),
        ("'a,b'", "a,b"),
        ("'1'", "1"),
        (r"'it\'s \\ \\'", "it's \\\\ \\"),
        (r'"say \"x\""', 'say "x"'),
        ("'a\nb'", "a\nb"),
        ("[]", []),
        ("[ 1 , 'a' , [x y] ]", [1, "a", ["x y"]]),
        ("{}", {}),
        ("{a:1, 2: {x: [3]}}", {"a": 1, 2: {"x": [3]}}),
        ("{a b: c:d}", {"a b": "c:d"}),
        ("${a.b}", "${a.b}"),
        ("[${a},x${b.${c}}y]", ["${a}", "x${b.${c}}y"]),
        ("${env:X,'}'}", "${env:X,'}'}"),
        ("int(3.7)", 3),
        ("float([1,2])", [1.0, 2.0]),
        ("bool(false)", False),
        ("str({a: true})", {"a": "true"}),
        ("int(value='7')", 7),
        ("json_str([1,{a: x}])", '[1, {"a": "x"}]'),
        ("sort([b,a],reverse=true)", ["b", "a"]),
    ],
)
def test_a_value_is_read(text, expected):
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,b,'c'", sweeps.Choice((1, "b", "c"), simple=True)),
        ("[1],[2]", sweeps.Choice(([1], [2]), simple=True)),
        ("choice(a,{b: 1})", sweeps.Choice(("a", {"b": 1}))),
        ("range(5)", sweeps.Range(0, 5)),
        ("range(start=1,stop=2,step=0.5)", sweeps.Range(1, 2, 0.5)),
        ("interval(0,1)", sweeps.Interval(0.0, 1.0)),
        ("glob([a*,b],exclude=c)", sweeps.Glob(("a*", "b"), ("c",))),
        ("tag(x,interval(0,1))", sweeps.Interval(0.0, 1.0, frozenset({"x"}))),
        ("shuffle(choice(1,2))", sweeps.Choice((1, 2), shuffled=True)),
        ("sort(3,1)", sweeps.Choice((1, 3), simple=True)),
        ("float(range(1,3))", sweeps.Range(1.0, 3.0, 1.0)),
        ("int(1.5,2)", sweeps.Choice((1, 2), simple=True)),
        ("json_str([1],[2])", sweeps.Choice(("[1]", "[2]"), simple=True)),
    ],
)
def test_a_sweep_is_read(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a=[1,2", "'[' is not closed, at column 3"),
        ("a={x:1", "'{' is not closed, at column 3"),
        ("a={x}", "a colon belongs here, not '}', at column 5"),
        ("a=[1,]", "a value belongs here, not ']', at column 6"),
        ("a=b,", "a value belongs here, but the text ends, at column 5"),
        ("a=int(1", "the bracket is not closed, at column 6"),
        ("a='b", "the quote is not closed, at column 3"),
        ("a=b)", "not ')', at column 4"),
        ("a=it's", """not "'", at column 5"""),
        ("a=[1] [2]", "not '[', at column 7"),
        ("a=${b", "the interpolation is not closed, at column 3"),
        ("a=x${}", "the interpolation names nothing, at column 6"),
        ("a=${b c}", "'c' cannot stand in an interpolation, at column 7"),
        ("a={x: 1, x: 2}", "the key 'x' stands twice in one mapping, at column 10"),
        ("a={1: a, '1': b}", "the key '1' stands twice in one mapping, at column 10"),
        ("a={1: a, true: b}", "the key 'true' stands twice in one mapping, at column 10"),
        ("a=[1,choice(2,3)]", "a sweep stands within another value"),
        ("a=" + "[" * 200, "it is nested too deeply"),
        ("a=choice(x=1)", "choice() has no argument 'x', at column 3"),
        ("a=range(1,2,3,4)", "range() takes at most 3 values"),
        ("a=range(1,start=2)", "range() is given 'start' twice"),
        ("a=range(start=1,2)", "a value without a name stands after one with a name, at column 17"),
        ("a=range(0,1,0)", "the step of range() is 0"),
        ("a=range(0,inf)", "stop of range() is inf"),
        ("a=range(x)", "stop of range() is str, not a number"),
        ("a=interval(1)", "interval() lacks 'end'"),
        ("a=glob(1)", "include of glob() is no text"),
        ("a=glob(null)", "include of glob() is no text"),
        ("a=tag(x)", "the last of tag() is no sweep"),
        ("a=sort(1,b)", "sort() cannot order values of several types"),
        ("a=int(x)", "int() cannot take 'x'"),
        ("a=float(null)", "float() cannot take null"),
        ("a=bool(maybe)", "bool() cannot take 'maybe'"),
        ("a=int()", "int() of nothing"),
        ("a=choice()", "choice() of nothing"),
        ("a@b@c=1", "'b@c' is no package, at column 3"),
        ("db@a:b=1", "'a:b' is no package"),
        (f"a=[{'9' * 5000}]", "the number is too long to hold, at column 4"),
    ],
)
def test_a_mistake_is_told_with_its_column(text, what):
    fault = refused(text)
    assert what in fault.what
    assert fault.where in (f"command line {text}", f"command line {text[:297]}...")
    assert fault.hint


def test_a_misspelt_function_has_the_nearest():
    assert refused("a=rnage(3)").hint == "did you mean 'range'?"
    assert refused("a=range(stp=3)").hint == "did you mean 'stop'?"


def test_an_override_without_a_value_says_how_to_remove():
    assert refused("db@x").hint == "write db@x=VALUE, or ~db@x to remove it"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(plain)
@example({"0:0": None})
@example(["a: b", "it's", "\\", "null", " ", ""])
def test_what_is_written_is_read_again(drawn):
    assert value(grammar.written(drawn)) == drawn


@given(st.text())
def test_any_text_is_read_or_refused(text):
    faults = []
    assert (grammar.parse(text, faults) is None) == (len(faults) == 1)


@given(st.text("ab,:()[]{}'\"\\ $", max_size=12))
def test_any_value_is_read_or_refused(text):
    faults = []
    assert (grammar.parse(f"a={text}", faults) is None) == (len(faults) == 1)


@given(st.text("abc\\'", max_size=8))
def test_text_in_quotes_is_the_text(text):
    assert value(grammar.written(text)) == text
