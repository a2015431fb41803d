"""Links lead somewhere, and every page can be reached."""

from __future__ import annotations

import docs_pages
import pytest


@pytest.mark.parametrize("page", docs_pages.PAGES, ids=lambda page: page.relative_to(docs_pages.ROOT).as_posix())
def test_links_within_the_project_lead_somewhere(page):
    broken = []
    for link in docs_pages.links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in docs_pages.anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_is_linked_from_the_index():
    index = docs_pages.ROOT / "docs/index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in docs_pages.links(index)}
    pages = {page for page in docs_pages.PAGES if page.is_relative_to(index.parent) and page != index}
    assert not pages - linked


def test_the_readme_leads_to_the_index():
    assert "docs/index.md" in docs_pages.links(docs_pages.ROOT / "README.md")
