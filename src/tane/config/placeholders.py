r"""How interpolations are written: `${a.b}`, `${.x}`, `${name:argument,...}`, as OmegaConf has it. Text -> parts.

    text     anything with ${...} in it; \${ is those two signs themselves, \\${ a backslash before an interpolation
    inside   dots, then keys joined by dots or in brackets: a.b, a[b], ..x, a.${b}        a value of the configuration
             or NAME : element , element ...                                             what a resolver gives
    element  'text' "text" | [ element , ... ] | { key : element , ... } | plain, as in overrides

Called by `interpolations`, which knows what they stand for. What is read is kept: one text is read once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from tane import patterns
from tane.config import scalars

_BLANK = " \t"
_DEEPEST = 100
_OPEN = patterns.lazily(r"(\\*)\$\{")
_KEY = patterns.lazily(r"[^\\{}()\[\]:. \t'\"]+")
_NAME = patterns.lazily(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_PLAIN = patterns.lazily(r"[^\\$,\[\]{}'\"]+")
_PLAIN_KEY = patterns.lazily(r"[^\\,\[\]{}'\":]+")
_ESCAPE = patterns.lazily(r"(?:\\[\\()\[\]{}:=, \t])+")


class Joined(NamedTuple):
    """Text made of several parts."""

    parts: tuple[Any, ...]


class Node(NamedTuple):
    """A value of the configuration: the pieces of its path, dots and brackets among them."""

    pieces: tuple[Any, ...]
    text: str


class Call(NamedTuple):
    """What a resolver gives. The arguments are plain values, `Joined`, `Node`, `Call`, `Listed` or `Mapped`."""

    name: tuple[Any, ...]
    arguments: tuple[Any, ...]
    text: str


class Listed(NamedTuple):
    """A list of arguments."""

    items: tuple[Any, ...]


class Mapped(NamedTuple):
    """A mapping of arguments."""

    entries: tuple[tuple[Any, Any], ...]


class Bad(Exception):
    """What is wrong in a text, at which column (from 1), and what to do."""

    def __init__(self, what: str, at: int, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.column = at + 1
        self.hint = hint


@lru_cache(maxsize=4096)
def read(text: str) -> Any:
    """The text's parts: `Joined`, or one `Node` or `Call` when it is nothing else. Raises `Bad`."""
    return _Reader(text).top()


@lru_cache(maxsize=1024)
def element(text: str) -> Any:
    """The value that `text` is as an argument of a resolver would be. Raises `Bad`."""
    reader = _Reader(text)
    at = reader.blank(0)
    if at == len(text):
        raise Bad("there is no value", at, "write a value")
    found, at = reader.element(at)
    if at < len(text):
        raise Bad(f"goes on after its end with {text[at]!r}", at, _QUOTE_IT)
    return found


def end(text: str, at: int) -> int:
    """Where the interpolation that begins at `at` of a longer text ends. Raises `Bad`."""
    return _Reader(text).interpolation(at)[1]


_QUOTE_IT = "put text with brackets, quotes or commas in quotes"


class _Reader:
    """One text. Each method starts at a position and gives what it read and where it ended."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0

    def top(self) -> Any:
        parts, _ = self.mixed(0, "")
        return parts[0] if len(parts) == 1 and not isinstance(parts[0], str) else Joined(tuple(parts))

    def mixed(self, at: int, quote: str) -> tuple[list[Any], int]:
        """Text and interpolations, to the end of the text or to the closing `quote`."""
        text = self.text
        special = _WITHIN[quote] if quote else _OPEN
        parts: list[Any] = []
        plain: list[str] = []
        while (found := special.search(text, at)) is not None:
            plain.append(text[at : found.start()])
            slashes, at = len(found[1]), found.end()
            plain.append("\\" * (slashes // 2))
            if slashes % 2:
                plain.append(found[0][slashes:])
            elif found[0].endswith(quote) and quote:
                break
            else:
                if said := "".join(plain):
                    parts.append(said)
                plain = []
                one, at = self.interpolation(at - 2)
                parts.append(one)
        else:
            if quote:
                raise Bad("the quote is not closed", at, f"close it; write \\{quote} for a quote within")
            plain.append(text[at:])
        if said := "".join(plain):
            parts.append(said)
        return parts, at

    def blank(self, at: int) -> int:
        text = self.text
        while at < len(text) and text[at] in _BLANK:
            at += 1
        return at

    def interpolation(self, begin: int) -> tuple[Node | Call, int]:
        """What the `${` at `begin` opens."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Bad("it is nested too deeply", begin, "make it flatter")
        text, at = self.text, self.blank(begin + 2)
        pieces: list[Any] = []
        while text.startswith(".", at):
            pieces.append(".")
            at += 1
        at = self.step(at, begin, pieces)
        while at < len(text) and text[at] in ".[":
            if text[at] == ".":
                pieces.append(".")
                at += 1
                if text.startswith("[", at):
                    raise Bad("a key belongs between '.' and '['", at, "write ${a.b} or ${a[b]}")
            at = self.step(at, begin, pieces)
        at = self.blank(at)
        if text.startswith("}", at):
            made: Node | Call = Node(tuple(pieces), text[begin : at + 1])
        elif text.startswith(":", at):
            name = self.name(pieces, begin)
            arguments, at = self.arguments(self.blank(at + 1), begin)
            made = Call(name, arguments, text[begin : at + 1])
        else:
            raise self.unclosed(at, begin)
        self.depth -= 1
        return made, at + 1

    def unclosed(self, at: int, begin: int) -> Bad:
        if at >= len(self.text):
            return Bad("the interpolation is not closed", begin, "close it with '}', or write \\${ for the signs")
        return Bad(
            f"{self.text[at]!r} cannot stand in an interpolation", at, "write ${a.b}, or \\${ for the signs themselves"
        )

    def step(self, at: int, begin: int, pieces: list[Any]) -> int:
        """One key of a path, perhaps in brackets."""
        bracket = self.text.startswith("[", at)
        if bracket:
            pieces.append("[")
            at += 1
        if self.text.startswith("${", at):
            one, at = self.interpolation(at)
            pieces.append(one)
        else:
            found = _KEY.match(self.text, at)
            if found is None:
                if self.text.startswith("}", at):
                    raise Bad("the interpolation names nothing", at, "write ${a.b}")
                raise self.unclosed(at, begin)
            pieces.append(found[0])
            at = found.end()
            if found[0].endswith("$") and self.text.startswith("{", at):
                raise Bad("an interpolation cannot be a part of a key", at - 1, "let it be the whole key: ${a.${b}}")
        if bracket:
            if not self.text.startswith("]", at):
                raise Bad("the bracket is not closed", at, "write ${a[b]}")
            pieces.append("]")
            at += 1
        return at

    def name(self, pieces: list[Any], begin: int) -> tuple[Any, ...]:
        """The name of a resolver: names joined by dots."""
        for i, piece in enumerate(pieces):
            fits = piece == "." if i % 2 else not isinstance(piece, str) or _NAME.match(piece)
            if not fits:
                what = f"{''.join(p if isinstance(p, str) else p.text for p in pieces)!r} is no name of a resolver"
                raise Bad(what, begin + 2, "write ${name:argument}")
        return tuple(pieces)

    def arguments(self, at: int, begin: int) -> tuple[tuple[Any, ...], int]:
        """The arguments of a resolver. One that is left out is empty text."""
        text = self.text
        found: list[Any] = []
        if text.startswith("}", at):
            return (), at
        while True:
            if text.startswith((",", "}"), at):
                found.append("")
            else:
                one, at = self.element(at)
                found.append(one)
            if text.startswith("}", at):
                return tuple(found), at
            if not text.startswith(",", at):
                raise self.unclosed(at, begin)
            at = self.blank(at + 1)

    def element(self, at: int) -> tuple[Any, int]:
        """One argument, and where it ended: at what follows it, blanks skipped."""
        char = self.text[at : at + 1]
        if char in ("'", '"'):
            parts, at = self.mixed(at + 1, char)
            made = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else Joined(tuple(parts)) if parts else ""
            return made, self.blank(at)
        if char in ("[", "{"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise Bad("it is nested too deeply", at, "make it flatter")
            found = self.items(at) if char == "[" else self.entries(at)
            self.depth -= 1
            return found
        return self.plain(at, _PLAIN, interpolated=True)

    def items(self, opened: int) -> tuple[Listed, int]:
        text, at = self.text, self.blank(opened + 1)
        found: list[Any] = []
        if text.startswith("]", at):
            return Listed(()), self.blank(at + 1)
        while True:
            if text.startswith((",", "]"), at):
                found.append("")
            else:
                one, at = self.element(at)
                found.append(one)
            if text.startswith("]", at):
                return Listed(tuple(found)), self.blank(at + 1)
            at = self.comma(at, opened, "]")

    def entries(self, opened: int) -> tuple[Mapped, int]:
        text, at = self.text, self.blank(opened + 1)
        found: list[tuple[Any, Any]] = []
        if text.startswith("}", at):
            return Mapped(()), self.blank(at + 1)
        while True:
            key: Any
            if text[at : at + 1] in ("'", '"'):
                key, at = self.element(at)
            else:
                key, at = self.plain(at, _PLAIN_KEY, interpolated=False)
            if not text.startswith(":", at):
                raise Bad("a key lacks its value: a colon belongs here", at, "write {key: value}")
            one, at = self.element(self.blank(at + 1))
            found.append((key, one))
            if text.startswith("}", at):
                return Mapped(tuple(found)), self.blank(at + 1)
            at = self.comma(at, opened, "}")

    def comma(self, at: int, opened: int, closing: str) -> int:
        if not self.text.startswith(",", at):
            what = f"{self.text[opened]!r} is not closed"
            raise Bad(what, opened if at >= len(self.text) else at, f"close it with {closing!r}; {_QUOTE_IT}")
        return self.blank(at + 1)

    def plain(self, begin: int, letters: Any, *, interpolated: bool) -> tuple[Any, int]:
        text, at = self.text, begin
        parts: list[Any] = [""]
        escaped = False
        while at < len(text):
            found = letters.match(text, at)
            if found is not None:
                parts[-1] += found[0]
                at = found.end()
            elif text[at] == "\\":
                escape = _ESCAPE.match(text, at)
                parts[-1] += escape[0][1::2] if escape else "\\"
                escaped = escaped or escape is not None
                at = escape.end() if escape else at + 1
            elif text[at] == "$" and interpolated:
                if text.startswith("${", at):
                    one, at = self.interpolation(at)
                    parts += [one, ""]
                else:
                    parts[-1] += "$"
                    at += 1
            else:
                break
        end = at
        while end > begin and text[end - 1] in _BLANK and not _is_escaped(text, end - 1):
            end -= 1
        if end > begin and interpolated and text[end - 1] == ":" and not _is_escaped(text, end - 1):
            end = at  # blanks belong to the colon before them
        if end == begin:
            char = f"not {text[at]!r}" if at < len(text) else "but the text ends"
            raise Bad(f"a value belongs here, {char}", at, _QUOTE_IT)
        if at > end:
            parts[-1] = parts[-1][: len(parts[-1]) - (at - end)]
        if len(parts) == 1:
            return (parts[0] if escaped else _scalar(parts[0], begin)), at
        return _one([part for part in parts if part != ""]), at


_WITHIN = {
    "'": patterns.lazily(r"(\\*)(?:\$\{|')"),
    '"': patterns.lazily(r'(\\*)(?:\$\{|")'),
}


def _scalar(text: str, at: int) -> scalars.Scalar:
    try:
        return scalars.strictly(text)
    except ValueError:
        raise Bad("the number is too long to hold", at, "put it in quotes to make it text") from None


def _one(parts: list[Any]) -> Any:
    """Parts as a value: text alone is itself, an interpolation alone what it stands for."""
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else Joined(tuple(parts))


def _is_escaped(text: str, at: int) -> bool:
    begin = at
    while begin > 0 and text[begin - 1] == "\\":
        begin -= 1
    return (at - begin) % 2 == 1
