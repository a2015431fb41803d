"""From the tree of a filter to the SQL that finds its runs. `search` calls it; values are always bound, never written.

Each comparison is true or false of every run: one with a parameter, metric or tag that a run does not have is false, so
that `not` of it is true.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tane import fielded
from tane.ledger import connection, filters, rows

# The text of a parameter: all of it, where the index holds the first part alone.
_WORD = (
    f"case when length(start) < {rows.START} then start when type = {rows.TEXT} then {connection.TEXT_OF}(value) "
    "else value end"
)
_LOOKS_NUMERIC = "(value glob '[-+.0-9]*' and value not glob '*[^-+.0-9eE]*')"
_SQL: Mapping[str, str] = {"=": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}


@fielded.frozen
class Moment:
    """What a search must know of its ledger beside the rows.

    `now` is its time. `gone` are the numbers of runs recorded as running whose process is gone, with when they ended;
    `fresh` says whether there are points that were not moved to their metrics yet.
    """

    now: float
    gone: Mapping[int, float] = fielded.field(default_factory=dict)
    fresh: bool = False


class Terms:
    """Builds SQL for one search. `values` are bound in the order of the question marks in what is asked of it."""

    def __init__(self, moment: Moment) -> None:
        self.values: list[Any] = []
        self._moment = moment

    def condition(self, tree: filters.Tree) -> str:
        """The SQL of a tree."""
        if isinstance(tree, filters.Test):
            return self._test(tree)
        if isinstance(tree, filters.Not):
            return f"not {self.condition(tree.part)}"
        parts = [self.condition(part) for part in tree.parts]
        return _joined(parts, "and" if isinstance(tree, filters.Every) else "or")

    def order(self, key: filters.Key) -> list[str]:
        """What to sort by for a key, one term after the other; null stands for what a run does not have."""
        if key.kind == filters.ATTRIBUTES:
            column = self.attribute(key.name)
            return [f"nullif({column}, '')" if filters.KNOWN[key.name] == filters.TEXT else column]
        if key.kind == filters.METRICS:
            return [self._last(key.name)]
        columns = ("value",) if key.kind == filters.TAGS else ("number", f"case when number is null then ({_WORD}) end")
        self.values += [key.name] * len(columns)
        return [f"(select {column} from {key.kind} where run = runs.id and name = ?)" for column in columns]

    def attribute(self, name: str) -> str:
        """The SQL of what a run has without a prefix."""
        gone = self._moment.gone
        if name == "status" and gone:
            return f"case when runs.id in ({','.join(map(str, gone))}) then 'killed' else runs.status end"
        if name == "ended":
            died = f"case runs.id {' '.join(f'when {run} then {at!r}' for run, at in gone.items())} end"
            return f"coalesce(nullif(runs.ended, 0), {died})" if gone else "nullif(runs.ended, 0)"
        if name == "duration":
            return f"max(coalesce({self.attribute('ended')}, {self._moment.now!r}) - runs.started, 0)"
        return _COLUMNS[name]

    # -- comparisons -----------------------------------------------------------------------------------------

    def _test(self, test: filters.Test) -> str:
        if test.kind == filters.ATTRIBUTES:
            return self._of_attribute(test)
        if test.kind == filters.METRICS:
            return self._of_metric(test)
        table, column = ("params", f"({_WORD})") if test.kind == filters.PARAMS else ("tags", "value")
        self.values.append(test.name)
        if test.operator in ("null", "not null"):
            some = f" and (type <> {rows.OTHER} or start <> 'null')" if table == "params" else ""
            return f"runs.id {_not(test.operator == 'null')}in (select run from {table} where name = ?{some})"
        compare = self._param if table == "params" else self._tag
        operator = test.operator.removeprefix("not ")
        if operator == "in":
            found = _joined([compare("=", value) for value in test.values], "or")
        elif operator in _SQL:
            found = compare(operator, test.values[0])
        else:
            found = self._pattern(column, operator, test.values[0])
        if operator != test.operator:
            found = f"not coalesce({found}, 0)"
        return f"runs.id in (select run from {table} where name = ? and {found})"

    def _param(self, operator: str, value: filters.Literal) -> str:
        if isinstance(value, bool):
            return self._plain("start", operator, "true" if value else "false")
        if isinstance(value, str):
            if operator not in ("=", "!="):
                return self._plain(f"({_WORD})", operator, value)
            start = rows.start(value)
            found = self._plain("start", "=", start)
            if len(start) >= rows.START:
                found = f"({found} and {self._plain(f'({_WORD})', '=', value)})"
            return found if operator == "=" else f"not {found}"
        if math.isnan(value):
            return self._plain("start", operator, "NaN")
        if isinstance(value, int) and abs(value) > 1 << 53 and operator in ("=", "!="):
            return self._plain("start", operator, str(value))
        found = self._plain("number", operator, _double(value))
        return f"({found} or number is null)" if operator == "!=" else found

    def _tag(self, operator: str, value: filters.Literal) -> str:
        if isinstance(value, str):
            return self._plain("value", operator, value)
        if isinstance(value, bool):
            return self._plain("lower(value)", operator, "true" if value else "false")
        if operator == "!=":
            return f"not ({_LOOKS_NUMERIC} and {self._plain('cast(value as real)', '=', _double(value))})"
        return f"({_LOOKS_NUMERIC} and {self._plain('cast(value as real)', operator, _double(value))})"

    def _of_metric(self, test: filters.Test) -> str:
        """Runs whose last value of a metric is so. Points that were just logged are later than all others."""
        absent = test.operator == "null"
        name = test.name
        if test.operator in ("null", "not null"):
            self.values.append(name)
            found = f"runs.id {_not(absent)}in (select run from metrics where name = ?)"
            if not self._moment.fresh:
                return found
            self.values.append(name)
            fresh = f"runs.id {_not(absent)}in (select run from logged where name = ?)"
            return f"({found} {'and' if absent else 'or'} {fresh})"
        self.values.append(name)
        kept = self._number("m.last", test)
        found = f"runs.id in (select m.run from metrics as m where m.name = ? and {kept} and {_LATEST})"
        if not self._moment.fresh:
            return found
        self.values += [name, name]
        fresh = self._number("last", test)
        return (
            f"(({found} and runs.id not in (select run from logged where name = ?)) or runs.id in (select run from "
            f"(select run, value as last, max(id) from logged where name = ? group by run) where {fresh}))"
        )

    def _number(self, column: str, test: filters.Test) -> str:
        operator = test.operator.removeprefix("not ")
        if operator != "in":
            return self._double_is(column, operator, test.values[0])
        found = _joined([self._double_is(column, "=", value) for value in test.values], "or")
        return f"not {found}" if operator != test.operator else found

    def _double_is(self, column: str, operator: str, value: filters.Literal) -> str:
        """A number, where null is NaN: equal to nothing, but findable."""
        number = _double(value)
        if math.isnan(number):
            return f"{column} is {'null' if operator == '=' else 'not null'}" if operator in ("=", "!=") else "0"
        found = self._plain(column, operator, number)
        return f"coalesce({found}, {int(operator == '!=')})"

    def _of_attribute(self, test: filters.Test) -> str:
        column = self.attribute(test.name)
        operator = test.operator.removeprefix("not ")
        negated = operator != test.operator
        if operator == "null":
            return f"{_present(column, test.name)} is {_not(negated)}null"
        if operator == "in":
            found = _joined([self._plain(column, "=", value) for value in test.values], "or")
        elif operator in _SQL:
            found = self._plain(column, operator, test.values[0])
        else:
            found = self._pattern(column, operator, test.values[0])
        return f"coalesce({_not(negated)}{found}, 0)"

    def _pattern(self, column: str, operator: str, value: filters.Literal) -> str:
        text = rows.clean(str(value))
        if operator == "contains":
            self.values.append(text)
            return f"(instr({column}, ?) > 0)"
        self.values.append(_glob(text) if operator == "like" else text)
        return f"({column} {'glob' if operator == 'like' else 'like'} ?)"  # SQLite's own `like` ignores case

    def _plain(self, column: str, operator: str, value: Any) -> str:
        self.values.append(rows.clean(value) if isinstance(value, str) else _double(value))
        return f"({column} {_SQL[operator]} ?)"

    def _last(self, name: str) -> str:
        kept = "(select last from metrics where name = ? and run = runs.id order by at desc, id desc limit 1)"
        if not self._moment.fresh:
            self.values.append(name)
            return kept
        self.values += [name, name, name]
        return (
            "(case when runs.id in (select run from logged where name = ?) then "
            "(select value from logged where run = runs.id and name = ? order by id desc limit 1) "
            f"else {kept} end)"
        )


# Several nodes may have logged a metric of one name: it is the one that did so last who counts.
_LATEST = (
    "not exists (select 1 from metrics as other where other.name = m.name and other.run = m.run "
    "and (other.at > m.at or (other.at = m.at and other.id > m.id)))"
)

_COLUMNS: Mapping[str, str] = {
    "run": "runs.run",
    "status": "runs.status",
    "pipeline": "runs.pipeline",
    "name": "runs.name",
    "kind": "runs.kind",
    "experiment": "runs.experiment",
    "group": "runs.grouped",
    "job_type": "runs.job_type",
    "parent": "runs.parent",
    "study": "runs.study",
    "trial": "nullif(runs.trial, -1)",
    "started": "runs.started",
    "user": "runs.account",
    "host": "runs.host",
    "pid": "runs.pid",
    "python": "runs.python",
    "command": "runs.command",
    "error": "runs.error",
    "note": "coalesce((select content from notes where notes.run = runs.id), '')",
    "published": "runs.published",
    "git.commit": "runs.git_commit",
    "git.branch": "runs.git_branch",
    "git.dirty": "runs.git_dirty",
}


def _present(column: str, name: str) -> str:
    """An attribute that is null where a run does not have it."""
    return f"nullif({column}, '')" if filters.KNOWN[name] == filters.TEXT else column


def _joined(parts: Sequence[str], word: str) -> str:
    """All parts with `word` between, in pairs of pairs: SQLite's expressions may not be deep."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({_joined(parts[:half], word)} {word} {_joined(parts[half:], word)})"


def _not(negated: bool) -> str:
    return "not " if negated else ""


def _double(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _glob(pattern: str) -> str:
    """A pattern of `like` as one of SQLite's `glob`, which tells upper from lower case."""
    return "".join(_GLOB.get(char, char) for char in pattern)


_GLOB: Mapping[str, str] = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
