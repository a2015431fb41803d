r"""The grammar of overrides, that of Hydra 1.3: a text of the command line -> what it says.

    [+ | ++ | ~] key [@package] = value           key: a.b.c, or a group: db, db/engine
    value   element | element , element ...       several: a sweep
    element 'text' "text" | [ element , ... ] | { key : element , ... } | function( element , name=element ) | plain
    plain   anything else: null, true, 12, 1e-3, nan, ${a.b}, text; `\` before one of  \ ( ) [ ] { } : = , blank
            takes its meaning away, and so do quotes

Called by `overrides` and `sweeping`. Read by hand in one pass; a mistake is told with its column. What is read as
more than in Hydra is said in docs/overrides.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tane import errors, patterns
from tane.config import origins, placeholders, scalars, sweeps, trees

SET, ADD, FORCE, REMOVE = "", "+", "++", "~"

_BLANK = " \t"
_DEEPEST = 100
_SIMPLE = patterns.lazily(r"(\+{0,2})((?:[A-Za-z_][\w-]*)(?:\.[\w-]+)*)=([\w/.+%*?|@-]+)\Z")
_QUOTED = patterns.lazily(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", 16)  # 16: a text may have several lines
_BEFORE_QUOTE = {"'": patterns.lazily(r"\\+(?='|\Z)"), '"': patterns.lazily(r'\\+(?="|\Z)')}
_FUNCTION = patterns.lazily(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\([ \t]*")
_NAMED = patterns.lazily(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*=[ \t]*")
_PLAIN = patterns.lazily(r"[^\\$,()\[\]{}'\"]+")
_PLAIN_KEY = patterns.lazily(r"[^\\,()\[\]{}'\":]+")
_ESCAPE = patterns.lazily(r"(?:\\[\\()\[\]{}:=, \t])+")
_GROUP = patterns.lazily(r"[A-Za-z_][\w-]*(?:/[A-Za-z_][\w-]*)+\Z")


class Override(NamedTuple):
    """One override: its sign, the keys it goes to, its value (None: just remove), and where it was written.

    A group that holds other groups has one key with "/" in it. `package` is what follows an `@`, None without one.
    """

    sign: str
    keys: tuple[str, ...]
    value: trees.Tree | sweeps.Sweep | None
    origin: origins.Origin
    package: str | None = None

    @property
    def name(self) -> str:
        """The keys as one dotted name; for a group its name."""
        return ".".join(self.keys)

    @property
    def target(self) -> str:
        """All that stands before the value: two overrides with the same target do the same thing."""
        return f"{self.sign}{self.place}"

    @property
    def place(self) -> str:
        """The name, with the package."""
        return self.name if self.package is None else f"{self.name}@{self.package}"


def parse(text: str, faults: list[errors.Fault]) -> Override | None:
    """The override that an argument of the command line says, its value perhaps a sweep; or None with a fault."""
    origin = origins.Origin(text, 0, origins.COMMAND_LINE)
    simple = _SIMPLE.match(text)
    try:
        if simple is not None:
            sign, name, plain = simple.groups()
            return Override(sign, tuple(name.split(".")), trees.Leaf(_scalar(plain, simple.start(3)), origin), origin)
        return _parse(text, origin)
    except Bad as bad:
        faults.append(bad.fault(origin))
    return None


def value(text: str, origin: origins.Origin, faults: list[errors.Fault]) -> trees.Tree | sweeps.Sweep | None:
    """The value that `text` writes, all of it from `origin`; None with a fault."""
    try:
        return tree(read(text), origin)
    except Bad as bad:
        faults.append(bad.fault(origin))
    return None


def read(text: str, start: int = 0) -> Any:
    """The plain value or sweep that `text` writes from `start` on. Raises `Bad`."""
    return _Reader(text).whole(start)


def tree(read: Any, origin: origins.Origin) -> trees.Tree | sweeps.Sweep:
    """What was read as a tree from `origin`; a sweep stays one."""
    return read if isinstance(read, sweeps.SWEEPS) else trees.of(read, origin)


class Bad(Exception):
    """What is wrong in a text, at which column (from 1), and what to do."""

    def __init__(self, what: str, at: int, hint: str) -> None:
        super().__init__(what)
        self.what = f"{what}, at column {at + 1}"
        self.hint = hint

    def fault(self, origin: origins.Origin) -> errors.Fault:
        """The fault of what was written at `origin`."""
        return errors.Fault(self.what, str(origin), self.hint)


def _scalar(text: str, at: int) -> scalars.Scalar:
    try:
        return scalars.unquoted(text)
    except ValueError:
        raise Bad("the number is too long to hold", at, "put it in quotes to make it text") from None


def _parse(text: str, origin: origins.Origin) -> Override:
    begin = len(text) - len(text.lstrip())
    sign = next(sign for sign in (FORCE, ADD, REMOVE, SET) if text.startswith(sign, begin))
    begin += len(sign)
    equals = text.find("=", begin)
    key, at, package = text[begin : equals if equals >= 0 else len(text)].strip().partition("@")
    keys = (key,) if _GROUP.match(key) else tuple(key.split("."))
    shown = f"{key}{at}{package}"
    if not all(keys) or any(part != part.strip() for part in keys):
        raise Bad(f"{key!r} names no parameter", begin, "write names joined by dots, as in model.lr=0.1")
    if at and (package != package.strip() or "@" in package or ":" in package):
        raise Bad(f"{package!r} is no package", begin + len(key) + 1, f"write {key}@PACKAGE=..., with one name")
    to = package if at else None
    if equals < 0:
        if sign == REMOVE:
            return Override(sign, keys, None, origin, to)
        raise Bad("there is no value", len(text), f"write {sign}{shown}=VALUE, or ~{shown} to remove it")
    return Override(sign, keys, tree(read(text, equals + 1), origin), origin, to)


_QUOTE_IT = "put text with brackets, quotes or commas in quotes; and the whole override once more, for the shell"


class _Reader:
    """One text, read from left to right. Each method starts at a position and gives what it read and where it ended."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0

    def whole(self, at: int) -> Any:
        """The value from `at` to the end of the text."""
        at = self.blank(at)
        if not self.text[at:].strip():
            return ""
        first, at = self.element(at)
        if at == len(self.text):
            self.refuse_nested(first, at)
            return first
        items = [first]
        while at < len(self.text):
            if self.text[at] != ",":
                raise self.unexpected(at, "goes on after its end")
            item, at = self.element(self.blank(at + 1))
            items.append(item)
        made = sweeps.Choice(tuple(items), simple=True)
        self.refuse_nested(made, at)
        return made

    def blank(self, at: int) -> int:
        """Where blanks end."""
        text = self.text
        while at < len(text) and text[at] in _BLANK:
            at += 1
        return at

    def element(self, at: int) -> tuple[Any, int]:
        """One element, and where it ended: at what follows it, blanks skipped."""
        char = self.text[at : at + 1]
        if char in ("'", '"'):
            return self.quoted(at)
        if char in ("[", "{"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise Bad("it is nested too deeply", at, "make it flatter")
            found = self.items(at) if char == "[" else self.entries(at)
            self.depth -= 1
            return found
        function = _FUNCTION.match(self.text, at)
        return self.call(function[1], at, function.end()) if function else self.plain(at)

    def quoted(self, at: int) -> tuple[str, int]:
        found = _QUOTED.match(self.text, at)
        if found is None:
            raise Bad("the quote is not closed", at, "close it; write \\' or \\\" for a quote within")
        quote = self.text[at]
        inner = found[1] if quote == "'" else found[2]
        if "\\" in inner:  # backslashes count by twos only where a quote follows them
            inner = _BEFORE_QUOTE[quote].sub(lambda run: "\\" * (len(run[0]) // 2), inner)
        return inner, self.end_of_text(found.end())

    def items(self, at: int) -> tuple[list[Any], int]:
        """A list."""
        opened, at = at, self.blank(at + 1)
        found: list[Any] = []
        if self.text.startswith("]", at):
            return found, self.end_of_text(at + 1)
        while True:
            item, at = self.element(at)
            found.append(item)
            if self.text.startswith("]", at):
                return found, self.end_of_text(at + 1)
            at = self.comma(at, opened, "]")

    def entries(self, at: int) -> tuple[dict[Any, Any], int]:
        """A mapping."""
        opened, at = at, self.blank(at + 1)
        found: dict[Any, Any] = {}
        named: set[str] = set()
        if self.text.startswith("}", at):
            return found, self.end_of_text(at + 1)
        while True:
            begin = at
            key, at = self.key(at)
            if not self.text.startswith(":", at):
                raise self.unexpected(at, "a key lacks its value: a colon belongs here")
            if key in found or trees.key_text(key) in named:
                raise Bad(f"the key {trees.key_text(key)!r} stands twice in one mapping", begin, "keep one of them")
            named.add(trees.key_text(key))
            found[key], at = self.element(self.blank(at + 1))
            if self.text.startswith("}", at):
                return found, self.end_of_text(at + 1)
            at = self.comma(at, opened, "}")

    def key(self, at: int) -> tuple[Any, int]:
        """The key of an entry."""
        if self.text[at : at + 1] in ("'", '"'):
            return self.quoted(at)
        return self.run(at, _PLAIN_KEY, interpolated=False)

    def comma(self, at: int, opened: int, closing: str) -> int:
        """The start of the next item; what opened at `opened` goes on."""
        if at >= len(self.text):
            raise Bad(f"{self.text[opened]!r} is not closed", opened, f"close it with {closing!r}; {_QUOTE_IT}")
        if self.text[at] != ",":
            raise self.unexpected(at, f"a comma or {closing!r} belongs here")
        return self.blank(at + 1)

    def call(self, name: str, begin: int, at: int) -> tuple[Any, int]:
        """What a function gives."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        opened = at
        while not self.text.startswith(")", at):
            if positional or named:
                at = self.comma(at, begin, ")") if at < len(self.text) else self.not_closed(opened)
            label = _NAMED.match(self.text, at)
            if label is None and named:
                raise Bad("a value without a name stands after one with a name", at, "put it first")
            item, at = self.element(label.end() if label else at)
            if label is None:
                positional.append(item)
            elif label[1] in named:
                raise Bad(f"{label[1]!r} stands twice", label.start(), "keep one of them")
            else:
                named[label[1]] = item
            if at >= len(self.text):
                self.not_closed(opened)
        for item in (*positional, *named.values()):
            if not isinstance(item, sweeps.SWEEPS):
                self.refuse_nested(item, begin)
        try:
            return sweeps.call(name, positional, named), self.end_of_text(at + 1)
        except sweeps.Unfit as unfit:
            raise Bad(unfit.what, begin, unfit.hint) from None

    def not_closed(self, opened: int) -> int:
        raise Bad("the bracket is not closed", opened - 1, f"close it with ')'; {_QUOTE_IT}")

    def plain(self, at: int) -> tuple[Any, int]:
        """A plain value: up to what is no part of one."""
        return self.run(at, _PLAIN, interpolated=True)

    def run(self, begin: int, letters: Any, *, interpolated: bool) -> tuple[Any, int]:
        text, at = self.text, begin
        parts: list[str] = []
        escaped = False
        while at < len(text):
            found = letters.match(text, at)
            if found is not None:
                parts.append(found[0])
                at = found.end()
            elif text[at] == "\\":
                escape = _ESCAPE.match(text, at)
                parts.append(escape[0][1::2] if escape else "\\")
                escaped = escaped or escape is not None
                at = escape.end() if escape else at + 1
            elif text[at] == "$" and interpolated:
                end = self.interpolation(at)
                parts.append(text[at:end])
                at = end
            else:
                break
        end = at
        while end > begin and text[end - 1].isspace() and not (escaped and _ends_escaped(text, end)):
            end -= 1
        if end > begin and text[end - 1] == ":" and not (escaped and _ends_escaped(text, end)):
            end = at  # blanks belong to the colon before them
        written = "".join(parts)
        written = written[: len(written) - (at - end)]
        if not written:
            raise self.unexpected(at, "a value belongs here")
        return (written if escaped else _scalar(written, begin)), at

    def interpolation(self, at: int) -> int:
        """Where the interpolation that begins at `at` ends; just behind the sign when it is none."""
        if not self.text.startswith("${", at):
            return at + 1
        try:
            return placeholders.end(self.text, at)
        except placeholders.Bad as bad:
            raise Bad(bad.what, bad.column - 1, bad.hint) from None

    def end_of_text(self, at: int) -> int:
        """Where the next thing stands after a value that may be followed by nothing but blanks and an end."""
        at = self.blank(at)
        if self.text[at : at + 1].isspace() and not self.text[at:].strip():
            return len(self.text)
        return at

    def refuse_nested(self, value: Any, at: int) -> None:
        """Sweeps stand alone."""
        inner = value.items if isinstance(value, sweeps.Choice) else value
        for item in inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list | tuple) else ():
            if isinstance(item, sweeps.SWEEPS):
                raise Bad("a sweep stands within another value", at - 1, "a sweep is the whole value of its key")
            self.refuse_nested(item, at)

    def unexpected(self, at: int, what: str) -> Bad:
        """What is wrong where something else was to come."""
        if at >= len(self.text):
            return Bad(f"{what}, but the text ends", at, _QUOTE_IT)
        return Bad(f"{what}, not {self.text[at]!r}", at, _QUOTE_IT)


def _ends_escaped(text: str, end: int) -> bool:
    """Whether the character before `end` is escaped."""
    at = end - 1
    while at > 0 and text[at - 1] == "\\":
        at -= 1
    return (end - 1 - at) % 2 == 1


def written(value: Any) -> str:
    """`value`, plain, as the grammar writes it: what it reads is the same again."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key_written(key)}:{written(item)}" for key, item in value.items()) + "}"
    if not isinstance(value, str):
        return repr(value)
    if _BARE.match(value) and scalars.unquoted(value) == value:
        return value
    return _in_quotes(value)


def _key_written(key: Any) -> str:
    return _in_quotes(key) if isinstance(key, str) and ":" in key else written(key)


_BARE = patterns.lazily(r"[\w/.%*?|@-]+(?:[ :][\w/.%*?|@-]+)*\Z", 256)  # 256: ASCII letters
_TO_ESCAPE = patterns.lazily(r"(\\*)('|\Z)")


def _in_quotes(text: str) -> str:
    return "'" + _TO_ESCAPE.sub(lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text) + "'"
