"""Shell text: how a placeholder stands in it, which simple commands it is made of, and whether its shell accepts it.

Called by `commands` when a graph is built, and by the planner. In the text a placeholder is the one character `MARK`.
A graph may hold hundreds of commands, so a shell is started only for text that is not plainly right.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Literal, NamedTuple

from tane import patterns

MARK = "\0"  # no shell takes it, so that no text has one of its own

SHELLS = ("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh")


class Place(NamedTuple):
    """How a placeholder stands: as a "word" or part of one, as "text" between quotes, or "refused" and why."""

    kind: Literal["word", "text", "refused"]
    why: str = ""
    hint: str = ""


class Simple(NamedTuple):
    """One simple command: its words, the files it reads from and those it writes to, as the shell will see them.

    What only the shell will know - a placeholder, a variable - is a `MARK`.
    """

    words: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def places(text: str, shell: str) -> list[Place]:
    """How each `MARK` of `text` stands, in order."""
    scanner = _Scanner(text, ansi=os.path.basename(shell) in ("bash", "ksh", "mksh", "zsh"))
    scanner.plain("")
    return scanner.found


@functools.lru_cache(maxsize=4096)
def complaint(shell: str, script: str) -> str:
    """What `shell` has to say against the syntax of `script`; empty when nothing, or when there is no such shell."""
    if simple(script) is not None and not shell.endswith("zsh"):
        return ""
    import subprocess  # slow to import, and seldom needed

    try:
        done = subprocess.run(
            [shell, "-n", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    if done.returncode == 0:
        return ""
    said = done.stderr.strip() or f"{shell} -n ends with exit code {done.returncode}"
    return said.removeprefix(f"{shell}: ")


# --- quoting -------------------------------------------------------------------------------------------------------

_WORD, _TEXT = Place("word"), Place("text")
_SINGLE = Place(
    "refused",
    "stands in single quotes, where a shell replaces nothing",
    "take the quotes away, as it is quoted by itself; give it to a program with an option: "
    "awk -v limit={params:limit} '$1 > limit', sh -c 'cat \"$1\"' sh {table}",
)
_ESCAPED = Place("refused", "stands after a backslash", "take the backslash away: it is quoted by itself")
_DOLLAR = Place("refused", "stands after a $", "write ${{NAME}} for a variable of the shell, {name} for a placeholder")
_BACKTICKS = Place("refused", "stands in `...`", "write $(...) instead of the backticks")
_ARITHMETIC = Place(
    "refused", "stands in the shell's arithmetic, which would evaluate it", "compute in a program: awk, expr, bc"
)
_BRACES = Place("refused", "stands in ${...}", "assign it first: value={name}; echo ${{value:-none}}")
_TEST = Place("refused", "stands in [[ ... ]], which would evaluate it", "write [ ... ] instead of [[ ... ]]")
_DOCUMENT = Place(
    "refused",
    "stands in a here-document whose delimiter is quoted",
    "take the quotes of the delimiter away: <<END instead of <<'END'",
)
_BREAKS = " \t\n;&|()<>"
_DELIMITER = patterns.lazily(r"<<(-?)[ \t]*((?:'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s;&|<>()'\"\\])+)")


class _Document(NamedTuple):
    """A here-document that begins on the next line."""

    delimiter: str
    literal: bool
    tabs: bool


class _Scanner:
    """Walks over shell text, as far as quoting goes. What it takes wrongly is quoted badly, but never run."""

    def __init__(self, text: str, *, ansi: bool) -> None:
        self.found: list[Place] = []
        self._text = text
        self._at = 0
        self._ansi = ansi
        self._documents: list[_Document] = []
        self._test = False

    def plain(self, closer: str) -> None:
        """Unquoted text, up to and with `closer`."""
        outside, self._test = self._test, False
        text, start = self._text, True
        while self._at < len(text):
            char = text[self._at]
            if char == closer:
                self._at += 1
                break
            if char == "#" and start:
                self._to(text.find("\n", self._at), _TEXT)
            elif char == "\n":
                self._at += 1
                self._bodies()
            elif char == "'":
                self._at += 1
                self._to(text.find("'", self._at), _SINGLE, beyond=1)
            elif char == "(" and not self._test:
                if text.startswith("((", self._at):
                    self._arithmetic(2)
                else:
                    self._at += 1
                    self.plain(")")
            elif char == "<" and text.startswith("<<", self._at):
                self._redirected()
            elif char == "[" and start and re.match(r"\[\[\s", text[self._at : self._at + 3]):
                self._test, self._at = True, self._at + 2
            elif char == "]" and start and text.startswith("]]", self._at):
                self._test, self._at = False, self._at + 2
            else:
                self._one(char, _TEST if self._test else _WORD, quoted=False)
            start = char in _BREAKS
        self._test = outside

    def _one(self, char: str, place: Place, *, quoted: bool) -> None:
        """What means the same within double quotes and without."""
        text = self._text
        if char == "\\":
            if text.startswith(MARK, self._at + 1):
                self.found.append(_ESCAPED)
            self._at += 2
        elif char == '"' and not quoted:
            self._at += 1
            self._double(_TEST if place is _TEST else _TEXT)
        elif char == "`":
            self._at += 1
            self._to(self._unescaped("`"), _BACKTICKS, beyond=1)
        elif char == "$":
            self._dollar(quoted)
        else:
            if char == MARK:
                self.found.append(place)
            self._at += 1

    def _double(self, place: Place) -> None:
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == '"':
                self._at += 1
                return
            self._one(char, place, quoted=True)

    def _dollar(self, quoted: bool) -> None:
        text, after = self._text, self._at + 1
        if text.startswith("((", after):
            self._arithmetic(3)
        elif text.startswith("(", after):
            self._at += 2
            self.plain(")")
        elif text.startswith("{", after):
            self._at += 2
            self._expansion(quoted)
        elif text.startswith("'", after) and self._ansi and not quoted:
            self._at += 2
            self._to(self._unescaped("'"), _SINGLE, beyond=1)
        elif text.startswith(MARK, after):
            self.found.append(_DOLLAR)
            self._at += 2
        else:
            self._at += 1

    def _expansion(self, quoted: bool) -> None:
        """The inside of ${...}."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "}":
                self._at += 1
                return
            if char == "'" and not quoted:
                self._at += 1
                self._to(self._text.find("'", self._at), _BRACES, beyond=1)
            elif char == '"' and quoted:
                self._at += 1
            else:
                before = len(self.found)
                self._one(char, _BRACES, quoted=quoted)
                self.found[before:] = [_BRACES] * (len(self.found) - before)

    def _arithmetic(self, opening: int) -> None:
        self._at += opening
        depth = 2
        while self._at < len(self._text) and depth:
            char = self._text[self._at]
            depth += (char == "(") - (char == ")")
            if char == MARK:
                self.found.append(_ARITHMETIC)
            self._at += 1

    def _redirected(self) -> None:
        """What begins with <<: a here-document, or a here-string."""
        match = None if self._text.startswith("<<<", self._at) else _DELIMITER.match(self._text, self._at)
        if match is None:
            self._at += 3 if self._text.startswith("<<<", self._at) else 2
            return
        raw = match[2]
        plain = re.sub(r"\\(.)|['\"]", r"\1", raw)
        self._documents.append(_Document(plain, plain != raw, bool(match[1])))
        self._at = match.end()

    def _bodies(self) -> None:
        """The here-documents that were announced on the line before."""
        for document in self._documents:
            while self._at < len(self._text):
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                if (line.lstrip("\t") if document.tabs else line) == document.delimiter:
                    self._at = end + 1
                    break
                self._to(end, _DOCUMENT if document.literal else _TEXT, beyond=1)
        self._documents.clear()

    def _unescaped(self, closer: str) -> int:
        match = re.compile(rf"(?:[^\\{closer}]|\\.)*", re.S).match(self._text, self._at)
        return match.end() if match is not None else -1

    def _to(self, end: int, place: Place, beyond: int = 0) -> None:
        """Go on to `end` (-1: that of the text) and `beyond`; each placeholder on the way stands in `place`."""
        end = len(self._text) if end < 0 else end
        self.found += [place] * self._text.count(MARK, self._at, end)
        self._at = end + beyond


# --- simple commands -----------------------------------------------------------------------------------------------

_PLAIN = r"""[^\x01-\x20!"#$&'();<>\\`{|}\x7f-\xa0]+"""
_VARIABLE = r"\$[A-Za-z_][A-Za-z0-9_]*(?![\[A-Za-z0-9_])|\$\{[A-Za-z_][A-Za-z0-9_]*\}(?!\[)"
_PIECE = rf"""{_PLAIN}|'[^']*'|"(?:[^"\\$`]|\\.|{_VARIABLE})*"|\\[^\n]|{_VARIABLE}"""
_TOKEN = patterns.lazily(
    rf"""(?P<space>(?:\\\n)*[ \t](?:[ \t]|\\\n)*)
    |(?P<end>\n|;(?![;&|]))
    |(?P<join>&&|\|\||\|(?![&|]))
    |(?P<copy>[0-9]*[<>]&(?:[0-9]|-)(?=[ \t\n;|&]|$))
    |(?P<into>[0-9]*(?:>>|>\||>|<)(?![<>(&|]))
    |(?P<word>(?:{_PIECE})+)""",
    re.X | re.S,
)
_PIECES = patterns.lazily(_PIECE, re.S)
_WITHIN = patterns.lazily(rf"\\\n|\\([\\$`\"])|{_VARIABLE}", re.S)
_SUBSCRIPT = patterns.lazily(r"[^\W\d]\w*\[")
_RESERVED = frozenset(
    {"if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "{", "}", "!"}
    | {"[[", "]]", "time", "function", "select", "coproc", "repeat", "foreach", "end", "nocorrect", "always"}
    | {"typeset", "declare", "local", "export", "readonly", "let"}
)


@functools.lru_cache(maxsize=4096)
def simple(text: str) -> tuple[Simple, ...] | None:
    """The simple commands of `text`; None where it is more than simple commands joined by ; | && || and new lines.

    What is not None is right in the syntax of every shell in `SHELLS`, but for zsh, which has ideas of its own.
    """
    found: list[Simple] = []
    command = _Reading()
    joined = False
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        at, kind = match.end(), match.lastgroup
        if kind in ("join", "end"):
            if command.open or (command.empty and match[0] != "\n"):
                return None
            if command.empty:
                continue
            found.append(command.done())
            command, joined = _Reading(), kind == "join"
        elif kind != "space" and not command.take(kind or "", match[0]):
            return None
    if command.open or (command.empty and joined):
        return None
    if not command.empty:
        found.append(command.done())
    return tuple(found)


class _Reading:
    """A simple command as far as it has been read; `open`: the name of a file must follow."""

    def __init__(self) -> None:
        self.empty = True
        self.open = ""
        self._words: list[str] = []
        self._reads: list[str] = []
        self._writes: list[str] = []

    def take(self, kind: str, raw: str) -> bool:
        """Add one token; False when it may not stand here, or would mean more than a word."""
        if kind == "word":
            if _SUBSCRIPT.match(raw) or (not self._words and raw in _RESERVED):
                return False
            into = self._words if not self.open else self._reads if self.open == "<" else self._writes
            into.append(_unquoted(raw))
            self.open = ""
        elif self.open:
            return False
        elif kind == "into":
            self.open = raw.lstrip("0123456789")
        self.empty = False
        return True

    def done(self) -> Simple:
        return Simple(tuple(self._words), tuple(self._reads), tuple(self._writes))


def _unquoted(raw: str) -> str:
    """A word as the shell will see it, variables as `MARK`."""
    text = ""
    for piece in _PIECES.findall(raw):
        first = piece[0]
        if first == "'":
            text += piece[1:-1]
        elif first == '"':
            text += _WITHIN.sub(lambda match: MARK if match[0][0] == "$" else match[1] or "", piece[1:-1])
        elif first == "\\":
            text += piece[1]
        else:
            text += MARK if first == "$" else piece
    return text
