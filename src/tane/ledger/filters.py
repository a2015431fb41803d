"""The filter language: text like "metrics.auc > 0.8 and params.model = 'lightgbm'" becomes a tree of tests.

`search` calls it. Nothing here looks at a ledger: a filter is read the same way whatever runs there are. A mistake is
an `errors.UsageError` that points at the column where it stands.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tane import errors, patterns
from tane.ledger import rows

METRICS, PARAMS, TAGS, ATTRIBUTES = "metrics", "params", "tags", "attributes"
TEXT, NUMBER, TIME, FLAG = "text", "number", "time", "flag"

# what a run is asked for without a prefix, and of which type it is
KNOWN: Mapping[str, str] = {
    "run": TEXT, "status": TEXT, "pipeline": TEXT, "name": TEXT, "kind": TEXT, "experiment": TEXT, "group": TEXT,
    "job_type": TEXT, "parent": TEXT, "study": TEXT, "trial": NUMBER, "started": TIME, "ended": TIME,
    "duration": NUMBER, "user": TEXT, "host": TEXT, "pid": NUMBER, "python": TEXT, "command": TEXT, "error": TEXT,
    "note": TEXT, "published": FLAG, "git.commit": TEXT, "git.branch": TEXT, "git.dirty": TEXT,
}  # fmt: skip

# other words for the same, so that MLflow's filters can be used as they are
_KINDS: Mapping[str, str] = {
    "metrics": METRICS, "metric": METRICS, "params": PARAMS, "param": PARAMS, "parameters": PARAMS,
    "parameter": PARAMS, "tags": TAGS, "tag": TAGS, "attributes": ATTRIBUTES, "attribute": ATTRIBUTES,
    "attr": ATTRIBUTES, "run": ATTRIBUTES,
}  # fmt: skip
_SAME: Mapping[str, str] = {
    "id": "run", "run_id": "run", "run_name": "name", "user_id": "user", "start_time": "started",
    "end_time": "ended", "seconds": "duration", "commit": "git.commit", "branch": "git.branch",
}  # fmt: skip
_STATUSES: Mapping[str, str] = {"finished": "succeeded"}

_WORDS = ("and", "or", "not", "in", "is", "like", "ilike", "contains", "null", "none", "true", "false", "nan", "inf")
_WORD_COMPARISONS = ("like", "ilike", "contains", "in")
_FLIPPED = {"=": "=", "!=": "!=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}
_CONSTANTS: Mapping[str, float | bool] = {
    "true": True, "false": False, "nan": float("nan"), "inf": float("inf"), "infinity": float("inf")
}  # fmt: skip
_SHOWN = 60  # characters of a name that is wrong
_DEEP = 100  # parentheses and nots within each other
_MANY = 900  # values: SQLite's oldest limit on parameters is 999
_LONG = 20_000  # characters of a pattern

_TOKEN = patterns.lazily(
    r"""\s*(?:
    (?P<number>[+-]inf(?:inity)?\b|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<name>(?:[^\W\d][\w\-/%@:+]*|"[^"]*"|`[^`]*`)(?:\.(?:[\w\-/%@:+]+|"[^"]*"|`[^`]*`))*)
  | (?P<text>'[^']*(?:''[^']*)*')
  | (?P<odd>===|!==|=>|=<|=~|&&?|\|\|?|!(?!=)|~)
  | (?P<operator><>|[=!<>]=|[=<>])
  | (?P<mark>[(),])
  | (?P<end>\Z)
  )""",
    re.VERBOSE,
)
_QUOTED = patterns.lazily(r'"[^"]*"')
_PART = patterns.lazily(r'"([^"]*)"|`([^`]*)`|([^.]+)')
_INSTEAD = {
    "&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", "=~": "like", "~": "like", "=>": ">=", "=<": "<=",
    "===": "=", "!==": "!=",
}  # fmt: skip

Literal = str | int | float | bool


class Test(NamedTuple):
    """One comparison: `kind` and `name` say what is compared, `operator` how, `values` with what: one, but for `in`."""

    kind: str
    name: str
    operator: str  # one of = != > >= < <= like ilike contains in null, and "not " before one of the last five
    values: tuple[Literal, ...]
    column: int


class Every(NamedTuple):
    """All of them hold."""

    parts: tuple[Tree, ...]


class Some(NamedTuple):
    """At least one of them holds."""

    parts: tuple[Tree, ...]


class Not(NamedTuple):
    """It does not hold."""

    part: Tree


Tree = Test | Every | Some | Not


class Key(NamedTuple):
    """What runs are sorted by."""

    kind: str
    name: str
    descending: bool


def parse(text: str) -> Tree | None:
    """The tree of a filter; None for an empty one. Raises `errors.UsageError`."""
    reader = _Reader(text)
    if reader.now.kind == "end":
        return None
    tree = reader.either()
    if reader.now.kind != "end":
        raise reader.wrong(*_unexpected(reader.now, "and, or, or the end"))
    count = sum(len(test.values) for test in tests(tree))
    if count > _MANY:
        raise errors.UsageError(f"a filter of {count} values is too long", hint=f"ask for at most {_MANY} at once")
    return tree


def tests(tree: Tree) -> Iterator[Test]:
    """The comparisons of a tree, from left to right."""
    if isinstance(tree, Test):
        yield tree
    elif isinstance(tree, Not):
        yield from tests(tree.part)
    else:
        for part in tree.parts:
            yield from tests(part)


def key(text: str) -> Key:
    """What one sort key means: `metrics.auc`, `-metrics.auc` or `metrics.auc desc`. Raises `errors.UsageError`."""
    descending = text.lstrip().startswith("-")
    rest = text.lstrip()[1:] if descending else text
    reader = _Reader(rest, "sort", text)
    kind, name = reader.operand()
    word = reader.now.text.lower() if reader.now.kind == "name" else ""
    if word in ("asc", "ascending", "desc", "descending"):
        descending ^= word.startswith("desc")
        reader.next()
    if reader.now.kind != "end":
        raise reader.wrong(*_unexpected(reader.now, "asc or desc"))
    return Key(kind, name, descending)


def split(text: str) -> tuple[str, str]:
    """The kind and the name that a single name means: ("metrics", "auc"). Raises `errors.UsageError`."""
    reader = _Reader(text, "name")
    found = reader.operand()
    if reader.now.kind != "end":
        raise reader.wrong(*_unexpected(reader.now, "the end"))
    return found


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def _unexpected(token: _Token, wanted: str) -> tuple[str, str, int]:
    if token.kind == "end":
        return f"it ends where {wanted} should follow", f"write {wanted}", token.at
    near = errors.nearest(token.text, _WORDS) if token.kind == "name" and token.text.lower() not in _WORDS else None
    return (
        f"{token.text} stands where {wanted} should",
        f"did you mean {near!r}?" if near else f"write {wanted}",
        token.at,
    )


class _Value(NamedTuple):
    value: Literal
    token: _Token


class _Reader:
    """Goes through the text of a filter, one token after the other."""

    def __init__(self, text: str, what: str = "filter", shown: str | None = None) -> None:
        self._text = text
        self._what = what
        self._shown = text if shown is None else shown
        self._depth = 0
        self._at = 0
        self.now = self._read()

    def wrong(self, what: str, hint: str, at: int) -> errors.UsageError:
        """The error for the column `at`."""
        at += len(self._shown) - len(self._text)
        line = "".join(" " if char.isspace() else char for char in self._shown)
        start = max(0, at - 60)
        shown = f"{'...' if start else ''}{line[start : at + 60]}{'...' if at + 60 < len(line) else ''}"
        caret = " " * (at - start + (3 if start else 0)) + "^"
        return errors.UsageError(f"{what}\n    {shown}\n    {caret}", where=f"{self._what}, column {at + 1}", hint=hint)

    def next(self) -> _Token:
        """The token that is there now; go on to the one behind it."""
        token, self.now = self.now, self._read()
        return token

    def _read(self) -> _Token:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self._strange()
        self._at = found.end()
        token = _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
        if token.kind == "odd":
            raise self.wrong(f"{token.text} is no operator", f"did you mean {_INSTEAD[token.text]!r}?", token.at)
        return token

    def _strange(self) -> errors.UsageError:
        at = self._at + len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
        rest = self._text[at:]
        if rest[0] in "'\"`":
            return self.wrong(f"the quote {rest[0]} is not closed", f"write a second {rest[0]} behind the text", at)
        word = re.match(r"[^\s()]+", rest)
        odd = word[0] if word else rest[0]
        return self.wrong(f"{odd!r} is not understood", "text is quoted: 'so'; odd names too: metrics.`so`", at)

    def _word(self) -> str:
        """The keyword that is there now, else nothing."""
        word = self.now.text.lower()
        return word if self.now.kind == "name" and word in _WORDS else ""

    # -- and, or, not ----------------------------------------------------------------------------------------

    def either(self) -> Tree:
        parts = [self._all()]
        while self._word() == "or":
            self.next()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _all(self) -> Tree:
        parts = [self._one()]
        while self._word() == "and":
            self.next()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _one(self) -> Tree:
        self._depth += 1
        if self._depth > _DEEP:
            raise self.wrong("parentheses go too deep", f"use at most {_DEEP} within each other", self.now.at)
        try:
            if self._word() == "not":
                self.next()
                return Not(self._one())
            if self.now.text == "(":
                opened = self.next()
                tree = self.either()
                if self.now.text != ")":
                    if self.now.kind == "end":
                        raise self.wrong("this parenthesis is not closed", "write a ) behind it", opened.at)
                    raise self.wrong(*_unexpected(self.now, "and, or, or )"))
                self.next()
                return tree
            return self._comparison()
        finally:
            self._depth -= 1

    # -- one comparison --------------------------------------------------------------------------------------

    def _comparison(self) -> Tree:
        column = self.now.at
        if self.now.kind in ("number", "text"):  # 0.8 < metrics.auc
            token, value = self.now, self._value()
            operator = self._operator()
            if operator not in _FLIPPED:
                raise self.wrong("a name stands on the left of this", "write metrics.NAME, params.NAME ...", token.at)
            kind, name = self.operand()
            return self._test(kind, name, _FLIPPED[operator], [value], column)
        kind, name = self.operand()
        operator = self._operator()
        if operator in ("null", "not null"):
            return Test(kind, name, operator, (), column)
        values = self._listed() if operator in ("in", "not in") else [self._value()]
        return self._test(kind, name, operator, values, column)

    def operand(self) -> tuple[str, str]:
        """What is compared: its kind, and its name there."""
        token = self.now
        if token.kind != "name" or self._word() in ("and", "or", "in", "is"):
            raise self.wrong(*_unexpected(token, "a name such as metrics.auc"))
        self.next()
        parts = [quoted or ticked or plain for quoted, ticked, plain in _PART.findall(token.text)]
        bare = token.text[0] not in '"`'
        kind = _KINDS.get(parts[0].lower()) if bare and len(parts) > 1 else None
        if kind is not None and kind != ATTRIBUTES:
            return kind, rows.clean(".".join(parts[1:]))
        name = ".".join(parts[1:] if kind == ATTRIBUTES else parts)
        name = _SAME.get(name.lower(), name.lower())
        if name in KNOWN:
            return ATTRIBUTES, name
        raise self._unknown(token, parts)

    def _unknown(self, token: _Token, parts: list[str]) -> errors.UsageError:
        known = [*KNOWN, "metrics", "params", "tags"]
        short = token.text if len(token.text) <= _SHOWN else f"{token.text[:_SHOWN]}..."
        if len(parts) > 1 and (near := errors.nearest(parts[0], ("metrics", "params", "tags", "attributes"))):
            instead = f"did you mean {'.'.join([near, *parts[1:]])!r}?"
            if near == ATTRIBUTES:
                instead = f"there are {', '.join(KNOWN)}"
        else:
            instead = errors.did_you_mean(
                token.text,
                [name for name in known if name != token.text.lower()],
                f"write metrics.{short}, params.{short} or tags.{short}; or one of {', '.join(KNOWN)}",
            )
        return self.wrong(f"a run has no {short}", instead, token.at)

    def _operator(self) -> str:
        token = self.next()
        if token.kind == "operator":
            return {"==": "=", "<>": "!="}.get(token.text, token.text)
        word = token.text.lower() if token.kind == "name" else ""
        negated = word == "not"
        if negated:
            token = self.next()
            word = token.text.lower() if token.kind == "name" else ""
        if word in _WORD_COMPARISONS:
            return f"not {word}" if negated else word
        if word == "is" and not negated:
            return self._is()
        wanted = "a comparison"
        if word and (near := errors.nearest(word, ("in", "like", "ilike", "contains", "is", "not"))):
            raise self.wrong(f"{token.text} is no comparison", f"did you mean {near!r}?", token.at)
        what, hint, at = _unexpected(token, wanted)
        raise self.wrong(what, f"{hint}: = != > >= < <= in like ilike contains, is null", at)

    def _is(self) -> str:
        negated = self._word() == "not"
        if negated:
            self.next()
        if self._word() not in ("null", "none"):
            raise self.wrong(
                "null should follow", "write: is null, is not null; to compare with a value: = or !=", self.now.at
            )
        self.next()
        return "not null" if negated else "null"

    def _listed(self) -> list[_Value]:
        if self.now.text != "(":
            raise self.wrong(*_unexpected(self.now, "a list such as ('a', 'b')"))
        self.next()
        values = [self._value()]
        while self.now.text == ",":
            self.next()
            if self.now.text == ")":
                break
            values.append(self._value())
        if self.now.text != ")":
            raise self.wrong(*_unexpected(self.now, "a comma or )"))
        self.next()
        return values

    def _value(self) -> _Value:
        token = self.now
        if token.kind == "number":
            self.next()
            try:
                return _Value(int(token.text), token)
            except ValueError:
                return _Value(float(token.text), token)
        if token.kind == "text":
            self.next()
            return _Value(token.text[1:-1].replace("''", "'"), token)
        if token.kind != "name":
            raise self.wrong(*_unexpected(token, "a number or a quoted text"))
        if _QUOTED.fullmatch(token.text):
            self.next()
            return _Value(token.text[1:-1], token)
        word = token.text.lower()
        if word in ("null", "none"):
            raise self.wrong("nothing is equal to null", "write: is null, or: is not null", token.at)
        if word not in _CONSTANTS:
            raise self.wrong(f"{token.text} is not quoted", f"write '{token.text}'", token.at)
        self.next()
        return _Value(_CONSTANTS[word], token)

    # -- which values make sense -----------------------------------------------------------------------------

    def _test(self, kind: str, name: str, operator: str, values: list[_Value], column: int) -> Test:
        return Test(kind, name, operator, tuple(self._fit(kind, name, operator, each) for each in values), column)

    def _fit(self, kind: str, name: str, operator: str, given: _Value) -> Literal:
        """A value as it is compared with that name."""
        value, (_, text, at) = given
        wanted = NUMBER if kind == METRICS else KNOWN[name] if kind == ATTRIBUTES else ""
        if operator.removeprefix("not ") in ("like", "ilike", "contains"):
            if wanted in (NUMBER, TIME, FLAG):
                raise self.wrong(f"{name} is no text", f"{operator} is for texts; use = != > >= < <=", at)
            if not isinstance(value, str):
                raise self.wrong(f"{operator} takes a text", f"write '{text}'", at)
            if len(value) > _LONG:
                raise self.wrong(f"{len(value)} characters are too many for {operator}", "write less", at)
            return value
        if wanted == TEXT:
            word = value if isinstance(value, str) else text
            return _STATUSES.get(word.lower(), word.lower()) if name == "status" else word
        if wanted == TIME:
            return self._time(name, value, at)
        if wanted == NUMBER and isinstance(value, str | bool):
            raise self.wrong(f"{name} is a number", "compare it with a number, without quotes", at)
        if wanted == FLAG and not isinstance(value, bool):
            raise self.wrong(f"{name} is true or false", "write: true, or: false", at)
        return value

    def _time(self, name: str, value: Literal, at: int) -> float:
        if isinstance(value, str):
            try:
                return datetime.datetime.fromisoformat(value).timestamp()
            except (ValueError, OverflowError, OSError):
                pass
        elif not isinstance(value, bool):
            return value / 1000 if abs(value) > 1e11 else float(value)  # MLflow counts milliseconds
        raise self.wrong(
            f"{name} is a time", "write '2026-11-21' or '2026-11-21 13:45' (local), or seconds since 1970", at
        )
