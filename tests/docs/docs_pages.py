"""The pages of the documentation as tests read them: fenced blocks, headings and links.

A fence's first word is its language; what follows says what the tests do with it:

    python runnable        run as a script in the page's folder
    console runnable       each "$ command" is run, and must print what is shown below it
    any file=PATH          written to PATH in the page's folder; append=PATH adds to the end of a file

The blocks of a page are taken in order, in one empty folder. What differs from run to run (ids, durations, dates,
digests, the folder itself) is compared as a kind, not as a text; a line "..." stands for any number of lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.S | re.M)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+?) *$", re.M)
_AT_HOME = "/home/me"


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, what tests are to do with it, its text and its line in the page."""

    language: str
    runnable: bool
    file: str
    append: str
    text: str
    line: int


@dataclass(slots=True)
class Session:
    """The folder in which one page's blocks are taken, and where its shell stands."""

    root: Path
    folder: Path = field(init=False)
    code: int = 0

    def __post_init__(self) -> None:
        self.folder = self.root

    def take(self, block: Block) -> None:
        """Do what the block says; AssertionError when it does not do as it says."""
        if block.file:
            target = self.folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.append:
            with (self.folder / block.append).open("a", encoding="utf-8") as file:
                file.write(block.text)
        elif block.runnable and block.language == "python":
            ended = self._start([sys.executable, "-W", "error", "-c", block.text])
            assert ended.returncode == 0, ended.stdout
        elif block.runnable:
            for command, shown in commands(block.text):
                printed = self.shell(command)
                what = f"line {block.line}: $ {command}"
                assert is_like(printed, shown), f"{what}\n--- the page shows\n{shown}\n--- it printed\n{printed}"

    def shell(self, command: str) -> str:
        """Run one command where the session stands; what it prints."""
        mark = "@@ended@@"
        script = f"(exit {self.code})\n{command}\nprintf '{mark}%s %s' $? \"$PWD\""
        printed, _, end = self._start(["bash", "-c", script]).stdout.rpartition(mark)
        code, _, folder = end.partition(" ")
        self.code, self.folder = int(code), Path(folder)
        return printed.replace(str(self.root), _AT_HOME)

    def _start(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        own = os.path.dirname(sys.executable)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TANE_", "PYTEST_", "COV_"))}
        return subprocess.run(
            command,
            cwd=self.folder,
            env={
                **kept,
                "PATH": f"{own}{os.pathsep}{os.environ['PATH']}",
                "COLUMNS": "120",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )


def blocks(page: Path) -> list[Block]:
    """The page's fenced blocks, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        words = match["info"].split()
        options = dict(word.partition("=")[::2] for word in words[1:])
        indent = len(match["indent"])
        body = "".join(line[indent:] for line in match["body"].splitlines(keepends=True))
        found.append(
            Block(
                language=words[0] if words else "",
                runnable="runnable" in options,
                file=options.get("file", ""),
                append=options.get("append", ""),
                text=body,
                line=text.count("\n", 0, match.start()) + 1,
            )
        )
    return found


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """The targets of the page's links, pictures among them."""
    return [match["target"] for match in _LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", match["text"].replace("`", "").lower()).replace(" ", "-")
        for match in _HEADING.finditer(prose(page))
    }


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what is shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(shown)) for command, shown in found]


_KINDS = (
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{8}\b"), "<run>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?\b"), "<date>"),
    (re.compile(r"\b\d+(\.\d+)?\s?(ms|s|min|kB|MB|KiB|MiB)\b"), "<amount>"),
    (re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b"), "<digest>"),
    (re.compile(r"\bby \s*\S+ on \S+, Python [\d.]+"), "by <user>"),
    (re.compile(r"\b\d+\.\d+(\.\d+)+\b"), "<version>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<digest>"),
    (re.compile(r"\bthe \d+ packages\b"), "the packages"),
    (re.compile(r"^(<digest> .*<run>) +\S+$", re.M), r"\1 <user>"),
    (re.compile(r"[ \t]+"), " "),
)


def normal(text: str) -> list[str]:
    """The lines of `text` with what differs from run to run replaced by its kind."""
    for pattern, kind in _KINDS:
        text = pattern.sub(kind, text)
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line]


def is_like(printed: str, shown: str) -> bool:
    """Whether `printed` reads as `shown`."""
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in normal(shown))
    return re.fullmatch(pattern, "".join(line + "\n" for line in normal(printed))) is not None
