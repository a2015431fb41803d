"""Writes into the pages what their commands print now: `python tests/docs/docs_refresh.py [PAGE...]`.

Commands whose output is shown in part ("...") stay as they are. Read the difference before you commit it: it is what a
reader will be told.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import docs_pages


def refreshed(page: Path) -> str:
    """The page's text with what each command prints now; what still reads alike stays as it is."""
    page_lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    found: list[tuple[docs_pages.Block, list[str]]] = []
    with tempfile.TemporaryDirectory() as folder:
        session = docs_pages.Session(Path(folder))
        for block in docs_pages.blocks(page):
            if block.language != "console" or not block.runnable:
                session.take(block)
                continue
            lines: list[str] = []
            for command, shown in docs_pages.commands(block.text):
                lines += [f"$ {command}", *_now(session.shell(command), shown)]
            found.append((block, lines))
    for block, lines in reversed(found):
        end = block.line + len(block.text.splitlines())
        page_lines[block.line : end] = [f"{line}\n" for line in lines]
    return "".join(page_lines)


def _now(printed: str, shown: str) -> list[str]:
    if "..." in shown.splitlines() or docs_pages.is_like(printed, shown):
        return shown.splitlines()
    if str(docs_pages.ROOT / "src") in printed:
        raise SystemExit(f"the program itself failed, which no page should show:\n{printed}")
    return [line.rstrip() for line in printed.splitlines()]


def main() -> None:
    """Refresh the pages named, or all that show commands."""
    named = [Path(name).resolve() for name in sys.argv[1:]]
    for page in named or docs_pages.PAGES:
        if any(block.runnable and block.language == "console" for block in docs_pages.blocks(page)):
            page.write_text(refreshed(page), encoding="utf-8")


if __name__ == "__main__":
    main()
