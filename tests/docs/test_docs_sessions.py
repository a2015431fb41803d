"""What the pages show is what happens."""

from __future__ import annotations

from pathlib import Path

import docs_pages
import pytest


def _takes(page: Path) -> bool:
    return any(block.runnable for block in docs_pages.blocks(page))


SHOWING = [page for page in docs_pages.PAGES if _takes(page)]


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: page.name)
def test_a_page_does_what_it_shows(page, tmp_path):
    session = docs_pages.Session(tmp_path)
    for block in docs_pages.blocks(page):
        session.take(block)


def test_the_readme_shows_a_pipeline_that_runs():
    assert docs_pages.ROOT / "README.md" in SHOWING


def test_a_page_that_shows_something_else_is_found_out(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console runnable\n$ echo one\ntwo\n```\n", encoding="utf-8")
    (block,) = docs_pages.blocks(page)
    with pytest.raises(AssertionError, match="it printed"):
        docs_pages.Session(tmp_path).take(block)
