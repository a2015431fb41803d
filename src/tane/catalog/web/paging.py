"""Answers that come in pages: how the next one is asked for, and what of each is kept. `api` calls it.

    paging: {by: next, at: links.next, items: data}        the page names the address of the next one
    paging: {by: link}                                     the header `Link: <...>; rel="next"` does
    paging: {by: page, param: page, start: 1, size: 100, size_param: per_page}
    paging: {by: offset, param: offset, size: 100, size_param: limit}
    paging: {by: cursor, at: meta.cursor, param: cursor}   the page gives a word that asks for the next one

The items of all pages make one list. Nothing is cut off silently: more than `max_pages` pages are an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from tane import fielded
from tane.catalog.web import sending

_MOST = 1000
Decode = Callable[[sending.Answer], Any]


def collect(sender: sending.Sender, first: sending.Request, options: Mapping[str, Any], decode: Decode) -> list[Any]:
    """The items of all pages."""
    found: list[Any] = []
    most = int(options.get("max_pages", _MOST))
    for number, items in enumerate(_pages(sender, first, options, decode), start=1):
        if number > most:
            raise sender.problem(
                f"{sender.shown(first.url)} has more than {most} pages",
                f"ask for less, or allow more: max_pages: {most * 10}",
            )
        found.extend(items)
    return found


def _pages(
    sender: sending.Sender, first: sending.Request, options: Mapping[str, Any], decode: Decode
) -> Iterator[list[Any]]:
    by = str(options["by"])
    start = int(options.get("start", 1 if by == "page" else 0))
    position, request = start, first
    if by in ("page", "offset"):
        request = _at(first, options, by, position)
    seen: set[str] = {request.url} if by in ("next", "link") else set()
    before = b""
    while True:
        answer = sender.send(request)
        page = decode(answer)
        items = _items(sender, page, options, answer)
        if by in ("page", "offset"):
            if items and answer.content == before:
                raise sender.problem(
                    f"{sender.shown(first.url)} gives the same page again and again",
                    f"the parameter {options.get('param', by)!r} does not choose the page: correct paging",
                )
            before = answer.content
            if not items:
                return
            yield items
            if len(items) < int(options.get("size", 0)):
                return
            position += 1 if by == "page" else len(items)
            request = _at(first, options, by, position)
            continue
        yield items
        mark = _next(sender, page, answer, options, by)
        if not mark:
            return
        if mark in seen:
            raise sender.problem(f"the pages of {sender.shown(first.url)} go in a circle", "check at: of paging")
        seen.add(mark)
        if by == "cursor":
            url = _without(first.url, _param(options, by))
            request = fielded.replace(first, url=url, params=_set(first, options, by, mark))
        else:
            request = fielded.replace(request, url=mark, params=())


def _at(first: sending.Request, options: Mapping[str, Any], by: str, position: int) -> sending.Request:
    params = dict(_set(first, options, by, str(position)))
    if options.get("size"):
        params[str(options.get("size_param", "limit" if by == "offset" else "per_page"))] = str(options["size"])
    return fielded.replace(first, params=tuple(params.items()))


def _param(options: Mapping[str, Any], by: str) -> str:
    return str(options.get("param", by))


def _set(first: sending.Request, options: Mapping[str, Any], by: str, value: str) -> sending.Pairs:
    name = _param(options, by)
    return (*((key, each) for key, each in first.params if key != name), (name, value))


def _without(url: str, param: str) -> str:
    parts = urlsplit(url)
    left = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != param]
    return urlunsplit(parts._replace(query=urlencode(left)))


def _next(sender: sending.Sender, page: Any, answer: sending.Answer, options: Mapping[str, Any], by: str) -> str:
    """The address of the next page, or the word that asks for it; empty at the end."""
    if by == "link":
        found: Any = _linked(answer.headers.get("Link", ""))
    else:
        found = look_up(page, str(options.get("at", "next")))
    if found in (None, "", False):
        return ""
    if by == "cursor":
        return str(found)
    target = urljoin(answer.url, str(found))
    if not sending.same_origin(answer.url, target):
        raise sender.problem(
            f"the next page of {sender.shown(answer.url)} is at another server: {sender.shown(target)}",
            "credentials are not sent there; if that is right, make it an entry of its own",
        )
    return target


def _linked(header: str) -> str:
    for link in re.finditer(r"<([^>]*)>((?:\s*;\s*[\w*]+=(?:\"[^\"]*\"|[^;,\s]*))*)", header):
        relation = re.search(r"rel=\"?([^\";,]*)\"?", link[2], re.IGNORECASE)
        if relation and "next" in relation[1].lower().split():
            return link[1]
    return ""


def look_up(page: Any, path: str) -> Any:
    """What stands in `page` at a dotted path; a key that has dots itself is found too. None when nothing does."""
    if isinstance(page, Mapping) and path in page:
        return page[path]
    head, dot, rest = path.partition(".")
    if isinstance(page, Mapping) and head in page:
        return look_up(page[head], rest) if dot else page[head]
    if isinstance(page, list) and head.isdigit() and int(head) < len(page):
        return look_up(page[int(head)], rest) if dot else page[int(head)]
    return None


def _items(sender: sending.Sender, page: Any, options: Mapping[str, Any], answer: sending.Answer) -> list[Any]:
    path = options.get("items")
    if path:
        found = look_up(page, str(path))
        if found is None:
            return []
        if isinstance(found, list):
            return found
        what = f"{path!r} of a page of {sender.shown(answer.url)} is no list"
    elif isinstance(page, list):
        return page
    else:
        lists = [key for key, value in page.items() if isinstance(value, list)] if isinstance(page, Mapping) else []
        if len(lists) == 1:
            return list(page[lists[0]])
        what = f"a page of {sender.shown(answer.url)} does not say by itself what its items are"
    keys = ", ".join(map(str, page)) if isinstance(page, Mapping) else type(page).__name__
    raise sender.problem(what, f"say where they are: paging: {{items: ...}}; a page has {keys[:200]}")
