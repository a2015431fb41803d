"""Overrides and sweeps: what a text says here and in Hydra. Deliberate differences are listed in docs/overrides.md."""

import math
import re

import conftest
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from tane import errors
from tane.config import grammar, scalars, sweeping, sweeps, trees

# --- both sides in the same words -----------------------------------------------------------------------------


def told(value):
    """A value as `hydra_side` tells it."""
    if isinstance(value, dict):
        return {"mapping": [[told(key), told(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [told(item) for item in value]}
    if isinstance(value, float):
        return {"float": "nan" if math.isnan(value) else repr(value)}
    if isinstance(value, sweeps.Choice):
        return {"choice": [told(item) for item in value.items], "tags": sorted(value.tags), "shuffle": value.shuffled}
    if isinstance(value, sweeps.Range):
        ends = [told(value.start), told(value.stop), told(value.step)]
        return {"range": ends, "tags": sorted(value.tags), "shuffle": value.shuffled}
    if isinstance(value, sweeps.Interval):
        return {"interval": [told(value.low), told(value.high)], "tags": sorted(value.tags)}
    if isinstance(value, sweeps.Glob):
        return {"glob": [list(value.include), list(value.exclude)]}
    return value


def override_told(said):
    value = said.value
    if value is not None and not isinstance(value, sweeps.SWEEPS):
        value = trees.plain(value)
    key = {"sign": said.sign, "key": said.name, "package": said.package}
    return {**key, "value": told(value), "bare": said.value is None}


def ours(text):
    """What an override says here; None where it is refused."""
    faults = []
    said = grammar.parse(text, faults)
    assert (said is None) == bool(faults)
    return None if said is None else override_told(said)


def theirs(hydra, text):
    try:
        return hydra.ask("override", text)
    except conftest.Refusal as refusal:
        assert "Overrid" in str(refusal) or "Hydra" in str(refusal) or "Lexer" in str(refusal), refusal
        return None


def same(hydra, own):
    """Whether two answers agree: numbers that files write in ways of their own are numbers here."""
    if isinstance(hydra, str) and not isinstance(own, str):
        return told(scalars.value(hydra)) == own and hydra != ""
    if isinstance(hydra, dict) and isinstance(own, dict):
        return hydra.keys() == own.keys() and all(same(hydra[key], own[key]) for key in hydra)
    if isinstance(hydra, list) and isinstance(own, list):
        return len(hydra) == len(own) and all(map(same, hydra, own))
    return type(hydra) is type(own) and hydra == own


# --- texts ----------------------------------------------------------------------------------------------------

WORDS = ["a", "b1", "null", "NULL", "true", "False", "inf", "-inf", "nan", "x-y", "_z", "1", "-2", "+3", "1_000", "007"]
WORDS += [
    "1.5",
    ".5",
    "5.",
    "-1e-3",
    "1E5",
    "1__0",
    "a/b",
    "a.b",
    "*",
    "%d",
    "x@y",
    "?",
    "|",
    "$",
    "$x",
    ":",
    "a:b",
    "\\",
]
WORDS += [
    "a b",
    "1 2",
    "\\,",
    "\\ ",
    "\\\\",
    "\\(x\\)",
    "\\[",
    "\\=",
    "${a}",
    "${a.b}",
    "${env:X,1}",
    "x${a}y",
    "-",
    "+",
]
words = st.sampled_from(WORDS)
plain = words | st.lists(words, min_size=1, max_size=3).map("".join) | st.integers().map(str) | st.floats().map(str)
inner = st.text("ab'\"\\ ,]}$", max_size=5)
quoted = inner.map(lambda text: "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), text) + "'")
quoted |= st.sampled_from(['""', '"a b"', '"\\""', "'\\\\'", '"a\\\\\\"b"', "'a\\nb'", "'\\\\'"])
blank = st.sampled_from(["", "", "", " ", "\t"])
dict_key = st.sampled_from(["a", "b", "c d", "1", "1.5", "true", "null", "x/y", "\\:", "x-y", "-"])


def listed(items, opening="[", closing="]"):
    def join(drawn):
        parts, spaces = drawn
        return opening + spaces[0] + f"{spaces[1]},{spaces[2]}".join(parts) + spaces[3] + closing

    return st.tuples(st.lists(items, max_size=3), st.tuples(blank, blank, blank, blank)).map(join)


def mapped(items):
    pairs = st.tuples(dict_key, blank, blank, items).map(lambda t: f"{t[0]}{t[1]}:{t[2]}{t[3]}")
    return listed(pairs, "{", "}")


names = st.sampled_from(
    ["int", "float", "str", "bool", "choice", "range", "interval", "tag", "sort", "glob", "nothing"]
)
labels = st.sampled_from(
    ["", "", "", "", "value=", "start=", "stop = ", "step=", "reverse=", "sweep=", "list=", "exclude="]
)


def called(items):
    arguments = st.tuples(labels, items).map("".join)
    return st.tuples(names, listed(arguments, "(", ")")).map("".join)


ranges = st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.sampled_from([1, 2, -1, 0.5, -0.25, 3]))
element = st.recursive(plain | quoted, lambda items: listed(items) | mapped(items) | called(items), max_leaves=6)
element |= ranges.map(lambda ends: f"range({ends[0]},{ends[1]},{ends[2]})")
value = element | st.lists(element, min_size=1, max_size=3).map(",".join)
key = st.sampled_from(
    ["a", "a.b", "a.0.b", "x-y", "_z.w", "$a", "a.$b", "db/engine", "db@pkg", "db/e@p.q", "db@", "a1"]
)
sign = st.sampled_from(["", "", "", "+", "++", "~"])
override = st.tuples(sign, key, st.just("="), value).map("".join) | st.tuples(st.just("~"), key).map("".join)


@st.composite
def mutated(draw):
    """A text with some signs put in, taken out or changed."""
    text = draw(override)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        put = draw(st.sampled_from([*"a1.,:()[]{}'\"\\ $-+@/_~=", "", "", "int(", "${"]))
        text = text[:at] + put + text[at + draw(st.integers(0, 1)) :]
    return text


# --- where they may differ --------------------------------------------------------------------------------------


def bare_parts(text):
    """A text without what stands in quotes."""
    return re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "Q", text, flags=re.S)


ID = "[A-Za-z_][A-Za-z0-9_-]*"
PART = "(?:[A-Za-z_$][A-Za-z0-9_$-]*|0|[1-9](?:_?[0-9])*)"
DOTTED = rf"(?:[A-Za-z_$][A-Za-z0-9_$-]*|{PART}(?:\.{PART})+)"
GROUP = f"{ID}(?:/{ID})+"


def more_is_read(text):
    """Why we may read what Hydra refuses."""
    key, _, written = text.partition("=")
    bare = bare_parts(written)
    return (
        re.search(r"[=#~!&;<>^`\n]|[^\x00-\x7f]", bare)
        or bare != bare.strip()
        or not re.fullmatch(rf"(\+\+?|~)?({DOTTED}|{GROUP})(@({DOTTED})?)?", key)
        or bare.count("${") > 1
        or re.search(r"[{,]\s*Q\s*:", bare)
        or "null" in bare.lower()
        or ("sort(" in bare and "Q" in bare)
        or re.search(r"0[xob]|\.(inf|nan)|0\d*\.|~", bare, re.I)
    )


def less_is_read(text, said):
    """Why we may refuse what Hydra reads."""
    key, _, written = text.partition("=")
    bare = bare_parts(written)
    return (
        key.strip("+~").partition("@")[0] == ""
        or _twice(said["value"])
        or _nested(said["value"])
        or (isinstance(said["value"], dict) and "range" in said["value"] and _endless(said["value"]["range"]))
        or (isinstance(said["value"], dict) and "interval" in said["value"])
        or "${" in bare
        or (isinstance(said["value"], dict) and "glob" in said["value"] and not _all_text(said["value"]["glob"]))
    )


def _twice(value):
    if isinstance(value, dict):
        pairs = value.get("mapping", [])
        return any(_twice(item) for item in value.values()) or len({repr(key) for key, _ in pairs}) < len(pairs)
    return isinstance(value, list) and any(map(_twice, value))


SWEPT = ("choice", "range", "interval", "glob")


def _nested(value, within=False):
    if isinstance(value, dict):
        swept = any(kind in value for kind in SWEPT)
        return (swept and within) or any(_nested(item, True) for item in value.values())
    return isinstance(value, list) and any(_nested(item, True) for item in value)


def _all_text(patterns):
    return all(isinstance(one, str) for several in patterns for one in several)


def _endless(ends):
    numbers = [float(end["float"]) if isinstance(end, dict) else end for end in ends]
    return numbers[2] == 0 or not all(map(math.isfinite, numbers))


def agree(hydra, text):
    own, other = ours(text), theirs(hydra, text)
    if other is None:
        event("refused")
        assert own is None or more_is_read(text), f"{text!r}: only we read {own}"
    elif own is None:
        assert _refused_by_choice(text, other), f"{text!r}: only Hydra reads {other}"
    elif "shuffle(" in text:
        event("shuffled")
    else:
        event("read")
        assert same(other, own), f"{text!r}: {other} there, {own} here"


def _refused_by_choice(text, other):
    # a mapping that has one key twice is told by Hydra with one of them
    twice = re.search(r"\{.*(\b[\w ./-]+\b|[-:\\/]+)\s*:.*,\s*\1\s*:", bare_parts(text).lower().replace("true", "1"))
    named_twice = re.search(r"\b(\w+)\s*=[^()]*,\s*\1\s*=", bare_parts(text.partition("=")[2]))
    return less_is_read(text, other) or twice or named_twice


@given(text=override)
def test_a_text_of_the_grammar_says_the_same(hydra, text):
    agree(hydra, text)


@given(text=mutated())
def test_a_damaged_text_says_the_same_or_is_refused_by_both(hydra, text):
    agree(hydra, text)


@given(text=st.text("ab1.,:()[]{}'\"\\ $-/", max_size=8).map(lambda text: f"a={text}"))
def test_any_text_says_the_same(hydra, text):
    agree(hydra, text)


# --- sweeps -----------------------------------------------------------------------------------------------------

few = st.sampled_from(["1,2", "a,b,'c d'", "choice(x,1.5,true)", "range(3)", "range(0,1,0.25)", "range(5,0,-2)", "x"])
few |= st.sampled_from(
    ["glob(*)", "glob([a*,b*],exclude=b2)", "sort(3,1,2)", "sort(range(1,6,2),reverse=true)", "[1,2]"]
)
few |= st.sampled_from(
    ["[1,2],[3]", "{a:1},{a:2}", "'1',1", "a\\,b,c", "tag(t,choice(1,2))", "int(1.5,2)", "null,true", ""]
)
few |= ranges.filter(lambda ends: (ends[1] - ends[0]) * ends[2] > 0).map(lambda e: f"range({e[0]},{e[1]},{e[2]})")
GROUPS = {name: ["a1", "b1", "b2", "c"] for name in ("db", "db/engine")}


@given(texts=st.lists(st.tuples(sign, st.sampled_from(["a", "b.c", "db", "db/engine", "db@p"]), few), max_size=4))
def test_a_sweep_has_the_same_jobs(hydra, texts):
    words = [f"{sign}{key}={values}" for sign, key, values in texts if key in GROUPS or "glob" not in values]
    jobs = hydra.ask("sweep", words, GROUPS)
    assert [list(map(ours, job)) for job in sweeping.expand(words, options=GROUPS.get)] == jobs


@given(texts=st.lists(override, min_size=1, max_size=2))
def test_any_sweep_has_the_same_jobs(hydra, texts):
    assume(not any("shuffle(" in text or "glob(" in text or "str(" in text for text in texts))
    read = [theirs(hydra, text) for text in texts]
    assume(all(one is not None and ours(text) is not None for one, text in zip(read, texts, strict=True)))
    try:
        own = [[ours(word) for word in job] for job in sweeping.expand(texts)]
    except errors.ConfigError as error:
        event("refused")
        assert "nothing" in str(error) or "interval" in str(error)
        return
    assume(len(own) < 200)
    try:
        jobs = hydra.ask("sweep", texts, {})
    except conftest.Refusal:
        # it writes what it read in a way that it does not always read again
        event("Hydra cannot read its own")
        return
    jobs = [[{**one, "bare": False} for one in job] for job in jobs]
    own = [[{**one, "bare": False} for one in job] for job in own]
    if any("\\" in text or "'" in text or '"' in text for text in texts):
        assert len(jobs) == len(own)
    else:
        assert same(jobs, own)


# --- deliberate differences, each as docs/overrides.md has it ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=http://h:80/a?b=c#d", "http://h:80/a?b=c#d"),
        ("a=~", None),
        ("a=<x>", "<x>"),
        ("a=ü", "ü"),
        ("a = 1", 1),
        ("a='x' ", "x"),
        ("0=1", 1),
        ("a.01=1", 1),
        ("a={'x y': 1}", {"x y": 1}),
        ("a=${x.${y}}", "${x.${y}}"),
        ("a=sort(['b','a'])", ["a", "b"]),
        ("a=json_str({x: 1})", '{"x": 1}'),
    ],
)
def test_more_is_read(hydra, text, value):
    assert theirs(hydra, text) is None
    assert ours(text)["value"] == told(value)


def test_null_may_stand_in_a_choice(hydra):
    assert theirs(hydra, "a=choice(1,null)") is None
    assert ours("a=choice(1,null)")["value"]["choice"] == [1, None]


@pytest.mark.parametrize(
    "text",
    [
        "=1",
        "a={x: 1, x: 2}",
        "a=[choice(1,2)]",
        "a=choice(1,2),3",
        "a=range(0,5,0)",
        "a=range(0,inf)",
        "a=shuffle()",
        "a=range(start=1,start=2)",
        "a=${x y}",
    ],
)
def test_less_is_read(hydra, text):
    assert theirs(hydra, text) is not None
    assert ours(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("0x1F", 31), ("0o17", 15), ("0b101", 5), (".inf", math.inf), ("01.5", 1.5)]
)
def test_what_files_write_for_a_number_is_a_number(hydra, text, number):
    assert theirs(hydra, f"a={text}")["value"] == text
    assert ours(f"a={text}")["value"] == told(number)


def test_a_shuffled_sweep_has_the_same_order_each_time():
    jobs = [sweeping.expand(["a=shuffle(range(50))"]) for _ in range(2)]
    assert jobs[0] == jobs[1] != sweeping.expand(["a=range(50)"])


def test_what_is_removed_is_removed_whatever_it_is_in_each_job(hydra):
    (job,) = hydra.ask("sweep", ["~a"], {})
    assert job[0]["bare"] is False  # there it has become ~a=null
    assert sweeping.expand(["~a", "b=1,2"]) == [("~a", "b=1"), ("~a", "b=2")]


def test_text_stays_text_in_each_job(hydra):
    (job,) = hydra.ask("sweep", ["a=str(1)"], {})
    assert job[0]["value"] == 1  # there it is written without quotes, and read as a number
    assert [ours(job[0])["value"] for job in sweeping.expand(["a=str(1,2)"])] == ["1", "2"]


def test_a_range_of_tenths_has_the_numbers_as_they_are_written(hydra):
    assert sweeping.expand(["a=range(0.1,0.4,0.1)"]) == [("a=0.1",), ("a=0.2",), ("a=0.3",)]
    assert hydra.ask("sweep", ["a=range(0.1,0.4,0.1)"], {}) != [["a=0.1"], ["a=0.2"], ["a=0.3"]]


def test_a_sweep_over_nothing_is_a_mistake(hydra):
    assert hydra.ask("sweep", ["a=range(0)"], {}) == []
    with pytest.raises(errors.ConfigError, match="over nothing"):
        sweeping.expand(["a=range(0)"])
